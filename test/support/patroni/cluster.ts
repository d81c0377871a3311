import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { POSTGRES_USER, ctlConfig } from './config.ts'
import type { DcsSection, PatroniSettings } from './config.ts'
import type { PatroniDcs } from './dcs.ts'
import { Health } from './health.ts'
import { PatroniMember } from './member.ts'
import type { RestAnswer } from './member.ts'
import { switchover } from './switchover.ts'
import { freePorts } from '../net/ports.ts'
import { Relay } from '../net/relay.ts'
import { TempDir } from '../files/temp.ts'
import { until } from '../until.ts'
import type { WatchLog } from '../watch-log.ts'

export type PatroniOptions = Partial<PatroniSettings> & {
  readonly dcs: PatroniDcs
  readonly members?: number
  /** Puts a relay before each REST API and each way to the DCS, so that they can be made to hang. */
  readonly relays?: boolean
}

const DEFAULTS: PatroniSettings = {
  ...{ scope: 'demo', namespace: '/service/', ttl: 20, loopWait: 2, retryTimeout: 5, dynamic: {}, parameters: {} },
  ...{ tags: {}, dcsLogin: null, restTls: null, restLogin: null },
}

/** A real Patroni cluster: members pg0, pg1, ... on ports and in a directory of their own. */
export class PatroniCluster implements AsyncDisposable {
  readonly members: readonly PatroniMember[]
  readonly settings: PatroniSettings
  readonly dcs: PatroniDcs
  readonly #dir: TempDir
  readonly #relays: readonly Relay[]
  #env: Readonly<Record<string, string>> | null = null

  private constructor(
    settings: PatroniSettings,
    dcs: PatroniDcs,
    dir: TempDir,
    members: readonly PatroniMember[],
    relays: readonly Relay[],
  ) {
    this.settings = settings
    this.dcs = dcs
    this.members = members
    this.#dir = dir
    this.#relays = relays
  }

