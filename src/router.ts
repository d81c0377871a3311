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
import { createDcs } from './watcher/dcs/create.ts'
import type { Dcs } from './watcher/dcs/dcs.ts'
import { RestClient } from './watcher/rest.ts'
import { StateFile } from './watcher/state-file.ts'
import { Watcher } from './watcher/watcher.ts'

export interface RouterDeps {
  readonly log: Logger
  readonly version: string
  readonly pid: number
  /** In the place of the DCS that the configuration names; the demo has one of its own. */
  readonly createDcs?: (config: ClusterConfig, rest: RestClient, log: Logger) => Dcs
}

interface Part {
  readonly watcher: Watcher
  readonly proxy: Proxy
}

export class Router {
  readonly #config: Config
  readonly #deps: RouterDeps
  readonly #parts: readonly Part[]
  readonly #admin: AdminSocket
  readonly #startedAt = now()
  #closing: Promise<void> | null = null

  /** Builds every part and starts none. */
  constructor(config: Config, deps: RouterDeps) {
    this.#config = config
    this.#deps = deps
    this.#parts = config.clusters.map((cluster) => buildPart(cluster, config.stateDir, deps))
    this.#admin = new AdminSocket({
      path: config.admin.socket.path,
      commands: showCommands(() => this.status()),
      log: deps.log,
    })
  }

  /** All or nothing: rejects with a RouterError, and nothing is left running then. The DCS need not be there. */
  async start(): Promise<void> {
    try {
      for (const { proxy } of this.#parts) await proxy.start()
      await this.#startAdmin()
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
      clusters: this.#parts.map(({ watcher, proxy }) => ({ view: watcher.view, proxy: proxy.status() })),
    }
  }

  /** Accepts nobody any more and lets sessions end by themselves until the drain timeout; the watcher goes on. */
  async drain(): Promise<void> {
    await Promise.all(this.#parts.map(({ proxy }) => proxy.drain()))
  }

  /** Closes everything at once. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    for (const { proxy } of this.#parts) proxy.close()
    await Promise.all(this.#parts.map(({ watcher }) => watcher.close()))
    await this.#admin.close()
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
  const proxy = new Proxy({ config: config.proxy, log, dialFailed: (failure) => watcher.dialFailed(failure) })
  watcher.subscribe((view) => proxy.apply(view))
  return { watcher, proxy }
}
