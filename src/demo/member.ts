/** One member: a machine with a PostgreSQL, a Patroni and its REST API, that can be killed, frozen and brought back. */
import type { Database } from './postgres/database.ts'
import type { KeySpace } from './key-space.ts'
import { Patroni, type Pace } from './patroni/patroni.ts'
import { MemberPostgres } from './postgres/member-postgres.ts'
import type { RestState } from './patroni/rest-answer.ts'
import { type RestHost, RestServer } from './patroni/rest-server.ts'

export interface MemberOptions {
  readonly name: string
  readonly scope: string
  /** Where it likes to listen. */
  readonly ports: { readonly postgres: number; readonly rest: number }
  readonly pace: Pace
  readonly keys: KeySpace
  readonly database: Database
  readonly nextPid: () => number
  readonly handOver: RestHost['handOver']
  readonly tell: (text: string) => void
  /** An unexpected error. */
  readonly failed: (error: unknown) => void
}

export class DemoMember {
  readonly #options: MemberOptions
  readonly #postgres: MemberPostgres
  readonly #rest: RestServer
  #patroni: Patroni | null = null
  #last: Promise<void> = Promise.resolve()

  constructor(options: MemberOptions) {
    const { name, database, ports, nextPid, handOver } = options
    this.#options = options
    const isReadOnly = (): boolean => this.#patroni?.role !== 'primary'
    this.#postgres = new MemberPostgres(ports.postgres, { member: name, database, isReadOnly, nextPid })
    this.#rest = new RestServer(ports.rest, { state: () => this.#state(), handOver })
  }

  get name(): string {
    return this.#options.name
  }

  get ports(): { readonly postgres: number; readonly rest: number } {
    return { postgres: this.#postgres.port, rest: this.#rest.port }
  }

  get condition(): 'running' | 'frozen' | 'dead' {
    if (this.#patroni === null) return 'dead'
    return this.#patroni.frozen ? 'frozen' : 'running'
  }

  /** Returns whether its PostgreSQL is a primary, whichever member has the lock. */
  get takesWrites(): boolean {
    return this.#patroni?.role === 'primary' && this.#patroni.state === 'running'
  }

  /** Starts what does not run; resolves when it listens and has its key. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#start())
  }

  freeze(): void {
    this.#patroni?.freeze()
    this.#rest.freeze()
  }

  thaw(): void {
    this.#rest.thaw()
    this.#patroni?.thaw()
  }

  /** Ends the member as if its machine had lost power. */
  kill(): Promise<void> {
    return this.#inTurn(() => this.#kill())
  }

  /** Runs one action after the other: a member that is started while it dies would die, too. */
  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#last.then(action)
    this.#last = done.catch(() => undefined) // It is the caller's.
    return done
  }

  async #start(): Promise<void> {
    if (this.#patroni !== null) return
    const { name, keys, pace, database, tell, failed } = this.#options
    const position = async (): Promise<number> => {
      await database.locate()
      return database.position
    }
    const restPort = (): number => this.#rest.port
    const patroni = new Patroni({ name, keys, pace, postgres: this.#postgres, restPort, position, tell, failed })
    this.#patroni = patroni
    try {
      await this.#rest.start()
      await patroni.start()
    } catch (error) {
      await this.#kill()
      throw error
    }
  }

  async #kill(): Promise<void> {
    const patroni = this.#patroni
    this.#patroni = null
    await Promise.all([patroni?.kill(), this.#rest.stop(), this.#postgres.stop()])
    // What Patroni was about to start when it died.
    await this.#postgres.stop()
  }

  #state(): RestState {
    const { name, scope, keys, database } = this.#options
    const { serverVersionNumber: serverVersion, systemId } = database.facts
    const own = { name, scope, serverVersion, systemId, keys: keys.keys }
    const patroni = this.#patroni
    if (patroni === null) throw new Error('a dead member does not answer')
    const { state, role, timeline, position, startedAt, seenAt: dcsLastSeen } = patroni
    return { ...own, state, role, timeline, position, startedAt, dcsLastSeen }
  }
}
