/** What the router builds for one cluster: a watcher and, where the cluster has listeners, a proxy. */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { ClusterStatus } from '../admin/status.ts'
import type { Bind, ClusterConfig, Config } from '../config/config.ts'
import type { Lookups } from '../names/lookups.ts'
import type { Overrides } from '../override.ts'
import type { PartReport, Prepared } from '../part.ts'
import type { ConnectionLog } from '../proxy/connection-log.ts'
import type { ProcessBudget } from '../proxy/process-budget.ts'
import { Proxy } from '../proxy/proxy.ts'
import { inProcess } from '../proxy/worker.ts'
import type { Bursts } from '../watcher/checks/bursts.ts'
import { RestClient } from '../watcher/checks/rest-client.ts'
import { createDcs } from '../watcher/dcs/create.ts'
import type { DcsKind } from '../watcher/dcs/kind.ts'
import { LocalHost } from '../watcher/members/local-host.ts'
import { localMembers } from '../watcher/members/local-member.ts'
import type { Successor } from '../watcher/dcs-succession.ts'
import type { Epochs } from '../watcher/primary/running-machine.ts'
import { StateFile } from '../watcher/state/state-file.ts'
import type { ClusterView } from '../watcher/view.ts'
import { Watcher } from '../watcher/watcher.ts'
import { clusterLog } from './cluster-log.ts'

export interface ClusterPartsDeps {
  readonly log: Logger
  /** The kinds of DCS that the configuration was read with. */
  readonly kinds: readonly DcsKind[]
  /** The rest is shared by all clusters. null: connections are not logged. */
  readonly connectionLog: ConnectionLog | null
  readonly budget: ProcessBudget
  readonly lookups: Lookups
  readonly epochs: Epochs
  readonly bursts: Bursts
  /** Returns what a person has decided about a cluster, by its name. */
  readonly overrides: (cluster: string) => Overrides
  /** Take the views, after the proxy, which is to hold or to open before anything else is done. */
  readonly sinks: Readonly<Record<string, (view: ClusterView) => void>>
}

export class ClusterParts {
  readonly #deps: ClusterPartsDeps
  readonly #log: Logger
  readonly #rest: RestClient
  readonly #watcher: Watcher
  /** End the subscriptions of the sinks. */
  readonly #unsubscribe: (() => void)[] = []
  readonly #proxy: Proxy
  #config: ClusterConfig
  #all: Config

  /** Starts nothing. `all`: the whole configuration, of which `config` is a part. */
  constructor(config: ClusterConfig, all: Config, deps: ClusterPartsDeps) {
    this.#deps = deps
    this.#config = config
    this.#all = all
    // Where there are several clusters, every line names its own.
    this.#log = clusterLog(deps.log, () => this.#nameAmongOthers)
    this.#rest = this.#buildRest(config)
    this.#watcher = this.#buildWatcher()
    this.#proxy = this.#buildProxy(config)
  }

  get config(): ClusterConfig {
    return this.#config
  }

  get view(): ClusterView {
    return this.#watcher.view
  }

  status(): ClusterStatus {
    const { localMember } = this.#config
    const proxy = this.#proxy.status()
    // Of a proxy that is off the last sessions may still be there.
    const isOn = isServed(this.#config) || proxy.sessions.length > 0
    return {
      view: this.view,
      proxy: isOn ? proxy : null,
      localMember,
      faults: this.#watcher.faults,
      counts: this.#watcher.counts,
    }
  }

  /** Binds every listener, or none: rejects with BIND_FAILED. */
  async listen(): Promise<void> {
    await this.#proxy.start()
  }

  /** Follows what a person has decided about it: that has taken effect when this returns. */
  overridesChanged(): void {
    this.#watcher.overridesChanged()
    this.#proxy.hold(this.#overrides.holds)
  }

  /** Returns its proxy, also where it has no listeners. */
  get proxy(): Proxy {
    return this.#proxy
  }

  get #overrides(): Overrides {
    return this.#deps.overrides(this.#config.name)
  }

  /** Begins to observe the cluster, which need not be there. */
  observe(): void {
    this.#watcher.start()
  }

