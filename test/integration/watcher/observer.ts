import { Lookups } from '../../../src/names/lookups.ts'
import type { Etcd3Config } from '../../../src/watcher/dcs/etcd3/section.ts'
import type { Cluster } from '../../../src/watcher/cluster.ts'
import type { ClusterSource, DcsObservation } from '../../../src/watcher/dcs/dcs.ts'
import { Etcd3Dcs } from '../../../src/watcher/dcs/etcd3/etcd3-dcs.ts'
import { until } from '../../support/until.ts'
import { LineLog } from './key-observer.ts'

export type Seen = DcsObservation & { readonly at: number }

type Settings = {
  readonly endpoints: readonly string[]
  readonly prefix?: string
  readonly useProxies?: boolean
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly discoverMs?: number
  /** User, password, certificates. */
  readonly access?: Partial<Pick<Etcd3Config, 'protocol' | 'auth' | 'caFile' | 'certFile' | 'keyFile'>>
  readonly lookups?: Lookups
}

const OPEN = { protocol: 'http', auth: null, caFile: null, certFile: null, keyFile: null } as const

/** Records everything that a source tells of a cluster. */
export class SourceObserver implements AsyncDisposable {
  readonly seen: Seen[] = []
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(source: ClusterSource) {
    this.#done = this.#observe(source)
  }

  get last(): Seen | undefined {
    return this.seen.at(-1)
  }

  /** Of the last snapshot. @throws while there is none. */
  get cluster(): Cluster {
    const snapshot = this.snapshots.at(-1)
    if (snapshot === undefined) throw new Error('no snapshot yet')
    return snapshot.cluster
  }

  get snapshots() {
    return this.seen.filter((one) => one.type === 'snapshot')
  }

  get losses() {
    return this.seen.filter((one) => one.type === 'lost')
  }

  /** The leaders' names in the order in which they were told, repetitions left out. */
  get leaders(): (string | null)[] {
    const names = this.snapshots.map(({ cluster }) => cluster.leader?.name ?? null)
    return names.filter((name, index) => index === 0 || name !== names[index - 1])
  }

  /** The subjects of the notices that hold. */
  get notices(): string[] {
    return this.last?.notices?.map(({ subject }) => subject) ?? []
  }

  /** Waits for an observation among those from number `from` on. */
  async until(
    what: string,
    fits: (seen: Seen) => boolean,
    { from = 0, ...limit }: { from?: number; timeoutMs?: number } = {},
  ): Promise<Seen> {
    return until(what, () => this.seen.slice(from).find(fits), { ...limit, everyMs: 5 })
  }

  async leader(name: string | null, from = 0): Promise<Seen> {
    const fits = (seen: Seen): boolean => seen.type === 'snapshot' && (seen.cluster.leader?.name ?? null) === name
    return this.until(`the leader is ${name ?? 'nobody'}`, fits, { from })
  }

  /** Resolves when the observation has ended. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #observe(source: ClusterSource): Promise<void> {
    for await (const seen of source.observe(this.#stop.signal)) this.seen.push({ ...seen, at: performance.now() })
  }
}

/** Records everything that an etcd v3 tells. */
export class Observer extends SourceObserver {
  /** What it has logged. */
  readonly lines: string[]

  constructor({
    endpoints,
    prefix = '/service/demo/',
    useProxies = true,
    intervalMs = 300,
    // A busy machine is no loss.
    timeoutMs = 5000,
    discoverMs = 60_000,
    access = {},
    lookups = new Lookups(),
  }: Settings) {
    const config = { kind: 'etcd3', endpoints, srv: null, useProxies, ...OPEN, ...access } as const
    const log = new LineLog()
    super(new Etcd3Dcs({ config, prefix, intervalMs, timeoutMs, discoverMs, lookups, log }))
    this.lines = log.lines
  }
}
