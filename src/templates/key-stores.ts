/** The keys that templates read, of each cluster's DCS. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TemplateConfig } from '../config/config.ts'
import type { Log } from '../text/log-line.ts'
import type { KeyValueSource } from '../watcher/dcs/key-values.ts'
import { KeyStore, rootsOf } from './key-store.ts'
import type { KeyView } from './engine/template.ts'
import type { KeysStatus } from './status.ts'

export interface KeyStoresOptions {
  /** Of the cluster of that name; null: its DCS has no keys for templates. */
  readonly source: (cluster: string) => KeyValueSource | null
  readonly templates: readonly TemplateConfig[]
  /** Of the cluster of that name. */
  readonly log: (cluster: string) => Log | null
}

export class KeyStores {
  readonly #stores: ReadonlyMap<string, KeyStore>

  /** Starts nothing. */
  constructor({ source, templates, log }: KeyStoresOptions) {
    this.#stores = new Map(
      [...rootsByCluster(templates)].map(([cluster, roots]) => [
        cluster,
        new KeyStore({ source: source(cluster), roots, log: log(cluster) }),
      ]),
    )
  }

  /** Begins to observe. Once. */
  start(): void {
    for (const store of this.#stores.values()) store.start()
  }

  /** See `KeyStore.subscribe`. */
  subscribe(listener: () => void): () => void {
    const ends = [...this.#stores.values()].map((store) => store.subscribe(listener))
    return () => ends.forEach((end) => end())
  }

  /** Ends when nothing is observed any more. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map((store) => store.close()))
  }

  /** See `KeyStore.view`. */
  view(template: TemplateConfig): KeyView | null {
    return this.#stores.get(clusterOf(template))?.view(template) ?? null
  }

  status(): readonly KeysStatus[] {
    return [...this.#stores].flatMap(([cluster, store]) => store.status().map((keys) => ({ cluster, ...keys })))
  }
}

/** Returns the cluster whose keys are read: only a template about one cluster reads keys. */
function clusterOf({ subject }: TemplateConfig): string {
  return subject.kind === 'cluster' ? subject.cluster : ''
}

/** Returns the names of the roots that templates read in each cluster's DCS, each once and sorted. */
export function rootsByCluster(templates: readonly TemplateConfig[]): ReadonlyMap<string, readonly string[]> {
  const readers = templates.filter(({ keys }) => keys.length > 0)
  return new Map(
    [...Map.groupBy(readers, clusterOf)].map(([cluster, own]) => [cluster, [...new Set(own.flatMap(rootsOf))].sort()]),
  )
}

/** For all keys to be read. Milliseconds. */
export const KEYS_TIMEOUT_MS = 10_000

/** Resolves when all keys have been read, or have had the time for it. Rejects with the reason of `signal`. */
export async function keysRead<T extends Pick<TemplateConfig, 'keys'>>(
  keys: { subscribe(listener: () => void): () => void; view(template: T): unknown },
  templates: readonly T[],
  signal: AbortSignal,
  timeoutMs = KEYS_TIMEOUT_MS,
): Promise<void> {
  const readers = templates.filter((template) => template.keys.length > 0)
  const read = new AbortController()
  const look = (): void => {
    if (readers.every((template) => keys.view(template) !== null)) read.abort()
  }
  const unsubscribe = keys.subscribe(look)
  look()
  const until = AbortSignal.any([signal, read.signal])
  await sleep(timeoutMs, undefined, { signal: until }).catch(() => undefined) // Read, or interrupted.
  unsubscribe()
  signal.throwIfAborted()
}