  /**
   * Prepares another configuration of the cluster, which may take as long as its DCS; `bind` is the last step of it. Rejects where
   * that cannot be the same cluster: nothing has changed then.
   */
  async prepare(next: ClusterConfig, all: Config): Promise<PreparedCluster> {
    const [before, allBefore] = [this.#config, this.#all]
    const dcs = await this.#prepareDcs(next, all)
    return {
      bind: async (isOwn) => this.#proxy.stage(next.proxy, isOwn),
      abandon: () => {
        this.#proxy.unstage()
        void dcs?.end()
      },
      commit: () => {
        this.#config = next
        this.#all = all
        this.#proxy.hold(this.#overrides.holds)
        const isElsewhere =
          all.stateDir !== allBefore.stateDir || !isDeepStrictEqual(identityOf(next), identityOf(before))
        const isOtherHost = !isDeepStrictEqual(localNames(next, all), localNames(before, allBefore))
        const isSame = dcs === null && !isElsewhere && !isOtherHost && isDeepStrictEqual(next, before)
        if (isSame) return clusterReports(next, 'kept')
        this.#watcher.reconfigure({
          config: next,
          ...(dcs === null ? {} : { dcs }),
          ...(isElsewhere ? { state: this.#buildState() } : {}),
          ...(isOtherHost ? { local: this.#buildLocal() } : {}),
        })
        const isSameProxy = isDeepStrictEqual(next.proxy, before.proxy)
        if (!isSameProxy) this.#proxy.take(next.proxy)
        const ofProxy = isServed(next) ? (isServed(before) ? 'reconfigured' : 'added') : 'removed'
        return clusterReports(isServed(next) ? next : before, 'reconfigured', null, isSameProxy ? 'kept' : ofProxy)
      },
    }
  }

  /** Returns the DCS that takes the place of the present one; null: none has to. Rejects where it shows another cluster. */
  async #prepareDcs(next: ClusterConfig, all: Config): Promise<Successor | null> {
    const [before, allBefore] = [this.#config, this.#all]
    const isOther = !isDeepStrictEqual(sourceOf(next), sourceOf(before))
    const isRead = (config: ClusterConfig, { clusters }: Config): object => ({
      pace: paceOf(config),
      groups: groupsBeside(config, clusters),
      // Where the members are the DCS, this is how it is read.
      restApi: this.view.dcs.leaderFrom === 'members' ? config.restApi : null,
    })
    if (!isOther && isDeepStrictEqual(isRead(next, all), isRead(before, allBefore))) return null
    const { kinds } = this.#deps
    const dcs = createDcs(next, this.#buildRest(next), { log: this.#log, clusters: all.clusters, kinds })
    return isOther ? this.#watcher.tryDcs(dcs) : this.#watcher.buildDcs(dcs)
  }

  /** Listens on addresses that were not free before, and returns those that are still not: they are tried again. */
  async listenAgain(): Promise<readonly PartReport[]> {
    const faults = await this.#proxy.listen()
    return faults.length === 0
      ? []
      : [{ part: 'proxy', name: this.#config.name, outcome: 'reconfigured', reason: faults.join('; ') }]
  }

  /** Stops accepting, and gives sessions the drain timeout to end by themselves. */
  async drain(): Promise<void> {
    await this.#proxy.drain()
  }

  /** Drains and closes a cluster that is no longer configured. The sinks get no more of its views: its name may be another's soon. */
  async leave(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    await this.drain()
    await this.close()
  }

  /** Closes everything at once. Idempotent. */
  async close(): Promise<void> {
    this.#proxy.close()
    await this.#watcher.close()
  }

  #buildWatcher(): Watcher {
    const { epochs, bursts, sinks, kinds } = this.#deps
    const [config, rest, log] = [this.#config, this.#rest, this.#log]
    const dcs = createDcs(config, rest, { log, clusters: this.#all.clusters, kinds })
    const state = this.#buildState()
    const local = this.#buildLocal()
    const overrides = (): Overrides['members'] => this.#overrides.members
    const watcher = new Watcher({ config, dcs, rest, state, epochs, bursts, log, local, overrides })
    watcher.subscribe('proxy', (view) => this.#proxy.apply(view))
    for (const [sink, take] of Object.entries(sinks)) this.#unsubscribe.push(watcher.subscribe(sink, take))
    return watcher
  }

  #buildRest({ restApi, proxy }: ClusterConfig): RestClient {
    return new RestClient(restApi, proxy.check.timeoutMs, this.#deps.lookups, this.#log)
  }

  #buildState(): StateFile | null {
    const { stateDir: dir } = this.#all
    return dir === null ? null : new StateFile({ ...identityOf(this.#config), dir, log: this.#log })
  }

  #buildLocal(): LocalHost {
    const names = localNames(this.#config, this.#all)
    return new LocalHost({ names, resolve: (host) => this.#deps.lookups.addresses(host) })
  }

  /** Returns the name that lines of the log have; null: there is no other cluster. */
  get #nameAmongOthers(): string | null {
    return this.#all.clusters.length > 1 ? this.#config.name : null
  }

  #buildProxy(config: ClusterConfig): Proxy {
    const { budget, lookups, connectionLog } = this.#deps
    return new Proxy({
      config: config.proxy,
      log: this.#log,
      connectionLog,
      cluster: () => this.#nameAmongOthers,
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

/** Another configuration of a cluster. */
export interface PreparedCluster extends Omit<Prepared, 'refused'> {
  /** Binds its addresses in advance; see `Proxy.stage`. Rejects with BIND_FAILED. */
  bind(isOwn: (bind: Bind) => boolean): Promise<void>
}

/** Returns what a cluster is called, in the DCS and by people. */
function identityOf({ name, scope, namespace, citusGroup }: ClusterConfig) {
  return { name, scope, namespace, citusGroup }
}

/** Returns the members that the configuration puts on this host. */
function localNames(config: ClusterConfig, { track }: Config): readonly string[] {
  return localMembers(config, track.files).map(({ name }) => name)
}

/** Returns where a cluster is observed. */
function sourceOf({ dcs, scope, namespace, citusGroup }: ClusterConfig): object {
  return { dcs, scope, namespace, citusGroup }
}

/** Returns how often the DCS is read, and how long that may take. */
function paceOf({ proxy: { check } }: ClusterConfig): object {
  const { intervalMs, fastIntervalMs, timeoutMs } = check
  return { intervalMs, fastIntervalMs, timeoutMs }
}

/** Returns the configured Citus groups of the scope: others are reported (watcher/dcs/survey.ts). */
function groupsBeside({ scope, namespace, citusGroup }: ClusterConfig, clusters: readonly ClusterConfig[]): object {
  if (citusGroup === null) return []
  const inScope = clusters.filter((each) => each.scope === scope && each.namespace === namespace)
  return [clusters.length > 1, ...inScope.map((each) => [each.citusGroup, each.dcs])]
}

/** Returns the same for the watcher and the proxy of a cluster, or another outcome for the proxy. */
export function clusterReports(
  config: ClusterConfig,
  outcome: PartReport['outcome'],
  reason: string | null = null,
  ofProxy = outcome,
): readonly PartReport[] {
  const own: PartReport = { part: 'watcher', name: config.name, outcome, reason }
  return isServed(config) ? [own, { ...own, part: 'proxy', outcome: ofProxy }] : [own]
}
