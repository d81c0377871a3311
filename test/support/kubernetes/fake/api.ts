import { Buffer } from 'node:buffer'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { Access } from './access.ts'
import { formOf, hasFlag, type Answer, type Call } from './call.ts'
import { NO_FAULTS, type Faults } from './faults.ts'
import { Refusal, RESOURCES, failure, refusals, type KubeObject } from './objects.ts'
import { get, list } from './reads.ts'
import { selectedName } from './selectors.ts'
import { Store } from './store.ts'
import { Watches } from './watches.ts'
import { create, patch, remove, removeAll, replace } from './writes.ts'

export interface FakeSettings {
  readonly port: number
  /** Where it listens; 127.0.0.1 without it. */
  readonly host?: string
  /** A Unix socket on which it listens as well, without TLS. */
  readonly socket?: string
  /** What is kept over a restart; null: nothing. */
  readonly dataFile: string | null
  readonly tokenFile: string
  /** The token that may do everything. */
  readonly adminToken: string
  /** Passwords by user, for Basic auth; none: it is not looked at, as since 1.19. */
  readonly passwords: Record<string, string>
  readonly bookmarkMs: number
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string } | null
}

const PATH =
  /^\/(?:api|apis\/(rbac\.authorization\.k8s\.io))\/v1\/namespaces\/([^/]+)\/([a-z]+)(?:\/([^/]+)(?:\/([a-z]+))?)?$/
const VERSION = { major: '1', minor: '20', gitVersion: 'v1.20.2', platform: 'linux/amd64' }
const TOO_MANY = 'Too many requests, please try again later.'

/** Kubernetes' API, as far as Patroni, the router and the tests use it. */
export class FakeApi {
  readonly #store: Store
  readonly #access: Access
  readonly #watches: Watches
  readonly #adminToken: string
  #faults: Faults = NO_FAULTS
  #refused = 0
  /** How often it has answered, by what and with which status: `get endpoints kubernetes 200`, and `401`. */
  readonly #answers = new Map<string, number>()

  constructor(settings: FakeSettings) {
    this.#store = new Store(settings.dataFile)
    this.#access = new Access(this.#store, settings)
    this.#watches = new Watches(this.#store, () => this.#faults, settings.bookmarkMs)
    this.#store.onChange = (change) => this.#watches.tell(change)
    this.#adminToken = settings.adminToken
  }

  get listener(): RequestListener {
    return (request, response) => {
      void this.#answer(request, response)
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    try {
      const body = Buffer.concat((await request.toArray()) as Buffer[])
      await noticed(gone.signal)
      const { pathname, searchParams: params } = new URL(request.url ?? '/', 'http://kubernetes')
      if (pathname.startsWith('/fake/')) {
        this.#control(request, response, pathname, body)
        return
      }
      const { silent, delayMs } = this.#faults
      if (silent) return
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: gone.signal })
      if (this.#refuses(response)) return
      const user = this.#access.userOf(request)
      if (pathname === '/readyz' || pathname === '/livez' || pathname === '/healthz') {
        response.end('ok')
        return
      }
      if (pathname === '/version') {
        send(response, { json: VERSION })
        return
      }
      const call = callOf(request, decodeURIComponent(pathname), params, body, gone.signal)
      const isWatch = call.method === 'GET' && call.name === '' && hasFlag(params, 'watch')
      const name = call.name === '' ? selectedName(params) : call.name
      this.#access.check(user, { ...call, name, verb: isWatch ? 'watch' : verbOf(call) })
      const { podsDelayMs } = this.#faults
      if (!isWatch && podsDelayMs > 0 && verbOf(call) === 'list' && call.resource.name === 'pods')
        await sleep(podsDelayMs, undefined, { signal: gone.signal })
      if (isWatch) this.#watches.start(call, response)
      else {
        const answer = await this.#handle(call)
        send(response, answer)
        this.#count(`${verbOf(call)} ${call.resource.name} ${call.name} ${answer.status ?? 200}`)
      }
    } catch (error) {
      if (gone.signal.aborted) return
      const message = error instanceof Error ? error.message : String(error)
      const refusal = error instanceof Refusal ? error.failure : { code: 500, message }
      const { code, retryAfterSeconds } = refusal
      if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', retryAfterSeconds)
      send(response, { status: code, json: failure(refusal) })
      this.#count(String(code))
    }
  }

