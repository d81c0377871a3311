/** Turns callbacks into an async iteration: what is pushed comes out in order; `fail` ends it after what is queued. */
export class Queue<T> {
  readonly #items: T[] = []
  #failure: { readonly error: unknown } | null = null
  #wake: (() => void) | null = null

  push(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** Takes the items at the front that are of a kind. */
  *takeWhile<S extends T>(isOfKind: (item: T) => item is S): Iterable<S> {
    for (let [item] = this.#items; item !== undefined && isOfKind(item); [item] = this.#items) {
      this.#items.shift()
      yield item
    }
  }

  /** Fails the queue; the first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake?.()
  }

  /** Returns the next item; rejects with what `fail` was given once the queue is empty. One caller at a time. */
  async next(): Promise<T> {
    for (;;) {
      const item = this.#items.shift()
      if (item !== undefined) return item
      if (this.#failure !== null) throw this.#failure.error
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = null
    }
  }
}
