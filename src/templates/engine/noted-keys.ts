/** Keys of the DCS as helpers see them: those read that are not safe are noted. */
import { printable } from '../../text/printable.ts'
import type { KeyView } from '../keys.ts'
import { isSafe, type Origin, type Suspect } from './unsafe.ts'

/** Longest part of a key's name in a message. */
const MAX_SHOWN = 128

export class NotedKeys {
  readonly #entries: ReadonlyMap<string, string>
  /** Of the names; found once, as every pattern goes through all of them. */
  #unsafe: readonly Suspect[] | null = null

  constructor({ entries }: KeyView) {
    this.#entries = entries
  }

  /** As one question sees them. */
  view(note: (suspect: Suspect) => void): KeyView {
    this.#unsafe ??= [...this.#entries.keys()].flatMap((key) => suspectOf(key, key) ?? [])
    return { entries: new NotedEntries(this.#entries, this.#unsafe, note) }
  }
}

/** null: the text is safe. */
function suspectOf(text: string, key: string): Suspect | null {
  if (isSafe(text)) return null
  const origin: Origin = { kind: 'key', what: printable(key, MAX_SHOWN) }
  return { text, origins: [origin] }
}

class NotedEntries implements ReadonlyMap<string, string> {
  readonly #entries: ReadonlyMap<string, string>
  readonly #unsafeNames: readonly Suspect[]
  readonly #note: (suspect: Suspect) => void

  constructor(entries: ReadonlyMap<string, string>, unsafeNames: readonly Suspect[], note: (suspect: Suspect) => void) {
    this.#entries = entries
    this.#unsafeNames = unsafeNames
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

  keys(): MapIterator<string> {
    this.#unsafeNames.forEach(this.#note)
    return this.#entries.keys()
  }

  *values(): MapIterator<string> {
    for (const [, value] of this.entries()) yield value
  }

  *entries(): MapIterator<[string, string]> {
    this.#unsafeNames.forEach(this.#note)
    for (const [key, value] of this.#entries) {
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
    const suspect = suspectOf(text, key)
    if (suspect !== null) this.#note(suspect)
  }
}