  #count(what: string): void {
    this.#answers.set(what, (this.#answers.get(what) ?? 0) + 1)
  }

  async #handle(call: Call): Promise<Answer> {
    const { method, name, subresource, resource, namespace } = call
    if (subresource === 'token' && resource.name === 'serviceaccounts' && method === 'POST') {
      const token = this.#access.addToken(this.#store.require(resource, namespace, name))
      return { status: 201, json: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', status: { token } } }
    }
    if (subresource !== undefined && subresource !== 'status') throw refusals.noSuchPath()
    if (method === 'GET') return name === '' ? list(this.#store, call) : get(this.#store, call)
    if (method === 'POST' && name === '') return create(this.#store, call)
    if (method === 'PUT' && name !== '') return replace(this.#store, call)
    if (method === 'PATCH' && name !== '') return patch(this.#store, call)
    if (method === 'DELETE') return name === '' ? removeAll(this.#store, call) : remove(this.#store, call)
    throw refusals.methodNotAllowed()
  }

  #refuses(response: ServerResponse): boolean {
    const { refuse } = this.#faults
    if (refuse === null || this.#refused >= (refuse.times ?? Infinity)) return false
    this.#refused += 1
    const { status, retryAfter } = refuse
    if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter)
    // As the limit of requests in flight and balancers in front of it: no Status.
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' })
    response.end(`${status === 429 ? TOO_MANY : `error ${status} of the test`}\n`)
    return true
  }

  /** For the tests: faults, and what no client can do. */
  #control({ method, headers }: IncomingMessage, response: ServerResponse, path: string, body: Buffer): void {
    if (headers.authorization !== `Bearer ${this.#adminToken}`) throw refusals.unauthorized()
    const reads: Readonly<Record<string, () => string>> = {
      '/fake/snapshot': () => this.#store.snapshot(),
      '/fake/answers': () => JSON.stringify(Object.fromEntries(this.#answers)),
    }
    const acts: Readonly<Record<string, () => void>> = {
      'PUT /fake/faults': () => {
        this.#faults = { ...NO_FAULTS, ...(JSON.parse(body.toString()) as Partial<Faults>) }
        this.#refused = 0
      },
      'POST /fake/end-watches': () => this.#watches.endAll(),
      'POST /fake/compact': () => this.#store.compact(),
      'POST /fake/forget': () => this.#store.forget(),
      'PUT /fake/snapshot': () => {
        this.#store.restore(body.toString())
        this.#watches.endAll()
      },
      // Past all rules, such as that no endpoint is in the loopback range.
      'PUT /fake/endpoints': () => {
        const draft = JSON.parse(body.toString()) as KubeObject
        const resource = RESOURCES.find(({ name }) => name === 'endpoints')
        if (resource === undefined) throw refusals.noSuchPath()
        const { namespace, name } = draft.metadata
        const previous = this.#store.get(resource, namespace, name)
        if (previous === undefined) this.#store.create(resource, namespace, draft)
        else this.#store.replace(resource, previous, draft)
      },
    }
    const read = method === 'GET' ? reads[path] : undefined
    const act = acts[`${method ?? ''} ${path}`]
    if (read === undefined && act === undefined) throw refusals.noSuchPath()
    act?.()
    response.end(read?.())
  }
}

/**
 * Waits until the end of the connection would have been noticed, behind the request in the same buffers: what a client has
 * given up while the server was frozen is not done any more, as Kubernetes ends a handler with its connection.
 * @throws when it has ended.
 */
async function noticed(gone: AbortSignal): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate(undefined, { signal: gone })
}

/** @throws {Refusal} 404 for a path of no resource. */
function callOf(
  { method = 'GET', headers }: IncomingMessage,
  path: string,
  params: URLSearchParams,
  body: Buffer,
  signal: AbortSignal,
): Call {
  const [, group = '', namespace = '', kind = '', name = '', subresource] = PATH.exec(path) ?? []
  const resource = RESOURCES.find((known) => known.name === kind && known.group === group)
  if (resource === undefined) throw refusals.noSuchPath()
  const [contentType = ''] = (headers['content-type'] ?? '').split(';')
  const form = formOf(headers.accept ?? '')
  return { method, resource, namespace, name, subresource, params, contentType, body, form, signal }
}

function verbOf({ method, name }: Call): string {
  const all: Readonly<Record<string, string>> = { GET: 'list', DELETE: 'deletecollection', POST: 'create' }
  const one: Readonly<Record<string, string>> = { GET: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
  return (name === '' ? all : one)[method] ?? method.toLowerCase().replace('post', 'create')
}

function send(response: ServerResponse, { status = 200, json }: Answer): void {
  const payload = Buffer.from(`${JSON.stringify(json)}\n`)
  response.writeHead(status, {
    ...{ 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/json' },
    'Content-Length': payload.length,
  })
  response.end(payload)
}
