/** The time of one process: it passes, stands still while the process is frozen, and ends when it is killed. */
import { setTimeout as sleep } from 'node:timers/promises'

export class Life {
  readonly #end = new AbortController()
  #thawed = Promise.resolve()
  #thaw: (() => void) | null = null
  #wake = new AbortController()

  get ended(): boolean {
    return this.#end.signal.aborted
  }

  get frozen(): boolean {
    return this.#thaw !== null
  }

  freeze(): void {
    if (this.#thaw !== null) return
    this.#thawed = new Promise((resolve) => (this.#thaw = resolve))
  }

  thaw(): void {
    this.#thaw?.()
    this.#thaw = null
    this.#wake.abort()
  }

  /** Ends: all waits reject. */
  end(): void {
    this.#end.abort()
    this.thaw()
  }

  /** Ends the pause under way, or the next one, in `ms`. */
  wakeIn(ms: number): void {
    const wake = this.#wake
    setTimeout(() => wake.abort(), ms)
  }

  /** Begins a round: from here on `wakeIn` counts for the next pause. */
  beginRound(): void {
    this.#wake = new AbortController()
  }

  /** Lets `ms` pass, or less when it is woken. */
  async pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#end.signal, this.#wake.signal])
    await sleep(ms, undefined, { signal }).catch(() => undefined) // Woken, or killed: seen below.
    await this.wait(0)
  }

  /** Lets `ms` pass, and all of the time that it is frozen. */
  async wait(ms: number): Promise<void> {
    const { signal } = this.#end
    signal.throwIfAborted()
    if (ms > 0) await sleep(ms, undefined, { signal })
    await this.#thawed
    signal.throwIfAborted()
  }
}
