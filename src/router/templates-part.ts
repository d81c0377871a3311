/** Templates and hooks as a part of the router: there where some are configured, and loaded only then. */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/config.ts'
import type { Prepared } from '../part.ts'
import type { Templates, TemplatesDeps } from '../templates/templates.ts'
import { keyValueSources } from '../watcher/dcs/create.ts'
import type { DcsKind } from '../watcher/dcs/kind.ts'
import type { ClusterView } from '../watcher/view.ts'
import { type Change, preparePart } from './change.ts'

export interface TemplatesPartDeps extends Omit<TemplatesDeps, 'config' | 'source' | 'since'> {
  readonly kinds: readonly DcsKind[]
  /** The present views of all clusters. */
  readonly views: () => readonly ClusterView[]
}

type Settings = TemplatesDeps['config'] & { readonly keys: Config['keys'] }

export class TemplatesPart {
  readonly #deps: TemplatesPartDeps
  #settings: Settings
  /** null: there are neither templates nor hooks, or it has not been started. */
  #templates: Templates | null = null
  /** Resolves when the templates are those of the configuration. */
  #replacing: Promise<void> = Promise.resolve()
  #isClosed = false

  /** Starts nothing. */
  constructor(config: Config, deps: TemplatesPartDeps) {
    this.#deps = deps
    this.#settings = settingsOf(config)
  }

  async start(): Promise<void> {
    this.#templates = await this.#build(this.#settings)
    this.#begin()
  }

  /** Returns the state of all; null: there are neither templates nor hooks. */
  status(): ReturnType<Templates['status']> | null {
    return this.#templates?.status() ?? null
  }

  /** Follows the view of a cluster. Never throws. */
  apply(view: ClusterView): void {
    this.#templates?.apply(view)
  }

  /** Reads templates again, and looks at every file that they write. */
  resync(): void {
    this.#templates?.resync()
  }

  /** Prepares other templates and hooks; `replaced` has to follow the commit. Never rejects. */
  async prepare(config: Config): Promise<Prepared> {
    const next = settingsOf(config)
    return preparePart('templates', comparable(this.#settings), comparable(next), () => this.#prepare(next))
  }

  /** Resolves when those of the configuration have begun: the former ones have to let go of their files first. */
  async replaced(): Promise<void> {
    await this.#replacing
  }

  /** Ends everything; only a reload that runs may take a few seconds more. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#templates?.close(), this.#replacing])
  }

  async #prepare(next: Settings): Promise<Change> {
    const built = await this.#build(next, this.#deps.views())
    const old = this.#templates
    const outcome = built === null ? 'removed' : old === null ? 'added' : 'reconfigured'
    // Key stores keep their source.
    const isSameSource = isDeepStrictEqual(sourcesOf(next), sourcesOf(this.#settings))
    const take = (): void => {
      this.#settings = next
      if (old !== null && built !== null && isSameSource && old.reconfigure(next)) this.#applyViews()
      else this.#replacing = this.#replace(built)
    }
    return { outcome, take }
  }

  async #replace(next: Templates | null): Promise<void> {
    await this.#templates?.close()
    this.#templates = next
    this.#begin()
  }

  /** Returns null where there are neither templates nor hooks. `since`: what is no news to the hooks. */
  async #build({ keys, ...config }: Settings, since: readonly ClusterView[] = []): Promise<Templates | null> {
    if (config.templates.length === 0 && config.hooks.length === 0) return null
    const { Templates } = await import('../templates/templates.ts')
    const { lookups, log, kinds } = this.#deps
    return new Templates({ ...this.#deps, config, since, source: keyValueSources(keys, lookups, log, kinds) })
  }

  /** Does nothing once the router ends. */
  #begin(): void {
    if (this.#isClosed) return
    this.#templates?.start()
    this.#applyViews()
  }

  #applyViews(): void {
    for (const view of this.#deps.views()) if (view.dcs.state !== 'never') this.#templates?.apply(view)
  }
}

function settingsOf({ clusters, templates, hooks, stateDir, keys }: Config): Settings {
  if (templates.length === 0 && hooks.length === 0)
    return { clusters: [], templates: [], hooks: [], stateDir: null, keys: [] }
  const readsKeys = templates.some((template) => template.keys.length > 0)
  return { clusters: clusters.map(({ name }) => ({ name })), templates, hooks, stateDir, keys: readsKeys ? keys : [] }
}

/** Returns what the keys of templates are read from. */
function sourcesOf({ keys }: Settings): readonly object[] {
  return keys.map(({ name, scope, namespace, citusGroup, dcs, proxy: { check } }) => ({
    ...{ name, scope, namespace, citusGroup },
    ...{ dcs, check },
  }))
}

/** Returns settings without what makes no difference to templates. */
function comparable(settings: Settings): object {
  return { ...settings, keys: sourcesOf(settings) }
}
