/** The queue of clients that wait for a server: released in order of arrival, and paced so that a new primary is not trampled. */
import { now } from '../clock.ts'
import type { Client } from './client.ts'
import { Openings, type Outcome } from './openings.ts'
import { WaitingLine } from './waiting-line.ts'

/** How many of those that wait the pace looks at. */
const SAMPLES = 16

export type Turn =
  /** Its turn: dial, and call `done` once the server has answered, or not. */
  | { readonly kind: 'go'; readonly done: (outcome: Outcome) => void }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'full' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'closed' }

interface Waiter {
  readonly client: Client
  /** See `Client.heldSince`. */
  readonly since: number
  /** Infinity while no time counts. */
  deadline: number
  readonly onGone: () => void
  readonly resolve: (turn: Turn) => void
  isWaiting: boolean
}

export interface HoldOptions {
  /** Read again for each turn. */
  readonly timeoutMs: number
  /** Whether one more may wait; the limit is the proxy's, over all its holds. */
  readonly hasRoom: () => boolean
  /** Called when the number of waiting clients has changed. */
  readonly changed: () => void
}

export class Hold {
  readonly #options: HoldOptions
  /** All that wait, three times: a client that comes back has an early arrival, and began to wait early. */
  readonly #byArrival = new WaitingLine<Waiter>(({ client }) => client.arrival)
  readonly #bySince = new WaitingLine<Waiter>(({ since }) => since)
  #byDeadline = lineByDeadline()
  readonly #openings = new Openings({ waiting: () => this.#marks(), room: () => this.#letGo() })
  #size = 0
  #isOpen = false
  #isClosed = false
  /** No time counts: it is a hold by request. */
  #isUntimed = false
  /** When that was over last; milliseconds since the epoch. */
  #timedSince = -Infinity
  #resting: NodeJS.Timeout | null = null
  /** One for all: it goes off at the first deadline, or before, when that client has left. */
  #timer: { readonly timeout: NodeJS.Timeout; readonly at: number } | null = null

  constructor(options: HoldOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get size(): number {
    return this.#size
  }

  /** Returns when the client that has waited longest began to wait; milliseconds since the epoch. */
  get oldest(): number | null {
    return this.#bySince.first()?.since ?? null
  }

  /** Lets clients through. */
  open(): void {
    if (this.#isClosed) return
    this.#countTime(true)
    if (!this.#isOpen) this.#openings.restart()
    this.#isOpen = true
    this.#letGo()
  }

  /**
   * Lets no client through from now on. `isUntimed`: nor is one refused, however long it waits, until this is opened, or shut
   * without it: their time counts from then.
   */
  shut(isUntimed = false): void {
    this.#isOpen = false
    this.#endRest()
    this.#countTime(!isUntimed)
  }

  /** Lets no client through for `ms`, if it is open, because none would get an answer. */
  rest(ms: number): void {
    if (!this.#isOpen || this.#resting !== null) return
    this.#resting = setTimeout(() => {
      this.#endRest()
      this.#letGo()
    }, ms)
  }

  /** Lets no client through or wait any more. */
  close(): void {
    this.#isClosed = true
    this.shut()
    for (let waiter = this.#byArrival.first(); waiter !== null; waiter = this.#byArrival.first())
      this.#settle(waiter, { kind: 'closed' })
    this.#options.changed()
  }

  /** Waits for the client's turn. `isReturning`: it has had one before, and keeps its place whatever the limit says. */
  async turn(client: Client, isReturning: boolean): Promise<Turn> {
    if (client.isGone) return { kind: 'gone' }
    if (this.#isClosed) return { kind: 'closed' }
    if (this.#isReady() && this.#size === 0) return { kind: 'go', done: () => undefined }
    client.heldSince ??= now()
    const deadline = this.#deadlineOf(client.heldSince)
    if (deadline <= now()) return isReturning ? { kind: 'timeout' } : this.#last()
    if (!isReturning && !this.#options.hasRoom()) return { kind: 'full' }
    const { promise, resolve } = Promise.withResolvers<Turn>()
    const onGone = (): void => {
      this.#settle(waiter, { kind: 'gone' })
      this.#options.changed()
    }
    const waiter = { client, since: client.heldSince, deadline, onGone, resolve, isWaiting: true }
    this.#add(waiter)
    this.#letGo()
    return await promise
  }

  #add(waiter: Waiter): void {
    for (const line of this.#lines()) line.add(waiter)
    this.#size++
    waiter.client.onGone = waiter.onGone
    if (waiter.deadline < (this.#timer?.at ?? Infinity)) this.#setTimer(waiter.deadline)
    this.#options.changed()
  }

  #settle(waiter: Waiter, turn: Turn): void {
    waiter.isWaiting = false
    for (const line of this.#lines()) line.left()
    this.#size--
    waiter.client.onGone = null
    if (this.#size === 0) this.#endTimer()
    waiter.resolve(turn)
  }

  #lines(): readonly WaitingLine<Waiter>[] {
    return [this.#byArrival, this.#bySince, this.#byDeadline]
  }

  #deadlineOf(since: number): number {
    return this.#isUntimed ? Infinity : Math.max(since, this.#timedSince) + this.#options.timeoutMs
  }

  #countTime(isTimed: boolean): void {
    if (isTimed !== this.#isUntimed) return
    this.#isUntimed = !isTimed
    if (isTimed) this.#timedSince = now()
    this.#byDeadline = lineByDeadline()
    for (const waiter of this.#byArrival.all()) {
      waiter.deadline = this.#deadlineOf(waiter.since)
      this.#byDeadline.add(waiter)
    }
    this.#endTimer()
    const first = this.#byDeadline.first()?.deadline ?? Infinity
    if (first < Infinity) this.#setTimer(first)
  }

  #setTimer(at: number): void {
    this.#endTimer()
    this.#timer = { timeout: setTimeout(() => this.#timeOut(), at - now()), at }
  }

  #endTimer(): void {
    clearTimeout(this.#timer?.timeout)
    this.#timer = null
  }

  #timeOut(): void {
    this.#timer = null
    const time = now()
    const before = this.#size
    let waiter = this.#byDeadline.first()
    for (; waiter !== null && waiter.deadline <= time; waiter = this.#byDeadline.first())
      this.#settle(waiter, this.#last())
    if (waiter !== null) this.#setTimer(waiter.deadline)
    if (this.#size < before) this.#options.changed()
  }

  /** Returns when some of those that wait will be refused. */
  #marks(): readonly { readonly place: number; readonly leftMs: number }[] {
    const time = now()
    return this.#byArrival.sample(SAMPLES).map(({ member, place }) => ({ place, leftMs: member.deadline - time }))
  }

  #isReady(): boolean {
    return this.#isOpen && this.#resting === null
  }

  /** Returns the turn of a client whose time is over: the pace spares a server, and is no reason to refuse a client. */
  #last(): Turn {
    return this.#isReady() && !this.#openings.isSilent ? this.#go() : { kind: 'timeout' }
  }

  #go(): Turn {
    return { kind: 'go', done: this.#openings.begin() }
  }

  #endRest(): void {
    if (this.#resting !== null) clearTimeout(this.#resting)
    this.#resting = null
  }

  #letGo(): void {
    const before = this.#size
    while (this.#isReady() && this.#size > 0 && this.#openings.hasRoom) {
      const waiter = this.#byArrival.first()
      if (waiter === null) break
      this.#settle(waiter, this.#go())
    }
    if (this.#size < before) this.#options.changed()
  }
}

function lineByDeadline(): WaitingLine<Waiter> {
  return new WaitingLine(({ deadline }) => deadline)
}
