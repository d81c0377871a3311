/** All clusters of the router, by name: the configured ones, and removed ones whose sessions still end. */
import type { Logger } from 'pino'
import type { ClusterStatus } from '../admin/status.ts'
import type { ClusterConfig, Config } from '../config/config.ts'
import { explain } from '../errors.ts'
import type { PartReport } from '../part.ts'
import { NO_LIMITS, type ProcessLimits } from '../process-limits.ts'
import { misfits } from '../proxy/capacity.ts'
import type { ConnectionCounts } from '../proxy/connection-limit.ts'
import { ProcessBudget } from '../proxy/process-budget.ts'
import { Bursts } from '../watcher/checks/bursts.ts'
import { Epochs } from '../watcher/primary/running-machine.ts'
import type { ClusterView } from '../watcher/view.ts'
import { ClusterParts, type ClusterPartsDeps, clusterReports, isServed } from './cluster-parts.ts'

export interface ClustersDeps extends Omit<ClusterPartsDeps, 'budget' | 'epochs' | 'bursts'> {
  readonly log: Logger
  /** What the kernel lets the process have; without it nothing is known of that. */
  readonly limits?: ProcessLimits | undefined
}

export class Clusters {
  readonly #deps: ClustersDeps
  readonly #shared: ClusterPartsDeps
  readonly #budget: ProcessBudget
  /** In the order of the configuration. */
  #all: Map<string, ClusterParts>
  readonly #leaving = new Map<ClusterParts, Promise<void>>()
  #isClosed = false

  /** Starts nothing. */
  constructor(config: Config, deps: ClustersDeps) {
    this.#deps = deps
    this.#budget = new ProcessBudget(deps.limits, config.clusters.filter(isServed).length)
    this.#shared = { ...deps, budget: this.#budget, epochs: new Epochs(), bursts: new Bursts() }
    this.#all = new Map(config.clusters.map((each) => [each.name, new ClusterParts(each, config, this.#shared)]))
  }

  /** Binds every listener: rejects with BIND_FAILED. */
  async listen(): Promise<void> {
    this.#warnOfMisfits([...this.#all.values()].map(({ config }) => config))
    for (const cluster of this.#all.values()) await cluster.listen()
  }

  /** Begins to observe all of them. */
  observe(): void {
    for (const cluster of this.#all.values()) cluster.observe()
  }

  views(): readonly ClusterView[] {
    return [...this.#all.values()].map(({ view }) => view)
  }

  /** Returns the connections of all clusters. */
  get connections(): ConnectionCounts {
    return this.#budget.connections.counts
  }

  status(): readonly ClusterStatus[] {
    return [...this.#all.values()].map((cluster) => cluster.status())
  }

  /** Returns the limit of connections for all together; 0: unlimited. */
  get maxConnections(): number {
    const served = [...this.#all.values()].filter(({ config }) => isServed(config))
    const configured = served.reduce((sum, { config: { proxy } }) => sum + (proxy.maxConnections || Infinity), 0)
    const max = Math.min(this.#budget.connections.max, configured)
    return Number.isFinite(max) ? max : 0
  }

  /**
   * Takes other clusters, and returns the outcome of each. A cluster that cannot be built, or cannot listen, is
   * refused: it continues as it was, or is not there. A cluster that is gone stops accepting, and its sessions have the
   * drain timeout. Never rejects.
   */
  async reconfigure(next: Config): Promise<readonly PartReport[]> {
    this.#warnOfMisfits(next.clusters)
    const names = new Set(next.clusters.map(({ name }) => name))
    const reports: PartReport[] = []
    // First: another cluster may take their addresses.
    for (const [name, cluster] of this.#all) {
      if (names.has(name)) continue
      reports.push(...clusterReports(cluster.config, 'removed'))
      this.#all.delete(name)
      this.#leave(cluster)
    }
    for (const config of next.clusters) {
      const cluster = this.#all.get(config.name)
      try {
        if (cluster !== undefined) reports.push(...(await cluster.reconfigure(config, next)))
        else reports.push(...(await this.#add(config, next)))
      } catch (error) {
        reports.push(...clusterReports(config, 'refused', explain(error)))
      }
    }
    this.#all = new Map(
      next.clusters.flatMap(({ name }) => {
        const cluster = this.#all.get(name)
        return cluster === undefined ? [] : [[name, cluster]]
      }),
    )
    return reports
  }

  /** Stops accepting, and gives sessions the drain timeout to end by themselves. */
  async drain(): Promise<void> {
    const draining = [...this.#all.values()].map((cluster) => cluster.drain())
    await Promise.all([...draining, ...this.#leaving.values()])
  }

  /** Closes everything at once. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#all.values(), ...this.#leaving.keys()].map((cluster) => cluster.close()))
  }

  /** Rejects where it cannot be built or cannot listen. */
  async #add(config: ClusterConfig, all: Config): Promise<readonly PartReport[]> {
    const cluster = new ClusterParts(config, all, this.#shared)
    this.#all.set(config.name, cluster)
    try {
      await cluster.listen()
    } catch (error) {
      this.#all.delete(config.name)
      await cluster.close()
      throw error
    }
    if (this.#isClosed) await cluster.close()
    else cluster.observe()
    return clusterReports(config, 'added')
  }

  /** Ends it once its sessions have ended, after the drain timeout at the latest. */
  #leave(cluster: ClusterParts): void {
    const left = cluster.drain().then(async () => cluster.close())
    this.#leaving.set(
      cluster,
      left.finally(() => this.#leaving.delete(cluster)),
    )
  }

  #warnOfMisfits(clusters: readonly ClusterConfig[]): void {
    const served = clusters.filter(isServed).map(({ proxy }) => proxy)
    for (const misfit of misfits(served, this.#deps.limits ?? NO_LIMITS))
      this.#deps.log.warn({ event: 'limits-misfit' }, misfit)
  }
}
