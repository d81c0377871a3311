/**
 * The composition root: the only module that imports all the parts: what is built, started and stopped, in which order.
 */
import { hostname } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import { reloadCommands } from './admin/reload.ts'
import { showCommands } from './admin/show.ts'
import { AdminSocket } from './admin/socket.ts'
import type { RouterStatus } from './admin/status.ts'
import { now } from './clock.ts'
import type { Config, LoggingConfig } from './config/config.ts'
import { explain, RouterError } from './errors.ts'
import type { History } from './events/history.ts'
import { Lookups } from './names/lookups.ts'
import type { PartReport, Prepared } from './part.ts'
import type { ConnectionCounts } from './proxy/connection-limit.ts'
import { ConnectionLog, type ConnectionOutput } from './proxy/connection-log.ts'
import type { Reloadable } from './reload.ts'
import { Clusters, type ClustersDeps } from './router/clusters.ts'
import type { ConfigReader } from './router/config-reading.ts'
import { endingSessions } from './router/ending-sessions.ts'
import { Reloader, type ReloaderDeps } from './router/reloader.ts'
import type { Templates, TemplatesDeps } from './templates/templates.ts'
import { Track } from './track/track.ts'
import { keyValueSources } from './watcher/dcs/create.ts'
import type { ClusterView } from './watcher/view.ts'

/** What of the process the templates' files and commands need, besides the rest. */
export interface RouterDeps
  extends
    Pick<TemplatesDeps, 'env' | 'pid' | 'signalGroup' | 'isAlive' | 'log'>,
    Pick<ClustersDeps, 'kinds' | 'limits'> {
  readonly version: string
  /** Sets the level of the log; without it that cannot be changed. */
  readonly setLogLevel?: (level: LoggingConfig['level']) => void
  /** How `config` was loaded, to load it again; without it that cannot be done. */
  readonly loading?: ConfigReader & Pick<ReloaderDeps, 'loaded' | 'onBegin' | 'onEnd'>
  /** What the admin socket shows of the past; without it nothing. */
  readonly history?: History
  /** Is called with another configuration that is in force from now on. */
  readonly taken?: (config: Config) => void
  /** Takes the lines of the connection log; without it there is none. */
  readonly logOutput?: ConnectionOutput & { readonly dropped: () => number }
}

type Outcome = PartReport['outcome']

/** What the parts that are no cluster's are built of. */
interface Settings {
  readonly templates: TemplatesDeps['config'] & { readonly keys: Config['keys'] }
  readonly track: Config['track']['files']
  readonly admin: Config['admin']
  readonly logging: LoggingConfig
}

/** A part's settings, ready to be taken. */
interface Change {
  readonly outcome: Outcome
  readonly take: () => void
  readonly giveUp?: () => void
}

export class Router {
  readonly #deps: RouterDeps
  /** In force. What was refused of a later configuration is not in here. */
  #settings: Settings
  readonly #clusters: Clusters
  /** null: there is nothing to write it to. */
  readonly #connectionLog: ConnectionLog | null
  /** null: there are neither templates nor hooks, or it has not been started. */
  #templates: Templates | null = null
  readonly #track: Track
  #admin: AdminSocket
  /** Sockets of a former configuration, while they answer the commands that were running. */
  readonly #retiring = new Map<AdminSocket, Promise<void>>()
  /** Resolves when the templates are those of the configuration. */
  #replacing: Promise<void> = Promise.resolve()
  readonly #reloader: Reloader | null
  readonly #startedAt = now()
  readonly #lookups = new Lookups()
  #isDraining = false
  #closing: Promise<void> | null = null

