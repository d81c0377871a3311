/** One connection to one etcd v3 endpoint: list, read, watch. */
import { within } from '../../clock.ts'
import { explain, RouterError } from '../../errors.ts'
import {
  ClusterClient,
  type IKeyValue,
  InterceptingCall,
  type Interceptor,
  type IRangeResponse,
  type IWatchResponse,
  KVClient,
  WatchClient,
} from './etcd3.ts'
import { EtcdChannel, type EtcdTarget } from './etcd3-channel.ts'
import { explainTrouble } from './etcd3-trouble.ts'
import type { KeyEvent, VersionedKey } from './keyspace.ts'

/** What a linearizable read has shown. */
export interface EtcdReading {
  readonly clusterId: string
  readonly revision: bigint
  /** Relative to the prefix. */
  readonly keys: readonly VersionedKey[]
}

export interface EtcdWatcher {
  /** Events in order; everything up to `revision` has been told with them. */
  readonly onEvents: (events: readonly KeyEvent[], revision: bigint) => void
  /** Nothing more will come. May be called more than once. */
  readonly onEnd: (error: Error) => void
}

/**
 * More of a value is not kept. As text it is still longer than what is taken for Patroni's (cluster.ts), so that a key
 * that is cut here is set aside there. Bytes.
 */
const MAX_VALUE = 4 * 1024 * 1024

/** More than the parts of finding out why it is of no use may take. Milliseconds. */
const EXPLAIN_MS = 3000

/** A node without a leader then ends the watch instead of keeping it silent (etcd's clientv3.WithRequireLeader). */
const requireLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start: (metadata, listener, next) => {
      metadata.set('hasleader', 'true')
      next(metadata, listener)
    },
  })

export class EtcdConnection {
  readonly target: EtcdTarget
  readonly #channel: EtcdChannel
  readonly #range: { readonly key: Buffer; readonly range_end: Buffer }

  /** `id` is another one for each connection. Connects with the first call. */
  constructor(target: EtcdTarget, id: number) {
    const { prefix } = target
    this.target = target
    this.#channel = new EtcdChannel(target, id)
    // '0' follows '/': the range is exactly what begins with the prefix.
    this.#range = { key: Buffer.from(prefix), range_end: Buffer.from(`${prefix.slice(0, -1)}0`) }
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.#channel.closed
  }

  /** Every key below the prefix, linearizably. */
  async list(): Promise<EtcdReading> {
    return this.#reading(await new KVClient(this.#channel).range(this.#range, this.#channel.within(2)))
  }

  /** The leader key, linearizably. */
  async readLeader(): Promise<EtcdReading> {
    const key = Buffer.from(`${this.target.prefix}leader`)
    return this.#reading(await new KVClient(this.#channel).range({ key }, this.#channel.within(1)))
  }

  /** The client URLs that the members advertise. */
  async clientUrls(): Promise<readonly string[]> {
    const { members } = await new ClusterClient(this.#channel).memberList({}, this.#channel.within(1))
    return members.flatMap(({ clientURLs }) => clientURLs)
  }

  /** Watches the prefix from a revision on; resolves when etcd has confirmed it. It ends with the connection. */
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
      if (response.canceled) fail(new RouterError('DCS_STALE', whyCancelled(response)))
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
   * Why it cannot be used, for a person, with what to do about it. Asks etcd again where that helps, and says what it
   * knows when `signal` aborts. Never rejects.
   */
  async explain(error: unknown, signal: AbortSignal): Promise<string> {
    const trouble = explainTrouble(error, this.target, this.#channel.answered ? null : this.closed)
    return (await within(trouble, EXPLAIN_MS, signal)) ?? explain(error)
  }

  /** Ends every call under way. Idempotent. */
  close(): void {
    this.#channel.close()
  }

  #reading({ header, kvs }: IRangeResponse): EtcdReading {
    const keys = kvs.map((kv) => this.#entry(kv))
    return { clusterId: header.cluster_id, revision: BigInt(header.revision), keys }
  }

  #events(response: IWatchResponse): KeyEvent[] {
    return response.events.map(({ type, kv }) => {
      const entry = this.#entry(kv)
      return { key: entry.key, modified: entry.modified, put: type === 'Put' ? entry : null }
    })
  }

  #entry(kv: IKeyValue): VersionedKey {
    return {
      key: kv.key.toString().slice(this.target.prefix.length),
      value: kv.value.subarray(0, MAX_VALUE).toString(),
      session: kv.create_revision,
      modified: BigInt(kv.mod_revision),
    }
  }
}

function whyCancelled({ cancel_reason: reason, compact_revision: revision }: IWatchResponse): string {
  const compacted = BigInt(revision) > 0n ? `, compacted up to ${revision}` : ''
  return `etcd cancelled the watch: ${reason || 'no reason'}${compacted}`
}
