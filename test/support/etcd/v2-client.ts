import { type Agent, fetch, type Response } from 'undici'
import { WatchLog } from '../watch-log.ts'
import { type ClientTls, type KeyValue, type Login, agentOf } from './client.ts'

type Node = {
  readonly key: string
  readonly value?: string
  readonly dir?: boolean
  readonly modifiedIndex: number
  readonly nodes?: readonly Node[]
}
type Answer = { readonly action: string; readonly node: Node }
type Failure = { readonly errorCode: number; readonly message: string }

/** What a write depends on, and how many seconds its key lasts. */
export interface WriteOptions {
  readonly ttl?: number
  readonly prevValue?: string
  readonly prevIndex?: number
  readonly prevExist?: boolean
}

const KEY_NOT_FOUND = 100
const COMPARE_FAILED = 101
const KEY_EXISTS = 105
const GONE = new Set(['delete', 'compareAndDelete', 'expire'])

/** A client of etcd's API v2, which has keys and users of its own beside those of v3. */
export class EtcdV2Client {
  readonly endpoint: string
  /** Used from the next request on. */
  login: Login | null = null
  readonly #agent: Agent

  /** @param endpoint such as `http://127.0.0.1:2379`. */
  constructor(endpoint: string, tls: ClientTls | null = null) {
    this.endpoint = endpoint
    this.#agent = agentOf(tls)
  }

  /** Reads a key with a quorum. */
  async get(key: string): Promise<KeyValue | null> {
    const answer = await this.#keys('GET', key, { quorum: true }, [KEY_NOT_FOUND])
    return answer === null ? null : keyValue(answer.node)
  }

  /** Reads the keys below a directory with a quorum. */
  async list(directory: string): Promise<KeyValue[]> {
    const answer = await this.#keys('GET', directory, { quorum: true, recursive: true }, [KEY_NOT_FOUND])
    return answer === null ? [] : leaves(answer.node)
  }

  /** Sets a value; its index. */
  async set(key: string, value: string, options: WriteOptions = {}): Promise<number> {
    const answer = await this.#keys('PUT', key, { value, ...options }, [])
    return answer?.node.modifiedIndex ?? 0
  }

  /** Sets a value if the key is as `options` have it; its index, null where it is not. */
  async compareAndSwap(key: string, value: string, options: WriteOptions): Promise<number | null> {
    const refused = [KEY_NOT_FOUND, COMPARE_FAILED, KEY_EXISTS]
    return (await this.#keys('PUT', key, { value, ...options }, refused))?.node.modifiedIndex ?? null
  }

  /** Deletes a key, or a directory with all that is in it; false when there is none. */
  async delete(key: string, options: { recursive?: boolean; prevValue?: string } = {}): Promise<boolean> {
    return (await this.#keys('DELETE', key, options, [KEY_NOT_FOUND])) !== null
  }

  /** Makes a request of `/v2/auth`, such as `('PUT', 'enable')`. */
  async auth(method: string, path: string, body?: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { body: JSON.stringify(body), headers }
    const response = await this.#fetch(method, `/v2/auth/${path}`, init)
    const text = await response.text()
    if (!response.ok) throw new Error(`etcd v2 ${method} auth/${path}: ${response.status} ${text}`)
  }

  /** Records what happens below a directory from now on; a deletion of it is one event of its own key. */
  async watch(directory: string): Promise<WatchLog> {
    const now = await this.#fetch('GET', `/v2/keys${directory}?quorum=true`)
    await now.text()
    let next = indexOf(now) + 1
    const log = new WatchLog(async (into, signal) => {
      for (;;) {
        const query = `?recursive=true&wait=true&waitIndex=${next}`
        const response = await this.#fetch('GET', `/v2/keys${directory}${query}`, { signal })
        const text = await response.text()
        // A server that ends itself ends its watches without an event.
        if (text === '') return
        const { action, node } = JSON.parse(text) as Answer
        into.record({ type: GONE.has(action) ? 'delete' : 'put', ...keyValue(node) })
        next = node.modifiedIndex + 1
      }
    })
    log.accepted()
    return log
  }

  async #keys(method: string, key: string, fields: object, expected: readonly number[]): Promise<Answer | null> {
    const form = new URLSearchParams()
    for (const [name, value] of Object.entries(fields)) form.set(name, String(value))
    const [query, init] = method === 'PUT' ? ['', { body: form }] : [`?${form.toString()}`, {}]
    const response = await this.#fetch(method, `/v2/keys${key}${query}`, init)
    const text = await response.text()
    if (response.ok) return JSON.parse(text) as Answer
    const code = text.startsWith('{') ? (JSON.parse(text) as Failure).errorCode : 0
    if (expected.includes(code)) return null
    throw new Error(`etcd v2 ${method} ${key}: ${response.status} ${text}`)
  }

  #fetch(
    method: string,
    path: string,
    init: { body?: string | URLSearchParams; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const basic = this.login === null ? null : btoa(`${this.login.username}:${this.login.password}`)
    const headers = { ...init.headers, ...(basic === null ? {} : { authorization: `Basic ${basic}` }) }
    const options = { signal: AbortSignal.timeout(10_000), ...init, method, headers, dispatcher: this.#agent }
    return fetch(`${this.endpoint}${path}`, options)
  }
}

function indexOf(response: Response): number {
  return Number(response.headers.get('x-etcd-index'))
}

function leaves(node: Node): KeyValue[] {
  return node.dir === true ? (node.nodes ?? []).flatMap(leaves) : [keyValue(node)]
}

function keyValue({ key, value = '', modifiedIndex }: Node): KeyValue {
  return { key, value, modRevision: modifiedIndex }
}
