/**
 * All objects of one resource as two sources show them: a watch, and lists that are read with certainty beside it.
 * Whichever is newer counts, object by object.
 */
import { RouterError } from '../../../errors.ts'
import type { KubeObject, ObjectList, WatchEvent } from './objects.ts'

export class ObjectCache {
  readonly #objects = new Map<string, KubeObject>()
  /** At which versions the watch has shown deletions; a list that is on its way may be older. */
  readonly #deleted = new Map<string, number>()
  #version = 0
  /** The version of the newest list, and of the newest event. */
  #listed = 0
  #watched = 0
  /** What a list has shown first, and the watch has to show as well: the newest change, and what is gone. */
  #unseen = 0
  readonly #gone = new Set<string>()

  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#objects
  }

  /** Returns the version up to which everything has been seen. */
  get version(): number {
    return this.#version
  }

  /** Returns the version from which the watch continues. */
  get watched(): number {
    return this.#watched
  }

  /** Takes the list from which the watch begins, or begins again because it cannot continue. */
  begin(list: ObjectList): void {
    this.take(list)
    this.#watched = list.version
    this.#unseen = 0
    this.#gone.clear()
  }

  /** Takes a list that was read beside the watch. An older one than the last changes nothing. */
  take({ version, objects }: ObjectList): { readonly newest: number; readonly gone: readonly string[] } {
    if (version < this.#listed) return { newest: 0, gone: [] }
    let newest = 0
    const listed = new Set<string>()
    for (const object of objects) {
      const { name } = object
      listed.add(name)
      const known = this.#objects.get(name)
      if ((this.#deleted.get(name) ?? -1) >= object.version || (known !== undefined && isAsNew(known, object))) continue
      this.#objects.set(name, object)
      newest = Math.max(newest, object.version)
    }
    const gone = [...this.#objects.values()].filter((known) => !listed.has(known.name) && known.version <= version)
    for (const { name } of gone) this.#objects.delete(name)
    for (const [name, at] of this.#deleted) if (at <= version) this.#deleted.delete(name)
    this.#listed = version
    this.#version = Math.max(this.#version, version)
    return { newest, gone: gone.map(({ name }) => name) }
  }

  /**
   * Takes a list as `take` does, at an interval within which the watch has to show the same. @throws RouterError
   * `DCS_STALE` where it has been silent about what the list before has shown.
   */
  check(list: ObjectList): void {
    if (this.#unseen > this.#watched || this.#gone.size > 0)
      throw new RouterError('DCS_STALE', 'the watch misses a change that a read shows')
    const { newest, gone } = this.take(list)
    this.#unseen = newest
    for (const name of gone) this.#gone.add(name)
  }

  /** Takes what the watch tells, but for its errors. */
  apply(event: Exclude<WatchEvent, { readonly type: 'error' }>): void {
    const version = event.type === 'bookmark' ? event.version : event.object.version
    this.#watched = Math.max(this.#watched, version)
    this.#version = Math.max(this.#version, version)
    if (event.type === 'bookmark') return
    const { object } = event
    if (event.type === 'deleted') this.#gone.delete(object.name)
    // A list has shown what came of it.
    if (version <= this.#listed && version !== 0) return
    if (event.type === 'set') {
      const known = this.#objects.get(object.name)
      if (known === undefined || !isAsNew(known, object)) this.#objects.set(object.name, object)
      return
    }
    this.#objects.delete(object.name)
    this.#deleted.set(object.name, version)
  }
}

/** Returns whether what is known is no older. Versions without an order say nothing. */
function isAsNew(known: KubeObject, object: KubeObject): boolean {
  return known.version > object.version || (known.version === object.version && object.version !== 0)
}
