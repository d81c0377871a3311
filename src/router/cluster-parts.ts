/** What the router builds for one cluster: a watcher and, where the cluster has listeners, a proxy. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { ClusterStatus } from '../admin/status.ts'
import type { ClusterConfig, Config } from '../config/config.ts'
import type { Lookups } from '../names/lookups.ts'
import type { PartReport } from '../part.ts'
import type { ProcessBudget } from '../proxy/process-budget.ts'
import { Proxy } from '../proxy/proxy.ts'
import { inProcess } from '../proxy/worker.ts'
import type { Bursts } from '../watcher/checks/bursts.ts'
import { RestClient } from '../watcher/checks/rest-client.ts'
import { createDcs } from '../watcher/dcs/create.ts'
import type { DcsKind } from '../watcher/dcs/kind.ts'
import { LocalHost } from '../watcher/members/local-host.ts'
import { localMembers } from '../watcher/members/local-member.ts'
import type { Epochs } from '../watcher/primary/running-machine.ts'
import { StateFile } from '../watcher/state/state-file.ts'
import type { ClusterView } from '../watcher/view.ts'
import { Watcher } from '../watcher/watcher.ts'

export interface ClusterPartsDeps {
  readonly log: Logger
  /** The kinds of DCS that the configuration was read with. */
  readonly kinds: readonly DcsKind[]
  /** The rest is shared by all clusters. */
  readonly budget: ProcessBudget
  readonly lookups: Lookups
  readonly epochs: Epochs
  readonly bursts: Bursts
  /** Take the views, after the proxy, which is to hold or to open before anything else is done. */
  readonly sinks: Readonly<Record<string, (view: ClusterView) => void>>
}

type Outcome = PartReport['outcome']

export class ClusterParts {
  readonly #deps: ClusterPartsDeps
  readonly #log: Logger
  #config: ClusterConfig
  #stateDir: string | null
  #watcher: Watcher
  /** null: the cluster has no listeners. */
  #proxy: Proxy | null
  /** Proxies that are no longer configured, while their sessions end. */
  readonly #leaving = new Map<Proxy, Promise<void>>()

  /** Starts nothing. `all`: the whole configuration, of which `config` is a part. */
  constructor(config: ClusterConfig, all: Config, deps: ClusterPartsDeps) {
    this.#deps = deps
    this.#config = config
    this.#stateDir = all.stateDir
    // Where there are several clusters, every line names its own.
    this.#log =
      all.clusters.length > 1 ? deps.log.child({ cluster: config.name }, { msgPrefix: `${config.name}: ` }) : deps.log
    this.#watcher = this.#buildWatcher(config, all)
    this.#proxy = isServed(config) ? this.#buildProxy(config) : null
  }

  get config(): ClusterConfig {
    return this.#config
  }

  get view(): ClusterView {
    return this.#watcher.view
  }

