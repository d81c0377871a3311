/** The cluster that a whole list of keys describes, for kinds that always see all of them. */
import { type Cluster, ClusterParser, type KeyValue } from '../cluster.ts'

type Keys = ReadonlyMap<string, KeyValue>

export class KeyList {
  readonly #parser = new ClusterParser()
  readonly #complete: (cluster: Cluster, keys: Keys) => Cluster
  #last: { readonly keys: Keys; readonly cluster: Cluster } | null = null

  /** `complete`: adds what the keys alone do not say. */
  constructor(complete: (cluster: Cluster, keys: Keys) => Cluster = (cluster) => cluster) {
    this.#complete = complete
  }

  /** Takes all keys as they are now, by name below the cluster's prefix; gives the same object as long as they are the same. */
  apply(keys: Keys): Cluster {
    if (this.#last === null || !isSame(this.#last.keys, keys))
      this.#last = { keys, cluster: this.#complete(this.#parser.parse(keys), keys) }
    return this.#last.cluster
  }
}

/** Compares the values, and the session of the lock: members write their keys again in each loop, and the session of those says nothing. */
function isSame(a: Keys, b: Keys): boolean {
  return (
    a.size === b.size &&
    [...a].every(([key, { value }]) => b.get(key)?.value === value) &&
    a.get('leader')?.session === b.get('leader')?.session
  )
}
