/** So many at a time; the others wait for a place, in order of arrival. */
export class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves when there is a place, with what leaves it; leaving twice is leaving once. */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }

  /** Gives a place to every waiter: there is nothing left to wait for. */
  open(): void {
    for (const next of this.#waiting.splice(0)) next()
  }
}
