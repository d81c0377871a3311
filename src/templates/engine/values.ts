/** What expressions of a template give: plain data, in which a text that is not safe is an `UnsafeText`. */
import { isSafe, originsOf, UnsafeText } from './unsafe.ts'

export type Scalar = string | number | boolean | null
export type ValueList = readonly Value[]
export interface ValueRecord {
  readonly [name: string]: Value
}
export type Value = Scalar | UnsafeText | ValueList | ValueRecord

export function isList(value: Value): value is ValueList {
  return Array.isArray(value)
}

export function isRecord(value: Value): value is ValueRecord {
  return isObject(value) && !isList(value)
}

/** Returns a property of a record that is its own; undefined: there is none. */
export function fieldOf(record: ValueRecord, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** Returns the names in a record, sorted: JSON and tags may be written in another order each time. */
export function namesIn(record: ValueRecord): readonly string[] {
  return Object.keys(record).sort()
}

/** Keeps the lists and records of one rendering: which member a record is, and the texts in each that are not safe. */
export class Marks {
  readonly #members = new Map<object, string>()
  /** null: its texts have been marked, and have not been read yet. */
  readonly #texts = new WeakMap<object, readonly UnsafeText[] | null>()
  /** Of what the names were made, in records that have names which are not safe. */
  readonly #names = new WeakMap<object, readonly UnsafeText[]>()

  /** Notes a record, all of whose texts are what they are to be, as a member, or as a part of one. */
  addMember(record: object, member: string, texts: readonly UnsafeText[]): void {
    this.#members.set(record, member)
    if (texts.length > 0) this.#texts.set(record, texts)
  }

  /** Notes what the names in a record were made of. */
  addNames(record: object, madeOf: readonly UnsafeText[]): void {
    this.#names.set(record, madeOf)
  }

  /** Returns the member that a record is, or is a part of; not to be shown. */
  memberOf(value: Value): string | null {
    return isObject(value) ? (this.#members.get(value) ?? null) : null
  }

  /** Returns the name of a property as a value. */
  nameIn(record: ValueRecord, name: string): string | UnsafeText {
    const madeOf = this.#names.get(record)
    return madeOf === undefined || isSafe(name) ? name : new UnsafeText(name, originsOf(name, madeOf))
  }

  /** Returns what a helper was given, and gives back; undefined where it is new. */
  known(made: object): Value | undefined {
    const isKnown = this.#members.has(made) || made instanceof UnsafeText || this.#texts.has(made)
    return isKnown ? (made as Value) : undefined
  }

  /**
   * Makes a value of a result that was made of unsafe texts: new parts are marked in place and frozen; parts that were
   * values before stay as they are.
   */
  take(made: object, madeOf: readonly UnsafeText[]): Value {
    if (this.known(made) === undefined) this.#mark(made as Record<string, unknown>, madeOf)
    return made as ValueList | ValueRecord
  }

  /** Returns the texts among values, and within them, that are not safe. */
  unsafeIn(values: readonly unknown[]): readonly UnsafeText[] {
    return [...new Set(values.flatMap((value) => this.#unsafeOf(value)))]
  }

  #mark(made: Record<string | number, unknown>, madeOf: readonly UnsafeText[]): void {
    this.#texts.set(made, null)
    const isTainted = madeOf.length > 0
    const markAt = (at: string | number): void => {
      const item = made[at]
      if (typeof item === 'object' && item !== null) this.take(item, madeOf)
      else if (isTainted && typeof item === 'string' && !isSafe(item))
        made[at] = new UnsafeText(item, originsOf(item, madeOf))
    }
    if (Array.isArray(made)) for (let at = 0; at < made.length; at++) markAt(at)
    else for (const name of Object.keys(made)) markAt(name)
    if (isTainted && !Array.isArray(made) && !Object.keys(made).every(isSafe)) this.addNames(made, madeOf)
    Object.freeze(made)
  }

  #unsafeOf(value: unknown): readonly UnsafeText[] {
    if (value instanceof UnsafeText) return [value]
    if (typeof value !== 'object' || value === null) return []
    const known = this.#texts.get(value) ?? null
    if (known !== null) return known
    if (this.#members.has(value)) return []
    const madeOf = this.#names.get(value) ?? []
    const odd = madeOf.length === 0 ? [] : Object.keys(value).filter((name) => !isSafe(name))
    const found = new Set(odd.map((name) => new UnsafeText(name, originsOf(name, madeOf))))
    for (const item of Object.values(value)) for (const text of this.#unsafeOf(item)) found.add(text)
    this.#texts.set(value, [...found])
    return [...found]
  }
}

function isObject(value: Value): value is ValueList | ValueRecord {
  return typeof value === 'object' && value !== null && !(value instanceof UnsafeText)
}
