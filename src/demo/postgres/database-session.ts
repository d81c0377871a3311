/** One client's part of the server session that all share. */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorResponse } from '../../pgwire.ts'
import { type Identity, loneSleepMs, resetsSettings, touchesSettings } from './context.ts'
import { type Frame, frame, query, type Readiness, renameStatement, sqlOf, withSql } from './frames.ts'
import { failing, refusalOf } from './refusals.ts'

export interface SessionOptions {
  /** Checked again at each turn: a member is promoted, too. */
  readonly identity: () => Identity
  readonly backendPid: number
  /** Of the startup packet. */
  readonly settings: ReadonlyMap<string, string>
  /** Its transaction did nothing for too long while others waited; it is to be closed. */
  readonly evicted: () => void
}

/** What a session needs of the database. */
export interface ServerSession {
  /** Runs `messages` in the turn of `session`, which waits for it; null: it gave up waiting. */
  run(session: DatabaseSession, messages: readonly Frame[]): Promise<Buffer | null>
  /** Ends its waiting; false: it does not wait. */
  withdraw(session: DatabaseSession): boolean
  /** Removes what is left of it and ends its turn. */
  leave(session: DatabaseSession): Promise<void>
}

/** To a statement that a cancel request ends before it has begun: a transaction would have the turn. */
const CANCELED = Buffer.concat([
  errorResponse('ERROR', '57014', 'canceling statement due to user request', ''),
  frame('Z', Buffer.from('I')),
])

const NO_SLEEP = query('SELECT pg_catalog.pg_sleep(0)')

/** One call at a time. */
export class DatabaseSession {
  readonly options: SessionOptions
  /** By their names in the server session, as Parse messages. */
  readonly statements = new Map<string, Buffer>()
  /** The unnamed one, which any other session may overwrite. */
  unnamed: Buffer | null = null
  settings: Map<string, string>
  readiness: Readiness = 'I'
  applied = ''
  isReadOnly = false
  touched = false
  wipes = 0
  readonly #database: ServerSession
  #running: Promise<unknown> = Promise.resolve()
  #asleep: AbortController | null = null
  /** Its last message is known to be one whose answer ends with ReadyForQuery. */
  #cancelable = false
  #canceled = false

  constructor(database: ServerSession, options: SessionOptions) {
    this.#database = database
    this.options = options
    this.settings = new Map(options.settings)
  }

  /**
   * Runs `messages`, which end with Query, Sync, Flush, CopyDone or CopyFail; null: the session was closed meanwhile.
   */
  run(messages: readonly Frame[]): Promise<Buffer | null> {
    const answer = this.#run(messages)
    this.#running = answer.catch(() => undefined) // It is the caller's.
    return answer
  }

  /**
   * Takes a cancel request: a statement that waits for its turn, or only sleeps, is given up; a running
   * statement has the thread for itself.
   */
  cancel(): void {
    if (this.#cancelable) this.#canceled = this.#giveUp()
  }

  /** Rolls its transaction back and ends its turn, after what is under way. */
  async close(): Promise<void> {
    this.#giveUp()
    await this.#running
    await this.#database.leave(this)
  }

  async #run(messages: readonly Frame[]): Promise<Buffer | null> {
    this.#canceled = false
    // A client that sent Flush continues until Sync, which has to be passed over then.
    this.#cancelable = messages.at(-1)?.type !== 'H'
    const ms = this.readiness === 'I' ? loneSleepMs(messages) : null
    if (ms === null) return (await this.#database.run(this, messages)) ?? this.#withdrawn()
    // It would have the server session for itself all the while.
    if (!(await this.#sleep(ms))) return this.#withdrawn()
    return (await this.#database.run(this, [{ type: 'Q', bytes: NO_SLEEP }])) ?? this.#withdrawn()
  }

  #withdrawn(): Buffer | null {
    return this.#canceled ? CANCELED : null
  }

  /** Sleeps; false: it was ended before its time. */
  async #sleep(ms: number): Promise<boolean> {
    this.#asleep = new AbortController()
    const { signal } = this.#asleep
    await sleep(ms, undefined, { signal }).catch(() => undefined) // Seen below.
    this.#asleep = null
    return !signal.aborted
  }

  /** Gives up a statement that waits or sleeps; false: there is none. */
  #giveUp(): boolean {
    if (this.#asleep === null) return this.#database.withdraw(this)
    this.#asleep.abort()
    return true
  }

  /** Returns what is sent to the server session instead of `message`. */
  translate(message: Frame): Buffer {
    const sql = sqlOf(message)
    const refusal = refusalOf(message, sql, this.isReadOnly)
    if (refusal !== null && message.type !== 'P') return query(failing(refusal))
    if (touchesSettings(sql)) this.touched = true
    if (resetsSettings(sql)) this.applied = ''
    // A prepared statement fails when it is executed, so that the answers to Bind and Execute are as expected.
    const sent = refusal === null ? columnsAsNow(sql) : failing(refusal)
    const { bytes, name } = renameStatement(
      sent === sql ? message : withSql(message, sent),
      `s${this.options.backendPid}_`,
    )
    if (message.type === 'P' && name !== '') this.statements.set(name, bytes)
    if (message.type === 'P' && name === '') this.unnamed = bytes
    if (name !== '' && message.type === 'C') this.statements.delete(name)
    return bytes
  }
}

/** Columns that PostgreSQL 17 has renamed: psql 15 and 16 ask for the old ones at `\l` and `\dO`. */
const RENAMED: readonly (readonly [catalog: RegExp, old: RegExp, now: string])[] = [
  [/\bpg_catalog\.pg_database d\b/, /\bd\.daticulocale\b/g, 'd.datlocale'],
  [/\bpg_catalog\.pg_collation c\b/, /\bc\.colliculocale\b/g, 'c.colllocale'],
]

/** Returns `sql` with the names that the columns have now: psql uses those of its own version. */
export function columnsAsNow(sql: string): string {
  return RENAMED.reduce((text, [catalog, old, now]) => (catalog.test(text) ? text.replace(old, now) : text), sql)
}
