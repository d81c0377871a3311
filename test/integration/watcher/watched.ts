import pino from 'pino'
import type { ClusterConfig } from '../../../src/config/config.ts'
import { createDcs } from '../../../src/watcher/dcs/create.ts'
import type { Dcs } from '../../../src/watcher/dcs/dcs.ts'
import { Lookups } from '../../../src/names/lookups.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { StateFile } from '../../../src/watcher/state/state-file.ts'
import type { ClusterView, MemberView } from '../../../src/watcher/view.ts'
import { Epochs } from '../../../src/watcher/primary/running-machine.ts'
import { Watcher } from '../../../src/watcher/watcher.ts'
import { until } from '../../support/until.ts'
import type { Etcd3Config } from '../../../src/watcher/dcs/etcd3/section.ts'

export function clusterConfig(
  endpoints: readonly string[],
  proxy: Partial<ClusterConfig['proxy']> = {},
): ClusterConfig {
  const dcs: Etcd3Config = {
    kind: 'etcd3',
    srv: null,
    endpoints,
    protocol: 'http',
    useProxies: true,
    auth: null,
    caFile: null,
    certFile: null,
    keyFile: null,
  }
  return {
    name: 'demo',
    scope: 'demo',
    namespace: 'service',
    citusGroup: null,
    localMember: null,
    dcs,
    restApi: { caFile: null, certFile: null, keyFile: null, keyPassword: null, insecure: false },
    proxy: {
      listeners: [],
      address: 'conn_url',
      trust: 'proof',
      check: { intervalMs: 300, fastIntervalMs: 30, timeoutMs: 1000, rise: 1, fall: 3 },
      hold: { timeoutMs: 45_000, maxConnections: 100, refuseTls: 'answer' },
      maxConnections: 0,
      timeouts: { connectMs: 1000, clientMs: 0, serverMs: 0 },
      tcpKeepaliveMs: 0,
      drainTimeoutMs: 0,
      ...proxy,
    },
  }
}

export interface WatchedOptions {
  readonly started?: boolean
  readonly proxy?: Partial<ClusterConfig['proxy']>
  /** Instead of etcd at the endpoints. */
  readonly dcs?: Dcs
  readonly stateDir?: string
  readonly rest?: RestClient
  readonly lookups?: Lookups
}

/** A running watcher with everything that it has published and logged. */
export class Watched implements AsyncDisposable {
  readonly watcher: Watcher
  readonly views: ClusterView[] = []
  readonly logged: string[] = []

  constructor(
    endpoints: readonly string[],
    { started = true, proxy = {}, dcs, stateDir, ...given }: WatchedOptions = {},
  ) {
    const config = clusterConfig(endpoints, proxy)
    const { lookups = new Lookups() } = given
    const rest = given.rest ?? new RestClient(config.restApi, config.proxy.check.timeoutMs, lookups)
    const log = pino({ level: 'info' }, { write: (line: string) => void this.logged.push(line) })
    const { name, scope, namespace, citusGroup } = config
    const state =
      stateDir === undefined ? null : new StateFile({ dir: stateDir, name, scope, namespace, citusGroup, log })
    this.watcher = new Watcher({ config, dcs: dcs ?? createDcs(config, rest), rest, state, epochs: new Epochs(), log })
    this.watcher.subscribe('test', (view) => this.views.push(view))
    if (started) this.watcher.start()
  }

  get view(): ClusterView {
    return this.watcher.view
  }

  /** `open pg0` */
  get primary(): string {
    return primaryOf(this.view)
  }

  /** The states of the primary in their order, repetitions left out; from view number `from` on. */
  states(from = 0): string[] {
    const all = this.views.slice(from).map(primaryOf)
    return all.filter((state, index) => state !== all[index - 1])
  }

  /** The messages of the log, from number `from` on. */
  messages(from = 0): string[] {
    return this.logged.slice(from).map((line) => (JSON.parse(line) as { msg: string }).msg)
  }

  member(name: string): MemberView {
    const member = this.view.members.find((one) => one.name === name)
    if (member === undefined) throw new Error(`no member ${name}`)
    return member
  }

  async until(primary: string): Promise<ClusterView> {
    await until(
      `the primary is ${primary}`,
      () => this.primary === primary || Promise.reject(new Error(this.primary)),
      { everyMs: 2 },
    )
    return this.view
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watcher.close()
  }
}

function primaryOf({ primary }: ClusterView): string {
  return primary.member === null ? primary.state : `${primary.state} ${primary.member}`
}
