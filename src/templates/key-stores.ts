/** The keys that templates read, of each cluster's DCS. */
import type { TemplateConfig } from '../config/config.ts'
import type { Log } from '../watcher/tls/certificate-log.ts'
import type { KeyValueSource } from '../watcher/dcs/key-values.ts'
import { KeyStore, rootsOf } from './key-store.ts'
import type { KeyView } from './keys.ts'
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
    const readers = templates.filter(({ keys }) => keys.length > 0)
    const byCluster = Map.groupBy(readers, clusterOf)
    this.#stores = new Map(
      [...byCluster].map(([cluster, own]) => [
        cluster,
        new KeyStore({ source: source(cluster), roots: own.flatMap(rootsOf), log: log(cluster) }),
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

/** Only a template about one cluster reads keys. */
function clusterOf({ subject }: TemplateConfig): string {
  return subject.kind === 'cluster' ? subject.cluster : ''
}
