import { Lookups } from '../../../src/names/lookups.ts'
import type { ZooKeeperConfig } from '../../../src/watcher/dcs/zookeeper-common/section.ts'
import { NamedServers, type ServerList } from '../../../src/watcher/dcs/zookeeper-common/servers.ts'
import { zookeeperDcs } from '../../../src/watcher/dcs/zookeeper-common/zookeeper-dcs.ts'
import { LineLog } from './key-observer.ts'
import { SourceObserver } from './observer.ts'

export const INTERVAL_MS = 300
export const TIMEOUT_MS = 500

const PLAIN = { tls: false, verify: true, caFile: null, certFile: null, keyFile: null, keyPassword: null } as const

export interface ObserverOptions {
  readonly access?: Partial<ZooKeeperConfig>
  readonly intervalMs?: number
  readonly timeoutMs?: number
}

/** Records everything that a ZooKeeper reports of the cluster below `/service/demo/`. */
export class ZooKeeperObserver extends SourceObserver {
  readonly lines: string[]

  constructor(
    servers: readonly string[] | ServerList,
    { access = {}, intervalMs = INTERVAL_MS, timeoutMs = TIMEOUT_MS }: ObserverOptions = {},
  ) {
    const config: ZooKeeperConfig = { kind: 'zookeeper', chroot: '', auth: [], ...PLAIN, ...access }
    const log = new LineLog()
    const survey = { place: { namespace: 'service', scope: 'demo', group: null }, followed: [] }
    const lookups = new Lookups()
    const list = 'next' in servers ? servers : new NamedServers(servers, lookups)
    const options = { config, servers: list, intervalMs, timeoutMs, lookups, log }
    super(zookeeperDcs({ ...options, prefix: '/service/demo/', survey }))
    this.lines = log.lines
  }

  get reasons(): string[] {
    return this.losses.map(({ error }) => error.message)
  }

  /** The names of the members, and the leader, in the order in which they were reported, repetitions left out. */
  get states(): string[] {
    const states = this.snapshots.map(
      ({ cluster }) => `${cluster.members.map(({ name }) => name).join(' ')}: ${cluster.leader?.name ?? 'nobody'}`,
    )
    return states.filter((state, index) => index === 0 || state !== states[index - 1])
  }
}
