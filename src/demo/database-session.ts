/** One client's part of the server session that all share. */
import { type Identity, refusalOf, resetsSettings, touchesSettings } from './context.ts'
import { type Frame, type Readiness, renameStatement, sqlOf } from './frames.ts'

export interface SessionOptions {
  /** Asked anew at each turn: a member is promoted, too. */
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
  /** It waits no longer. */
  withdraw(session: DatabaseSession): void
  /** Nothing of it remains, and its turn ends. */
  leave(session: DatabaseSession): Promise<void>
}

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

  constructor(database: ServerSession, options: SessionOptions) {
    this.#database = database
    this.options = options
    this.settings = new Map(options.settings)
  }

  /** Runs `messages`, which end with Query, Sync, Flush, CopyDone or CopyFail; null: the session was closed meanwhile. */
  run(messages: readonly Frame[]): Promise<Buffer | null> {
    const answer = this.#database.run(this, messages)
    this.#running = answer.catch(() => undefined) // It is the caller's.
    return answer
  }

  /** Rolls its transaction back and ends its turn, after what is under way. */
  async close(): Promise<void> {
    this.#database.withdraw(this)
    await this.#running
    await this.#database.leave(this)
  }

  /** For the database: what is sent to the server session in the place of `message`. */
  translate(message: Frame): Buffer {
    const sql = sqlOf(message)
    const refusal = refusalOf(message, sql, this.isReadOnly)
    if (refusal !== null) return refusal
    if (touchesSettings(sql)) this.touched = true
    if (resetsSettings(sql)) this.applied = ''
    const { bytes, name } = renameStatement(message, `s${this.options.backendPid}_`)
    if (message.type === 'P' && name !== '') this.statements.set(name, bytes)
    if (message.type === 'P' && name === '') this.unnamed = bytes
    if (name !== '' && message.type === 'C') this.statements.delete(name)
    return bytes
  }
}
