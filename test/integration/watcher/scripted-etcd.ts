import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  loadPackageDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  status,
} from '@grpc/grpc-js'

const require = createRequire(import.meta.url)
const etcd3 = dirname(require.resolve('etcd3/package.json'))
const { loadSync } = createRequire(join(etcd3, 'package.json'))('@grpc/proto-loader') as {
  loadSync: (file: string, options: object) => never
}

export type Key = { readonly key: string; readonly value: string; readonly mod: number; readonly create?: number }

type Question = { readonly key: Buffer; readonly range_end: Buffer; readonly count_only: boolean }
type Unary = (call: ServerUnaryCall<Question, unknown>, done: sendUnaryData<unknown>) => void
export type WatchStream = ServerDuplexStream<{ create_request?: { start_revision: string } }, unknown>

/** An etcd that does what real ones do only in rare moments. Its state is plain data that the test changes. */
export class ScriptedEtcd implements AsyncDisposable {
  clusterId = 1
  revision = 10
  keys: readonly Key[] = []
  clientUrls: readonly string[] = []
  /** How many more questions are refused because a user or a role has changed since their token was made. */
  outdated = 0
  tokens = 0
  /** Kinds of questions that get no answer. */
  readonly mute = new Set<'range' | 'read' | 'watch' | 'members'>()
  /** The streams on which a watch was asked for, and from where. */
  readonly watches: { readonly stream: WatchStream; readonly from: number }[] = []
  /** The ranges of keys that were listed. */
  readonly ranges: string[] = []
  lists = 0
  reads = 0
  memberLists = 0
  readonly #server = new Server()
  #port = 0

  static async start(): Promise<ScriptedEtcd> {
    const etcd = new ScriptedEtcd()
    const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true }
    const { etcdserverpb } = loadPackageDefinition(loadSync(join(etcd3, 'proto/rpc.proto'), options)) as unknown as {
      etcdserverpb: Record<'KV' | 'Watch' | 'Cluster' | 'Auth', ServiceClientConstructor>
    }
    etcd.#server.addService(etcdserverpb.KV.service, { range: etcd.#range })
    etcd.#server.addService(etcdserverpb.Watch.service, { watch: etcd.#watch })
    etcd.#server.addService(etcdserverpb.Cluster.service, { memberList: etcd.#memberList })
    etcd.#server.addService(etcdserverpb.Auth.service, { authenticate: etcd.#authenticate })
    etcd.#port = await new Promise((resolve, reject) => {
      etcd.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      )
    })
    return etcd
  }

  get endpoint(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Sends events on the newest watch. */
  tell(...events: readonly (Key & { readonly type?: 'Put' | 'Delete' })[]): void {
    this.revision = Math.max(this.revision, ...events.map(({ mod }) => mod))
    this.send({ events: events.map(({ type = 'Put', ...key }) => ({ type, kv: rawKey(key) })) })
  }

  /** Any watch response on the newest watch. */
  send(response: object): void {
    this.watches.at(-1)?.stream.write({ header: this.#header(), ...response })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown()
    await Promise.resolve()
  }

  readonly #range: Unary = ({ request }, done) => {
    const isList = request.range_end.length > 0
    if (isList && !request.count_only) this.lists++
    else this.reads++
    if (this.mute.has(isList ? 'range' : 'read')) return
    if (this.outdated > 0) {
      this.outdated--
      done({ code: status.INVALID_ARGUMENT, details: 'etcdserver: revision of auth store is old' })
      return
    }
    const prefix = request.key.toString()
    if (isList) this.ranges.push(`${prefix} ${request.range_end.toString()}`)
    const kvs = this.keys.filter(({ key }) => (isList ? key.startsWith(prefix) : key === prefix)).map(rawKey)
    done(null, { header: this.#header(), kvs: request.count_only ? [] : kvs, count: String(kvs.length) })
  }

  readonly #authenticate: Unary = (_call, done) => {
    done(null, { header: this.#header(), token: `simple.${++this.tokens}` })
  }

  readonly #memberList: Unary = (_call, done) => {
    this.memberLists++
    if (this.mute.has('members')) return
    done(null, { header: this.#header(), members: [{ clientURLs: this.clientUrls }] })
  }

  readonly #watch = (stream: WatchStream): void => {
    stream.on('error', () => undefined) // the client has cancelled it
    stream.on('data', ({ create_request: request }: { create_request?: { start_revision: string } }) => {
      this.watches.push({ stream, from: Number(request?.start_revision) })
      if (!this.mute.has('watch')) this.send({ created: true })
    })
    stream.on('end', () => stream.end())
  }

  #header(): object {
    return { cluster_id: String(this.clusterId), member_id: '1', revision: String(this.revision), raft_term: '2' }
  }
}

function rawKey({ key, value, mod, create = mod }: Key): object {
  return {
    key: Buffer.from(key),
    value: Buffer.from(value),
    mod_revision: String(mod),
    create_revision: String(create),
  }
}
