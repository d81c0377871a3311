/**
 * Connections that several users share, until the first of them gives one up: it may lead to a server that is gone, so that the next
 * user gets another one.
 */

interface Entry<T> {
  readonly value: T
  users: number
}

/** What one user has of it. */
export interface Share<T> {
  readonly value: T
  /** Gives it up, once; it ends with its last user. */
  leave(): void
}

export class Sharing<T> {
  readonly #current = new Map<string, Entry<T>>()
  readonly #end: (value: T) => void

  /** `end`: ends what has no user any more. */
  constructor(end: (value: T) => void) {
    this.#end = end
  }

  /** Returns the one with this key, which `make` makes where there is none. */
  take(key: string, make: () => T): Share<T> {
    const entry = this.#current.get(key) ?? { value: make(), users: 0 }
    this.#current.set(key, entry)
    entry.users++
    return {
      value: entry.value,
      leave: () => {
        if (this.#current.get(key) === entry) this.#current.delete(key)
        if (--entry.users === 0) this.#end(entry.value)
      },
    }
  }
}
