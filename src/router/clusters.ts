/** All clusters of the router, by name: the configured ones, and removed ones whose sessions still end. */
import { isIP } from 'node:net'
import type { Logger } from 'pino'
import type { RouterStatus } from '../admin/status.ts'
import type { Bind, ClusterConfig, Config } from '../config/config.ts'
import { overlap } from '../config/proxy/binds.ts'
import { explain } from '../errors.ts'
import type { PartReport, Prepared } from '../part.ts'
import { NO_LIMITS, type ProcessLimits } from '../process-limits.ts'
import { misfits } from '../proxy/capacity.ts'
import type { ConnectionCounts } from '../proxy/connection-limit.ts'
import { ProcessBudget } from '../proxy/process-budget.ts'
import { Bursts } from '../watcher/checks/bursts.ts'
import { Epochs } from '../watcher/primary/running-machine.ts'
import type { ClusterView } from '../watcher/view.ts'
import { ClusterParts, type ClusterPartsDeps, clusterReports, isServed, type PreparedCluster } from './cluster-parts.ts'
import { NO_PAST, type PastTotals, totalsOf } from './totals.ts'

interface Plan {
  readonly config: ClusterConfig
  readonly cluster: ClusterParts
  readonly isNew: boolean
}
type Step = Plan & PreparedCluster

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
  /** What clusters have carried that have been removed. */
  #past: PastTotals = NO_PAST
  /** Are in the log already. */
  #misfits: readonly string[] = []

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

  /** Returns a cluster by its name; undefined: none is configured that is called so. */
  get(name: string): ClusterParts | undefined {
    return this.#all.get(name)
  }

  /** Returns all that are configured, in the order of the configuration. */
  all(): readonly ClusterParts[] {
    return [...this.#all.values()]
  }

  views(): readonly ClusterView[] {
    return [...this.#all.values()].map(({ view }) => view)
  }

  /** Returns the connections of all clusters. */
  get connections(): ConnectionCounts {
    return this.#budget.connections.counts
  }

  /** Returns how long sessions may take to end; 0: there are no listeners. Milliseconds. */
  get drainTimeoutMs(): number {
    const served = [...this.#all.values()].filter(({ config }) => isServed(config))
    return Math.max(0, ...served.map(({ config }) => config.proxy.drainTimeoutMs))
  }

  status(): Pick<RouterStatus, 'clusters' | 'totals'> {
    const present = [...this.#all.values()].map((cluster) => ({ cluster, status: cluster.status() }))
    // A proxy that is off has none in the status, and has carried what it has carried.
    const proxies = present.map(({ cluster, status }) => status.proxy ?? cluster.proxy.status())
    const leaving = [...this.#leaving.keys()].map(({ proxy }) => proxy.status())
    return {
      clusters: present.map(({ status }) => status),
      totals: totalsOf([...proxies, ...leaving], this.#past),
    }
  }

  /** Returns the limit of connections for all together; 0: unlimited. */
  get maxConnections(): number {
    const served = [...this.#all.values()].filter(({ config }) => isServed(config))
    const configured = served.reduce((sum, { config: { proxy } }) => sum + (proxy.maxConnections || Infinity), 0)
    const max = Math.min(this.#budget.connections.max, configured)
    return Number.isFinite(max) ? max : 0
  }

  /**
   * Prepares other clusters. A cluster that is gone stops accepting with the commit, and its sessions have the drain timeout;
   * `listenAgain` has to follow. `isOwn`: an address is in use by another part of the router. Never rejects.
   */
  async prepare(next: Config, isOwn: (address: Bind) => boolean): Promise<Prepared> {
    const plans = next.clusters.map((config) => this.#plan(config, next))
    const refused: PartReport[] = []
    const refuse = (config: ClusterConfig, error: unknown): void =>
      void refused.push(...clusterReports(config, 'refused', explain(error)))
    const steps = await Promise.all(
      plans.map(async (plan): Promise<Step | null> => {
        // Of no address yet: its listeners are staged.
        if (plan.isNew) await plan.cluster.listen()
        return plan.cluster
          .prepare(plan.config, next)
          .then((each) => ({ ...plan, ...each }))
          .catch((error: unknown) => (refuse(plan.config, error), null))
      }),
    )
    const ready = steps.filter((step) => step !== null)
    // Last, and one after the other: it takes no time, and nothing else can go wrong any more.
    if (refused.length === 0)
      for (const step of ready)
        await step
          .bind((address) => isOwn(address) || this.listensOn(address))
          .catch((error: unknown) => refuse(step.config, error))
    return {
      refused,
      commit: () => this.#commit(ready, next),
      abandon: () => {
        for (const { abandon } of ready) abandon()
        for (const { cluster, isNew } of plans) if (isNew) void cluster.close()
      },
    }
  }

  #plan(config: ClusterConfig, next: Config): Plan {
    const present = this.#all.get(config.name) ?? this.#renamed(next)
    if (present !== null) return { config, cluster: present, isNew: false }
    const unserved = { ...config, proxy: { ...config.proxy, listeners: [] } }
    const cluster = new ClusterParts(unserved, next, this.#shared)
    return { config, cluster, isNew: true }
  }

  /** Returns the only cluster where the next one is the only one as well: it may have another name, but has to be the same. */
  #renamed({ clusters }: Config): ClusterParts | null {
    const [only = null] = this.#all.values()
    return this.#all.size === 1 && clusters.length === 1 ? only : null
  }

  /** Returns whether a port or a Unix socket is in use by a present listener. */
  listensOn(address: Bind): boolean {
    const binds = [...this.#all.values()].flatMap(({ config }) => config.proxy.listeners.flatMap((each) => each.binds))
    return binds.some((bind) => mayOverlap(bind, address))
  }

  #commit(steps: readonly Step[], next: Config): readonly PartReport[] {
    this.#warnOfMisfits(next.clusters)
    this.#budget.resize(this.#deps.limits, next.clusters.filter(isServed).length)
    const staying = new Set(steps.map(({ cluster }) => cluster))
    const leaving = [...this.#all.values()].filter((cluster) => !staying.has(cluster))
    const removed = leaving.flatMap(({ config }) => clusterReports(config, 'removed'))
    for (const cluster of leaving) this.#leave(cluster)
    this.#all = new Map(steps.map(({ config, cluster }) => [config.name, cluster]))
    return [...removed, ...steps.flatMap((step) => this.#commitOne(step))]
  }

  #commitOne({ config, cluster, isNew, commit }: Step): readonly PartReport[] {
    const reports = commit()
    if (!isNew) return reports
    cluster.observe()
    return clusterReports(config, 'added')
  }

  /** Listens on addresses that were not free before, and reports those that are still not: they are tried again. */
  async listenAgain(): Promise<readonly PartReport[]> {
    return (await Promise.all([...this.#all.values()].map((cluster) => cluster.listenAgain()))).flat()
  }

  /** Stops accepting, and gives sessions the drain timeout to end by themselves. */
  async drain(): Promise<void> {
    const draining = [...this.#all.values()].map((cluster) => cluster.drain())
    await Promise.all([...draining, ...this.#leaving.values()])
  }

  /** Closes everything at once. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#all.values(), ...this.#leaving.keys()].map((cluster) => cluster.close()))
  }

  /** Ends it once its sessions have ended, after the drain timeout at the latest. */
  #leave(cluster: ClusterParts): void {
    const left = cluster.leave()
    this.#leaving.set(
      cluster,
      left.finally(() => {
        this.#leaving.delete(cluster)
        this.#past = totalsOf([cluster.proxy.status()], this.#past)
      }),
    )
  }

  #warnOfMisfits(clusters: readonly ClusterConfig[]): void {
    const served = clusters.filter(isServed).map(({ proxy }) => proxy)
    const found = misfits(served, this.#deps.limits ?? NO_LIMITS)
    for (const misfit of found)
      if (!this.#misfits.includes(misfit)) this.#deps.log.warn({ event: 'limits-misfit' }, misfit)
    this.#misfits = found
  }
}

/** Returns whether it is possible that only one of two addresses can be listened on at a time: a name may be any address. */
function mayOverlap(one: Bind, other: Bind): boolean {
  const hasName = [one, other].some((bind) => bind.kind === 'tcp' && bind.host !== null && isIP(bind.host) === 0)
  const isSamePort = one.kind === 'tcp' && other.kind === 'tcp' && one.port === other.port
  return overlap(one, other) || (hasName && isSamePort)
}
