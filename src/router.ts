/**
 * The composition root: the only module that imports all the parts: what is built, started and stopped, in which order.
 */
import { hostname } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import { showCommands } from './admin/show.ts'
import { AdminSocket } from './admin/socket.ts'
import type { RouterStatus } from './admin/status.ts'
import { now } from './clock.ts'
import type { Config, LoggingConfig } from './config/config.ts'
import { explain, RouterError } from './errors.ts'
import type { History } from './events/history.ts'
import { Lookups } from './names/lookups.ts'
import type { PartReport } from './part.ts'
import type { ConnectionCounts } from './proxy/connection-limit.ts'
import { Clusters, type ClustersDeps } from './router/clusters.ts'
import type { Templates, TemplatesDeps } from './templates/templates.ts'
import { Track } from './track/track.ts'
import { keyValueSources } from './watcher/dcs/create.ts'

/** What of the process the templates' files and commands need, besides the rest. */
export interface RouterDeps
  extends
    Pick<TemplatesDeps, 'env' | 'pid' | 'signalGroup' | 'isAlive' | 'log'>,
    Pick<ClustersDeps, 'kinds' | 'limits'> {
  readonly version: string
  /** Sets the level of the log; without it that cannot be changed. */
  readonly setLogLevel?: (level: LoggingConfig['level']) => void
  /** What the admin socket shows of the past; without it nothing. */
  readonly history?: History
}

type Outcome = PartReport['outcome']

/** What the parts that are no cluster's are built of. */
interface Settings {
  readonly templates: TemplatesDeps['config'] & { readonly keys: Config['keys'] }
  readonly track: Config['track']['files']
  readonly admin: Config['admin']
  readonly logging: LoggingConfig
}

export class Router {
  readonly #deps: RouterDeps
  /** In force. What was refused of a later configuration is not in here. */
  #settings: Settings
  readonly #clusters: Clusters
  /** null: there are neither templates nor hooks, or it has not been started. */
  #templates: Templates | null = null
  readonly #track: Track
  #admin: AdminSocket
  readonly #startedAt = now()
  readonly #lookups = new Lookups()
  #isDraining = false
  #closing: Promise<void> | null = null

  /** Builds every part but the templates, and starts none. */
  constructor(config: Config, deps: RouterDeps) {
    this.#deps = deps
    this.#settings = settingsOf(config)
    const { log, limits, kinds } = deps
    this.#clusters = new Clusters(config, {
      ...{ log, limits, kinds, lookups: this.#lookups },
      sinks: {
        'track files': (view) => this.#track.apply(view),
        templates: (view) => this.#templates?.apply(view),
      },
    })
    this.#track = new Track({ files: config.track.files, log: deps.log })
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
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Returns the connections of all clusters. */
  get connections(): ConnectionCounts {
    return this.#clusters.connections
  }

  status(): RouterStatus {
    const { version, pid } = this.#deps
    return {
      version,
      pid,
      node: hostname(),
      startedAt: this.#startedAt,
      now: now(),
      stopping: this.#isDraining || this.#closing !== null,
      maxConnections: this.#clusters.maxConnections,
      clusters: this.#clusters.status(),
      templates: this.#templates?.status() ?? null,
      track: this.#track.status(),
    }
  }

  /** Reads templates again, and looks at every file that they write. */
  resync(): void {
    this.#templates?.resync()
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
    const closing = [this.#clusters.close(), this.#track.close()]
    if (this.#templates !== null) closing.push(this.#templates.close())
    this.#lookups.close()
    await Promise.all(closing)
    await this.#admin.close()
  }

  /**
   * Takes another configuration, part by part, and returns the outcome of each. A part that is the same in both
   * continues undisturbed; a part that cannot be built is refused, and continues as it was. Not to be called again
   * before it has resolved. Never rejects.
   */
  async reconfigure(next: Config): Promise<readonly PartReport[]> {
    if (this.#isDraining || this.#closing !== null) return []
    const clusters = await this.#clusters.reconfigure(next)
    const settings = settingsOf(next)
    return [
      ...clusters,
      await this.#reconfigurePart('track', settings, () =>
        this.#track.reconfigure(settings.track) ? 'reconfigured' : 'refused',
      ),
      await this.#reconfigurePart('templates', settings, () => this.#replaceTemplates(settings.templates)),
      await this.#reconfigurePart('admin', settings, () => this.#replaceAdmin(settings.admin)),
      await this.#reconfigurePart('logging', settings, () => this.#setLogging(settings.logging)),
    ]
  }

  /** Has a part take its settings, unless they are the same as before. */
  async #reconfigurePart(
    part: keyof Settings,
    next: Settings,
    take: () => Outcome | Promise<Outcome>,
  ): Promise<PartReport> {
    if (isDeepStrictEqual(this.#settings[part], next[part])) return { part, name: null, outcome: 'kept', reason: null }
    try {
      const outcome = await take()
      this.#settings = { ...this.#settings, [part]: next[part] }
      return { part, name: null, outcome, reason: null }
    } catch (error) {
      return { part, name: null, outcome: 'refused', reason: explain(error) }
    }
  }

  async #replaceTemplates(next: Settings['templates']): Promise<Outcome> {
    const old = this.#templates
    // Key stores keep their source.
    const isSameSource = isDeepStrictEqual(next.keys, this.#settings.templates.keys)
    if (old !== null && next !== NO_TEMPLATES && isSameSource && old.reconfigure(next)) {
      this.#applyViews()
      return 'reconfigured'
    }
    const built = await this.#buildTemplates(next)
    await old?.close()
    this.#templates = built
    this.#beginTemplates()
    return built === null ? 'removed' : old === null ? 'added' : 'rebuilt'
  }

  async #replaceAdmin(next: Config['admin']): Promise<Outcome> {
    if (next.socket.path === this.#settings.admin.socket.path) return 'reconfigured'
    const built = this.#buildAdmin(next)
    await built.start()
    const old = this.#admin
    this.#admin = built
    await old.close()
    return 'rebuilt'
  }

  /** Throws where only a restart changes it. */
  #setLogging({ level, format }: LoggingConfig): Outcome {
    const { setLogLevel } = this.#deps
    if (format !== this.#settings.logging.format || setLogLevel === undefined)
      throw new RouterError('CONFIG_INVALID', 'logging.format takes effect after a restart')
    setLogLevel(level)
    return 'reconfigured'
  }

  #buildAdmin({ socket: { path } }: Config['admin']): AdminSocket {
    const { log, history = null } = this.#deps
    return new AdminSocket({ path, commands: showCommands(() => this.status(), history), log })
  }

  /** Returns null where there are neither templates nor hooks: what they need is not even loaded then. */
  async #buildTemplates(config: Settings['templates']): Promise<Templates | null> {
    if (config.templates.length === 0 && config.hooks.length === 0) return null
    const { Templates } = await import('./templates/templates.ts')
    const { env, pid, signalGroup, isAlive, log, kinds } = this.#deps
    const source = keyValueSources(config.keys, this.#lookups, log, kinds)
    return new Templates({ config, source, lookups: this.#lookups, env, pid, signalGroup, isAlive, log })
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
