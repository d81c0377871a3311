import assert from 'node:assert/strict'
import { getActiveResourcesInfo } from 'node:process'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { pino } from 'pino'
import type { Bind, ListenerConfig, ProxyConfig } from '../../../../src/config/config.ts'
import { NO_LIMITS } from '../../../../src/process-limits.ts'
import { ProcessBudget } from '../../../../src/proxy/process-budget.ts'
import type { ConnectionLine } from '../../../../src/proxy/connection-line.ts'
import { ConnectionLog } from '../../../../src/proxy/connection-log.ts'
import type { Command, Report } from '../../../../src/proxy/messages.ts'
import { Proxy } from '../../../../src/proxy/proxy.ts'
import { inProcess, type StartWorker } from '../../../../src/proxy/worker.ts'
import type { Address, DialFailure } from '../../../../src/watcher/view.ts'
import { until } from '../../../support/until.ts'
import { AUTH_OK } from './messages.ts'
import { Wire } from './wire.ts'

export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string }

export type ConfigChanges = Partial<Omit<ProxyConfig, 'hold' | 'timeouts'>> & {
  readonly hold?: Partial<ProxyConfig['hold']>
  readonly timeouts?: Partial<ProxyConfig['timeouts']>
}

/** An address with a port of the kernel's choice. */
export function tcp(host: string | null, port = 0): Bind {
  return { kind: 'tcp', host, port }
}

const LISTENER = {
  binds: [tcp('127.0.0.1')],
  balance: 'roundrobin',
  maxLagBytes: null,
  tags: {},
  fallback: 'none',
  closeFallback: false,
} as const
export const PRIMARY: ListenerConfig = { name: 'primary', route: 'primary', ...LISTENER }
export const REPLICAS: ListenerConfig = { name: 'replicas', route: 'replica', ...LISTENER }

/** The defaults of the configuration, on ports of the kernel, with these changes. */
export function proxyConfig({ hold, timeouts, ...rest }: ConfigChanges): ProxyConfig {
  return {
    listeners: [PRIMARY, REPLICAS],
    address: 'conn_url',
    trust: 'proof',
    check: { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 },
    hold: { timeoutMs: 45_000, maxConnections: 10_000, refuseTls: 'answer', ...hold },
    maxConnections: 0,
    timeouts: { connectMs: 4000, clientMs: 1_800_000, serverMs: 1_800_000, ...timeouts },
    tcpKeepaliveMs: 15_000,
    drainTimeoutMs: 30_000,
    ...rest,
  }
}

/** No name was resolved too long ago. */
const FRESH: (host: string) => number = () => 0

/** A scripted server: every connection is recorded and handed to the script. */
export class FakeServer {
  readonly address: Address
  readonly connections: Wire[] = []
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
    const { address: host, port } = server.address() as AddressInfo
    this.address = { host, port }
  }

  /** The nth connection, once it is there. */
  async connection(n = 0): Promise<Wire> {
    return until(`connection ${n} to the server`, () => this.connections[n], { everyMs: 2 })
  }

  get open(): number {
    return this.connections.filter(({ isLetGo }) => !isLetGo).length
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const { socket } of this.connections) socket.destroy()
    await closed
  }
}

/** Every message is cloned, as it would be on its way to a thread and back, and the clone is the same. */
function cloning(start: StartWorker): StartWorker {
  return (report) => {
    const send = start((message) => report(cloned(message)))
    return (command) => send(cloned(command))
  }
}

function cloned<T extends Command | Report>(message: T): T {
  const clone = structuredClone(message)
  assert.deepEqual(clone, message)
  return clone
}

export class Rig {
  readonly proxy: Proxy
  readonly failures: DialFailure[] = []
  readonly lines: LogLine[] = []
  /** The connection log, which is off. */
  readonly connections: ConnectionLine[] = []
  readonly connectionLog = new ConnectionLog(false, {
    writeConnections: (lines) => void this.connections.push(...lines),
    addDropped: (lines) => assert.equal(lines, 0),
  })
  /** What the watcher does when a dial fails; it may apply another view. */
  onFailure: (failure: DialFailure) => void = () => undefined

  constructor(config: ProxyConfig, startWorker: StartWorker, ageOf = FRESH) {
    const log = pino({ level: 'trace' }, { write: (line: string) => void this.lines.push(JSON.parse(line) as LogLine) })
    const dialFailed = (failure: DialFailure): void => {
      this.failures.push(failure)
      this.onFailure(failure)
    }
    const { connectionLog } = this
    this.proxy = new Proxy({ config, log, connectionLog, dialFailed, startWorker: cloning(startWorker), ageOf })
  }

