/** Whole lists of keys, for kinds whose every answer can be all keys: what is older is left out, what is equal is no news. */
import { RouterError } from '../../errors.ts'
import type { KeyValue } from '../cluster.ts'
import type { Place, SessionKeys } from './sessions.ts'

export interface ListedKey extends KeyValue {
  /** The position of its last change. */
  readonly modified: number
  /** Only there to have others below it: no key to templates. */
  readonly isDirectory?: true
}

/** All keys as they were at one position, by full name with a slash in front. */
export interface Listing {
  /** Where the DCS has an ID; else empty. */
  readonly clusterId: string
  readonly index: number
  readonly keys: ReadonlyMap<string, ListedKey>
  /** The highest position that was seen, where some of the keys are ahead of `index`. */
  readonly latest?: number
  /** It counts though its index is lower than one before. */
  readonly isCertain?: boolean
}

/** A listing that was requested after so many others had been taken. */
export interface CertainListing extends Listing {
  readonly after: number
}

export interface ListedOptions<T, C> {
  /** Reads all keys with certainty. */
  readonly read: (connection: C) => Promise<Listing>
  /** Takes all keys as they are now; returns whether they differ from those before. */
  readonly apply: (keys: ReadonlyMap<string, ListedKey>) => boolean
  /** Returns whether the change from `before` cannot wait for the end of the turn of the event loop. */
  readonly isUrgent: (before: Listing, after: Listing) => boolean
  /** See `SessionKeys`. */
  readonly prepare?: (connection: C) => Promise<void>
  readonly tell: (place: Place) => T
}

export class ListedKeys<T, C> implements SessionKeys<T, C, Listing, CertainListing, Listing> {
  readonly #options: ListedOptions<T, C>
  #last: Listing
  /** How many listings have been taken. */
  #taken = 0
  /** The last read has shown other keys than the watch, which has been silent since. */
  #late = false

  constructor(first: Listing, options: ListedOptions<T, C>) {
    this.#options = options
    this.#last = first
    options.apply(first.keys)
  }

  get position(): Listing {
    return this.#last
  }

  isUrgent(listing: Listing): boolean {
    return this.#options.isUrgent(this.#last, listing)
  }

  onEvents(listing: Listing): boolean {
    this.#late = false
    return (listing.index >= this.#last.index || listing.isCertain === true) && this.#take(listing)
  }

  async read(connection: C): Promise<CertainListing> {
    const after = this.#taken
    return { ...(await this.#options.read(connection)), after }
  }

  onRead(listing: CertainListing): boolean {
    if (this.#late) throw new RouterError('DCS_STALE', 'the watch misses a change that a read shows')
    // What was requested after the last one had been taken is newer even where its index is lower: an index may fall.
    const isNewer = listing.index >= this.#last.index || listing.after === this.#taken
    this.#late = isNewer && this.#take(listing)
    return true
  }

  async prepare(connection: C): Promise<void> {
    await this.#options.prepare?.(connection)
  }

  tell(place: Place): T {
    return this.#options.tell(place)
  }

  #take(listing: Listing): boolean {
    this.#last = listing
    this.#taken++
    return this.#options.apply(listing.keys)
  }
}

/** Returns whether a list is of another history than one before: of another DCS, or one that was restored to an earlier state. */
export function wentBack(listing: Listing, seen: Listing): boolean {
  if (listing.clusterId !== seen.clusterId) return true
  // A key that was not there then has been written since, so that it is newer than all there was.
  for (const [name, { modified }] of listing.keys)
    if (modified < (seen.keys.get(name)?.modified ?? seen.index + 1)) return true
  return false
}
