/** Who may use the one server session: first come, first served, and nobody for ever while others wait. */

export interface TurnsOptions<Owner> {
  /** How long an owner may hold the turn without using it while others wait. Milliseconds. */
  readonly idleLimitMs: number
  /** It has taken longer. It is expected to release its turn. */
  readonly evict: (owner: Owner) => void
}

export class Turns<Owner> {
  readonly #options: TurnsOptions<Owner>
  readonly #waiting: { readonly owner: Owner; readonly resolve: (granted: boolean) => void }[] = []
  #owner: Owner | null = null
  #idle = false
  #timer: NodeJS.Timeout | null = null

  constructor(options: TurnsOptions<Owner>) {
    this.#options = options
  }

  get owner(): Owner | null {
    return this.#owner
  }

  /** Resolves with true when `owner` has the turn, at once if it has it already; with false when it gave up. */
  acquire(owner: Owner): Promise<boolean> {
    if (this.#owner === null || this.#owner === owner) {
      this.#owner = owner
      this.#setIdle(false)
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      this.#waiting.push({ owner, resolve })
      this.#setIdle(this.#idle)
    })
  }

  /** `owner` keeps the turn, for its transaction, but does nothing at the moment. */
  rest(owner: Owner): void {
    if (this.#owner === owner) this.#setIdle(true)
  }

  /** `owner` waits no longer; a turn that it has already is not touched. */
  withdraw(owner: Owner): void {
    const at = this.#waiting.findIndex((waiting) => waiting.owner === owner)
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1)
    waiting?.resolve(false)
    this.#setIdle(this.#idle)
  }

  /** `owner` does not need the turn any more; harmless when it does not have it. */
  release(owner: Owner): void {
    if (this.#owner !== owner) return
    const next = this.#waiting.shift()
    this.#owner = next?.owner ?? null
    this.#setIdle(false)
    next?.resolve(true)
  }

  /** Whether it lasts too long counts from when it is idle *and* somebody waits. */
  #setIdle(idle: boolean): void {
    this.#idle = idle
    const counts = idle && this.#waiting.length > 0
    if (counts && this.#timer !== null) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = counts ? setTimeout(() => this.#tooLong(), this.#options.idleLimitMs) : null
  }

  #tooLong(): void {
    this.#timer = null
    if (this.#owner !== null) this.#options.evict(this.#owner)
  }
}