  /** Starts a cluster and waits until it is healthy; on an error nothing is left. */
  static async start(options: PatroniOptions): Promise<PatroniCluster> {
    const cluster = await PatroniCluster.#prepare(options)
    try {
      const names = cluster.members.map(({ name }) => name)
      await options.dcs.prepare?.(cluster.prefix.slice(0, -1), names)
      await Promise.all(cluster.members.map((member) => member.start()))
      await cluster.waitHealthy({ timeoutMs: 90_000 })
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  static async #prepare({ dcs, members = 3, relays = false, ...rest }: PatroniOptions): Promise<PatroniCluster> {
    const namespace = dcs.namespace ?? DEFAULTS.namespace
    const settings = { ...DEFAULTS, namespace, ...rest }
    const dir = TempDir.create('patroni')
    const all: Relay[] = []
    const relay = async (target: number) => {
      const [port] = await freePorts(1)
      const made = await Relay.start(target, port)
      all.push(made)
      return made
    }
    const made: PatroniMember[] = []
    for (let index = 0; index < members; index++) {
      const [pgPort = 0, restListenPort = 0] = await freePorts(2)
      const restRelay = relays ? await relay(restListenPort) : null
      const dcsRelays = relays ? await Promise.all(dcs.servers.map(({ port }) => relay(port))) : []
      const ports = relays ? dcsRelays.map(({ port }) => port) : null
      const name = `pg${index}`
      const address = {
        ...{ name, dir: dir.mkdir(name, POSTGRES_USER), pgPort, restListenPort },
        restPort: restRelay?.port ?? restListenPort,
        dcs: { [dcs.name]: dcs.section({ ports, login: settings.dcsLogin, member: name }) },
        env: dcs.env?.({ ports, login: settings.dcsLogin }) ?? {},
      }
      made.push(new PatroniMember(settings, address, { rest: restRelay, dcs: dcsRelays }))
    }
    return new PatroniCluster(settings, dcs, dir, made, all)
  }

  /** Such as `/service/demo/`. */
  get prefix(): string {
    return `/${this.settings.namespace.replaceAll(/^\/+|\/+$/g, '')}/${this.settings.scope}/`
  }

  get path(): string {
    return this.#dir.path
  }

  /** The sections by which a router reaches the DCS, as Patroni's user, and the members' REST API. */
  get access(): DcsSection & { readonly ctl: Readonly<Record<string, string>> } {
    const section = this.dcs.section({ login: this.settings.dcsLogin })
    return { [this.dcs.name]: section, ctl: ctlConfig(this.settings) }
  }

  /** The environment that a router needs for {@link access}. */
  get env(): Readonly<Record<string, string>> {
    return (this.#env ??= this.dcs.env?.({ login: this.settings.dcsLogin }) ?? {})
  }

  /** The processes of all members. */
  processes(): number[] {
    return this.#dir.processes()
  }

  member(name: string): PatroniMember {
    const found = this.members.find((member) => member.name === name)
    if (found === undefined) throw new Error(`no member ${name}`)
    return found
  }

  /** The member that a server port belongs to. */
  memberAt(pgPort: number): PatroniMember | undefined {
    return this.members.find((member) => member.pgPort === pgPort)
  }

  /** Whom the leader key names. @throws when there is none. */
  async leader(): Promise<PatroniMember> {
    const key = await this.#get('leader')
    if (key === null) throw new Error('there is no leader key')
    return this.member(key)
  }

  async replicas(): Promise<PatroniMember[]> {
    const leader = await this.leader()
    return this.members.filter((member) => member !== leader)
  }

  /** Waits for a leader key that names somebody else, or one in particular. */
  async waitForLeader(
    fits: { not?: PatroniMember; name?: string } = {},
    options: { timeoutMs?: number } = {},
  ): Promise<PatroniMember> {
    const right = ({ name }: PatroniMember) => name !== fits.not?.name && (fits.name ?? name) === name
    const want = fits.name ?? (fits.not ? `somebody other than ${fits.not.name}` : 'somebody')
    return until(
      `${want} is the leader`,
      async () => {
        const leader = await this.leader()
        return right(leader) ? leader : null
      },
      { timeoutMs: 60_000, ...options },
    )
  }

  /**
   * Waits until everything is as after a fresh start: the leader accepts writes (that of a standby cluster streams from
   * the other cluster), every other member streams on its timeline, the DCS says the same, and no switchover is pending.
   * Returns the leader. A replica that cannot follow by itself is reinitialized; see Health.
   */
  async waitHealthy({ timeoutMs = 60_000 } = {}): Promise<PatroniMember> {
    const health = new Health(this.members, (key) => this.#get(key))
    try {
      return await until('the cluster is healthy', () => health.check(), { timeoutMs, everyMs: 100 })
    } catch (error) {
      const logs = this.members.map((member) => `--- ${member.name}\n${member.logTail()}`)
      throw new Error(`the cluster is not healthy\n${logs.join('\n')}`, { cause: error })
    }
  }

  /**
   * A planned switchover by Patroni's REST API, at once or at `scheduledAt`; resolves when Patroni says that it is done. It is
   * repeated where Patroni does not know.
   */
  async switchover({ candidate, scheduledAt }: { candidate?: string; scheduledAt?: Date } = {}): Promise<RestAnswer> {
    const leader = await this.leader()
    const body = {
      leader: leader.name,
      ...(candidate === undefined ? {} : { candidate }),
      ...(scheduledAt === undefined ? {} : { scheduled_at: scheduledAt.toISOString() }),
    }
    const post = () => leader.rest('POST', '/switchover', body)
    return switchover(post, () => this.waitForLeader({ not: leader }, { timeoutMs: 10_000 }))
  }

  async cancelSwitchover(): Promise<RestAnswer> {
    return (await this.leader()).rest('DELETE', '/switchover')
  }

  /** Changes the dynamic configuration; null removes a setting. */
  async configure(change: Readonly<Record<string, unknown>>): Promise<void> {
    const running = this.members.find((member) => member.running)
    if (running === undefined) throw new Error('no member is running')
    const { status, text } = await running.rest('PATCH', '/config', change)
    if (status !== 200) throw new Error(`PATCH /config: ${status} ${text}`)
  }

  /** Pauses Patroni's automatic failover; resolves when every running member has noticed. */
  async pause(): Promise<void> {
    await this.#setPause(true)
  }

  async resume(): Promise<void> {
    await this.#setPause(false)
  }

  async #setPause(on: boolean): Promise<void> {
    await this.configure({ pause: on ? true : null })
    const running = this.members.filter((member) => member.running)
    await until(`all members are ${on ? 'in pause' : 'out of pause'}`, async () => {
      const states = await Promise.all(running.map((member) => member.status()))
      return states.every(({ pause = false }) => pause === on)
    })
  }

  /** Runs `patronictl -c ... ARGS`; returns what it prints. */
  async patronictl(...args: string[]): Promise<string> {
    const [member] = this.members
    if (member === undefined) throw new Error('a cluster of no members')
    const env = { ...process.env, ...member.env }
    const { stdout } = await promisify(execFile)('patronictl', ['-c', member.configFile, ...args], { env })
    return stdout
  }

  /** Records what happens to the keys of this cluster from now on. */
  async watch(): Promise<WatchLog> {
    return this.dcs.watch(this.prefix)
  }

  /** Ends all processes, frozen ones too, and removes all files. the DCS is its owner's to stop. */
  async stop(): Promise<void> {
    await this.#dir.remove()
    await Promise.all(this.#relays.map((relay) => relay.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #get(key: string): Promise<string | null> {
    return this.dcs.get(this.prefix + key)
  }
}
