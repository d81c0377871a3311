/** The composition root: the only module that knows all the parts, what is built, started and stopped, in which order. */
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { showCommands } from './admin/show.ts'
import { AdminSocket } from './admin/socket.ts'
import { type RouterStatus, STATUS_FORMAT } from './admin/status.ts'
import { now } from './clock.ts'
import type { ClusterConfig, Config } from './config/config.ts'
import { explain } from './errors.ts'
import { Proxy } from './proxy/proxy.ts'
import type { Templates, TemplatesDeps } from './templates/templates.ts'
import { createDcs, createKeyValueSource } from './watcher/dcs/create.ts'
import type { Dcs } from './watcher/dcs/dcs.ts'
import { RestClient } from './watcher/rest.ts'
import { StateFile } from './watcher/state-file.ts'
import { Watcher } from './watcher/watcher.ts'

/** What of the process the templates' files and commands need, besides the rest. */
export interface RouterDeps extends Pick<TemplatesDeps, 'env' | 'pid' | 'signalGroup' | 'isAlive' | 'log'> {
  readonly version: string
  /** In the place of the DCS that the configuration names; the demo has one of its own. */
  readonly createDcs?: (config: ClusterConfig, rest: RestClient, log: Logger) => Dcs
}

interface Part {
  readonly watcher: Watcher
  /** null: it has no listeners. */
  readonly proxy: Proxy | null
}

export class Router {
  readonly #config: Config
  readonly #deps: RouterDeps
  readonly #parts: readonly Part[]
  /** null: there are neither templates nor hooks, or it has not been started. */
  #templates: Templates | null = null
  readonly #admin: AdminSocket
  readonly #startedAt = now()
  #closing: Promise<void> | null = null

  /** Builds every part but the templates, and starts none. */
  constructor(config: Config, deps: RouterDeps) {
    this.#config = config
    this.#deps = deps
    this.#parts = config.clusters.map((cluster) => buildPart(cluster, config.stateDir, deps))
    // After the proxy, which is to hold or to open before anything else is done.
    this.#parts[0]?.watcher.subscribe((view) => this.#templates?.apply(view))
    this.#admin = new AdminSocket({
      path: config.admin.socket.path,
      commands: showCommands(() => this.status()),
      log: deps.log,
    })
  }

  /** All or nothing: rejects with a RouterError, and nothing is left running then. The DCS need not be there. */
  async start(): Promise<void> {
    try {
      for (const { proxy } of this.#parts) await proxy?.start()
      await this.#startAdmin()
      await this.#startTemplates()
      for (const { watcher } of this.#parts) watcher.start()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  status(): RouterStatus {
    const { version, pid } = this.#deps
    const limits = this.#config.clusters.map(({ proxy }) => proxy.maxConnections)
    return {
      format: STATUS_FORMAT,
      version,
      pid,
      node: hostname(),
      startedAt: this.#startedAt,
      now: now(),
      maxConnections: limits.includes(0) ? 0 : limits.reduce((sum, limit) => sum + limit, 0),
      clusters: this.#parts.map(({ watcher, proxy }) => ({ view: watcher.view, proxy: proxy?.status() ?? null })),
      templates: this.#templates?.status() ?? null,
    }
  }

  /** Reads templates again, and looks at every file that they write. */
  resync(): void {
    this.#templates?.resync()
  }

  /** Accepts nobody any more and lets sessions end by themselves until the drain timeout; the watcher and the templates go on. */
  async drain(): Promise<void> {
    await Promise.all(this.#parts.map(async ({ proxy }) => proxy?.drain()))
  }

  /** Closes everything at once; a reload that runs may take a few seconds more. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    for (const { proxy } of this.#parts) proxy?.close()
    const closing = this.#parts.map(({ watcher }) => watcher.close())
    if (this.#templates !== null) closing.push(this.#templates.close())
    await Promise.all(closing)
    await this.#admin.close()
  }

  /** Loaded here, so that a router without templates does not wait for what they need. */
  async #startTemplates(): Promise<void> {
    const config = this.#config
    const [cluster] = config.clusters
    if (cluster === undefined || (config.templates.length === 0 && config.hooks.length === 0)) return
    const { Templates } = await import('./templates/templates.ts')
    if (this.#closing !== null) return
    const { env, pid, signalGroup, isAlive, log } = this.#deps
    // Of the first cluster: templates know one.
    const source = createKeyValueSource(cluster, log)
    this.#templates = new Templates({ config, source, env, pid, signalGroup, isAlive, log })
    this.#templates.start()
  }

  async #startAdmin(): Promise<void> {
    try {
      await this.#admin.start()
    } catch (error) {
      if (!this.#config.admin.socket.isDefault) throw error
      this.#deps.log.warn({ event: 'admin-unavailable' }, `no admin socket, so no status: ${explain(error)}`)
    }
  }
}

function buildPart(config: ClusterConfig, stateDir: string | null, deps: RouterDeps): Part {
  const { log, createDcs: dcsOf = createDcs } = deps
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, log)
  const { scope, namespace, citusGroup } = config
  const state = stateDir === null ? null : new StateFile({ dir: stateDir, scope, namespace, citusGroup, log })
  const watcher = new Watcher({ config, dcs: dcsOf(config, rest, log), rest, state, log })
  if (config.proxy.listeners.length === 0) return { watcher, proxy: null }
  const proxy = new Proxy({ config: config.proxy, log, dialFailed: (failure) => watcher.dialFailed(failure) })
  watcher.subscribe((view) => proxy.apply(view))
  return { watcher, proxy }
}
