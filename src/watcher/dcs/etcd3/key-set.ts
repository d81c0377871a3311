/** Keys with their values as one session with etcd has shown them, and the doubt whether its watch tells everything. */
import { now } from '../../../clock.ts'
import { RouterError } from '../../../errors.ts'
import { printable, REPLACEMENT } from '../../../text/printable.ts'
import type { EtcdConnection, EtcdReading } from './connection.ts'
import type { Place } from '../sessions.ts'
import type { EtcdEvents, EtcdKeys, EtcdPosition } from './etcd-sessions.ts'
import { isWithin, type KeysObservation } from '../key-values.ts'
import { isLarge, tooLarge } from '../listed.ts'
import type { VersionedKey } from './keyspace.ts'

export interface KeySetOptions {
  /** The key that is wanted with all below it; empty: everything. */
  readonly root: string
  /** How often all keys are read again and compared. Milliseconds. */
  readonly compareMs: number
  /** Gets the keys whose names are not UTF-8; also more than once. */
  readonly onLeftOut: (key: string) => void
}

export class KeySet implements EtcdKeys<KeysObservation> {
  readonly #options: KeySetOptions
  readonly #clusterId: string
  /** The modification of every key in the range that is observed, also of those that are not wanted. */
  readonly #modified = new Map<string, bigint>()
  readonly #values = new Map<string, string>()
  /** What is too large. */
  readonly #large = new Set<string>()
  #revision: bigint
  /** The values as they are handed over; null: to be made again. */
  #keys: ReadonlyMap<string, string> | null = null
  #comparedAt = now()
  /** The number of keys was another one than it should be. */
  #miscounted = false
  /** How the last list differed from the watch, by key. */
  #differences: ReadonlyMap<string, string> = new Map()

  constructor({ clusterId, keys, revision }: EtcdReading, options: KeySetOptions) {
    this.#options = options
    this.#clusterId = clusterId
    this.#revision = revision
    for (const entry of keys) this.#put(entry)
  }

  get position(): EtcdPosition {
    return { clusterId: this.#clusterId, revision: this.#revision }
  }

  /** Returns that none is: files are rendered later all the same. */
  isUrgent(): boolean {
    return false
  }

  onEvents({ events, revision }: EtcdEvents): boolean {
    let changed = false
    for (const { key, modified, put } of events) {
      if (modified <= (this.#modified.get(key) ?? 0n)) continue
      if (put === null ? this.#delete(key) : this.#put(put)) changed = true
    }
    if (revision > this.#revision) this.#revision = revision
    return changed
  }

  /** Counts the keys, which costs etcd little; lists them when it is time, or when there is a doubt. */
  read(connection: EtcdConnection): Promise<EtcdReading> {
    const inDoubt = this.#miscounted || this.#differences.size > 0
    return inDoubt || now() - this.#comparedAt >= this.#options.compareMs ? connection.list() : connection.count()
  }

  onRead(reading: EtcdReading): boolean {
    const isList = reading.keys.length === reading.count
    if (!isList) {
      // The watch may be a moment behind, so that this alone shows nothing; where it is ahead it does not matter.
      this.#miscounted = reading.revision >= this.#revision && reading.count !== this.#modified.size
      return !this.#miscounted && this.#differences.size === 0
    }
    const before = this.#differences
    const differences = this.#compare(reading)
    // Twice the same, with a whole interval for the watch to tell it.
    for (const [key, difference] of differences)
      if (before.get(key) === difference)
        throw new RouterError('DCS_STALE', `the watch misses a change that a list shows of ${printable(key, 200)}`)
    this.#comparedAt = now()
    this.#miscounted = false
    this.#differences = differences
    return differences.size === 0
  }

  tell({ endpoint }: Place): KeysObservation {
    if (this.#large.size > 0) return { type: 'lost', error: tooLarge('etcd', endpoint, [...this.#large]) }
    this.#keys ??= new Map([...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)))
    return { type: 'keys', keys: this.#keys }
  }

  /** Compares a list with what is known, where the watch is not ahead of it. */
  #compare({ keys, revision }: EtcdReading): ReadonlyMap<string, string> {
    const differences = new Map<string, string>()
    const listed = new Set<string>()
    for (const { key, modified } of keys) {
      listed.add(key)
      const known = this.#modified.get(key) ?? null
      if (known !== modified && (known === null || known <= revision)) differences.set(key, `${known}, ${modified}`)
    }
    for (const [key, known] of this.#modified)
      if (known <= revision && !listed.has(key)) differences.set(key, `${known}, deleted`)
    return differences
  }

  /** Puts a key, and returns whether it is one of those that are handed over. */
  #put({ key, value, modified }: VersionedKey): boolean {
    this.#modified.set(key, modified)
    if (!isWithin(this.#options.root, key)) return false
    if (key.includes(REPLACEMENT)) {
      this.#options.onLeftOut(key)
      return false
    }
    this.#keys = null
    if (isLarge(value)) {
      this.#values.delete(key)
      this.#large.add(key)
    } else {
      this.#values.set(key, value)
      this.#large.delete(key)
    }
    return true
  }

  #delete(key: string): boolean {
    this.#modified.delete(key)
    const isTold = this.#values.delete(key) || this.#large.delete(key)
    if (isTold) this.#keys = null
    return isTold
  }
}