  status(): ClusterStatus {
    const { localMember } = this.#config
    return { view: this.view, proxy: this.#proxy?.status() ?? null, localMember, faults: this.#watcher.faults }
  }

  /** Binds every listener, or none: rejects with BIND_FAILED. */
  async listen(): Promise<void> {
    await this.#proxy?.start()
  }

  /** Begins to observe the cluster, which need not be there. */
  observe(): void {
    this.#watcher.start()
  }

  /**
   * Takes another configuration of the cluster, and returns the outcome of the watcher and of the proxy. A watcher that
   * cannot take it is built again: sessions on the primary are closed then, because they are of an older epoch. Rejects
   * where something cannot be built: the cluster continues as it was.
   */
  async reconfigure(next: ClusterConfig, all: Config): Promise<readonly PartReport[]> {
    const isSame = this.#stateDir === all.stateDir && isDeepStrictEqual(this.#config, next)
    if (isSame) return clusterReports(next, 'kept')
    const [before, old] = [this.#config, this.#watcher]
    const takes = this.#stateDir === all.stateDir && old.reconfigure(next)
    const watcher = takes ? old : this.#buildWatcher(next, all)
    try {
      const proxy = await this.#reconfigureProxy(next)
      if (!takes) await this.#replaceWatcher(watcher)
      this.#config = next
      this.#stateDir = all.stateDir
      const outcome = takes ? 'reconfigured' : 'rebuilt'
      const own: PartReport = { part: 'watcher', name: next.name, outcome, reason: null }
      return proxy === null ? [own] : [own, { ...own, part: 'proxy', outcome: proxy }]
    } catch (error) {
      if (takes) old.reconfigure(before)
      else await watcher.close()
      throw error
    }
  }

  /** Stops accepting, and gives sessions the drain timeout to end by themselves. */
  async drain(): Promise<void> {
    await Promise.all([this.#proxy?.drain(), ...this.#leaving.values()])
  }

  /** Closes everything at once. Idempotent. */
  async close(): Promise<void> {
    for (const proxy of [...this.#leaving.keys(), this.#proxy]) proxy?.close()
    await this.#watcher.close()
  }

  /** Returns what has come of it; null: there was none and is none. Rejects where one cannot be built or cannot listen. */
  async #reconfigureProxy(next: ClusterConfig): Promise<Outcome | null> {
    const old = this.#proxy
    if (old === null && !isServed(next)) return null
    if (old === null) {
      const proxy = this.#buildProxy(next)
      await proxy.start()
      this.#proxy = proxy
      proxy.apply(this.view)
      return 'added'
    }
    if (!isServed(next)) {
      this.#proxy = null
      this.#leave(old)
      return 'removed'
    }
    if (isDeepStrictEqual(this.#config.proxy, next.proxy)) return 'kept'
    if (old.reconfigure(next.proxy)) return 'reconfigured'
    old.close()
    this.#proxy = this.#buildProxy(next)
    await this.#proxy.start()
    this.#proxy.apply(this.view)
    return 'rebuilt'
  }

  /** Lets a proxy follow the views until its sessions have ended, so that they are fenced. */
  #leave(proxy: Proxy): void {
    const left = proxy.drain().finally(() => {
      proxy.close()
      this.#leaving.delete(proxy)
    })
    this.#leaving.set(proxy, left)
  }

  /** Replaces the watcher. The old one has to let go of the state file before the next one reads it. */
  async #replaceWatcher(next: Watcher): Promise<void> {
    await this.#watcher.close()
    this.#watcher = next
    next.start()
  }

  #buildWatcher(config: ClusterConfig, { clusters, stateDir, track }: Config): Watcher {
    const { lookups, epochs, bursts, sinks, kinds } = this.#deps
    const log = this.#log
    const { name, scope, namespace, citusGroup } = config
    const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, lookups, log)
    const names = localMembers(config, track.files).map((member) => member.name)
    const local = new LocalHost({ names, resolve: (host) => lookups.addresses(host) })
    const state = stateDir === null ? null : new StateFile({ name, scope, namespace, citusGroup, dir: stateDir, log })
    const dcs = createDcs(config, rest, { log, clusters, kinds })
    const watcher = new Watcher({ config, dcs, rest, state, epochs, bursts, log, local })
    watcher.subscribe('proxy', (view) => this.#proxy?.apply(view))
    watcher.subscribe('leaving sessions', (view) => this.#leaving.forEach((_, proxy) => proxy.apply(view)))
    for (const [sink, take] of Object.entries(sinks)) watcher.subscribe(sink, take)
    return watcher
  }

  #buildProxy(config: ClusterConfig): Proxy {
    const { budget, lookups } = this.#deps
    return new Proxy({
      config: config.proxy,
      log: this.#log,
      startWorker: inProcess(budget),
      ageOf: (host) => lookups.ageOf(host),
      dialFailed: (failure) => this.#watcher.dialFailed(failure),
    })
  }
}

/** Returns whether a cluster has listeners. */
export function isServed({ proxy }: ClusterConfig): boolean {
  return proxy.listeners.length > 0
}

/** Returns the same for the watcher and the proxy of a cluster. */
export function clusterReports(
  config: ClusterConfig,
  outcome: PartReport['outcome'],
  reason: string | null = null,
): readonly PartReport[] {
  const parts = isServed(config) ? (['watcher', 'proxy'] as const) : (['watcher'] as const)
  return parts.map((part) => ({ part, name: config.name, outcome, reason }))
}
