/**
 * The composition root: the only module that imports all the parts: what is built, started and stopped, in which order.
 */
import { hostname } from 'node:os'
import type { Command } from './admin/command.ts'
import { EventLoopDelay } from './admin/metrics/event-loop-delay.ts'
import { reloadCommands } from './admin/reload.ts'
import { showCommands } from './admin/show.ts'
import type { RouterStatus } from './admin/status.ts'
import { now } from './clock.ts'
import type { Bind, Config, LoggingConfig } from './config/config.ts'
import type { History } from './events/history.ts'
import { Lookups } from './names/lookups.ts'
import type { PartReport } from './part.ts'
import type { ConnectionCounts } from './proxy/connection-limit.ts'
import { ConnectionLog, type ConnectionOutput } from './proxy/connection-log.ts'
import type { Reloadable } from './reload.ts'
import { AdminPart } from './router/admin-part.ts'
import { preparePart } from './router/change.ts'
import { Clusters, type ClustersDeps } from './router/clusters.ts'
import type { ConfigReader } from './router/config-reading.ts'
import { endingSessions } from './router/ending-sessions.ts'
import { Reloader, type ReloaderDeps } from './router/reloader.ts'
import { TemplatesPart } from './router/templates-part.ts'
import type { TemplatesDeps } from './templates/templates.ts'
import { Track } from './track/track.ts'
import type { ClusterView } from './watcher/view.ts'

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
  readonly #clusters: Clusters
  readonly #templates: TemplatesPart
  readonly #track: Track
  readonly #admin: AdminPart
  readonly #reloader: Reloader | null
  /** null: there is nothing to write it to. */
  readonly #connectionLog: ConnectionLog | null
  /** In force. */
  #config: Config
  readonly #startedAt = now()
  readonly #lookups = new Lookups()
  /** To be started with HTTP, which shows it. */
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
    this.#clusters = new Clusters(config, {
      ...{ log, limits, kinds, lookups, connectionLog: this.#connectionLog },
      sinks: {
        'track files': (view) => this.#track.apply(view),
        templates: (view) => this.#templates.apply(view),
      },
    })
    const views = (): readonly ClusterView[] => this.#clusters.views()
    this.#templates = new TemplatesPart(config, { env, pid, signalGroup, isAlive, log, lookups, kinds, views })
    this.#track = new Track({ files: config.track.files, log })
    this.#reloader = deps.loading === undefined ? null : this.#buildReloader(deps.loading)
    this.#admin = new AdminPart(config.admin, { log, commands: () => this.#commands() })
  }

  /** Starts all or nothing: rejects with a RouterError, and nothing is left running then. The DCS need not be there. */
  async start(): Promise<void> {
    try {
      await this.#clusters.listen()
      await this.#admin.start()
      await this.#track.start()
      await this.#templates.start()
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
      log: { dropped: logOutput?.dropped() ?? 0 },
      clusters: this.#clusters.status(),
      templates: this.#templates.status(),
      track: this.#track.status(),
      configuration: this.#reloader?.status() ?? null,
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
    this.#eventLoopDelay.stop()
    // Last: a reload that was requested is answered, too.
    await this.#admin.close()
  }

  /**
   * Takes another configuration: all of it, and returns what has come of each part; or nothing, and returns what cannot take it. A
   * part that is the same in both continues undisturbed. Not to be called again before it has resolved. Never rejects.
   */
  async reconfigure(next: Config): Promise<readonly PartReport[]> {
    if (this.#isEnding()) return []
    const isAdminSocket = (bind: Bind): boolean => bind.kind === 'unix' && bind.path === this.#admin.path
    const isTaken = (path: string): boolean => this.#clusters.listensOn({ kind: 'unix', path })
    const prepared = [
      await this.#clusters.prepare(next, isAdminSocket),
      await preparePart('track', this.#config.track.files, next.track.files, () => ({
        outcome: 'reconfigured',
        take: () => this.#track.reconfigure(next.track.files),
      })),
      await this.#templates.prepare(next),
      await this.#admin.prepare(next.admin, isTaken),
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
    const reports = prepared.flatMap((part) => part.commit())
    this.#config = next
    this.#deps.taken?.(next)
    // First: an address that another listener has had is served by none until then.
    const listening = await this.#clusters.listenAgain()
    const fault = this.#isEnding() ? null : await this.#admin.openAgain()
    await this.#templates.replaced()
    return [...reports.map((report) => (report.part === 'admin' ? { ...report, reason: fault } : report)), ...listening]
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
    return [...showCommands(() => this.status(), history), ...reload]
  }

  #buildReloader(loading: NonNullable<RouterDeps['loading']>): Reloader {
    return new Reloader({
      ...loading,
      onEnd: (report) => {
        // Templates are files, too, and what they write may have been changed by others.
        if (report.outcome !== 'refused') this.#templates.resync()
        loading.onEnd?.(report)
      },
      apply: (config) => this.reconfigure(config),
      preview: (config) => ({ endingSessions: endingSessions(this.status(), config) }),
      log: this.#deps.log,
    })
  }
}
