/** The queue of clients that wait for a server: released in order of arrival, and paced so that a new primary is not trampled. */
import { now } from '../clock.ts'
import type { Client } from './client.ts'

/** Released connections that are being opened at the same time; each makes room for the next when it has an answer. */
export const MAX_OPENING = 16
/** After this long without an answer it makes room all the same: its client may be the one that is silent. */
const MAX_OPENING_MS = 1000

export type Turn =
  /** Its turn: dial, and call `done` once the server has answered, or not. */
  | { readonly kind: 'go'; readonly done: () => void }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'full' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'closed' }

interface Waiter {
  readonly client: Client
  readonly settle: (turn: Turn) => void
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
  /** In order of arrival. */
  readonly #waiting: Waiter[] = []
  /** See `oldest`; undefined: to be found out. */
  #oldest: number | null | undefined = null
  #isOpen = false
  #isClosed = false
  #resting: NodeJS.Timeout | null = null
  #opening = 0

  constructor(options: HoldOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Returns when the client that has waited longest began to wait; milliseconds since the epoch. */
  get oldest(): number | null {
    this.#oldest ??= this.#waiting.reduce<number | null>(
      (oldest, { client }) => earlier(oldest, client.heldSince),
      null,
    )
    return this.#oldest
  }

  /** Lets clients through. */
  open(): void {
    if (this.#isClosed) return
    this.#isOpen = true
    this.#letGo()
  }

  /** Lets no client through from now on. */
  shut(): void {
    this.#isOpen = false
    this.#endRest()
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
    for (const waiter of this.#waiting.splice(0)) waiter.settle({ kind: 'closed' })
    this.#oldest = null
    this.#options.changed()
  }

  /** Waits for the client's turn. `isReturning`: it has had one before, and keeps its place whatever the limit says. */
  async turn(client: Client, isReturning: boolean): Promise<Turn> {
    if (client.gone.aborted) return { kind: 'gone' }
    if (this.#isClosed) return { kind: 'closed' }
    if (this.#isReady() && this.#waiting.length === 0) return { kind: 'go', done: () => undefined }
    client.heldSince ??= now()
    const left = client.heldSince + this.#options.timeoutMs - now()
    if (left <= 0) return { kind: 'timeout' }
    if (!isReturning && !this.#options.hasRoom()) return { kind: 'full' }
    const { promise, resolve } = Promise.withResolvers<Turn>()
    const waiter: Waiter = { client, settle: resolve }
    this.#insert(waiter)
    const timer = setTimeout(() => this.#drop(waiter, { kind: 'timeout' }), left)
    const onGone = (): void => this.#drop(waiter, { kind: 'gone' })
    client.gone.addEventListener('abort', onGone, { once: true })
    this.#letGo()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      client.gone.removeEventListener('abort', onGone)
    }
  }

  /** Inserts it at the end, or where it was before: near the head then, because it has been let go once. */
  #insert(waiter: Waiter): void {
    const { arrival } = waiter.client
    const isLast = (this.#waiting.at(-1)?.client.arrival ?? -1) < arrival
    if (isLast) this.#waiting.push(waiter)
    else
      this.#waiting.splice(
        this.#waiting.findIndex(({ client }) => client.arrival > arrival),
        0,
        waiter,
      )
    if (this.#oldest !== undefined) this.#oldest = earlier(this.#oldest, waiter.client.heldSince)
    this.#options.changed()
  }

  #left({ client }: Waiter): void {
    if (this.#waiting.length === 0) this.#oldest = null
    else if (client.heldSince === this.#oldest) this.#oldest = undefined
    this.#options.changed()
  }

  #drop(waiter: Waiter, turn: Turn): void {
    const index = this.#waiting.indexOf(waiter)
    if (index >= 0) {
      this.#waiting.splice(index, 1)
      this.#left(waiter)
    }
    waiter.settle(turn)
  }

  #isReady(): boolean {
    return this.#isOpen && this.#resting === null
  }

  #endRest(): void {
    if (this.#resting !== null) clearTimeout(this.#resting)
    this.#resting = null
  }

  #letGo(): void {
    while (this.#isReady() && this.#opening < MAX_OPENING) {
      const waiter = this.#waiting.shift()
      if (waiter === undefined) return
      this.#left(waiter)
      waiter.settle(this.#go())
    }
  }

  #go(): Turn {
    this.#opening++
    const done = (): void => {
      if (timer === null) return
      clearTimeout(timer)
      timer = null
      this.#opening--
      this.#letGo()
    }
    let timer: NodeJS.Timeout | null = setTimeout(done, MAX_OPENING_MS)
    return { kind: 'go', done }
  }
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.min(one, other)
}