  port(listener = 'primary'): number {
    const found = this.proxy.status().listeners.find(({ name }) => name === listener)
    return Number(found?.address.split(':').at(-1))
  }

  events(event: string): readonly LogLine[] {
    return this.lines.filter((line) => line.event === event)
  }

  get held(): number {
    return this.proxy.status().held.connections
  }

  get sessions(): number {
    return this.proxy.status().sessions.reduce((sum, { sessions }) => sum + sessions, 0)
  }
}

/** What one test puts on the stage; `clear` takes it down and asserts that nothing is left. */
export class Scene {
  readonly #before = resources()
  readonly #rigs: Rig[] = []
  readonly #servers: FakeServer[] = []
  readonly #clients: Wire[] = []

  /** A proxy that listens; nobody is open. */
  async proxy(changes: ConfigChanges = {}, limits = NO_LIMITS, ageOf = FRESH, start?: StartWorker): Promise<Rig> {
    const rig = this.rig(changes, limits, ageOf, start)
    await rig.proxy.start()
    return rig
  }

  /** A proxy that is not started. */
  rig(changes: ConfigChanges = {}, limits = NO_LIMITS, ageOf = FRESH, start?: StartWorker): Rig {
    const rig = new Rig(proxyConfig(changes), start ?? inProcess(new ProcessBudget(limits)), ageOf)
    this.#rigs.push(rig)
    return rig
  }

  async server(
    script: (wire: Wire) => void = () => undefined,
    { host = '127.0.0.1', port = 0 } = {},
  ): Promise<FakeServer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    const listening = new Promise((resolve) => server.once('listening', resolve))
    server.listen({ port, host, backlog: 4096 })
    await listening
    const fake = new FakeServer(server)
    server.on('connection', (socket: Socket) => {
      const wire = new Wire(socket)
      fake.connections.push(wire)
      script(wire)
    })
    this.#servers.push(fake)
    return fake
  }

  /** A server that answers each connection when its first bytes are there. */
  async postgres(where: { host?: string; port?: number } = {}): Promise<FakeServer> {
    return this.server((wire) => wire.socket.once('data', () => wire.send(AUTH_OK)), where)
  }

  /** An address at which nobody listens. */
  async nobody(): Promise<Address> {
    const server = await this.server()
    await server.close()
    return server.address
  }

  async client(rig: Rig, listener = 'primary'): Promise<Wire> {
    const wire = await Wire.to(rig.port(listener))
    this.#clients.push(wire)
    return wire
  }

  /** By its Unix socket. */
  async clientAt(path: string): Promise<Wire> {
    const wire = await Wire.at(path)
    this.#clients.push(wire)
    return wire
  }

  async clear(): Promise<void> {
    for (const { proxy } of this.#rigs) proxy.close()
    for (const { lines } of this.#rigs) for (const line of lines) assertNamesListener(line)
    // Before the peers go: what the proxy leaves open must not be closed by them.
    const peers = [...this.#clients, ...this.#servers.flatMap(({ connections }) => connections)]
    await until('every peer is let go', () => peers.every(({ isLetGo }) => isLetGo), { everyMs: 2, timeoutMs: 3000 })
    for (const { socket } of this.#clients) socket.destroy()
    for (const server of this.#servers) await server.close()
    for (const { proxy } of this.#rigs) assert.equal(proxy.status().held.connections, 0)
    const left = (): string[] =>
      Object.entries(resources()).flatMap(([type, count]) => {
        return count > (this.#before[type] ?? 0) ? [`${count - (this.#before[type] ?? 0)} ${type}`] : []
      })
    await until(`nothing is left`, () => left().length === 0 || Promise.reject(new Error(left().join(', '))), {
      timeoutMs: 3000,
      everyMs: 2,
    })
  }
}

/** A line of a listener has its name and the kind of its route, as these fields and nothing else. */
function assertNamesListener(line: LogLine): void {
  if (!('listener' in line || 'route' in line)) return
  const expected = { primary: 'primary', replicas: 'replica' }[String(line['listener'])]
  if (expected !== undefined) assert.equal(line['route'], expected, JSON.stringify(line))
  else assert.match(String(line['route']), ROUTE, JSON.stringify(line))
}

const ROUTE = /^(primary|replica|sync|async|read-only|standby-leader|any)$/

function resources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const type of getActiveResourcesInfo()) {
    if (/^(TCP|Timeout|GetAddrInfo)/.test(type)) counts[type] = (counts[type] ?? 0) + 1
  }
  return counts
}
