/** One database behind the sockets of all members: sessions take turns on the one server session that PGlite has. */
import { ASK_SETTINGS, dropsStatements, firstWords, makesTemporary, PREPARE_DATABASE, takeover } from './context.ts'
import { DatabaseSession, type ServerSession, type SessionOptions } from './database-session.ts'
import { Engine } from './engine.ts'
import { errorOf, type Frame, frame, query, readinessOf, rowsOf, sqlOf, SYNC, withoutContext } from './frames.ts'
import { REFUSED } from './refusals.ts'
import { Turns } from './turns.ts'
import { RouterError } from '../../errors.ts'

/** How long a transaction may do nothing while others wait. Milliseconds. */
const IDLE_LIMIT_MS = 10_000
/** How long a statement may run while others wait before it is reported. Milliseconds. */
const BUSY_LIMIT_MS = 2_000

const ASK_POSITION = `SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')`
const ASK_FACTS = `SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_setting('server_version_num'),
  system_identifier, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0') FROM pg_catalog.pg_control_system()`

export interface DatabaseFacts {
  readonly serverVersion: string
  readonly serverVersionNumber: number
  readonly systemId: string
}

export class Database implements ServerSession {
  readonly facts: DatabaseFacts
  /** Position of the write-ahead log when it was read last; bytes. */
  position: number
  readonly #engine: Engine
  readonly #turns: Turns<object>
  #current: DatabaseSession | null = null
  /** How often all prepared statements were dropped. */
  #wipes = 0
  /** Of sessions that have ended: their prepared statements, and whether they may have left temporary tables. */
  #garbage: string[] = []
  #temporaryGarbage = false
  readonly #temporary = new Set<DatabaseSession>()

  private constructor(engine: Engine, facts: DatabaseFacts, position: number, tell: (text: string) => void) {
    this.#engine = engine
    this.facts = facts
    this.position = position
    const evict = (owner: object): void => {
      if (owner instanceof DatabaseSession) owner.options.evicted()
    }
    const busy = (owner: object): void => {
      if (!(owner instanceof DatabaseSession)) return
      const { member } = owner.options.identity()
      tell(`a statement of ${member} occupies the one PostgreSQL of the demo: other sessions wait`)
    }
    this.#turns = new Turns({ idleLimitMs: IDLE_LIMIT_MS, evict, busyLimitMs: BUSY_LIMIT_MS, busy })
  }

