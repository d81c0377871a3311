/** What templates are rendered with: the clusters, the keys of their DCS, and the environment. */
import type { TemplateConfig } from '../config/config.ts'
import type { KeyValueSource } from '../watcher/dcs/key-values.ts'
import type { Log } from '../text/log-line.ts'
import type { ClusterView } from '../watcher/view.ts'
import { ClusterInput, UNKNOWN } from './cluster-input.ts'
import type { TemplateClusters, TemplateContext } from './engine/context.ts'
import type { LookupAnswers, RenderInputs } from './engine/template.ts'
import { clustersOf } from './groups/grouping.ts'
import type { Inputs } from './groups/rendering.ts'
import { KEYS_TIMEOUT_MS, keysRead, KeyStores } from './key-stores.ts'
import type { KeysStatus } from './status.ts'

export interface TemplateInputsOptions {
  readonly clusters: readonly string[]
  readonly templates: readonly TemplateConfig[]
  /** Of the cluster of that name; null: its DCS has no keys for templates. */
  readonly source: (cluster: string) => KeyValueSource | null
  /** The router's own: templates can read it. */
  readonly env: RenderInputs['env']
  /** Of the cluster of that name. */
  readonly log: (cluster: string) => Log | null
  /** Whether what is not known at first is waited for; else what is known has to do. */
  readonly waits: boolean
  /** Called when something may have changed that is in no view; null: of any cluster. */
  readonly changed: (cluster: string | null) => void
}

export class TemplateInputs {
  readonly #options: TemplateInputsOptions
  readonly #clusters: Map<string, ClusterInput>
  readonly #keys: KeyStores
  /** Of clusters that could not be read, why. */
  readonly #unreadable = new Map<string, string>()

  /** Starts nothing. */
  constructor(options: TemplateInputsOptions) {
    this.#options = options
    this.#clusters = new Map(options.clusters.map((name) => [name, this.#input(name)]))
    this.#keys = new KeyStores(options)
  }

  start(): void {
    const { changed } = this.#options
    this.#keys.subscribe(() => changed(null))
    this.#keys.start()
    for (const cluster of this.#clusters.values()) cluster.start()
  }

  /** Takes the view of a cluster; returns whether what has changed is urgent, and null for a cluster that it does not know. */
  apply(view: ClusterView): boolean | null {
    return this.#clusters.get(view.name)?.apply(view) ?? null
  }

  /** Notes that a cluster cannot be read. */
  unreadable(cluster: string, reason: string): void {
    this.#unreadable.set(cluster, reason)
  }

  /** Has templates see these clusters from now on; the state of those that stay is kept. */
  setClusters(names: readonly string[]): void {
    for (const [name, cluster] of this.#clusters) {
      if (names.includes(name)) continue
      cluster.close()
      this.#clusters.delete(name)
    }
    for (const name of names) {
      if (this.#clusters.has(name)) continue
      const cluster = this.#input(name)
      this.#clusters.set(name, cluster)
      cluster.start()
    }
  }

  /** Returns the view of a cluster that counts now; null: there was none yet. */
  viewOf(cluster: string): ClusterView | null {
    return this.#clusters.get(cluster)?.view ?? null
  }

  /** Returns what a template is rendered with now, or why it is not yet. */
  of(template: TemplateConfig, answers: LookupAnswers, readsContext: boolean): Inputs {
    const found = readsContext ? this.#contextFor(template) : { ok: true as const, context: NO_CONTEXT }
    if (!found.ok) return found
    const keys = template.keys.length === 0 ? null : this.#keys.view(template)
    if (keys === null && template.keys.length > 0) return { ok: false, reason: this.#whyNoKeys(template) }
    return { ok: true, inputs: { context: found.context, keys, env: this.#options.env, answers } }
  }

  get keys(): readonly KeysStatus[] {
    return this.#keys.status()
  }

  /** Resolves when all keys have been read, or have had the time for it. Rejects with the reason of `signal`. */
  async keysRead(signal: AbortSignal): Promise<void> {
    await keysRead(this.#keys, this.#options.templates, signal)
  }

  /** Ends when nothing is observed any more. Idempotent. */
  async close(): Promise<void> {
    for (const cluster of this.#clusters.values()) cluster.close()
    await this.#keys.close()
  }

  #input(name: string): ClusterInput {
    const { changed, waits } = this.#options
    return new ClusterInput(() => changed(name), waits)
  }

  /**
   * Returns what a template is to see, or why not yet. Of several clusters each has to be known: a file without the servers of one
   * would take them from its clients. With `on_empty: render` one that is still unknown when it is late is written as empty.
   */
  #contextFor({ subject, onEmpty }: Pick<TemplateConfig, 'subject' | 'onEmpty'>): ContextResult {
    if (subject.kind === 'cluster') {
      const { context, obstacle } = this.#known(subject.cluster)
      return context === null || obstacle !== null ? { ok: false, reason: obstacle ?? UNKNOWN } : { ok: true, context }
    }
    const clusters: TemplateClusters['clusters'][number][] = []
    for (const name of subject.clusters) {
      const { context, obstacle, isMissing } = this.#known(name)
      const isAllowed = obstacle === null || (isMissing && onEmpty === 'render')
      if (context === null || !isAllowed) return { ok: false, reason: `${name}: ${obstacle ?? ''}` }
      clusters.push({ name, ...context })
    }
    return { ok: true, context: { clusters } }
  }

  #known(cluster: string): Pick<ClusterInput, 'context' | 'obstacle' | 'isMissing'> {
    const obstacle = this.#unreadable.get(cluster)
    if (obstacle !== undefined) return { context: null, obstacle, isMissing: false }
    return this.#clusters.get(cluster) ?? { context: null, obstacle: UNKNOWN, isMissing: false }
  }

  #whyNoKeys({ prefix, subject }: TemplateConfig): string {
    const where = `the keys below ${prefix || '/'}`
    if (this.#options.waits) return `${where} have not been read yet`
    const own = this.#keys.status().filter(({ cluster }) => clustersOf([{ subject }]).includes(cluster))
    const error = own.find(({ state }) => state === 'never')?.error ?? null
    const late = `${where} could not be read within ${KEYS_TIMEOUT_MS / 1000} s`
    return error === null ? late : `${late}: ${error}`
  }
}

type ContextResult =
  | { readonly ok: true; readonly context: TemplateContext | TemplateClusters }
  | { readonly ok: false; readonly reason: string }

/** What a template sees that reads nothing of a cluster. */
const NO_CONTEXT: TemplateClusters = { clusters: [] }
