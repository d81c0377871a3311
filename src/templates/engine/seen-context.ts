/** The context as a template sees it: frozen records without a prototype, in which every text of strangers is marked. */
import { printable } from '../../text/printable.ts'
import { isSafe, textFrom, UnsafeText } from './unsafe.ts'
import type { Marks, Value, ValueRecord } from './values.ts'

/** Longest part of the name of a tag in a message. */
const MAX_SHOWN = 80

export class SeenContext {
  readonly #raw: object
  readonly #marks: Marks
  readonly #readsLag: () => void
  /** A member is one record, wherever it stands. */
  readonly #members = new Map<object, ValueRecord>()

  /** `readsLag` is called when the lag of a member is read. */
  constructor(raw: object, marks: Marks, readsLag: () => void) {
    this.#raw = raw
    this.#marks = marks
    this.#readsLag = readsLag
  }

  /** Returns it as if these members were not there: `NAME`, of several clusters `CLUSTER/NAME`. */
  without(hidden: ReadonlySet<string>): Value {
    const raw = this.#raw
    if (!('clusters' in raw)) return this.#marks.take(this.#cluster(raw, '', hidden), [])
    const clusters = raw.clusters as readonly object[]
    const seen = clusters.map((cluster) => this.#cluster(cluster, `${nameOf(cluster)}/`, hidden))
    return this.#marks.take(
      recordOf({ clusters: seen }, (_name, value) => value as Value),
      [],
    )
  }

  /** Marks the texts of a cluster; its name, scope and namespace are the configuration's. */
  #cluster(raw: object, prefix: string, hidden: ReadonlySet<string>): ValueRecord {
    return recordOf(raw, (name, value) => {
      if (Array.isArray(value)) return value.flatMap((member: object) => this.#member(member, prefix, hidden) ?? [])
      if (isObject(value)) return this.#member(value, prefix, hidden)
      if (name === 'system_id' && typeof value === 'string') return textFrom({ kind: 'other', what: name }, value)
      return value as Value
    })
  }

  #member(raw: object, prefix: string, hidden: ReadonlySet<string>): ValueRecord | null {
    const member = `${prefix}${nameOf(raw)}`
    if (hidden.has(member)) return null
    const known = this.#members.get(raw)
    if (known !== undefined) return known
    const texts: UnsafeText[] = []
    const seen = recordOf(raw, (name, value) => {
      if (isObject(value)) return this.#tags(value, member, texts)
      return markedIn(texts, value, member, name)
    })
    this.#watchLag(seen)
    this.#marks.addMember(Object.freeze(seen), member, texts)
    this.#members.set(raw, seen)
    return seen
  }

  /** Puts all that is not safe in them with the texts of the member. */
  #tags(raw: object, member: string, texts: UnsafeText[]): ValueRecord {
    const own: UnsafeText[] = []
    const tags = recordOf(raw, (name, value) => {
      const what = isSafe(name) ? `tag ${printable(name, MAX_SHOWN)}` : 'the name of a tag'
      return markedIn(own, value, member, what)
    })
    if (!Object.keys(tags).every(isSafe))
      this.#marks.addNames(tags, [new UnsafeText('', [{ kind: 'member', member, what: 'the name of a tag' }])])
    this.#marks.addMember(Object.freeze(tags), member, own)
    texts.push(...own)
    return tags
  }

  /** Notes when the lag is read: it changes with every check, and most templates do not use it. */
  #watchLag(member: ValueRecord): void {
    const { lag } = member
    if (lag === undefined) return
    const get = (): Value => {
      this.#readsLag()
      return lag
    }
    Object.defineProperty(member, 'lag', { enumerable: true, get })
  }
}

function markedIn(texts: UnsafeText[], value: unknown, member: string, what: string): Value {
  if (typeof value !== 'string') return value as Value
  const text = textFrom({ kind: 'member', member, what }, value)
  if (text instanceof UnsafeText) texts.push(text)
  return text
}

function recordOf(raw: object, seenAs: (name: string, value: unknown) => Value): Record<string, Value> {
  const record = Object.create(null) as Record<string, Value>
  const fields = raw as Readonly<Record<string, unknown>>
  for (const name of Object.keys(fields)) record[name] = seenAs(name, fields[name])
  return record
}

function nameOf(raw: object): string {
  return 'name' in raw && typeof raw.name === 'string' ? raw.name : ''
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
