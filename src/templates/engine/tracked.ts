/** What a template reads of values: only own properties, each noted, and text of strangers marked as what it is. */
import { type FindOrigins, isSafe, UnsafeText } from './unsafe.ts'

export type Scalar = string | number | boolean | null
/** What expressions of a template give. */
export type Value = Scalar | UnsafeText | Tracked

/** A list or a record as it really is. */
export type Raw = Readonly<Record<string, unknown>>

/** Where the texts of a value come from. */
export interface Source {
  /** The member that the value is, or is a part of. */
  readonly member: string | null
  /** Whom a text that is not safe comes from; null: it can be trusted. `name`: null for the name itself of a property. */
  origins(text: string, name: string | null): FindOrigins | null
  /** Of what is below. */
  below(name: string, raw: object): Source
}

/** What the values of one rendering have in common. */
export interface Home {
  /** Members that are as if they were not there. */
  readonly hidden: ReadonlySet<string>
  /** The value that a helper was given, and gave back, in this guise. */
  known(guise: object): Tracked | undefined
}

/** A property that is not there. */
const MISSING = Symbol('missing')
/** A list or a record, where a scalar was read. */
const NO_SCALAR = Symbol('no scalar')

/** What was read of a list or record, and of what is below it. */
export class Reads {
  readonly #isList: boolean
  readonly #scalars = new Map<string, unknown>()
  readonly #below = new Map<string, Reads>()
  #names: string | null = null

  constructor(raw: object) {
    this.#isList = Array.isArray(raw)
  }

  scalar(raw: Raw, name: string): void {
    this.#scalars.set(name, scalarOf(raw, name))
  }

  names(raw: Raw): void {
    this.#names = JSON.stringify(sortedNames(raw))
  }

  below(name: string, raw: object): Reads {
    const known = this.#below.get(name)
    if (known !== undefined) return known
    const reads = new Reads(raw)
    this.#below.set(name, reads)
    return reads
  }

  /** Whether another value in the place of the one that was read would have been read as the same. */
  isSame(value: unknown): boolean {
    if (!isObject(value) || Array.isArray(value) !== this.#isList) return false
    for (const [name, read] of this.#scalars) if (!Object.is(scalarOf(value, name), read)) return false
    if (this.#names !== null && JSON.stringify(sortedNames(value)) !== this.#names) return false
    for (const [name, reads] of this.#below) {
      if (!Object.hasOwn(value, name) || !reads.isSame(value[name])) return false
    }
    return true
  }
}

/** A list or a record. */
export class Tracked {
  readonly source: Source
  readonly isList: boolean
  readonly #raw: Raw
  readonly #home: Home
  /** null: it was made by a helper, of what has been noted. */
  readonly #reads: Reads | null
  readonly #below = new Map<string, Tracked>()
  /** Of a list some of whose items are hidden. */
  #shown: readonly number[] | null = null

  constructor(raw: object, source: Source, home: Home, reads: Reads | null) {
    this.#raw = raw as Raw
    this.source = source
    this.#home = home
    this.#reads = reads
    this.isList = Array.isArray(raw)
    if (this.isList && home.hidden.size > 0) this.#shown = this.#hide()
  }

  /** Of a list. */
  get length(): number {
    this.#reads?.scalar(this.#raw, 'length')
    return this.#shown?.length ?? (this.#raw['length'] as number)
  }

  /** An item of a list, as far as there is one. */
  at(index: number): Value | undefined {
    const place = this.#shown === null ? index : this.#shown[index]
    if (place === undefined || index >= this.length) return undefined
    return this.#get(String(place))
  }

  /** A property of a record that is its own; undefined: there is none. */
  get(name: string): Value | undefined {
    return this.isList ? undefined : this.#get(name)
  }

  /** The names of a record's properties, sorted: whoever writes JSON or tags may write them in another order each time. */
  names(): readonly string[] {
    this.#reads?.names(this.#raw)
    return sortedNames(this.#raw)
  }

  /** A text that stands in it, marked where it is not safe. */
  mark(text: string, name: string | null): string | UnsafeText {
    if (isSafe(text)) return text
    const origins = this.source.origins(text, name)
    return origins === null ? text : new UnsafeText(text, origins)
  }

  #get(name: string): Value | undefined {
    const value = Object.hasOwn(this.#raw, name) ? this.#raw[name] : MISSING
    if (isObject(value)) return this.#child(name, value)
    this.#reads?.scalar(this.#raw, name)
    if (value === MISSING || value === undefined) return undefined
    return typeof value === 'string' ? this.mark(value, name) : (value as Scalar)
  }

  #child(name: string, raw: object): Tracked | null {
    const known = this.#home.known(raw) ?? this.#below.get(name)
    if (known !== undefined) return known
    const reads = this.#reads?.below(name, raw) ?? null
    const source = this.source.below(name, raw)
    if (this.#isHidden(source)) {
      reads?.scalar(raw as Raw, 'name')
      return null
    }
    const child = new Tracked(raw, source, this.#home, reads)
    this.#below.set(name, child)
    return child
  }

  #hide(): readonly number[] | null {
    const items = this.#raw as unknown as readonly unknown[]
    const shown = items.flatMap((item, index) => {
      if (!isObject(item)) return [index]
      const source = this.source.below(String(index), item)
      if (source.member !== null) this.#reads?.below(String(index), item).scalar(item, 'name')
      return this.#isHidden(source) ? [] : [index]
    })
    return shown.length === items.length ? null : shown
  }

  #isHidden({ member }: Source): boolean {
    return member !== null && this.#home.hidden.has(member)
  }
}

function sortedNames(raw: Raw): readonly string[] {
  return Object.keys(raw).sort()
}

function scalarOf(raw: Raw, name: string): unknown {
  if (!Object.hasOwn(raw, name)) return MISSING
  const value = raw[name]
  return isObject(value) ? NO_SCALAR : value
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null
}