  /** Builds every part but the templates, and starts none. */
  constructor(config: Config, deps: RouterDeps) {
    this.#deps = deps
    this.#settings = settingsOf(config)
    const { log, limits, kinds, logOutput } = deps
    this.#connectionLog = logOutput === undefined ? null : new ConnectionLog(config.logging.connections, logOutput)
    this.#clusters = new Clusters(config, {
      ...{ log, limits, kinds, lookups: this.#lookups, connectionLog: this.#connectionLog },
      sinks: {
        'track files': (view) => this.#track.apply(view),
        templates: (view) => this.#templates?.apply(view),
      },
    })
    this.#track = new Track({ files: config.track.files, log: deps.log })
    this.#reloader = deps.loading === undefined ? null : this.#buildReloader(deps.loading)
    this.#admin = this.#buildAdmin(config.admin)
  }

  /** Starts all or nothing: rejects with a RouterError, and nothing is left running then. The DCS need not be there. */
  async start(): Promise<void> {
    try {
      await this.#clusters.listen()
      await this.#startAdmin()
      await this.#track.start()
      this.#templates = await this.#buildTemplates(this.#settings.templates)
      this.#beginTemplates()
      this.#clusters.observe()
      this.#reloader?.start()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Returns the connections of all clusters. */
  get connections(): ConnectionCounts {
    return this.#clusters.connections
  }

  /** Returns how long the sessions of all clusters may take to end. Milliseconds. */
  get drainTimeoutMs(): number {
    return this.#clusters.drainTimeoutMs
  }

  /** Returns whether the DCS of every cluster was read once, or an attempt to read it has failed. */
  get hasTriedEveryDcs(): boolean {
    return this.#clusters.views().every(({ dcs }) => dcs.state !== 'never' || dcs.error !== null)
  }

  status(): RouterStatus {
    const { version, pid } = this.#deps
    return {
      version,
      pid,
      node: hostname(),
      startedAt: this.#startedAt,
      now: now(),
      stopping: this.#isEnding,
      maxConnections: this.#clusters.maxConnections,
      log: { dropped: this.#deps.logOutput?.dropped() ?? 0 },
      clusters: this.#clusters.status(),
      templates: this.#templates?.status() ?? null,
      track: this.#track.status(),
      configuration: this.#reloader?.status() ?? null,
    }
  }

  /** Returns what loads the configuration again, and templates with it; null: nothing does. */
  get reloading(): Reloadable | null {
    return this.#reloader
  }

  /**
   * Accepts no new clients and lets sessions end by themselves until the drain timeout; the watcher and the templates
   * continue. Track files say 0 from now on: an address must not stay on a host that accepts no clients.
   */
  async drain(): Promise<void> {
    this.#isDraining = true
    await Promise.all([this.#track.end(), this.#clusters.drain()])
  }

  /** Closes everything at once; a reload that runs may take a few seconds more. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    this.#reloader?.close()
    const closing = [this.#clusters.close(), this.#track.close()]
    if (this.#templates !== null) closing.push(this.#templates.close())
    this.#lookups.close()
    await Promise.all([...closing, this.#replacing])
    await Promise.all([this.#admin, ...this.#retiring.keys()].map((admin) => admin.close()))
  }

  /**
   * Takes another configuration: all of it, and returns what has come of each part; or nothing, and returns what cannot take it. A
   * part that is the same in both continues undisturbed. Not to be called again before it has resolved. Never rejects.
   */
  async reconfigure(next: Config): Promise<readonly PartReport[]> {
    if (this.#isEnding) return []
    const settings = settingsOf(next)
    const prepared = [
      await this.#clusters.prepare(next),
      await this.#prepare('track', settings, () => ({
        outcome: 'reconfigured',
        take: () => this.#track.reconfigure(settings.track),
      })),
      await this.#prepare('templates', settings, () => this.#prepareTemplates(settings.templates)),
      await this.#prepare('admin', settings, () => this.#prepareAdmin(settings.admin)),
      await this.#prepare('logging', settings, () => this.#prepareLogging(settings.logging)),
    ]
    const refused = prepared.flatMap((part) => part.refused)
    if (refused.length > 0 || this.#hasEnded()) {
      for (const part of prepared) part.abandon()
      return refused
    }
    const reports = prepared.flatMap((part) => part.commit())
    this.#settings = settings
    this.#deps.taken?.(next)
    await this.#replacing
    return [...reports, ...(await this.#clusters.listenAgain())]
  }

  get #isEnding(): boolean {
    return this.#isDraining || this.#closing !== null
  }

  /** Returns the same; the compiler expects no other answer than before. */
  #hasEnded(): boolean {
    return this.#isEnding
  }

  /** Prepares a part for other settings, unless they are the same as before. */
  async #prepare(part: keyof Settings, next: Settings, prepare: () => Change | Promise<Change>): Promise<Prepared> {
    const report = (outcome: Outcome, reason: string | null = null): readonly PartReport[] => [
      { part, name: null, outcome, reason },
    ]
    const kept: Prepared = { refused: [], commit: () => report('kept'), abandon: () => undefined }
    const [before, after] = [comparable(this.#settings)[part], comparable(next)[part]]
    if (isDeepStrictEqual(before, after)) return kept
    try {
      const { outcome, take, giveUp } = await prepare()
      const commit = (): readonly PartReport[] => {
        take()
        return report(outcome)
      }
      return { refused: [], commit, abandon: () => giveUp?.() }
    } catch (error) {
      return { ...kept, refused: report('refused', explain(error)) }
    }
  }

  async #prepareTemplates(next: Settings['templates']): Promise<Change> {
    const built = await this.#buildTemplates(next, this.#clusters.views())
    const old = this.#templates
    const outcome = built === null ? 'removed' : old === null ? 'added' : 'reconfigured'
    // Key stores keep their source.
    const isSameSource = isDeepStrictEqual(sourcesOf(next), sourcesOf(this.#settings.templates))
    const take = (): void => {
      if (old !== null && built !== null && isSameSource && old.reconfigure(next)) this.#applyViews()
      else this.#replacing = this.#replaceTemplates(built)
    }
    return { outcome, take }
  }

  /** Begins with others once the present ones have let go of their files. */
  async #replaceTemplates(next: Templates | null): Promise<void> {
    await this.#templates?.close()
    this.#templates = next
    this.#beginTemplates()
  }

  async #prepareAdmin(next: Config['admin']): Promise<Change> {
    const { socket } = this.#settings.admin
    if (next.socket.path === socket.path) {
      const admin = this.#admin
      await admin.reconfigure(next.socket)
      // What it has had before it can have again.
      const giveUp = (): void => void admin.reconfigure(socket).catch(() => undefined)
      return { outcome: 'reconfigured', take: () => undefined, giveUp }
    }
    const built = this.#buildAdmin(next)
    await built.start()
    const take = (): void => {
      const old = this.#admin
      this.#admin = built
      // Not waited for: the command that is running may be the one that has caused this.
      const retired = old.retire().finally(() => this.#retiring.delete(old))
      this.#retiring.set(old, retired)
    }
    return { outcome: 'rebuilt', take, giveUp: () => void built.close() }
  }

  #prepareLogging({ level, format, connections }: LoggingConfig): Change {
    const { setLogLevel } = this.#deps
    if (format !== this.#settings.logging.format || setLogLevel === undefined)
      throw new RouterError('CONFIG_INVALID', 'logging.format takes effect after a restart')
    const take = (): void => {
      setLogLevel(level)
      this.#connectionLog?.switch(connections)
    }
    return { outcome: 'reconfigured', take }
  }

  #buildAdmin({ socket }: Config['admin']): AdminSocket {
    const { reloading } = this
    const { log, history = null } = this.#deps
    const reload = reloading === null ? [] : reloadCommands(reloading)
    const commands = [...showCommands(() => this.status(), history), ...reload]
    return new AdminSocket({ path: socket.path, access: socket, commands, log })
  }

  #buildReloader(loading: NonNullable<RouterDeps['loading']>): Reloader {
    return new Reloader({
      ...loading,
      onEnd: (report) => {
        // Templates are files, too, and what they write may have been changed by others.
        if (report.outcome !== 'refused') this.#templates?.resync()
        loading.onEnd?.(report)
      },
      apply: (config) => this.reconfigure(config),
      preview: (config) => ({ endingSessions: endingSessions(this.status(), config) }),
      log: this.#deps.log,
    })
  }

  /**
   * Returns null where there are neither templates nor hooks: what they need is not even loaded then. `since`: what is no news to
   * the hooks.
   */
  async #buildTemplates(config: Settings['templates'], since: readonly ClusterView[] = []): Promise<Templates | null> {
    if (config.templates.length === 0 && config.hooks.length === 0) return null
    const { Templates } = await import('./templates/templates.ts')
    const { env, pid, signalGroup, isAlive, log, kinds } = this.#deps
    const source = keyValueSources(config.keys, this.#lookups, log, kinds)
    return new Templates({ config, source, lookups: this.#lookups, env, pid, signalGroup, isAlive, log, since })
  }

  /** Does nothing once the router ends. */
  #beginTemplates(): void {
    if (this.#closing !== null) return
    this.#templates?.start()
    this.#applyViews()
  }

  #applyViews(): void {
    for (const view of this.#clusters.views()) if (view.dcs.state !== 'never') this.#templates?.apply(view)
  }

  async #startAdmin(): Promise<void> {
    try {
      await this.#admin.start()
    } catch (error) {
      if (!this.#settings.admin.socket.isDefault) throw error
      this.#deps.log.warn({ event: 'admin-unavailable' }, `no admin socket, so no status: ${explain(error)}`)
    }
  }
}

function settingsOf({ clusters, templates, hooks, stateDir, keys, track, admin, logging }: Config): Settings {
  const readsKeys = templates.some((template) => template.keys.length > 0)
  const isRendering = templates.length > 0 || hooks.length > 0
  return {
    templates: isRendering
      ? { clusters: clusters.map(({ name }) => ({ name })), templates, hooks, stateDir, keys: readsKeys ? keys : [] }
      : NO_TEMPLATES,
    track: track.files,
    admin,
    logging,
  }
}

const NO_TEMPLATES: Settings['templates'] = { clusters: [], templates: [], hooks: [], stateDir: null, keys: [] }

/** Returns what the keys of templates are read from. */
function sourcesOf({ keys }: Settings['templates']): readonly object[] {
  return keys.map(({ name, dcs, proxy: { check } }) => ({ name, dcs, check }))
}

/** Returns settings without what makes no difference to their part. */
function comparable(settings: Settings): Readonly<Record<keyof Settings, unknown>> {
  const { templates } = settings
  return { ...settings, templates: { ...templates, keys: sourcesOf(templates) } }
}
