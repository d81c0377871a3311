/**
 * Members whose nodes have just gone: up to 3.x Patroni deletes its own node and makes it again to tell the leader of a change
 * (zookeeper.py, `touch_member`), and within that moment a healthy replica is not there. Pure.
 */
import type { ListedKey } from '../listing.ts'

/** Patroni takes 3 to 30 ms. */
export const LINGER_MS = 200

type Keys = ReadonlyMap<string, ListedKey>

export class Lingering {
  /** What the names of the nodes of members begin with: `/service/demo/members/`. */
  readonly #members: string
  #last: Keys = new Map()
  /** Members that are still listed, with the time until when. */
  readonly #until = new Map<string, number>()

  constructor(members: string) {
    this.#members = members
  }

  /** Returns all keys, with those of members that have gone less than {@link LINGER_MS} ago. */
  apply(keys: Keys, now: number): Keys {
    const all = new Map(keys)
    for (const [name, key] of this.#last) {
      if (!name.startsWith(this.#members)) continue
      if (keys.has(name)) {
        this.#until.delete(name)
        continue
      }
      const until = this.#until.get(name) ?? now + LINGER_MS
      this.#until.set(name, until)
      if (now < until) all.set(name, key)
      else this.#until.delete(name)
    }
    this.#last = all
    return all
  }

  /** Returns the time at which the first of them is no longer listed; null: there is none. */
  get dueAt(): number | null {
    return this.#until.size === 0 ? null : Math.min(...this.#until.values())
  }
}
