/** One run of Patroni on one member: its loop, as far as a router can see it (`reference` is Patroni's ha.py). */
import { parseCluster } from '../../watcher/cluster.ts'
import type { KeySpace, Lease } from '../key-space.ts'
import { Life } from './life.ts'
import type { MemberPostgres } from '../postgres/member-postgres.ts'
import { extendedHistory, latestTimeline, memberValue, nextStep, type Step } from './step.ts'
import type { RestState } from './rest-answer.ts'

/** How long things take. Milliseconds. */
export interface Pace {
  readonly ttlMs: number
  readonly loopMs: number
  /** From a request, or the end of a key, to the loop that sees it. */
  readonly wakeMs: number
  readonly promoteMs: number
  readonly stopMs: number
  readonly startMs: number
}

export interface PatroniOptions {
  readonly name: string
  readonly keys: KeySpace
  readonly pace: Pace
  readonly postgres: MemberPostgres
  readonly restPort: () => number
  /** Position in the write-ahead log, brought up to date; bytes. */
  readonly position: () => Promise<number>
  /** For people. */
  readonly tell: (text: string) => void
  /** Its loop has ended, by an unexpected error. */
  readonly failed: (error: unknown) => void
}

export class Patroni {
  readonly #options: PatroniOptions
  readonly #life = new Life()
  #lease: Lease
  #ended: Promise<void> | null = null
  state: RestState['state'] = 'starting'
  role: RestState['role'] = 'replica'
  timeline = 1
  position = 0
  seenAt = Date.now()
  startedAt = Date.now()

  constructor(options: PatroniOptions) {
    this.#options = options
    this.#lease = options.keys.grant(options.pace.ttlMs)
  }

  /** Starts PostgreSQL and the loop; resolves when both ports are taken and the member has its key. */
  async start(): Promise<void> {
    const { postgres, name, keys } = this.#options
    await postgres.start()
    // A member that still holds the lock continues as the primary.
    if (keys.get('leader') === name) this.role = 'primary'
    this.timeline = latestTimeline(keys.get('history'))
    this.#publish()
    this.#ended = this.#run()
  }

  get frozen(): boolean {
    return this.#life.frozen
  }

  /** Stops as SIGSTOP stops Patroni alone: its PostgreSQL continues. */
  freeze(): void {
    this.#life.freeze()
  }

  thaw(): void {
    this.#life.thaw()
  }

  /** Ends as SIGKILL ends it: nothing is cleaned up, its keys live on for up to the ttl. */
  async kill(): Promise<void> {
    this.#life.end()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { keys, pace } = this.#options
    const unwatch = keys.watch((key) => {
      if (key === 'failover' || (key === 'leader' && keys.get('leader') === null)) this.#life.wakeIn(pace.wakeMs)
    })
    try {
      await this.#recover()
      for (;;) {
        this.#life.beginRound()
        await this.#loop()
        await this.#life.pause(pace.loopMs)
      }
    } catch (error) {
      if (!this.#life.ended) this.#options.failed(error)
    } finally {
      unwatch()
    }
  }

  async #loop(): Promise<void> {
    const { keys, name, pace } = this.#options
    if (!this.#lease.renew()) this.#lease = keys.grant(pace.ttlMs)
    this.seenAt = Date.now()
    await this.#take(nextStep(parseCluster(keys.keys), name, this.role))
    this.position = await this.#options.position()
    await this.#life.wait(0)
    if (this.role === 'primary') keys.put('status', JSON.stringify({ optime: this.position }))
    this.#publish()
  }

  async #take(step: Step): Promise<void> {
    const { keys, name, tell } = this.#options
    switch (step.kind) {
      case 'race':
        if (keys.create('leader', name, this.#lease) && this.role === 'replica') await this.#promote()
        return
      case 'promote':
        await this.#promote()
        return
      case 'lead':
        // With the lease of this run, where an earlier one had it.
        keys.put('leader', name, this.#lease)
        return
      case 'refuse':
        keys.put('failover', '{}')
        return
      case 'hand-over':
        tell(`${name} hands over to ${step.to} and stops its PostgreSQL first`)
        await this.#stopPostgres()
        // Only now: no member may be promoted while this one still writes.
        if (keys.get('leader') === name) keys.delete('leader')
        await this.#startAsReplica()
        return
      case 'demote':
        tell(`${name} finds that ${step.leader} is the leader now and demotes itself`)
        await this.#stopPostgres()
        await this.#startAsReplica()
        return
      case 'follow':
        this.timeline = latestTimeline(keys.get('history'))
    }
  }

  /** Promotes PostgreSQL. The lock comes first: for a moment `/primary` answers 200 and PostgreSQL is read-only. */
  async #promote(): Promise<void> {
    const { keys, name, pace, tell } = this.#options
    tell(`${name} has taken the leader key and promotes its PostgreSQL`)
    keys.put('leader', name, this.#lease)
    await this.#life.wait(pace.promoteMs)
    // It was frozen meanwhile, for longer than its key has lived.
    if (keys.get('leader') !== name) return
    // The first leader of all initialises the cluster, and the others begin a new timeline.
    if (keys.get('status') !== null) {
      const end = { timeline: this.timeline, position: this.position, at: Date.now(), leader: name }
      keys.put('history', extendedHistory(keys.get('history'), end))
    }
    this.timeline = latestTimeline(keys.get('history'))
    this.role = 'primary'
    if (keys.get('failover') !== null) keys.put('failover', '{}')
    tell(`${name} is the primary, on timeline ${this.timeline}`)
  }

  async #stopPostgres(): Promise<void> {
    const { postgres, pace } = this.#options
    this.state = 'stopping'
    this.#publish()
    await this.#life.wait(pace.stopMs * 0.15)
    postgres.stopping()
    await this.#life.wait(pace.stopMs * 0.1)
    await postgres.stop()
    await this.#life.wait(pace.stopMs * 0.75)
    this.state = 'stopped'
    this.#publish()
  }

  async #startAsReplica(): Promise<void> {
    const { postgres, name, tell } = this.#options
    this.role = 'replica'
    await postgres.start()
    await this.#recover()
    tell(`${name} is back, as a replica`)
  }

  /** Starts PostgreSQL, from a port that answers `57P03` to sessions. */
  async #recover(): Promise<void> {
    const { postgres, pace, keys } = this.#options
    this.state = 'starting'
    this.#publish()
    await this.#life.wait(pace.startMs)
    postgres.open()
    this.startedAt = Date.now()
    this.timeline = latestTimeline(keys.get('history'))
    this.state = 'running'
    this.#publish()
  }

  /** Writes the member key where it changes. */
  #publish(): void {
    const { keys, name, postgres, restPort, pace } = this.#options
    if (!this.#lease.renew()) this.#lease = keys.grant(pace.ttlMs)
    const value = memberValue(this, { postgres: postgres.port, rest: restPort() })
    keys.put(`members/${name}`, value, this.#lease)
  }
}
