/** A Patroni cluster in one process: three members, one database behind them, and the keys that they share. */
import { parseCluster } from '../watcher/cluster.ts'
import { Database } from './postgres/database.ts'
import { DemoDcs } from './dcs.ts'
import { decideHandover, type HandoverRequest, outcomeOf } from './patroni/handover.ts'
import { KeySpace } from './key-space.ts'
import { DemoMember } from './member.ts'
import type { Pace } from './patroni/patroni.ts'
import type { RestAnswer } from './patroni/rest-answer.ts'

export interface ClusterOptions {
  readonly pace: Pace
  /** One line for people about each thing that happens in the cluster. */
  readonly tell: (text: string) => void
  /** An unexpected error; the cluster may be unusable then. */
  readonly failed: (error: unknown) => void
  /** Ends a start that takes too long. */
  readonly signal: AbortSignal
}

export const SCOPE = 'demo'
const NAMES = ['pg1', 'pg2', 'pg3']
/**
 * Below the ports that a kernel gives to outgoing connections, so that a member finds its own free when it comes back.
 */
const FIRST_PORTS = { postgres: 15432, rest: 18008 }

/** Quicker than a cluster in production, so that a person sees something happen. */
export const DEMO_PACE: Pace = { ttlMs: 8000, loopMs: 1000, wakeMs: 50, promoteMs: 120, stopMs: 1200, startMs: 600 }

export class DemoCluster {
  readonly keys: KeySpace
  readonly members: readonly DemoMember[]
  readonly #database: Database
  readonly #options: ClusterOptions

  private constructor(database: Database, options: ClusterOptions) {
    const { pace, tell, failed } = options
    this.#database = database
    this.#options = options
    this.keys = new KeySpace()
    let pid = 1000
    this.members = NAMES.map((name) => {
      const nextPid = (): number => ++pid
      const handOver = (request: HandoverRequest, until: AbortSignal): Promise<RestAnswer> =>
        this.#handOver(request, until)
      const common = { name, scope: SCOPE, ports: FIRST_PORTS, pace, keys: this.keys, database, nextPid }
      return new DemoMember({ ...common, handOver, tell, failed })
    })
    const { ttlMs, loopMs } = pace
    this.keys.put('initialize', database.facts.systemId)
    this.keys.put('config', JSON.stringify({ ttl: ttlMs / 1000, loop_wait: loopMs / 1000, retry_timeout: 10 }))
    void database.failed.then(failed)
  }

  /** Rejects with a RouterError, and nothing is left then. */
  static async start(options: ClusterOptions): Promise<DemoCluster> {
    const cluster = new DemoCluster(await Database.start(options.signal, options.tell), options)
    try {
      // One after the other: the first one finds no leader and becomes it.
      for (const member of cluster.members) await member.start()
    } catch (error) {
      await cluster.close()
      throw error
    }
    return cluster
  }

  /** Returns the DCS of the cluster for the router. `intervalMs`: how often it reports that nothing has changed. */
  dcs(intervalMs: number): DemoDcs {
    return new DemoDcs(this.keys, intervalMs)
  }

  get leader(): DemoMember | null {
    const name = this.keys.get('leader')
    return this.members.find((member) => member.name === name) ?? null
  }

  /** Returns the version of the one PostgreSQL behind all members. */
  get serverVersion(): string {
    return this.#database.facts.serverVersion
  }

  /** See `Database.blocking`. */
  get blocking(): Database['blocking'] {
    return this.#database.blocking
  }

  /** Returns when the leader key expires unless the leader renews it, in milliseconds since the epoch; null: there is none. */
  get lockExpiresAt(): number | null {
    return this.keys.expiryOf('leader')
  }

  /** Asks the leader to hand over to a replica. Like the others below it returns what came of it, for people. */
  switchover(): string {
    const { leader } = this
    if (leader === null) return 'there is no leader that could hand over'
    const at = this.members.indexOf(leader)
    const others = [...this.members.slice(at + 1), ...this.members.slice(0, at)]
    const candidate = others.find(({ name }) => this.#canLead(name))
    if (candidate === undefined) return 'no replica is running that could take over: bring members back first'
    if (leader.condition !== 'running') return `${leader.name} does not answer`
    const names = { leader: leader.name, candidate: candidate.name }
    const answer = this.#ask({ action: 'switchover', ...names, scheduled: false })
    return 'to' in answer ? `switchover from ${leader.name} to ${answer.to} requested` : String(answer.body)
  }

  /** Crashes the machine of the leader; its key expires after the ttl. */
  async crashLeader(): Promise<string> {
    const { leader } = this
    if (leader === null || leader.condition === 'dead') return 'there is no leader alive that could crash'
    await leader.kill()
    return `${leader.name} has crashed: its leader key expires within ${this.#options.pace.ttlMs / 1000} s`
  }

  /** Freezes the leader's Patroni; its PostgreSQL keeps accepting writes. */
  freezeLeader(): string {
    const { leader } = this
    if (leader?.condition !== 'running') return 'there is no running leader that could be frozen'
    leader.freeze()
    const ttl = this.#options.pace.ttlMs / 1000
    return `Patroni of ${leader.name} is frozen: its leader key expires within ${ttl} s, and its PostgreSQL keeps running`
  }

  /** Starts the dead members and thaws the frozen ones. */
  async bringBack(): Promise<string> {
    const back = this.members.filter(({ condition }) => condition !== 'running')
    for (const member of back) {
      if (member.condition === 'frozen') member.thaw()
      else await member.start()
    }
    return back.length === 0 ? 'all members are running' : `brought back: ${back.map(({ name }) => name).join(', ')}`
  }

  /** Ends everything, statements that are running included. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
    await this.#database.close()
    this.keys.close()
  }

  #canLead(name: string): boolean {
    const member = this.members.find((each) => each.name === name)
    const known = parseCluster(this.keys.keys).members.find((each) => each.name === name)
    return member?.condition === 'running' && known?.state === 'running'
  }

  /** Writes the request, unless it is refused. */
  #ask(request: HandoverRequest): { readonly to: string } | RestAnswer {
    const cluster = parseCluster(this.keys.keys)
    const decided = decideHandover(request, cluster, (name) => this.#canLead(name))
    if (!('to' in decided)) return decided
    const { leader } = request
    this.keys.put('failover', JSON.stringify({ ...(leader === null ? {} : { leader }), member: decided.to }))
    return decided
  }

  async #handOver(request: HandoverRequest, signal: AbortSignal): Promise<RestAnswer> {
    const before = this.keys.get('leader')
    const answer = this.#ask(request)
    return 'to' in answer ? outcomeOf(request, before, this.keys, signal) : answer
  }
}
