/** The composition root: the only module that knows all the parts, what is built, started and stopped, in which order. */
import { hostname } from 'node:os'
import { showCommands } from './admin/show.ts'
import { AdminSocket } from './admin/socket.ts'
import type { RouterStatus } from './admin/status.ts'
import { now } from './clock.ts'
import type { ClusterConfig, Config } from './config/config.ts'
import { explain } from './errors.ts'
import { NO_LIMITS, type ProcessLimits } from './process-limits.ts'
import { misfits } from './proxy/capacity.ts'
import { ProcessBudget } from './proxy/process-budget.ts'
import { Lookups } from './names/lookups.ts'
import { Proxy } from './proxy/proxy.ts'
import { inProcess } from './proxy/worker.ts'
import type { Templates, TemplatesDeps } from './templates/templates.ts'
import { Track } from './track/track.ts'
import { createDcs, keyValueSources } from './watcher/dcs/create.ts'
import type { DcsKind } from './watcher/dcs/kind.ts'
import { localMembers } from './watcher/members/local-member.ts'
import { LocalHost } from './watcher/members/local-host.ts'
import { RestClient } from './watcher/checks/rest-client.ts'
import type { StateIdentity } from './watcher/state/saved-cluster.ts'
import { StateFile } from './watcher/state/state-file.ts'
import { Epochs } from './watcher/primary/running-machine.ts'
import { Watcher } from './watcher/watcher.ts'

/** What of the process the templates' files and commands need, besides the rest. */
export interface RouterDeps extends Pick<TemplatesDeps, 'env' | 'pid' | 'signalGroup' | 'isAlive' | 'log'> {
  readonly version: string
  /** What the kernel lets the process have; without it nothing is known of that. */
  readonly limits?: ProcessLimits
  /** The kinds of DCS that the configuration was read with. */
  readonly kinds: readonly DcsKind[]
}

interface Part {
  readonly config: ClusterConfig
  readonly watcher: Watcher
  /** null: it has no listeners. */
  readonly proxy: Proxy | null
}

export class Router {
  readonly #config: Config
  readonly #deps: RouterDeps
  readonly #parts: readonly Part[]
  readonly #budget: ProcessBudget
  /** null: there are neither templates nor hooks, or it has not been started. */
  #templates: Templates | null = null
  readonly #track: Track
  readonly #admin: AdminSocket
  readonly #startedAt = now()
  readonly #lookups = new Lookups()
  readonly #epochs = new Epochs()
  #isDraining = false
  #closing: Promise<void> | null = null

