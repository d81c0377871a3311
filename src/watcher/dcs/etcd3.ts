/**
 * One connection to one etcd v3 endpoint: list, read, watch. The only importer of the `etcd3` package, whose own resume,
 * pool and retries are not used: they skip events, pick hosts at random and hide why.
 */
import { InterceptingCall, type Interceptor, status } from '@grpc/grpc-js'
import { noop } from 'cockatiel'
import { Etcd3, type IKeyValue, type IRangeResponse, type IWatchResponse } from 'etcd3'
import { RouterError } from '../../errors.ts'
import type { KeyEvent, VersionedKey } from './keyspace.ts'

export interface EtcdTarget {
  /** `host:port`. */
  readonly endpoint: string
  readonly protocol: 'http' | 'https'
  /** `/service/demo/`, with the slash at the end: `/service/demo2/` is another cluster. */
  readonly prefix: string
  /** How long a read may take. Milliseconds. */
  readonly timeoutMs: number
}

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

/** Much more than the keys of a cluster; gRPC's own limit is less than what a few hostile keys can hold. Bytes. */
const MAX_MESSAGE = 64 * 1024 * 1024

/** A node without a leader then ends the watch instead of keeping it silent (etcd's clientv3.WithRequireLeader). */
const requireLeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start: (metadata, listener, next) => {
      metadata.set('hasleader', 'true')
      next(metadata, listener)
    },
  })

export class EtcdConnection {
  readonly #target: EtcdTarget
  readonly #client: Etcd3
  readonly #range: { readonly key: Buffer; readonly range_end: Buffer }
  readonly #closing = new AbortController()

  /** `id` is another one for each connection. Connects with the first call. */
  constructor(target: EtcdTarget, id: number) {
    const { prefix, protocol, endpoint } = target
    this.#target = target
    // '0' follows '/': the range is exactly what begins with the prefix.
    this.#range = { key: Buffer.from(prefix), range_end: Buffer.from(`${prefix.slice(0, -1)}0`) }
    this.#client = new Etcd3({
      hosts: `${protocol}://${endpoint}`,
      faultHandling: { host: () => noop, global: noop },
      grpcOptions: {
        // Channels with equal options share connections, dead and backed-off ones too: each of ours has its own.
        'patroni-router.connection': id,
        // Like Patroni, and unlike gRPC, we do not look for etcd behind an http_proxy of the environment.
        'grpc.enable_http_proxy': 0,
        'grpc.service_config_disable_resolution': 1,
        'grpc.max_receive_message_length': MAX_MESSAGE,
        // etcd answers pings faster than one in 5 s with GOAWAY. The linearizable read is the real detector.
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5000,
      },
    })
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** Every key below the prefix, linearizably. */
  async list(): Promise<EtcdReading> {
    return this.#reading(await this.#client.kv.range(this.#range, this.#call(2)))
  }

  /** The leader key, linearizably. */
  async readLeader(): Promise<EtcdReading> {
    const key = Buffer.from(`${this.#target.prefix}leader`)
    return this.#reading(await this.#client.kv.range({ key }, this.#call(1)))
  }

  /** The client URLs that the members advertise. */
  async clientUrls(): Promise<readonly string[]> {
    const { members } = await this.#client.cluster.memberList({}, this.#call(1))
    return members.flatMap(({ clientURLs }) => clientURLs)
  }

  /** Watches the prefix from a revision on; resolves when etcd has confirmed it. It ends with the connection. */
  async watch(from: bigint, { onEvents, onEnd }: EtcdWatcher): Promise<void> {
    const stream = await this.#client.watchClient.watch({ interceptors: [requireLeader, this.#endWithUs] })
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
    const unconfirmed = new RouterError('TIMEOUT', `etcd did not confirm the watch within ${this.#target.timeoutMs} ms`)
    const timer = setTimeout(() => fail(unconfirmed), this.#target.timeoutMs)
    try {
      await created.promise
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends every call under way. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    this.#closing.abort()
    this.#client.close()
  }

  #call(factor: number): { deadline: number; interceptors: Interceptor[] } {
    return { deadline: Date.now() + this.#target.timeoutMs * factor, interceptors: [this.#endWithUs] }
  }

  /** Closing a channel leaves the calls under way, and with them its socket, until their deadline. */
  readonly #endWithUs: Interceptor = (options, nextCall) => {
    const call = nextCall(options)
    const cancel = (): void => call.cancelWithStatus(status.CANCELLED, 'the connection is closed')
    return new InterceptingCall(call, {
      start: (metadata, _listener, next) => {
        this.closed.addEventListener('abort', cancel, { once: true })
        next(metadata, {
          onReceiveStatus: (result, pass) => {
            this.closed.removeEventListener('abort', cancel)
            pass(result)
          },
        })
      },
    })
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
      key: kv.key.toString().slice(this.#target.prefix.length),
      value: kv.value.toString(),
      session: kv.create_revision,
      modified: BigInt(kv.mod_revision),
    }
  }
}

function whyCancelled({ cancel_reason: reason, compact_revision: revision }: IWatchResponse): string {
  const compacted = BigInt(revision) > 0n ? `, compacted up to ${revision}` : ''
  return `etcd cancelled the watch: ${reason || 'no reason'}${compacted}`
}
