/** One connection to one etcd v3 endpoint: list, read, watch. */
import { within } from '../../../clock.ts'
import { RouterError } from '../../../errors.ts'
import {
  ClusterClient,
  type IKeyValue,
  InterceptingCall,
  type Interceptor,
  type IRangeResponse,
  type IResponseHeader,
  type IWatchResponse,
  KVClient,
  MaintenanceClient,
  WatchClient,
} from './library.ts'
import { EtcdChannel, type EtcdTarget, MAX_MESSAGE } from './channel.ts'
import { diagnose, reasonOf } from './diagnosis.ts'
import { belowPrefix, type KeyRange } from './key-range.ts'
import type { EtcdEndpoint } from '../etcd-common/directory.ts'
import type { SessionConnection } from '../sessions.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import type { KeyEvent, VersionedKey } from './keyspace.ts'

/** What a linearizable read has shown. */
export interface EtcdReading {
  /** In hexadecimal, as etcd's own log and `etcdctl member list` show it. */
  readonly clusterId: string
  readonly revision: bigint
  /** By the names that the range gives them; empty when they were only counted. */
  readonly keys: readonly VersionedKey[]
  readonly count: number
}

export interface EtcdWatcher {
  /** Events in order; everything up to `revision` has been handed over with them. */
  readonly onEvents: (events: readonly KeyEvent[], revision: bigint) => void
  /** Nothing more will come. May be called more than once. */
  readonly onEnd: (error: unknown) => void
}

/**
 * More of a value is not kept. As text it is still longer than the limit for Patroni's (cluster.ts), so that a key that
 * is cut here is ignored there. Bytes.
 */
const MAX_VALUE = 4 * 1024 * 1024

/** How many keys one answer to a list has at most. */
const PAGE = 1000

/** More than the parts of finding out why it is unusable may take. Milliseconds. */
const EXPLAIN_MS = 3000

/** A node without a leader then ends the watch instead of keeping it silent (etcd's clientv3.WithRequireLeader). */
const requireLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start: (metadata, listener, next) => {
      metadata.set('hasleader', 'true')
      next(metadata, listener)
    },
  })

export class EtcdConnection implements SessionConnection, EtcdEndpoint {
  readonly target: EtcdTarget
  readonly #channel: EtcdChannel
  readonly #keys: KeyRange
  readonly #range: { readonly key: Buffer; readonly range_end: Buffer }
  /** Of the first answer. Behind a proxy each answer can come from elsewhere. */
  #clusterId: string | null = null

  /** `id` is another one for each connection. Connects with the first call. */
  constructor(target: EtcdTarget, id: number, range = belowPrefix(target.prefix)) {
    this.target = target
    this.#channel = new EtcdChannel(target, id)
    this.#keys = range
    this.#range = { key: range.first, range_end: range.end }
  }

  get endpoint(): string {
    return this.target.endpoint
  }

  get certificates(): CertificateSet | null {
    return this.target.certificates
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.#channel.closed
  }

