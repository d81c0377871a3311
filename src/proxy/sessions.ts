/** The sessions of one route, each with its target, so that exactly those of a target can be ended. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { counted } from '../text/wording.ts'
import { errorsOf } from './attempts.ts'
import type { Client } from './client.ts'
import type { EndReason } from './counters.ts'
import type { Session } from './session.ts'
import type { Target } from './route.ts'

/** Servers' sides that are closed at a time. */
const SLICE = 100

export interface Closing {
  /** How many, by member. */
  readonly closed: ReadonlyMap<string, number>
  /** Resolves when the servers' sides are closed as well; rejects when one of them could not be. */
  readonly done: Promise<void>
}

/** A session with what it belongs to. */
export interface Joined {
  /** Grows from each session to the next. */
  readonly id: number
  readonly client: Client
  readonly target: Target
  readonly session: Session
}

interface Entry extends Joined {
  /** Why it was closed here; null: it was not. */
  cause: EndReason | null
}

export interface SessionsEvents {
  readonly joined: (target: Target) => void
  /** Called when it ends, or begins to be closed. */
  readonly ended: (target: Target) => void
  /** Called once, when it is closed. `cause`: why it was closed here; null: it was not. */
  readonly over: (joined: Joined, cause: EndReason | null) => void
}

export class Sessions {
  readonly #entries = new Set<Entry>()
  /** Those whose clients are cut off, and whose servers' sides are still open. */
  readonly #ending = new Set<Entry>()
  /** Those of them that could not be closed: every later `close` tries it again. */
  readonly #stuck = new Set<Entry>()
  readonly #counts = new Map<string, number>()
  readonly #events: SessionsEvents
  /** Called when there is no session left. */
  readonly #waiting: (() => void)[] = []

  constructor(events: SessionsEvents) {
    this.#events = events
  }

  get size(): number {
    return this.#entries.size
  }

  /** Returns how many there are, by member; a member without any is not in it. */
  get countByMember(): ReadonlyMap<string, number> {
    return this.#counts
  }

  /** Keeps the session until it has ended. */
  add(joined: Joined): void {
    const entry = { ...joined, cause: null }
    this.#entries.add(entry)
    this.#count(entry.target, 1)
    this.#events.joined(entry.target)
    entry.session.whenEnded(() => this.#forget(entry))
  }

  /**
   * Closes those whose target matches: the clients' sides before this returns, the servers' sides after all of those. A
   * thousand backends that notice it in between would take the processor from this.
   */
  close(matches: (target: Target) => boolean, cause: EndReason): Closing {
    const isMatching = ({ target }: Entry): boolean => matches(target)
    const entries = [...this.#entries].filter(isMatching)
    const closed = new Map<string, number>()
    for (const entry of entries) {
      entry.cause = cause
      this.#ending.add(entry)
      this.#remove(entry)
      closed.set(entry.target.member, (closed.get(entry.target.member) ?? 0) + 1)
    }
    // A session that cannot be cut off cannot be closed either, and is stuck then.
    errorsOf(entries, ({ session }) => session.cutOff())
    // Sessions that another call is about to close count as well: they are not closed yet.
    const ending = [...this.#ending].filter(isMatching)
    return { closed, done: this.#closeServers([...new Set([...ending, ...this.#stuck])]) }
  }

  /**
   * Closes all of them, both sides, before this returns. A session that cannot be closed keeps no other open.
   *
   * @throws AggregateError when some could not be closed: they are still there then.
   */
  destroy(cause: EndReason): void {
    const errors = errorsOf([...this.#entries, ...this.#ending], (entry) => {
      entry.cause ??= cause
      this.#destroy(entry)
    })
    if (errors.length > 0) throw notClosed(errors)
  }

  /** Resolves when there is none, also none that is about to be closed. */
  async over(): Promise<void> {
    if (this.#isOver) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#waiting.push(() => resolve(undefined))
    return promise
  }

  get #isOver(): boolean {
    return this.#entries.size === 0 && this.#ending.size === 0
  }

  /**
   * Closes those that match, both sides, some in each turn of the event loop: a request can wait, a fence cannot. `last`: those
   * with a greater id are not looked at. Calls `closed` for each of them; rejects when some could not be closed.
   */
  async closeSome(
    matches: (joined: Joined) => boolean,
    cause: EndReason,
    last: number,
    closed: (target: Target) => void,
  ): Promise<void> {
    const errors: unknown[] = []
    for await (const some of this.slices(last)) {
      const found = some.filter((entry) => this.#entries.has(entry) && matches(entry))
      for (const entry of found) {
        entry.cause = cause
        this.#ending.add(entry)
        this.#remove(entry)
        closed(entry.target)
      }
      errors.push(...errorsOf(found, (entry) => this.#destroy(entry)))
    }
    if (errors.length > 0) throw notClosed(errors)
  }

  /** Returns those that are open and not being closed, in their order, some in each turn of the event loop. `last`: of those, the greatest id. */
  async *slices(last: number): AsyncIterable<readonly Entry[]> {
    let slice: Entry[] = []
    for (const entry of this.#entries) {
      if (entry.id > last) break
      slice.push(entry)
      if (slice.length < SLICE) continue
      yield slice
      slice = []
      await nextTurn()
    }
    yield slice
  }

  /** Returns the distinct targets that have sessions. */
  targets(): readonly Target[] {
    return [...new Map([...this.#entries].map(({ target }) => [JSON.stringify(target.address), target])).values()]
  }

  /** Returns those that are not closed. */
  *open(): Iterable<Joined> {
    yield* this.#entries
    yield* this.#ending
  }

  /** Returns the target of each session. */
  targetOfEach(): readonly Target[] {
    return [...this.#entries].map(({ target }) => target)
  }

  #remove(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    this.#count(entry.target, -1)
    this.#events.ended(entry.target)
  }

  #count({ member }: Target, change: 1 | -1): void {
    const count = (this.#counts.get(member) ?? 0) + change
    if (count === 0) this.#counts.delete(member)
    else this.#counts.set(member, count)
  }

  #destroy(entry: Entry): void {
    this.#stuck.add(entry)
    entry.session.destroy()
    this.#forget(entry)
  }

  #forget(entry: Entry): void {
    this.#stuck.delete(entry)
    const isKept = this.#ending.delete(entry) || this.#entries.has(entry)
    this.#remove(entry)
    if (isKept) this.#events.over(entry, entry.cause)
    if (this.#isOver) for (const over of this.#waiting.splice(0)) over()
  }

  async #closeServers(entries: readonly Entry[]): Promise<void> {
    const errors: unknown[] = []
    for (let index = 0; index < entries.length; index += SLICE) {
      await nextTurn()
      errors.push(...errorsOf(entries.slice(index, index + SLICE), (entry) => this.#destroy(entry)))
    }
    if (errors.length > 0) throw notClosed(errors)
  }
}

function notClosed(errors: readonly unknown[]): AggregateError {
  return new AggregateError(errors, `${counted(errors.length, 'session')} cannot be closed`)
}
