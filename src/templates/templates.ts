/** All that is done with templates: what they read, their reload groups, and the hooks that may wait for those. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { HookConfig, TemplateConfig } from '../config/config.ts'
import { explain } from '../errors.ts'
import type { Lookups } from '../names/lookups.ts'
import { withFields } from '../text/log-line.ts'
import type { Reconfigurable } from '../part.ts'
import type { ClusterView } from '../watcher/view.ts'
import { commandEnvironment } from './commands/input.ts'
import { type CommandOptions, commandRunner, type RunCommand } from './commands/run-command.ts'
import { Files } from './files/files.ts'
import { Journal } from './files/journal.ts'
import { Group } from './groups/group.ts'
import { groupsOf } from './groups/grouping.ts'
import { Hooks } from './hooks/hooks.ts'
import { TemplateInputs, type TemplateInputsOptions } from './inputs.ts'
import { rootsByCluster } from './key-stores.ts'
import { LookupCache, systemSources } from './lookup-cache.ts'
import type { HookStatus, TemplatesStatus } from './status.ts'

export interface TemplatesConfig {
  readonly clusters: readonly { readonly name: string }[]
  readonly templates: readonly TemplateConfig[]
  readonly hooks: readonly HookConfig[]
  readonly stateDir: string | null
}

export interface TemplatesDeps {
  readonly config: TemplatesConfig
  readonly source: TemplateInputsOptions['source']
  /** Where names are looked up, shared with the rest of the process. */
  readonly lookups: Lookups
  /** The router's own: templates can read it, commands get a small part of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly signalGroup: CommandOptions['signalGroup']
  readonly isAlive: (pid: number) => boolean
  readonly log: Logger
  /** Views whose primary's state is not new to the hooks; left out: the first that is known is. */
  readonly since?: readonly ClusterView[]
}

interface NamedGroup {
  readonly group: Group
  readonly templates: readonly TemplateConfig[]
  readonly journal: Journal
  /** false: those of an earlier configuration still end. */
  hasBegun: boolean
}

interface ClusterHooks {
  readonly hooks: Hooks
  readonly config: readonly HookConfig[]
  /** false: those of an earlier configuration still end. */
  hasBegun: boolean
  /** Resolves when those of earlier configurations have ended. */
  readonly before: Promise<void>
}

export class Templates implements Reconfigurable<TemplatesConfig> {
  readonly #deps: TemplatesDeps
  readonly #run: RunCommand
  readonly #files: Files
  readonly #inputs: TemplateInputs
  /** In the order of the configuration. */
  #groups: ReadonlyMap<string, NamedGroup>
  /** By cluster: what happens to one waits for no other. */
  #hooks: ReadonlyMap<string, ClusterHooks>
  /** Groups and hooks that a reconfiguration has replaced, while they end. */
  readonly #ending = new Set<Promise<unknown>>()
  #config: TemplatesConfig
  #closing: Promise<void> | null = null