  /**
   * Reads every key of the range as they were at one revision, linearizably; in pages, so that many keys need no more
   * time for each answer.
   */
  async list(): Promise<EtcdReading> {
    const client = new KVClient(this.#channel)
    const ask = (page: object): Promise<IRangeResponse> =>
      client.range({ ...this.#range, limit: PAGE, ...page }, this.#channel.within(2))
    const first = await ask({})
    const { revision } = first.header
    const kvs = [...first.kvs]
    let bytes = sizeOf(first.kvs)
    for (let page = first; page.more;) {
      if (bytes > MAX_MESSAGE) throw new RouterError('DCS_UNAVAILABLE', `the keys are larger than max ${MAX_MESSAGE}`)
      const last = page.kvs.at(-1)?.key ?? this.#range.key
      page = await ask({ revision, key: Buffer.concat([last, Buffer.alloc(1)]) })
      this.#checkSource(page.header)
      kvs.push(...page.kvs)
      bytes += sizeOf(page.kvs)
    }
    return this.#reading({ ...first, kvs })
  }

  /** Counts the keys of the range, linearizably. */
  async count(): Promise<EtcdReading> {
    const question = { ...this.#range, count_only: true }
    return this.#reading(await new KVClient(this.#channel).range(question, this.#channel.within(1)))
  }

  /**
   * Reads the names of at most `limit` keys from one up to another, which is not among them; from this node's own
   * state.
   */
  async names(from: string, end: string, limit: number): Promise<{ names: readonly string[]; more: boolean }> {
    const range = { key: Buffer.from(from), range_end: Buffer.from(end), limit, keys_only: true, serializable: true }
    const { header, kvs, more } = await new KVClient(this.#channel).range(range, this.#channel.within(1))
    this.#checkSource(header)
    return { names: kvs.map(({ key }) => key.toString()), more }
  }

  /** Reads the leader key, linearizably. */
  async readLeader(): Promise<EtcdReading> {
    const key = Buffer.from(`${this.target.prefix}leader`)
    return this.#reading(await new KVClient(this.#channel).range({ key }, this.#channel.within(1)))
  }

  /** Reads the client URLs that the members advertise. */
  async clientUrls(): Promise<readonly string[]> {
    const { header, members } = await new ClusterClient(this.#channel).memberList({}, this.#channel.within(1))
    this.#checkSource(header)
    return members.flatMap(({ clientURLs }) => clientURLs)
  }

  /** Reads the ID of the etcd cluster, which every user may read, also without a quorum. */
  async clusterId(): Promise<string> {
    const { header } = await new MaintenanceClient(this.#channel).status(this.#channel.within(1))
    this.#checkSource(header)
    return hexId(header.cluster_id)
  }

  /** Reads the same through the quorum. */
  async certainClusterId(): Promise<string> {
    return (await this.count()).clusterId
  }

  /** Watches the range from a revision on; resolves when etcd has confirmed it. It ends with the connection. */
  async watch(from: bigint, { onEvents, onEnd }: EtcdWatcher): Promise<void> {
    const stream = await new WatchClient(this.#channel).watch({
      interceptors: [requireLeader, this.#channel.endWithUs],
    })
    const created = Promise.withResolvers<undefined>()
    const fail = (error: Error): void => {
      created.reject(error)
      onEnd(error)
    }
    stream.on('data', (response) => {
      const stranger = this.#stranger(response.header)
      if (stranger !== null) fail(stranger)
      else if (response.canceled) fail(new RouterError('DCS_STALE', whyCancelled(response)))
      else if (response.created) created.resolve(undefined)
      else {
        const events = this.#events(response)
        // While it catches up, the header is ahead of the events.
        onEvents(events, events.at(-1)?.modified ?? BigInt(response.header.revision))
      }
    })
    // These stay after the end: a cancelled stream still emits its cancellation as an error.
    stream.on('error', fail)
    stream.on('end', () => fail(new RouterError('DCS_UNAVAILABLE', 'etcd ended the watch')))
    stream.write({ create_request: { ...this.#range, start_revision: from.toString(), progress_notify: true } })
    const unconfirmed = new RouterError('TIMEOUT', `etcd did not confirm the watch within ${this.target.timeoutMs} ms`)
    const timer = setTimeout(() => fail(unconfirmed), this.target.timeoutMs)
    try {
      await created.promise
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Explains to a person why it cannot be used, and what to do about it. Queries etcd again where that helps, and
   * returns what is known when `signal` aborts. Never rejects.
   */
  async explain(error: unknown, signal: AbortSignal): Promise<string> {
    const trouble = diagnose(error, this.target, this.#channel.answered ? null : this.closed)
    return (await within(trouble, EXPLAIN_MS, signal)) ?? reasonOf(error)
  }

  /** Ends every call under way. Idempotent. */
  close(): void {
    this.#channel.close()
  }

  /** Returns why an answer does not count: it comes from another etcd cluster than the first one. */
  #stranger({ cluster_id: id }: IResponseHeader): RouterError | null {
    // etcd's own gRPC proxy confirms watches without an ID.
    if (id === '0') return null
    this.#clusterId ??= id
    if (id === this.#clusterId) return null
    const ids = `ID ${hexId(id)}, before ${hexId(this.#clusterId)}`
    return new RouterError('DCS_STALE', `a different etcd cluster answers there than before (${ids})`)
  }

  /** @throws RouterError `DCS_STALE`. */
  #checkSource(header: IResponseHeader): void {
    const stranger = this.#stranger(header)
    if (stranger !== null) throw stranger
  }

  #reading({ header, kvs, count }: IRangeResponse): EtcdReading {
    this.#checkSource(header)
    const keys = kvs.map((kv) => this.#entry(kv))
    return { clusterId: hexId(header.cluster_id), revision: BigInt(header.revision), keys, count: Number(count) }
  }

  #events(response: IWatchResponse): KeyEvent[] {
    return response.events.map(({ type, kv }) => {
      const entry = this.#entry(kv)
      return { key: entry.key, modified: entry.modified, put: type === 'Put' ? entry : null }
    })
  }

  #entry(kv: IKeyValue): VersionedKey {
    return {
      key: this.#keys.nameOf(kv.key),
      value: this.#keys.valueOf(kv.value.subarray(0, MAX_VALUE)),
      session: kv.create_revision,
      modified: BigInt(kv.mod_revision),
    }
  }
}

/** Returns an ID as etcd's own log and `etcdctl member list` show it. */
function hexId(id: string): string {
  return BigInt(id).toString(16)
}

function sizeOf(kvs: readonly IKeyValue[]): number {
  return kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
}

function whyCancelled({ cancel_reason: reason, compact_revision: revision }: IWatchResponse): string {
  const compacted = BigInt(revision) > 0n ? `, compacted up to ${revision}` : ''
  return `etcd cancelled the watch: ${reason || 'no reason'}${compacted}`
}