  /** Starts PostgreSQL. `tell`: for people. Rejects with a RouterError. */
  static async start(signal: AbortSignal, tell: (text: string) => void): Promise<Database> {
    const engine = await Engine.start(signal)
    try {
      const problem = errorOf(await engine.execute(query(PREPARE_DATABASE)))
      if (problem !== null) throw new RouterError('INTERNAL', `the demo's database cannot be prepared: ${problem}`)
      const [row = []] = rowsOf(await engine.execute(query(ASK_FACTS)))
      const [version, number, systemId, position] = row.map((value) => value ?? '')
      const facts = { serverVersion: version ?? '', serverVersionNumber: Number(number), systemId: systemId ?? '' }
      return new Database(engine, facts, Number(position), tell)
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  /** Returns the member whose open transaction keeps other sessions waiting; null: there is none. */
  get blocking(): { readonly member: string; readonly forMs: number; readonly waiting: number } | null {
    const blocking = this.#turns.blocking
    if (!(blocking?.owner instanceof DatabaseSession)) return null
    const { forMs, waiting } = blocking
    return { member: blocking.owner.options.identity().member, forMs, waiting }
  }

  /** Resolves when PostgreSQL has ended for a reason of its own. */
  get failed(): Promise<RouterError> {
    return this.#engine.failed
  }

  open(options: SessionOptions): DatabaseSession {
    return new DatabaseSession(this, options)
  }

  /** Brings `position` up to date, unless the server session is busy. */
  async locate(): Promise<void> {
    if (this.#turns.owner !== null) return
    const turn = {}
    await this.#turns.acquire(turn)
    try {
      const [row] = rowsOf(await this.#engine.execute(query(ASK_POSITION)))
      this.position = Number(row?.[0] ?? this.position)
    } finally {
      this.#turns.release(turn)
    }
  }

  async close(): Promise<void> {
    await this.#engine.close()
  }

  async run(session: DatabaseSession, messages: readonly Frame[]): Promise<Buffer | null> {
    if (!(await this.#turns.acquire(session))) return null
    try {
      if (session.readiness === 'I') await this.#takeOver(session, messages[0]?.type ?? '')
      const before = session.readiness
      const answer = await this.#engine.execute(Buffer.concat(messages.map((each) => session.translate(each))))
      session.readiness = readinessOf(answer)
      if (before !== null && session.readiness === null && endsReady(messages))
        this.#engine.giveUp(`it broke off its answer to a statement (${firstWords(messages)} ...)`)
      if (messages.some((message) => makesTemporary(sqlOf(message)))) this.#temporary.add(session)
      if (messages.some((message) => dropsStatements(sqlOf(message)))) {
        session.statements.clear()
        session.wipes = ++this.#wipes
      }
      return withoutContext(answer, REFUSED)
    } finally {
      if (session.readiness === 'I') this.#turns.release(session)
      else this.#turns.rest(session)
    }
  }

  withdraw(session: DatabaseSession): boolean {
    return this.#turns.withdraw(session)
  }

  async leave(session: DatabaseSession): Promise<void> {
    try {
      if (session.readiness !== 'I') await this.#engine.execute(Buffer.concat([SYNC, query('ROLLBACK')]))
    } catch {
      // The engine has ended, and the transaction with it.
    }
    if (this.#current === session) this.#current = null
    this.#garbage.push(...session.statements.keys())
    if (this.#temporary.delete(session) && this.#temporary.size === 0) this.#temporaryGarbage = true
    this.#turns.release(session)
  }

  async #takeOver(session: DatabaseSession, first: string): Promise<void> {
    const { options } = session
    const identity = options.identity()
    const key = JSON.stringify(identity)
    const before = this.#current
    if (before === session && session.applied === key) return
    if (before?.touched === true) {
      const rows = rowsOf(await this.#engine.execute(query(ASK_SETTINGS)))
      before.settings = new Map(rows.map(([name, value]) => [name ?? '', value ?? '']))
      if (before.isReadOnly) before.settings.delete('default_transaction_read_only')
    }
    this.#current = session
    session.applied = key
    session.isReadOnly = identity.readOnly
    const own = await this.#engine.execute(query(takeover(identity, options.backendPid, session.settings)))
    // A setting that does not hold (of the startup packet, mostly) must not leave it in place of another member.
    if (errorOf(own) !== null) await this.#engine.execute(query(takeover(identity, options.backendPid, new Map())))
    await this.#prepareStatements(session, before === session || 'PQ'.includes(first))
  }

  async #prepareStatements(session: DatabaseSession, hasUnnamed: boolean): Promise<void> {
    const dropped = this.#garbage.map((name) => frame('C', Buffer.from('S'), name))
    this.#garbage = []
    const lost = session.wipes === this.#wipes ? [] : [...session.statements.values()]
    session.wipes = this.#wipes
    if (!hasUnnamed && session.unnamed !== null) lost.push(session.unnamed)
    const messages = [...dropped, ...lost].flatMap((message) => [message, SYNC])
    if (this.#temporaryGarbage && this.#temporary.size === 0) messages.push(query('DISCARD TEMP'))
    this.#temporaryGarbage = false
    if (messages.length > 0) await this.#engine.execute(Buffer.concat(messages))
  }
}

/** Returns whether the answer has to end with ReadyForQuery: after an error PostgreSQL passes over all but Sync. */
function endsReady(messages: readonly Frame[]): boolean {
  return messages[0]?.type === 'Q' || messages.at(-1)?.type === 'S'
}
