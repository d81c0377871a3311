/**
 * The composition root: the only module that imports all the parts: what is built, started and stopped, in which order.
 */
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { actCommands } from './admin/act-commands.ts'
import type { Acts } from './admin/acts.ts'
import type { Command } from './admin/command.ts'
import { EventLoopDelay } from './admin/metrics/event-loop-delay.ts'
import { reloadCommands } from './admin/reload.ts'
import { haproxyCommands } from './admin/haproxy/commands.ts'
import { showCommands } from './admin/show.ts'
import type { RouterStatus } from './admin/status.ts'
import { now } from './clock.ts'
import type { Bind, Config, LoggingConfig } from './config/config.ts'
import type { History } from './events/history.ts'
import { Lookups } from './names/lookups.ts'
import type { Listeners } from './overrides/changes.ts'
import { OverrideStore } from './overrides/override-store.ts'
import type { PartReport } from './part.ts'
import type { ConnectionCounts } from './proxy/connection-limit.ts'
import { ConnectionLog, type ConnectionOutput } from './proxy/connection-log.ts'
import type { Reloadable } from './reload.ts'
import { RouterActs } from './router/acts.ts'
import { AdminPart } from './router/admin-part.ts'
import { preparePart } from './router/change.ts'
import { clusterLog } from './router/cluster-log.ts'
import { Clusters, type ClustersDeps } from './router/clusters.ts'
import { HttpPart } from './router/http-part.ts'
import type { ConfigReader } from './router/config-reading.ts'
import { endingSessions } from './router/ending-sessions.ts'
import { Reloader, type ReloaderDeps } from './router/reloader.ts'
import { TemplatesPart } from './router/templates-part.ts'
import type { TemplatesDeps } from './templates/templates.ts'
import { Track } from './track/track.ts'
import type { ClusterView } from './watcher/view.ts'
import { routerPlace } from './state-dir.ts'

/** What of the process the templates' files and commands need, besides the rest. */
export interface RouterDeps
  extends
    Pick<TemplatesDeps, 'env' | 'pid' | 'signalGroup' | 'isAlive' | 'log'>,
    Pick<ClustersDeps, 'kinds' | 'limits'> {
  readonly version: string
  /** Of Node.js; left out where nothing shows it. */
  readonly nodeVersion?: string
  /** Sets level and form of the log. */
  readonly setLogging?: (logging: LoggingConfig) => void
  /** How `config` was loaded, to load it again; without it that cannot be done. */
  readonly loading?: ConfigReader & Pick<ReloaderDeps, 'loaded' | 'onBegin' | 'onEnd'>
  /** What the admin socket shows of the past; without it nothing. */
  readonly history?: History
  /** Is called with another configuration that is in force from now on. */
  readonly taken?: (config: Config) => void
  /** Takes the lines of the connection log; without it there is none. */
  readonly logOutput?: ConnectionOutput & { readonly dropped: () => number }
}

export class Router {
  readonly #deps: RouterDeps
  readonly #overrides: OverrideStore
  readonly #clusters: Clusters
  readonly #acts: Acts
  readonly #templates: TemplatesPart
  readonly #track: Track
  readonly #admin: AdminPart
  readonly #http: HttpPart
  readonly #reloader: Reloader | null
  /** null: there is nothing to write it to. */
  readonly #connectionLog: ConnectionLog | null
  /** In force. */
  #config: Config
  readonly #startedAt = now()
  readonly #lookups = new Lookups()
  readonly #eventLoopDelay = new EventLoopDelay()
  #isDraining = false
  #closing: Promise<void> | null = null

