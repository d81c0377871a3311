/** The keys that templates read: each root is observed once, and what was read last stays while it cannot be read. */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../clock.ts'
import { explain, RouterError } from '../errors.ts'
import type { Log } from '../text/log-line.ts'
import { isWithin, type KeysObservation, type KeyValueSource } from '../watcher/dcs/key-values.ts'
import type { KeyView } from './engine/template.ts'
import type { KeysStatus } from './status.ts'

export interface KeyStoreOptions {
  /** null: this kind of DCS has none; then no view is ever there. */
  readonly source: KeyValueSource | null
  /** What templates read: prefix and key of each ({@link rootsOf}). Repetitions, and roots inside others, cost nothing. */
  readonly roots: readonly string[]
  /** Where it is logged once when a root can no longer be read, and once when it can again. */
  readonly log: Log | null
}

/** What a template reads, as in its configuration. */
export interface KeySelection {
  /** Begins with a slash and ends with none; empty: all of the DCS. */
  readonly prefix: string
  /** Each begins with a slash; `/` is all below the prefix. */
  readonly keys: readonly string[]
}

/** Between a fault and the next attempt. Milliseconds. */
const AGAIN_MS = 1000

interface Root {
  readonly name: string
  keys: ReadonlyMap<string, string> | null
  readAt: number | null
  error: RouterError | null
}

interface CachedView {
  /** What it was made of. */
  readonly of: readonly ReadonlyMap<string, string>[]
  readonly view: KeyView
}

export class KeyStore {
  readonly #source: KeyValueSource | null
  readonly #log: Log | null
  readonly #roots: readonly Root[]
  readonly #listeners = new Set<() => void>()
  readonly #views = new Map<string, CachedView>()
  readonly #closing = new AbortController()
  #observers: Promise<unknown> | null = null

  constructor({ source, roots, log }: KeyStoreOptions) {
    this.#source = source
    this.#log = log
    this.#roots = outermost(roots).map((name) => ({ name, keys: null, readAt: null, error: null }))
  }

  /** Begins to observe. Once. */
  start(): void {
    const source = this.#source
    if (source === null || this.#observers !== null) return
    this.#observers = Promise.all(this.#roots.map((root) => this.#observe(source, root)))
  }

  /** Stops; resolves when nothing is observed any more. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    await this.#observers
  }

  /** Calls `listener` whenever a view may be another one, in the same turn as that is known; returns the end of that. */
  subscribe(listener: () => void): () => void {
    const own = (): void => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /**
   * Returns the keys of a template; the same object as long as nothing in it has changed. null until all of its roots have been
   * read once. The key that is the prefix itself has no name below it and is left out.
   */
  view({ prefix, keys }: KeySelection): KeyView | null {
    const wanted = rootsOf({ prefix, keys })
    const of: ReadonlyMap<string, string>[] = []
    for (const root of outermost(wanted)) {
      const found = this.#roots.find(({ name }) => isWithin(name, root))?.keys ?? null
      if (found === null) return null
      if (!of.includes(found)) of.push(found)
    }
    const id = JSON.stringify([prefix, ...wanted])
    const before = this.#views.get(id)
    if (before !== undefined && isSame(before.of, of)) return before.view
    const made: KeyView = { entries: select(of, prefix, wanted) }
    const view = before !== undefined && isEqual(before.view.entries, made.entries) ? before.view : made
    this.#views.set(id, { of, view })
    return view
  }

  /** Returns what is observed and how that goes. */
  status(): readonly Omit<KeysStatus, 'cluster'>[] {
    return this.#roots.map(({ name, keys, readAt, error }) => ({
      root: display(name),
      state: keys === null ? 'never' : error === null ? 'up' : 'lost',
      count: keys?.size ?? 0,
      readAt,
      error: this.#source === null ? 'this kind of DCS has no keys for templates' : (error?.message ?? null),
    }))
  }

  async #observe(source: KeyValueSource, root: Root): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        for await (const observation of source.observe(root.name, signal)) this.#take(root, observation)
      } catch (cause) {
        // A fault of ours must not leave the keys as they are for ever.
        const message = `an unexpected error, please report it: ${explain(cause)}`
        this.#take(root, { type: 'lost', error: new RouterError('INTERNAL', message, { cause }) })
      }
      // Whether it has failed or ended: it is not to be run round and round. Only the end of the store ends the pause.
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  #take(root: Root, observation: KeysObservation): void {
    switch (observation.type) {
      case 'keys': {
        const changed = root.keys !== observation.keys
        if (root.error !== null) this.#tellBack(root.name, observation.keys.size)
        root.keys = observation.keys
        root.readAt = now()
        root.error = null
        if (changed) for (const listener of [...this.#listeners]) listener()
        return
      }
      case 'lost':
        if (root.error === null) this.#tellLost(root, observation.error)
        root.error = observation.error
    }
  }

  #tellLost({ name, keys }: Root, { message }: RouterError): void {
    const meanwhile = keys === null ? 'templates that read them wait' : 'the last known ones stay in use'
    const fields = { event: 'keys-lost', root: display(name), error: message }
    this.#log?.warn(fields, `keys of ${display(name)}: ${message}; ${meanwhile}`)
  }

  #tellBack(name: string, count: number): void {
    const fields = { event: 'keys-read', root: display(name), count }
    this.#log?.info(fields, `keys of ${display(name)}: they can be read`)
  }
}

/** Returns the full names of what a template reads: `/myapp/db`; empty: everything. */
export function rootsOf({ prefix, keys }: KeySelection): readonly string[] {
  return keys.map((key) => `${prefix}${key}`.replace(/\/+$/, ''))
}

/** Returns the roots, distinct and without those inside others. */
function outermost(roots: readonly string[]): readonly string[] {
  const distinct = [...new Set(roots.map((root) => root.replace(/\/+$/, '')))]
  return distinct.filter((root) => !distinct.some((other) => other !== root && isWithin(other, root)))
}

function select(
  of: readonly ReadonlyMap<string, string>[],
  prefix: string,
  roots: readonly string[],
): ReadonlyMap<string, string> {
  const found: (readonly [string, string])[] = []
  for (const keys of of)
    for (const [name, value] of keys)
      if (name !== prefix && roots.some((root) => isWithin(root, name))) found.push([name.slice(prefix.length), value])
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((one, index) => one === others[index])
}

function isEqual(some: ReadonlyMap<string, string>, others: ReadonlyMap<string, string>): boolean {
  if (some.size !== others.size) return false
  for (const [name, value] of some) if (others.get(name) !== value) return false
  return true
}

function display(root: string): string {
  return root === '' ? '/' : root
}
