import { readFileSync } from 'node:fs'
import { Agent, fetch, type Response } from 'undici'
import type { CertificatePair } from '../files/certificates.ts'
import { clock } from '../until.ts'

/** An object, as far as the tests look into it. */
export interface KubeObject {
  readonly kind?: string
  readonly apiVersion?: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly resourceVersion: string
    readonly uid?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly [field: string]: unknown
  }
  readonly [field: string]: unknown
}

export interface KubeAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Its JSON; undefined when it has none. */
  readonly json: unknown
  /** From the request to the answer. */
  readonly tookMs: number
}

export interface KubeCall {
  readonly body?: unknown
  readonly contentType?: string
  /** null: none. */
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** One line of a watch; `at` in milliseconds since the epoch, when it arrived here. */
export interface KubeEvent {
  readonly at: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: KubeObject & { readonly code?: number; readonly message?: string }
}

export interface ClientOptions {
  readonly ca?: string | null
  readonly token?: string | null
  readonly certificate?: CertificatePair | null
  /** A Unix socket that it connects to, whatever the endpoint is. */
  readonly socket?: string
}

const RBAC = ['roles', 'rolebindings']
export const STRATEGIC = 'application/strategic-merge-patch+json'
export const MERGE = 'application/merge-patch+json'

/** Returns the path of objects of a namespace, or of one. */
export function objectsPath(resource: string, namespace: string, name = ''): string {
  const root = RBAC.includes(resource) ? '/apis/rbac.authorization.k8s.io/v1' : '/api/v1'
  return `${root}/namespaces/${namespace}/${resource}${name === '' ? '' : `/${name}`}`
}

/** A client of Kubernetes' API: shares no code with the router. */
export class KubernetesClient {
  readonly endpoint: string
  /** Sent with each request from the next one on; null: none. */
  token: string | null
  readonly #agent: Agent

  /** @param endpoint such as `https://127.0.0.1:6443`. */
  constructor(endpoint: string, { ca = null, token = null, certificate = null, socket }: ClientOptions = {}) {
    this.endpoint = endpoint
    this.token = token
    this.#agent = new Agent({
      // A watch is told what happens when it does.
      ...{ headersTimeout: 0, bodyTimeout: 0 },
      connect: {
        ...(socket === undefined ? {} : { socketPath: socket }),
        ...(ca === null ? {} : { ca: readFileSync(ca) }),
        ...(certificate === null ? {} : { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }),
      },
    })
  }

  /** The object, or null. */
  async get(resource: string, namespace: string, name: string): Promise<KubeObject | null> {
    const path = objectsPath(resource, namespace, name)
    const answer = await this.request('GET', path)
    if (answer.status === 404) return null
    return checked('GET', path, answer) as KubeObject
  }

  /** The objects of a namespace, for certain, and the version of that list. @param query such as `labelSelector=a%3Db`. */
  async list(
    resource: string,
    namespace: string,
    query = '',
  ): Promise<{ items: readonly KubeObject[]; resourceVersion: string }> {
    const path = `${objectsPath(resource, namespace)}${query === '' ? '' : `?${query}`}`
    const list = (await this.call('GET', path)) as {
      items: readonly KubeObject[]
      metadata: { resourceVersion: string }
    }
    return { items: list.items, resourceVersion: list.metadata.resourceVersion }
  }

  async create(resource: string, namespace: string, object: object): Promise<KubeObject> {
    return (await this.call('POST', objectsPath(resource, namespace), { body: object })) as KubeObject
  }

  /** Changes an object as Patroni does: null deletes a field. */
  async patch(resource: string, namespace: string, name: string, change: object): Promise<KubeObject> {
    const options = { body: change, contentType: STRATEGIC }
    return (await this.call('PATCH', objectsPath(resource, namespace, name), options)) as KubeObject
  }

  /** Deletes an object, if it is there. */
  async delete(resource: string, namespace: string, name: string): Promise<void> {
    const path = objectsPath(resource, namespace, name)
    const answer = await this.request('DELETE', path)
    if (answer.status !== 404) checked('DELETE', path, answer)
  }

  /** Any request; the JSON of its answer. @throws for an answer of 400 and more. */
  async call(method: string, path: string, options: KubeCall = {}): Promise<unknown> {
    return checked(method, path, await this.request(method, path, options))
  }

  /** Any request; its answer, whatever it is. @param path with its query. */
  async request(method: string, path: string, options: KubeCall = {}): Promise<KubeAnswer> {
    const from = performance.now()
    const response = await this.#fetch(method, path, { signal: AbortSignal.timeout(30_000), ...options })
    const [text, tookMs] = [await response.text(), performance.now() - from]
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
    return { status: response.status, headers: Object.fromEntries(response.headers), text, json, tookMs }
  }

  /** Begins a watch; what it shows is recorded as it comes. @param query without `watch`. */
  async watch(path: string, query = '', options: KubeCall = {}): Promise<KubeWatch> {
    const ending = new AbortController()
    const signal = options.signal === undefined ? ending.signal : AbortSignal.any([options.signal, ending.signal])
    const response = await this.#fetch('GET', `${path}?watch=1${query === '' ? '' : `&${query}`}`, {
      ...options,
      signal,
    })
    return new KubeWatch(response, ending)
  }

  #fetch(method: string, path: string, options: KubeCall): Promise<Response> {
    const { body, contentType = 'application/json', token = this.token, headers, signal } = options
    return fetch(`${this.endpoint}${path}`, {
      ...{ method, dispatcher: this.#agent },
      headers: {
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  }
}

/** A watch, which ends with its server or by {@link close}. */
export class KubeWatch {
  readonly status: number
  readonly events: KubeEvent[] = []
  /** Resolves at its end with whether that was in order. */
  readonly ended: Promise<boolean>
  readonly #ending: AbortController
  #onEvent: () => void = () => undefined

  constructor(response: Response, ending: AbortController) {
    this.status = response.status
    this.#ending = ending
    this.ended = this.#read(response).then(
      () => true,
      () => false,
    )
  }

  /** Hands over each event, also those that are there already, until the end. @throws when the end was not in order. */
  async *follow(): AsyncGenerator<KubeEvent> {
    const isOver = this.ended.then(() => true)
    for (let next = 0, over = false; ;) {
      const { promise, resolve } = Promise.withResolvers<false>()
      this.#onEvent = () => resolve(false)
      while (next < this.events.length) {
        const event = this.events[next++]
        if (event !== undefined) yield event
      }
      if (over) break
      over = await Promise.race([promise, isOver])
    }
    if (!(await this.ended)) throw new Error('the watch was cut off')
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.ended
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines.filter((text) => text !== '')) {
        this.events.push({ at: clock(), ...(JSON.parse(line) as Omit<KubeEvent, 'at'>) })
        this.#onEvent()
      }
    }
  }
}

/** @throws for an answer of 400 and more. */
function checked(method: string, path: string, { status, text, json }: KubeAnswer): unknown {
  if (status >= 400) throw new Error(`kubernetes ${method} ${path}: ${status} ${text}`)
  return json
}