  /** Starts nothing. */
  constructor(deps: TemplatesDeps) {
    const { config, env, pid, isAlive, signalGroup, source, log, since = [] } = deps
    this.#deps = deps
    this.#config = config
    this.#run = commandRunner(commandEnvironment(env), signalGroup)
    this.#files = new Files({ pid, isAlive })
    this.#inputs = new TemplateInputs({
      clusters: config.clusters.map(({ name }) => name),
      templates: config.templates,
      ...{ source, env, waits: true, log: (cluster) => withFields(log, { cluster }) },
      changed: (cluster) => this.#changed(cluster, false),
    })
    this.#groups = mapped(groupsOf(config.templates), (templates, name) => this.#buildGroup(name, templates))
    this.#hooks = mapped(hooksOf(config), (hooks, cluster) => {
      const view = since.find(({ name }) => name === cluster) ?? null
      return { ...this.#buildHooks(hooks, view), hasBegun: true, before: Promise.resolve() }
    })
  }

  /** Starts all groups. A faulty template affects its group alone, and is reported in the log and in `status`. */
  start(): void {
    this.#inputs.start()
    for (const named of this.#groups.values()) begin(named)
  }

  /** Follows the view of a cluster. Urgent changes are rendered right after the present turn. Never throws. */
  apply(view: ClusterView): void {
    if (this.#closing !== null) return
    this.#isolated(() => {
      const isUrgent = this.#inputs.apply(view)
      if (isUrgent !== null) this.#changed(view.name, isUrgent)
    })
    this.#applyToHooks(view)
  }

  #applyToHooks(view: ClusterView): void {
    const { hooks, hasBegun = false } = this.#hooks.get(view.name) ?? {}
    if (hasBegun) this.#isolated(() => hooks?.apply(view))
  }

  /** Reads and compares everything again: source files, destinations, answers of the DNS. */
  resync(): void {
    for (const { group, hasBegun } of this.#groups.values()) if (hasBegun) group.resync()
  }

  /**
   * Resolves when what is known now is in the files of a group (or of the template with that destination) and reloaded;
   * not while they are kept as they are, or fail. Rejects when `signal` aborts, and for a group that is not there.
   */
  async settled(name: string, signal: AbortSignal): Promise<void> {
    const named = this.#groups.get(name)
    if (named === undefined) throw new Error(`there is no reload group ${name}`)
    await named.group.settled(signal)
  }

  /**
   * Rebuilds groups and hooks whose configuration has changed, and leaves the others alone: they are neither rendered nor
   * reloaded. Hooks that are new or have changed are run for the next state of the primary. Returns false, with nothing
   * changed, for another `state_dir` and for other keys.
   */
  reconfigure(next: TemplatesConfig): boolean {
    const { stateDir, templates } = this.#config
    const isSame =
      stateDir === next.stateDir && isDeepStrictEqual(rootsByCluster(templates), rootsByCluster(next.templates))
    if (!isSame || this.#closing !== null) return false
    this.#config = next
    this.#inputs.setClusters(next.clusters.map(({ name }) => name))
    this.#replaceGroups(groupsOf(next.templates))
    this.#replaceHooks(hooksOf(next))
    return true
  }

  /** Returns the state of all. */
  status(): TemplatesStatus {
    return {
      groups: [...this.#groups.values()].map(({ group }) => group.status()),
      hooks: inOrder(
        this.#config.hooks,
        [...this.#hooks.values()].flatMap(({ hooks }) => hooks.status()),
      ),
      keys: this.#inputs.keys,
    }
  }

  /** Ends everything; only a reload that runs may take 5 s more. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([
      this.#inputs.close(),
      ...[...this.#hooks.values()].map(({ hooks }) => hooks.close()),
      ...[...this.#groups.values()].map(({ group }) => group.close()),
      ...this.#ending,
    ])
  }

  /** Has the groups about a cluster render; null: all. */
  #changed(cluster: string | null, urgent: boolean): void {
    if (this.#closing !== null) return
    for (const { group, hasBegun } of this.#groups.values())
      if (hasBegun && (cluster === null || group.clusters.includes(cluster))) group.changed(urgent)
  }

  #buildGroup(group: string, templates: readonly TemplateConfig[], before?: NamedGroup): NamedGroup {
    const { lookups, log } = this.#deps
    // A reload that the one before it owes is due still.
    const journal = before?.journal ?? new Journal({ dir: this.#config.stateDir, group, log })
    const deps = {
      ...{ group, templates, journal, files: this.#files, run: this.#run, inputs: this.#inputs, log },
      ...{ lookups: new LookupCache(systemSources(lookups)), groups: () => this.#groups.size },
    }
    return { group: new Group(deps), templates, journal, hasBegun: false }
  }

  /** Replaces groups that have changed. New groups begin once the removed ones have left their files. */
  #replaceGroups(next: ReadonlyMap<string, readonly TemplateConfig[]>): void {
    const ended: Promise<unknown>[] = [...this.#ending]
    for (const [name, { group, templates }] of this.#groups)
      if (!isDeepStrictEqual(next.get(name), templates)) ended.push(group.close('its configuration has changed'))
    const built: NamedGroup[] = []
    this.#groups = mapped(next, (templates, name) => {
      const before = this.#groups.get(name)
      if (before !== undefined && isDeepStrictEqual(templates, before.templates)) return before
      const named = this.#buildGroup(name, templates, before)
      built.push(named)
      return named
    })
    this.#end(Promise.all(ended).then(() => built.forEach(begin)))
  }

  /** Replaces hooks that have changed. New ones of a cluster begin once the command that is running has ended. */
  #replaceHooks(next: ReadonlyMap<string, readonly HookConfig[]>): void {
    const ended = new Map<string, Promise<void>>()
    for (const [cluster, { hooks, config, before }] of this.#hooks) {
      if (isDeepStrictEqual(next.get(cluster), config)) continue
      const ending = Promise.all([hooks.close(), before]).then(() => undefined)
      ended.set(cluster, ending)
      this.#end(ending)
    }
    this.#hooks = mapped(next, (config, cluster) => {
      const kept = this.#hooks.get(cluster)
      if (kept !== undefined && !ended.has(cluster)) return kept
      const before = ended.get(cluster) ?? Promise.resolve()
      const built = { ...this.#buildHooks(config, this.#inputs.viewOf(cluster)), hasBegun: false, before }
      this.#end(before.then(() => this.#beginHooks(cluster, built)))
      return built
    })
  }

  /** Does nothing if they have been replaced meanwhile. */
  #beginHooks(cluster: string, built: ClusterHooks): void {
    built.hasBegun = true
    const view = this.#inputs.viewOf(cluster)
    if (view !== null && this.#closing === null && this.#hooks.get(cluster) === built) this.#applyToHooks(view)
  }

  #buildHooks(config: readonly HookConfig[], since: ClusterView | null): Pick<ClusterHooks, 'config' | 'hooks'> {
    const settled = (group: string, signal: AbortSignal): Promise<void> => this.settled(group, signal)
    return { config, hooks: new Hooks({ hooks: config, run: this.#run, settled, log: this.#deps.log, since }) }
  }

  #end(ending: Promise<unknown>): void {
    this.#ending.add(ending)
    void ending.finally(() => this.#ending.delete(ending))
  }

  /** Does it, and has a fault in it cost the others nothing. */
  #isolated(act: () => void): void {
    try {
      act()
    } catch (error) {
      const message = `an unexpected error, please report it: ${explain(error)}`
      this.#deps.log.error({ event: 'fault', err: error }, message)
    }
  }
}

function hooksOf({ hooks }: TemplatesConfig): ReadonlyMap<string, readonly HookConfig[]> {
  return Map.groupBy(hooks, ({ cluster }) => cluster)
}

/** Begins with a group, unless it has been closed meanwhile. */
function begin(named: NamedGroup): void {
  named.hasBegun = true
  named.group.start()
}

/** Returns a map of the same keys, in the same order. */
function mapped<T, R>(map: ReadonlyMap<string, T>, of: (value: T, key: string) => R): ReadonlyMap<string, R> {
  return new Map([...map].map(([key, value]) => [key, of(value, key)]))
}

/** Returns the status of hooks, which is by cluster, in the order of the configuration. */
function inOrder(order: readonly HookConfig[], hooks: readonly HookStatus[]): readonly HookStatus[] {
  const places = new Map(order.map(({ name, cluster }, place) => [`${cluster} ${name}`, place]))
  const placeOf = ({ name, cluster }: HookStatus): number => places.get(`${cluster} ${name}`) ?? 0
  return hooks.toSorted((one, other) => placeOf(one) - placeOf(other))
}
