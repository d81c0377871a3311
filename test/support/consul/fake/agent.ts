import { randomUUID } from 'node:crypto'
import { MANAGEMENT, rightsOf, type Rights, type Rules } from './acl.ts'
import { parseDuration } from './duration.ts'
import { Store, type Session } from './store.ts'

export interface FakeSettings {
  readonly port: number
  readonly nodeName: string
  /** What is kept over a restart. */
  readonly dataFile: string
  /** The token that may do everything; null: there are no ACLs. */
  readonly managementToken: string | null
  /** How long a request waits for a leader. */
  readonly holdMs: number
  readonly sessionTtlMinMs: number
  /** The least and the default time of a blocking query are Consul's own. */
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string | null } | null
}

/** An error that Consul answers with. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

export interface Query {
  /** The index that the asker knows; 0: the answer comes at once. */
  readonly index: number
  readonly waitMs: number | null
  readonly signal: AbortSignal
}

export interface QueryMeta {
  readonly knownLeader: boolean
  readonly lastContactMs: number
}

const DEFAULT_WAIT_MS = 300_000
const MAX_WAIT_MS = 600_000
const TTL_MAX_MS = 24 * 3_600_000
/** A session ends after twice its TTL. */
const TTL_MULTIPLIER = 2
const NOTHING: Rights = rightsOf([])

/** The one server: its store, who leads, the sessions' timers and the queries that wait. */
export class FakeAgent {
  readonly store: Store
  readonly settings: FakeSettings
  readonly services = new Map<string, object>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #waiting = new Set<() => void>()
  /** Ends when the store is replaced. */
  #current = new AbortController()
  #leaderLostAt: number | null = null

  constructor(settings: FakeSettings) {
    this.settings = settings
    this.store = new Store(settings.dataFile)
    this.store.onWrite = () => [...this.#waiting].forEach((look) => look())
    this.#startTimers()
  }

  get leads(): boolean {
    return this.#leaderLostAt === null
  }

  get meta(): QueryMeta {
    const since = this.#leaderLostAt === null ? 0 : performance.now() - this.#leaderLostAt
    return { knownLeader: this.leads, lastContactMs: Math.floor(since) }
  }

  /** An election starts the clock of every session again; without a leader none ends. */
  setLeader(known: boolean): void {
    this.#leaderLostAt = known ? null : performance.now()
    if (known) this.#startTimers()
    else for (const id of [...this.#timers.keys()]) this.#stopTimer(id)
    ;[...this.#waiting].forEach((look) => look())
  }

  /** Waits for a leader. @throws {Refusal} when there is none in time. */
  async leader(signal: AbortSignal): Promise<void> {
    if (!this.leads) await this.#wait(this.settings.holdMs, signal, () => this.leads)
    if (!this.leads) throw new Refusal(500, 'No cluster leader')
  }

  /** @throws {Refusal} for a token that does not exist. */
  rights(token: string): Rights {
    const { managementToken } = this.settings
    if (managementToken === null || token === managementToken) return MANAGEMENT
    if (token === '') return NOTHING
    const rules = this.store.rulesOf(token)
    if (rules === undefined) throw new Refusal(403, 'ACL not found')
    return rightsOf(rules)
  }

  /**
   * Answers a query, when its index is not higher than the asker's only after it is or its time is up. A store that is
   * replaced meanwhile ends it with what it was before. Where there is no key every write of a key ends it; in Consul
   * only one of a neighbour, by its tree of keys.
   */
  async blocking<T extends { readonly index: number }>(query: Query, look: () => T): Promise<T> {
    let last = look()
    if (query.index === 0 || last.index > query.index) return last
    const asked = query.waitMs === null || query.waitMs <= 0 ? DEFAULT_WAIT_MS : Math.min(query.waitMs, MAX_WAIT_MS)
    await this.#wait(
      asked + (Math.random() * asked) / 16,
      AbortSignal.any([query.signal, this.#current.signal]),
      () => {
        last = look()
        return last.index > query.index
      },
    )
    return last
  }

  createSession(given: Partial<Pick<Session, 'Name' | 'LockDelay' | 'Behavior' | 'TTL' | 'NodeChecks'>>): string {
    const { Name = '', LockDelay = 15e9, Behavior = 'release', TTL = '', NodeChecks = ['serfHealth'] } = given
    if (!['release', 'delete'].includes(Behavior)) throw new Refusal(500, `Invalid Behavior setting '${Behavior}'`)
    const ttlMs = TTL === '' ? 0 : parseDuration(TTL)
    if (ttlMs === null) throw new Refusal(500, `Session TTL '${TTL}' invalid: time: invalid duration "${TTL}"`)
    const min = this.settings.sessionTtlMinMs
    if (ttlMs !== 0 && (ttlMs < min || ttlMs > TTL_MAX_MS)) {
      throw new Refusal(500, `Invalid Session TTL '${ttlMs * 1e6}', must be between [${min / 1_000}s=24h0m0s]`)
    }
    const ID = randomUUID()
    const Node = this.settings.nodeName
    this.store.createSession({ ...{ ID, Name, Node, LockDelay, Behavior, TTL, NodeChecks }, ServiceChecks: null })
    this.renewSession(ID)
    return ID
  }

  /** Starts its time again. */
  renewSession(id: string): Session | undefined {
    const session = this.store.session(id)
    const ttlMs = parseDuration(session?.TTL ?? '') ?? 0
    this.#stopTimer(id)
    if (ttlMs > 0)
      this.#timers.set(
        id,
        setTimeout(() => this.destroySession(id), ttlMs * TTL_MULTIPLIER),
      )
    return session
  }

  destroySession(id: string): void {
    this.#stopTimer(id)
    this.store.destroySession(id)
  }

  addToken(policies: readonly string[]): string {
    const secret = randomUUID()
    this.store.addToken(secret, policies)
    return secret
  }

  addPolicy(name: string, rules: Rules): void {
    this.store.addPolicy(name, rules)
  }

  restore(snapshot: string): void {
    this.#current.abort()
    this.#current = new AbortController()
    this.store.restore(snapshot)
    for (const id of [...this.#timers.keys()]) this.#stopTimer(id)
    this.#startTimers()
  }

  #startTimers(): void {
    for (const { ID } of this.store.sessions) this.renewSession(ID)
  }

  #stopTimer(id: string): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
  }

  /** Until something fits, after a write or a change of the leader, the time is up or the signal ends. */
  async #wait(ms: number, signal: AbortSignal, fits: () => boolean): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    // At once: what is written next is not looked at.
    const end = () => {
      this.#waiting.delete(look)
      resolve(undefined)
    }
    const look = () => {
      if (fits()) end()
    }
    const timer = setTimeout(end, ms)
    this.#waiting.add(look)
    signal.addEventListener('abort', end)
    await promise
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