  /** Builds every part, and starts none. */
  constructor(config: Config, deps: RouterDeps) {
    this.#deps = deps
    this.#config = config
    const { log, limits, kinds, logOutput, env, pid, signalGroup, isAlive } = deps
    const lookups = this.#lookups
    this.#connectionLog = logOutput === undefined ? null : new ConnectionLog(config.logging.connections, logOutput)
    const logOf = (cluster: string): Logger =>
      clusterLog(log, () => (this.#config.clusters.length > 1 ? cluster : null))
    this.#overrides = new OverrideStore(routerPlace(config), {
      ...{ log, logOf },
      changed: (cluster) => this.#clusters.get(cluster)?.overridesChanged(),
    })
    this.#clusters = new Clusters(config, {
      ...{ log, limits, kinds, lookups, connectionLog: this.#connectionLog },
      overrides: (cluster) => this.#overrides.of(cluster),
      sinks: {
        'track files': (view) => this.#track.apply(view),
        templates: (view) => this.#templates.apply(view),
      },
    })
    this.#acts = new RouterActs({ clusters: () => this.#clusters.all(), overrides: this.#overrides, logOf })
    const views = (): readonly ClusterView[] => this.#clusters.views()
    this.#templates = new TemplatesPart(config, { env, pid, signalGroup, isAlive, log, lookups, kinds, views })
    this.#track = new Track({ files: config.track.files, log })
    this.#reloader = deps.loading === undefined ? null : this.#buildReloader(deps.loading)
    this.#admin = new AdminPart(config.admin, { log, commands: () => this.#commands() })
    const { history = null } = deps
    this.#http = new HttpPart(config.admin.http, {
      ...{ log, history, acts: this.#acts, status: () => this.status() },
      eventLoopDelay: this.#eventLoopDelay,
    })
  }

  /** Starts all or nothing: rejects with a RouterError, and nothing is left running then. The DCS need not be there. */
  async start(): Promise<void> {
    try {
      // First: a client that is accepted must not be served by a member that is drained.
      await this.#overrides.load(listenersOf(this.#config))
      await this.#clusters.listen()
      await this.#admin.start()
      await this.#track.start()
      await this.#templates.start()
      await this.#http.start()
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

  /** Returns what loads the configuration again, and templates with it; null: nothing does. */
  get reloading(): Reloadable | null {
    return this.#reloader
  }

  status(): RouterStatus {
    const { version, nodeVersion = '', pid, logOutput } = this.#deps
    return {
      version,
      nodeVersion,
      pid,
      node: hostname(),
      startedAt: this.#startedAt,
      now: now(),
      stopping: this.#isEnding(),
      maxConnections: this.#clusters.maxConnections,
      eventLoopDelay: this.#eventLoopDelay.report(),
      lookups: { failed: this.#lookups.failures },
      log: { dropped: logOutput?.dropped() ?? 0 },
      ...this.#clusters.status(),
      templates: this.#templates.status(),
      track: this.#track.status(),
      configuration: this.#reloader?.status() ?? null,
      http: this.#http.status(),
    }
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
    const closing = [this.#clusters.close(), this.#track.close(), this.#templates.close()]
    this.#lookups.close()
    await Promise.all(closing)
    await this.#overrides.close()
    // Last: a reload that was requested is answered, too.
    await Promise.all([this.#admin.close(), this.#http.close()])
  }

  /**
   * Takes another configuration: all of it, and returns what has come of each part; or nothing, and returns what cannot take it. A
   * part that is the same in both continues undisturbed. Not to be called again before it has resolved. Never rejects.
   */
  async reconfigure(next: Config): Promise<readonly PartReport[]> {
    if (this.#isEnding()) return []
    const isOwn = (bind: Bind): boolean =>
      bind.kind === 'unix' ? bind.path === this.#admin.path : this.#http.listensOn(bind)
    const isTaken = (path: string): boolean => this.#clusters.listensOn({ kind: 'unix', path })
    const prepared = [
      await this.#clusters.prepare(next, isOwn),
      await preparePart('track', this.#config.track.files, next.track.files, () => ({
        outcome: 'reconfigured',
        take: () => this.#track.reconfigure(next.track.files),
      })),
      await this.#templates.prepare(next),
      await this.#admin.prepare(next.admin, isTaken),
      await this.#http.prepare(next.admin.http, (bind) => this.#clusters.listensOn(bind)),
      await preparePart('logging', this.#config.logging, next.logging, () => ({
        outcome: 'reconfigured',
        take: () => this.#setLogging(next.logging),
      })),
    ]
    const refused = prepared.flatMap((part) => part.refused)
    if (refused.length > 0 || this.#isEnding()) {
      for (const part of prepared) part.abandon()
      return refused
    }
    this.#track.keepOnly(next.clusters.map(({ name }) => name))
    this.#overrides.reconfigure(listenersOf(next), routerPlace(next), renaming(this.#config, next))
    const reports = prepared.flatMap((part) => part.commit())
    this.#config = next
    this.#deps.taken?.(next)
    // First: an address that another listener has had is served by none until then.
    const listening = await this.#clusters.listenAgain()
    const faults = {
      admin: this.#isEnding() ? null : await this.#admin.openAgain(),
      http: this.#isEnding() ? null : await this.#http.openAgain(),
    }
    await this.#templates.replaced()
    const shown = ({ part, ...report }: PartReport): PartReport =>
      part === 'admin' || part === 'http' ? { ...report, part, reason: faults[part] } : { ...report, part }
    return [...reports.map(shown), ...listening]
  }

  #isEnding(): boolean {
    return this.#isDraining || this.#closing !== null
  }

  #setLogging(logging: LoggingConfig): void {
    this.#deps.setLogging?.(logging)
    this.#connectionLog?.switch(logging.connections)
  }

  #commands(): readonly Command[] {
    const { history = null } = this.#deps
    const reload = this.#reloader === null ? [] : reloadCommands(this.#reloader)
    const status = (): RouterStatus => this.status()
    const acts = this.#acts
    return [...showCommands(status, history), ...haproxyCommands(status, acts), ...actCommands(acts), ...reload]
  }

  #buildReloader(loading: NonNullable<RouterDeps['loading']>): Reloader {
    return new Reloader({
      ...loading,
      onEnd: (report) => {
        // Templates are files, too, and what is written may have been changed by others.
        if (report.outcome !== 'refused') this.#templates.resync()
        loading.onEnd?.(report)
      },
      apply: (config) => this.reconfigure(config),
      resync: () => this.#http.resync(),
      preview: (config) => ({ endingSessions: endingSessions(this.status(), config) }),
      log: this.#deps.log,
    })
  }
}

/** Returns the listeners of each cluster. */
function listenersOf({ clusters }: Pick<Config, 'clusters'>): Listeners {
  return new Map(clusters.map(({ name, proxy }) => [name, proxy.listeners.map((listener) => listener.name)]))
}

/** Returns the former and the next name of the only cluster; null: it keeps it, or there are several. */
function renaming(before: Config, next: Config): readonly [string, string] | null {
  const [[from, ...others], [to, ...rest]] = [before.clusters, next.clusters]
  const isOnly = from !== undefined && to !== undefined && others.length + rest.length === 0
  return isOnly && from.name !== to.name ? [from.name, to.name] : null
}
