/** Keys of the DCS as helpers see them: those read that are not safe are noted. */
import { printable } from '../watcher/printable.ts'
import type { KeyView } from './keys.ts'
import { isSafe, type Origin, type Suspect } from './unsafe.ts'

/** Longest part of a key's name in a message. */
const MAX_SHOWN = 128

export function notedKeys({ entries }: KeyView, note: (suspect: Suspect) => void): KeyView {
  return { entries: new NotedEntries(entries, note) }
}

class NotedEntries implements ReadonlyMap<string, string> {
  readonly #entries: ReadonlyMap<string, string>
  readonly #note: (suspect: Suspect) => void

  constructor(entries: ReadonlyMap<string, string>, note: (suspect: Suspect) => void) {
    this.#entries = entries
    this.#note = note
  }

  get size(): number {
    return this.#entries.size
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  get(key: string): string | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.#check(value, key)
    return value
  }

  *keys(): MapIterator<string> {
    for (const key of this.#entries.keys()) {
      this.#check(key, key)
      yield key
    }
  }

  *values(): MapIterator<string> {
    for (const [, value] of this.entries()) yield value
  }

  *entries(): MapIterator<[string, string]> {
    for (const [key, value] of this.#entries) {
      this.#check(key, key)
      this.#check(value, key)
      yield [key, value]
    }
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries()
  }

  forEach(visit: (value: string, key: string, map: ReadonlyMap<string, string>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this)
  }

  #check(text: string, key: string): void {
    if (isSafe(text)) return
    const origin: Origin = { kind: 'key', what: printable(key, MAX_SHOWN) }
    this.#note({ text, origins: [origin] })
  }
}
