/** The order in which sessions use the one server session: first come, first served, and none for ever while others wait. */

export interface TurnsOptions<Owner> {
  /** How long an owner may hold the turn without using it while others wait. Milliseconds. */
  readonly idleLimitMs: number
  /** It has taken longer. It is expected to release its turn. */
  readonly evict: (owner: Owner) => void
  /** How long an owner may be busy while others wait before it is reported. Milliseconds. */
  readonly busyLimitMs: number
  /** It has taken longer; reported once, unless all that wait give up and others come. */
  readonly busy: (owner: Owner) => void
}

export class Turns<Owner> {
  readonly #options: TurnsOptions<Owner>
  readonly #waiting: { readonly owner: Owner; readonly resolve: (granted: boolean) => void }[] = []
  #owner: Owner | null = null
  #idle = false
  /** What the timer is for; it may have rung. */
  #counting: 'idle' | 'busy' | null = null
  #timer: NodeJS.Timeout | undefined
  #countingSince = 0

  constructor(options: TurnsOptions<Owner>) {
    this.#options = options
  }

  get owner(): Owner | null {
    return this.#owner
  }

  /** Returns the owner that does nothing while others wait, for how long, and how many those are; null: there is none. */
  get blocking(): { readonly owner: Owner; readonly forMs: number; readonly waiting: number } | null {
    if (this.#owner === null || this.#counting !== 'idle') return null
    return { owner: this.#owner, forMs: Date.now() - this.#countingSince, waiting: this.#waiting.length }
  }

  /** Resolves with true when `owner` has the turn, at once if it has it already; with false when it gave up. */
  acquire(owner: Owner): Promise<boolean> {
    if (this.#owner === null || this.#owner === owner) {
      this.#owner = owner
      this.#setBusy()
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      this.#waiting.push({ owner, resolve })
      this.#count()
    })
  }

  /** Keeps the turn of `owner` for its transaction, while it does nothing. */
  rest(owner: Owner): void {
    if (this.#owner !== owner) return
    this.#idle = true
    this.#count()
  }

  /** Withdraws `owner` from the queue; false: it does not wait. A turn that it has already is not touched. */
  withdraw(owner: Owner): boolean {
    const at = this.#waiting.findIndex((waiting) => waiting.owner === owner)
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1)
    waiting?.resolve(false)
    this.#count()
    return waiting !== undefined
  }

  /** Releases the turn of `owner`; harmless when it does not have it. */
  release(owner: Owner): void {
    if (this.#owner !== owner) return
    const next = this.#waiting.shift()
    this.#owner = next?.owner ?? null
    this.#setBusy()
    next?.resolve(true)
  }

  #setBusy(): void {
    this.#idle = false
    this.#counting = null
    this.#count()
  }

  /** Starts the clock of a state that may last too long: it counts only while another session waits. */
  #count(): void {
    const counting = this.#owner === null || this.#waiting.length === 0 ? null : this.#idle ? 'idle' : 'busy'
    if (counting !== null && counting === this.#counting) return
    this.#counting = counting
    this.#countingSince = Date.now()
    clearTimeout(this.#timer)
    const { idleLimitMs, busyLimitMs } = this.#options
    if (counting !== null) this.#timer = setTimeout(() => this.#tooLong(), this.#idle ? idleLimitMs : busyLimitMs)
  }

  #tooLong(): void {
    if (this.#owner === null) return
    if (this.#idle) this.#options.evict(this.#owner)
    else this.#options.busy(this.#owner)
  }
}
