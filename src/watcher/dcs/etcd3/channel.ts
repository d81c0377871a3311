/** gRPC to one etcd endpoint: TLS, a token with each call, and the end of every call with the channel. */
import { now } from '../../../clock.ts'
import type { Etcd3Config } from './section.ts'
import type { Lookups } from '../../../names/lookups.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import {
  AuthClient,
  type CallOptions,
  type Client,
  Host,
  type ICallable,
  InterceptingCall,
  type Interceptor,
  Metadata,
  noop,
  type ServiceError,
  type Services,
  status,
} from './library.ts'
import { hostOf } from '../endpoints.ts'
import { EtcdCredentials, serverName } from './credentials.ts'
import { targetOf } from './resolver.ts'
import { Token } from './token.ts'

export interface EtcdTarget {
  /** `host:port`. */
  readonly endpoint: string
  readonly config: Pick<Etcd3Config, 'auth' | 'caFile' | 'certFile'>
  /** What the files hold; null: without TLS. */
  readonly certificates: CertificateSet | null
  /** `/service/demo/`, with the slash at the end: `/service/demo2/` is another cluster. Else what is read, for people. */
  readonly prefix: string
  /** Which keys `etcdctl role grant-permission ROLE read` has to name; without it, the prefix. */
  readonly grant?: string
  /** How long a read may take. Milliseconds. */
  readonly timeoutMs: number
  /** Where names are looked up, shared with the rest of the process. */
  readonly lookups: Lookups
}

type Service = keyof typeof Services
type Unary = (request: unknown, metadata: Metadata, options: CallOptions, done: Done) => void
type Done = (error: ServiceError | null, response: unknown) => void

/** What etcd answers to everyone: the password need not be checked, which takes it long on purpose. */
const TOKENLESS: ReadonlySet<Service> = new Set(['Auth', 'Maintenance'])

/** Tokens that are refused one after the other: each change of a user or a role ends all that there are. */
const MAX_REFUSED_TOKENS = 10

/** Much more than the keys of a cluster; gRPC's own limit is less than what a few hostile keys can hold. Bytes. */
export const MAX_MESSAGE = 64 * 1024 * 1024

/**
 * Takes the place of the package's own pool, which sends refused tokens again for ever, picks hosts at random and hides
 * the codes of errors.
 */
export class EtcdChannel implements ICallable<null> {
  readonly callOptionsFactory = undefined
  readonly #target: EtcdTarget
  readonly #credentials: EtcdCredentials
  readonly #host: Host
  readonly #token: Token
  readonly #closing = new AbortController()
  #answered = false

  /** `id` is another one for each channel. Connects with the first call. */
  constructor(target: EtcdTarget, id: number) {
    this.#target = target
    const host = hostOf(target.endpoint)
    const context = target.certificates?.context ?? null
    const { target: dialled, options: resolving } = targetOf(target.endpoint, host, target.lookups)
    const options = {
      ...resolving,
      ...serverName(host, context),
      // Channels with equal options share connections, dead and backed-off ones too: each of ours has its own.
      'patroni-router.connection': id,
      // Like Patroni, and unlike gRPC, we do not look for etcd behind an http_proxy of the environment.
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.max_receive_message_length': MAX_MESSAGE,
      // etcd answers pings faster than one in 5 s with GOAWAY. The linearizable read is the real detector.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5000,
    }
    this.#credentials = new EtcdCredentials(host, context)
    this.#host = new Host(dialled, this.#credentials, options, noop)
    this.#token = new Token(() => this.#authenticate())
  }

  /** Aborts when the channel is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** Returns whether etcd has ever answered, be it with an error. */
  get answered(): boolean {
    return this.#answered
  }

  /** Ends every call under way. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    this.#closing.abort()
    this.#host.close()
    this.#credentials.close()
  }

  /** Returns the options of a call that may take `factor` times as long as a read. */
  within(factor: number): CallOptions {
    return { deadline: Date.now() + this.#target.timeoutMs * factor }
  }

  /**
   * Asks one question, and again with another token as long as etcd refuses the one it has: users and roles change several at a time.
   * Rejects with a ServiceError.
   */
  async exec<T>(service: Service, method: string, request: unknown, options: CallOptions = {}): Promise<T> {
    const ask = (token: string | null, again: CallOptions = {}): Promise<unknown> =>
      this.#ask(this.#host.getServiceClient(service), method, request, token, { ...options, ...again })
    if (TOKENLESS.has(service) || this.#target.config.auth === null) return (await ask(null)) as T
    const giveUpAt = now() + this.#target.timeoutMs
    let token = await this.#token.get()
    for (let refused = 0; ; refused++) {
      try {
        return (await ask(token, refused > 0 ? this.within(1) : {})) as T
      } catch (error) {
        if (!isRefusedToken(error) || refused === MAX_REFUSED_TOKENS || now() > giveUpAt) throw error
        token = await this.#token.replace(token)
      }
    }
  }

  /** Gives the client of a service, for streams. */
  async withConnection<R>(service: Service, use: (args: Connected) => Promise<R> | R): Promise<R> {
    const token = this.#target.config.auth === null ? null : await this.#token.get()
    return use({ resource: null, client: this.#host.getServiceClient(service), metadata: metadataOf(token) })
  }

  markFailed(): void {
    // There is only one host: the user of the channel closes it.
  }

  #ask(client: Client, method: string, request: unknown, token: string | null, options: CallOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = (client as unknown as Readonly<Record<string, Unary | undefined>>)[method]
      if (call === undefined) throw new TypeError(`etcd has no method ${method}`)
      const interceptors = [...(options.interceptors ?? []), this.endWithUs]
      call.call(client, request, metadataOf(token), { ...options, interceptors }, (error, response) => {
        if (error === null || error.details.startsWith('etcdserver: ')) this.#answered = true
        if (error === null) resolve(response)
        else reject(error)
      })
    })
  }

  /**
   * Fetches a token. As for Patroni, an etcd that requires no password is as good: users are created before `etcdctl
   * auth enable`.
   */
  async #authenticate(): Promise<string | null> {
    const { username: name = '', password = '' } = this.#target.config.auth ?? {}
    try {
      return (await new AuthClient(this).authenticate({ name, password }, this.within(2))).token
    } catch (error) {
      if (error instanceof Error && error.message.includes('authentication is not enabled')) return null
      throw error
    }
  }

  /** Closing a channel leaves the calls under way, and with them its socket, until their deadline. */
  readonly endWithUs: Interceptor = (options, nextCall) => {
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
}

interface Connected {
  readonly resource: null
  readonly client: Client
  readonly metadata: Metadata
}

function metadataOf(token: string | null): Metadata {
  const metadata = new Metadata()
  if (token !== null) metadata.set('token', token)
  return metadata
}

/**
 * Returns whether the token is refused: expired; or made before a user or role was changed; or none, because
 * authentication was enabled only now (rpctypes/error.go: ErrInvalidAuthToken, ErrAuthOldRevision, ErrUserEmpty).
 */
function isRefusedToken(error: unknown): boolean {
  const reasons = /invalid auth token|revision of auth store is old|revision in header is old|user name is empty/
  return error instanceof Error && reasons.test(error.message)
}
