/** All that is done with templates: what they read, their reload groups, and the hooks that may wait for those. */
import type { Logger } from 'pino'
import type { Lookups } from '../names/lookups.ts'
import type { HookConfig, TemplateConfig } from '../config/config.ts'
import type { KeyValueSource } from '../watcher/dcs/key-values.ts'
import type { ClusterView } from '../watcher/view.ts'
import { commandEnvironment } from './commands/input.ts'
import { LookupCache, systemSources } from './lookup-cache.ts'
import { Files } from './files/files.ts'
import { Journal } from './files/journal.ts'
import { Group, type GroupDeps } from './groups/group.ts'
import { groupsOf } from './groups/grouping.ts'
import { Hooks } from './hooks/hooks.ts'
import { contextFor, NO_CONTEXT } from './inputs.ts'
import { KeyStores } from './key-stores.ts'
import { Observed } from './observed.ts'
import { PATIENCE_MS } from './groups/readiness.ts'
import type { LookupAnswers, RenderInputs } from './engine/template.ts'
import type { Inputs } from './groups/rendering.ts'
import type { TemplatesStatus } from './status.ts'

export interface TemplatesDeps {
  readonly config: {
    readonly clusters: readonly { readonly name: string }[]
    readonly templates: readonly TemplateConfig[]
    readonly hooks: readonly HookConfig[]
    readonly stateDir: string | null
  }
  /** Of the cluster of that name; null: its DCS has no keys for templates. */
  readonly source: (cluster: string) => KeyValueSource | null
  /** Where names are looked up, shared with the rest of the process. */
  readonly lookups: Lookups
  /** The router's own: templates can read it, commands get a small part of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly signalGroup: (pid: number, signal: 'SIGTERM' | 'SIGKILL') => boolean
  readonly isAlive: (pid: number) => boolean
  readonly log: Logger
}

/** How long views are gathered that say nothing urgent, at least and at most. Milliseconds. */
const GATHER_MS = 25
const MAX_GATHER_MS = 500
/** A large cluster has hundreds of views a second: looking at them takes at most such a part of the time. */
const SHARE = 10

export class Templates {
  readonly #deps: TemplatesDeps
  readonly #groups: ReadonlyMap<string, Group>
  /** By cluster, like what is known of each: what happens to one waits for no other. */
  readonly #hooks: ReadonlyMap<string, Hooks>
  readonly #observed: ReadonlyMap<string, Observed>
  readonly #keys: KeyStores
  /** What has been told is not looked at yet. */
  #isStale = false
  #isUrgent = false
  #gathering: NodeJS.Timeout | null = null
  #costMs = 0
  /** Clusters have had the time to become known. */
  #isLate = false
  #lateness: NodeJS.Timeout | null = null
  #closing: Promise<void> | null = null

  /** Starts nothing. */
  constructor(deps: TemplatesDeps) {
    this.#deps = deps
    const { config, env: ownEnv, pid, isAlive, signalGroup, source, lookups, log } = deps
    const env = commandEnvironment(ownEnv)
    const files = new Files({ pid, isAlive })
    const build = (group: string, templates: readonly TemplateConfig[]): Group => {
      const journal = new Journal({ dir: config.stateDir, group, log })
      const inputs: GroupDeps['inputs'] = (...args) => this.#inputsOf(...args)
      const lookupCache = new LookupCache(systemSources(lookups))
      return new Group({ group, templates, files, journal, env, signalGroup, log, inputs, lookups: lookupCache })
    }
    this.#groups = new Map([...groupsOf(config.templates)].map(([name, all]) => [name, build(name, all)]))
    this.#keys = new KeyStores({ source, templates: config.templates, log: (cluster) => log.child({ cluster }) })
    const settled = (group: string, signal: AbortSignal): Promise<void> => this.settled(group, signal)
    const byCluster = Map.groupBy(config.hooks, ({ cluster }) => cluster)
    this.#hooks = new Map(
      [...byCluster].map(([name, hooks]) => [name, new Hooks({ hooks, env, signalGroup, settled, log })]),
    )
    this.#observed = new Map(config.clusters.map(({ name }) => [name, new Observed(name, () => this.#gather())]))
  }

  /** Begins. A template that is not right is its group's trouble alone: it is seen in the log and the status. */
  start(): void {
    this.#keys.subscribe(() => this.#gather())
    this.#keys.start()
    for (const group of this.#groups.values()) group.start()
    this.#lateness = setTimeout(() => {
      this.#isLate = true
      this.#gather()
    }, PATIENCE_MS)
  }

  /** Follows the view of a cluster. What is urgent is rendered right after the present turn. */
  apply(view: ClusterView): void {
    const observed = this.#observed.get(view.name)
    if (this.#closing !== null || observed === undefined) return
    const isUrgent = observed.apply(view)
    this.#isStale = true
    if (isUrgent) {
      if (!this.#isUrgent) queueMicrotask(() => this.#look())
      this.#isUrgent = true
    } else this.#gather()
    this.#hooks.get(view.name)?.apply(view)
  }

  /** Reads and compares everything again: source files, destinations, answers of the DNS. */
  resync(): void {
    for (const group of this.#groups.values()) group.resync()
  }

  /**
   * Resolves when what is known now is in the files of a group (or of the template with that destination) and reloaded;
   * not while they are kept as they are, or fail. Rejects when `signal` aborts, and for a group that is not there.
   */
  async settled(name: string, signal: AbortSignal): Promise<void> {
    const group = this.#groups.get(name)
    if (group === undefined) throw new Error(`there is no reload group ${name}`)
    if (this.#isStale) this.#look()
    await group.settled(signal)
  }

  status(): TemplatesStatus {
    return {
      groups: [...this.#groups.values()].map((group) => group.status()),
      hooks: [...this.#hooks.values()].flatMap((hooks) => hooks.status()),
      keys: this.#keys.status(),
    }
  }

  /** Ends everything; only a reload that runs may take 5 s more. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    if (this.#lateness !== null) clearTimeout(this.#lateness)
    for (const observed of this.#observed.values()) observed.close()
    await Promise.all([
      this.#keys.close(),
      ...[...this.#hooks.values(), ...this.#groups.values()].map((part) => part.close()),
    ])
  }

  /** Has all that was told looked at soon, and together. */
  #gather(): void {
    this.#isStale = true
    const delay = Math.min(Math.max(GATHER_MS, this.#costMs * SHARE), MAX_GATHER_MS)
    this.#gathering ??= setTimeout(() => this.#look(), delay)
  }

  #look(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    this.#gathering = null
    if (!this.#isStale || this.#closing !== null) return
    const isUrgent = this.#isUrgent
    this.#isStale = false
    this.#isUrgent = false
    const begun = performance.now()
    for (const group of this.#groups.values()) group.notice(isUrgent)
    this.#costMs = performance.now() - begun
  }

  #inputsOf(template: TemplateConfig, answers: LookupAnswers, readsContext: boolean): Inputs {
    if (!readsContext) return this.#withKeys(template, answers, NO_CONTEXT)
    const found = contextFor(template, (cluster) => this.#observed.get(cluster), this.#isLate)
    return found.ok ? this.#withKeys(template, answers, found.context) : found
  }

  #withKeys(template: TemplateConfig, answers: LookupAnswers, context: RenderInputs['context']): Inputs {
    const keys = template.keys.length === 0 ? null : this.#keys.view(template)
    if (keys === null && template.keys.length > 0) {
      return { ok: false, reason: `the keys below ${template.prefix || '/'} have not been read yet` }
    }
    return { ok: true, inputs: { context, keys, env: this.#deps.env, answers } }
  }
}
