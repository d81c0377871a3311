/** An in-process key space with leases and watches: as much of etcd as Patroni uses. */
import type { KeyValue } from '../watcher/cluster.ts'

export interface Key extends KeyValue {
  readonly lease: Lease | null
}

/** Keys that exist as long as this is renewed. */
export interface Lease {
  /** Gives it its whole time again; false: it has expired already. */
  renew(): boolean
  /** Ends it now, and its keys with it. */
  revoke(): void
  /** When it expires unless it is renewed; milliseconds since the epoch. */
  readonly expiresAt: number
}

export class KeySpace {
  readonly #keys = new Map<string, Key>()
  readonly #watchers = new Set<(key: string) => void>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #revision = 1

  get revision(): number {
    return this.#revision
  }

  get keys(): ReadonlyMap<string, Key> {
    return this.#keys
  }

  get(key: string): string | null {
    return this.#keys.get(key)?.value ?? null
  }

  /** Returns when a key expires unless its lease is renewed, in milliseconds since the epoch; null: never. */
  expiryOf(key: string): number | null {
    return this.#keys.get(key)?.lease?.expiresAt ?? null
  }

  put(key: string, value: string, lease: Lease | null = null): void {
    const before = this.#keys.get(key)
    if (before?.value === value && before.lease === lease) return
    this.#revision++
    this.#keys.set(key, { value, lease, session: before?.session ?? String(this.#revision) })
    this.#changed(key)
  }

  /** Creates a key; false: it exists. */
  create(key: string, value: string, lease: Lease | null): boolean {
    if (this.#keys.has(key)) return false
    this.put(key, value, lease)
    return true
  }

  delete(key: string): void {
    if (!this.#keys.delete(key)) return
    this.#revision++
    this.#changed(key)
  }

  /** Grants a lease that expires `ttlMs` after it was last renewed. */
  grant(ttlMs: number): Lease {
    let timer: NodeJS.Timeout | null = null
    let expiresAt = 0
    const clear = (): void => {
      if (timer === null) return
      clearTimeout(timer)
      this.#timers.delete(timer)
      timer = null
    }
    const revoke = (): void => {
      clear()
      for (const [key, entry] of [...this.#keys]) if (entry.lease === lease) this.delete(key)
    }
    const arm = (): void => {
      clear()
      expiresAt = Date.now() + ttlMs
      timer = setTimeout(revoke, ttlMs)
      this.#timers.add(timer)
    }
    const renew = (): boolean => {
      if (timer === null) return false
      arm()
      return true
    }
    const lease: Lease = {
      renew,
      revoke,
      get expiresAt() {
        return expiresAt
      },
    }
    arm()
    return lease
  }

  /** Calls `watcher` with the name of every key that changes, until the returned function is called. */
  watch(watcher: (key: string) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Stops: no lease expires any more, and no change is reported. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#watchers.clear()
  }

  #changed(key: string): void {
    for (const watcher of [...this.#watchers]) watcher(key)
  }
}
