/** The keys below a prefix as one endpoint has shown them: a list at a revision, then events, then reads. */
import { type Cluster, ClusterParser, type KeyValue } from '../../cluster.ts'

export interface VersionedKey extends KeyValue {
  readonly key: string
  readonly modified: bigint
}

export interface KeyEvent {
  readonly key: string
  readonly modified: bigint
  /** null: deleted. */
  readonly put: VersionedKey | null
}

/** Holds the keys and gives the cluster they describe; the same object as long as nothing has changed. */
export class Keyspace {
  readonly #keys: Map<string, VersionedKey>
  readonly #parser: ClusterParser
  /** Up to here the watch, or the list, is complete. */
  #watched: bigint
  /** Events of the leader key up to here are older than a linearizable read of it. */
  #leaderRead = 0n
  #cluster: Cluster

  constructor(keys: readonly VersionedKey[], revision: bigint, parser = new ClusterParser()) {
    this.#parser = parser
    this.#keys = new Map(keys.map((entry) => [entry.key, entry]))
    this.#watched = revision
    this.#cluster = parser.parse(this.#keys)
  }

  get cluster(): Cluster {
    return this.#cluster
  }

  /** Returns the highest revision that the watch or the list has reached. */
  get revision(): bigint {
    return this.#watched
  }

  /**
   * Applies events of the watch, which is complete up to `revision` with them; those older than what is known are
   * ignored. Returns whether there was anything newer, be it equal.
   */
  applyEvents(events: readonly KeyEvent[], revision: bigint): boolean {
    let [isNews, isChange] = [false, false]
    for (const { key, modified, put } of events) {
      const outdated = key === 'leader' && modified <= this.#leaderRead
      if (outdated || modified <= (this.#keys.get(key)?.modified ?? 0n)) continue
      isNews = true
      isChange ||= !isEqual(key, this.#keys.get(key) ?? null, put)
      if (put === null) this.#keys.delete(key)
      else this.#keys.set(key, put)
    }
    if (revision > this.#watched) this.#watched = revision
    if (isChange) this.#cluster = this.#parser.parse(this.#keys)
    return isNews
  }

  /**
   * Applies a linearizable read of the leader key at `revision`, unless the watch is ahead of it. Returns whether it
   * differs from the watch: then the watch is late, or dead.
   */
  applyLeaderRead(leader: VersionedKey | null, revision: bigint): boolean {
    if (revision < this.#watched || revision < this.#leaderRead) return false
    this.#leaderRead = revision
    if (this.#keys.get('leader')?.modified === leader?.modified) return false
    if (leader === null) this.#keys.delete('leader')
    else this.#keys.set('leader', leader)
    this.#cluster = this.#parser.parse(this.#keys)
    return true
  }
}

/** Returns whether a key says the same: only of the lock it matters when it was taken. */
function isEqual(key: string, before: VersionedKey | null, after: VersionedKey | null): boolean {
  return before?.value === after?.value && (key !== 'leader' || before?.session === after?.session)
}