  /** Builds every part but the templates, and starts none. */
  constructor(config: Config, deps: RouterDeps) {
    this.#config = config
    this.#deps = deps
    this.#budget = new ProcessBudget(deps.limits, config.clusters.filter(isServed).length)
    const shared = { budget: this.#budget, lookups: this.#lookups, epochs: this.#epochs }
    this.#parts = config.clusters.map((cluster) => buildPart(cluster, config, deps, shared))
    this.#track = new Track({ files: config.track.files, log: deps.log })
    for (const { watcher } of this.#parts) {
      // After the proxy, which is to hold or to open before anything else is done.
      watcher.subscribe('track files', (view) => this.#track.apply(view))
      watcher.subscribe('templates', (view) => this.#templates?.apply(view))
    }
    this.#admin = new AdminSocket({
      path: config.admin.socket.path,
      commands: showCommands(() => this.status()),
      log: deps.log,
    })
  }

  /** All or nothing: rejects with a RouterError, and nothing is left running then. The DCS need not be there. */
  async start(): Promise<void> {
    const served = this.#config.clusters.filter(isServed).map(({ proxy }) => proxy)
    for (const misfit of misfits(served, this.#deps.limits ?? NO_LIMITS))
      this.#deps.log.warn({ event: 'limits-misfit' }, misfit)
    try {
      for (const { proxy } of this.#parts) await proxy?.start()
      await this.#startAdmin()
      await this.#track.start()
      await this.#startTemplates()
      for (const { watcher } of this.#parts) watcher.start()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  status(): RouterStatus {
    const { version, pid } = this.#deps
    const limits = this.#config.clusters.filter(isServed).map(({ proxy }) => proxy.maxConnections || Infinity)
    const maxConnections = Math.min(
      this.#budget.connections.max,
      limits.reduce((sum, limit) => sum + limit, 0),
    )
    return {
      version,
      pid,
      node: hostname(),
      startedAt: this.#startedAt,
      now: now(),
      stopping: this.#isDraining || this.#closing !== null,
      maxConnections: Number.isFinite(maxConnections) ? maxConnections : 0,
      clusters: this.#parts.map(({ watcher, proxy, config: { localMember } }) => {
        return { view: watcher.view, proxy: proxy?.status() ?? null, localMember }
      }),
      templates: this.#templates?.status() ?? null,
      track: this.#track.status(),
    }
  }

  /** Reads templates again, and looks at every file that they write. */
  resync(): void {
    this.#templates?.resync()
  }

  /**
   * Accepts nobody any more and lets sessions end by themselves until the drain timeout; the watcher and the templates go
   * on. Track files say 0 from now on: an address is of no use on a host that accepts nobody.
   */
  async drain(): Promise<void> {
    this.#isDraining = true
    await Promise.all([this.#track.end(), ...this.#parts.map(async ({ proxy }) => proxy?.drain())])
  }

  /** Closes everything at once; a reload that runs may take a few seconds more. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    for (const { proxy } of this.#parts) proxy?.close()
    this.#lookups.close()
    const closing = this.#parts.map(({ watcher }) => watcher.close())
    closing.push(this.#track.close())
    if (this.#templates !== null) closing.push(this.#templates.close())
    await Promise.all(closing)
    await this.#admin.close()
  }

  /** Loaded here, so that a router without templates does not wait for what they need. */
  async #startTemplates(): Promise<void> {
    const config = this.#config
    if (config.templates.length === 0 && config.hooks.length === 0) return
    const { Templates } = await import('./templates/templates.ts')
    if (this.#closing !== null) return
    const { env, pid, signalGroup, isAlive, log } = this.#deps
    const source = keyValueSources(config.keys, this.#lookups, log, this.#deps.kinds)
    this.#templates = new Templates({ config, source, lookups: this.#lookups, env, pid, signalGroup, isAlive, log })
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

function isServed({ proxy }: ClusterConfig): boolean {
  return proxy.listeners.length > 0
}

/** What the parts of all clusters share. */
interface Shared {
  readonly budget: ProcessBudget
  readonly lookups: Lookups
  readonly epochs: Epochs
}

function buildPart(
  config: ClusterConfig,
  { clusters, stateDir, track }: Config,
  deps: RouterDeps,
  { budget, lookups, epochs }: Shared,
): Part {
  // Where there are several, every line says whose it is.
  const log =
    clusters.length > 1 ? deps.log.child({ cluster: config.name }, { msgPrefix: `${config.name}: ` }) : deps.log
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, lookups, log)
  const names = localMembers(config, track.files).map(({ name }) => name)
  const local = new LocalHost({ names, resolve: (host) => lookups.addresses(host) })
  const state = stateDir === null ? null : new StateFile({ ...identityOf(config), dir: stateDir, log })
  const dcs = createDcs(config, rest, { log, clusters, kinds: deps.kinds })
  const watcher = new Watcher({ config, dcs, rest, state, epochs, log, local })
  if (!isServed(config)) return { config, watcher, proxy: null }
  const proxy = new Proxy({
    config: config.proxy,
    log,
    startWorker: inProcess(budget),
    ageOf: (host) => lookups.ageOf(host),
    dialFailed: (failure) => watcher.dialFailed(failure),
  })
  watcher.subscribe('proxy', (view) => proxy.apply(view))
  return { config, watcher, proxy }
}

function identityOf({ name, scope, namespace, citusGroup }: ClusterConfig): StateIdentity & { name: string } {
  return { name, scope, namespace, citusGroup }
}
