import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Child } from '../processes/child.ts'
import type { PatroniMember } from '../patroni/member.ts'
import { freePorts } from '../net/ports.ts'
import { TempDir } from '../files/temp.ts'

/** What its configuration has of a member. */
export type HaproxyServer = Pick<PatroniMember, 'name' | 'pgPort' | 'restPort'>

export interface HaproxyOptions {
  /** As many as the machine has cores unless it is given. */
  readonly threads?: number
  /** Connections in all. */
  readonly maxconn?: number
  /** Connections to each server. */
  readonly serverMaxconn?: number
  /** The REST API uses TLS. */
  readonly tls?: boolean
  /** Where its exporter answers Prometheus; none without it. */
  readonly exporterPort?: number
}

/** Debian's HAProxy with the configuration that Patroni's documentation gives. */
export class Haproxy implements AsyncDisposable {
  readonly primaryPort: number
  readonly replicaPort: number
  readonly #dir: TempDir
  #child: Child | null = null

  private constructor(dir: TempDir, primaryPort: number, replicaPort: number) {
    this.#dir = dir
    this.primaryPort = primaryPort
    this.replicaPort = replicaPort
  }

  /** Starts it and waits until its checks have found one primary. */
  static async start(members: readonly HaproxyServer[], options: HaproxyOptions = {}): Promise<Haproxy> {
    const [primaryPort = 0, replicaPort = 0] = await freePorts(2)
    const haproxy = new Haproxy(TempDir.create('haproxy'), primaryPort, replicaPort)
    const dir = haproxy.#dir.path
    try {
      const file = join(dir, 'haproxy.cfg')
      writeFileSync(file, configuration(haproxy, members, options))
      const child = await Child.start('haproxy', ['-db', '-f', file], { cwd: dir, logFile: join(dir, 'haproxy.log') })
      haproxy.#child = child
      // Its servers are all UP until checked, so one that is UP alone has been told apart.
      await child.until('HAProxy has found the primary', async () => (await haproxy.up('primary')).length === 1)
    } catch (error) {
      await haproxy.stop()
      throw error
    }
    return haproxy
  }

  get process(): Child {
    if (this.#child === null) throw new Error('HAProxy was never started')
    return this.#child
  }

  /** The servers of a section that are UP. */
  async up(section: 'primary' | 'replicas'): Promise<string[]> {
    const rows = (await this.command('show stat')).split('\n').map((line) => line.split(','))
    return rows
      .filter(([name, server]) => name === section && server !== 'FRONTEND' && server !== 'BACKEND')
      .filter((row) => row[17]?.startsWith('UP') === true)
      .map(([, server = '']) => server)
  }

  /** A command of its runtime socket. */
  async command(line: string): Promise<string> {
    const socket = connect(this.socketPath)
    socket.setTimeout(2_000, () => socket.destroy())
    socket.end(`${line}\n`)
    return text(socket)
  }

  get socketPath(): string {
    return join(this.#dir.path, 'admin.sock')
  }

  async stop(): Promise<void> {
    await this.#dir.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function configuration(haproxy: Haproxy, members: readonly HaproxyServer[], options: HaproxyOptions): string {
  const { threads, maxconn = 4000, serverMaxconn = 1000, tls = false, exporterPort } = options
  const ssl = tls ? ' check-ssl verify none' : ''
  const section = (name: string, port: number, check: string) => `
listen ${name}
    bind 127.0.0.1:${port}
    option httpchk OPTIONS ${check}
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
${members.map((m) => `    server ${m.name} 127.0.0.1:${m.pgPort} maxconn ${serverMaxconn} check port ${m.restPort}${ssl}`).join('\n')}
`
  const exporter = `
frontend exporter
    bind 127.0.0.1:${exporterPort}
    mode http
    http-request use-service prometheus-exporter if { path /metrics }
`
  return `global
    maxconn ${maxconn}
    ${threads === undefined ? '' : `nbthread ${threads}`}
    stats socket ${haproxy.socketPath} mode 600 level admin

defaults
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout server 30m
    timeout check 5s
${section('primary', haproxy.primaryPort, '/primary')}${section('replicas', haproxy.replicaPort, '/replica')}${exporterPort === undefined ? '' : exporter}`
}
