import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { Agent, fetch, type Response } from 'undici'
import type { ClientTls, KeyValue } from '../etcd/client.ts'
import { type WatchEvent, WatchLog } from '../watch-log.ts'

/** One key as Consul has it. */
export interface ConsulKey extends KeyValue {
  readonly createRevision: number
  /** null: no session holds it. */
  readonly session: string | null
}

interface RawKey {
  readonly Key: string
  readonly Value: string | null
  readonly Session?: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export interface ConsulAnswer {
  readonly status: number
  readonly headers: Response['headers']
  readonly text: string
}

export interface CallOptions {
  readonly body?: string | Buffer
  /** null: none. */
  readonly token?: string | null
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * A client of Consul's HTTP API: shares no code with the router. Keys may be written as in etcd, with a slash at their
 * beginning: Consul gets them without it, and they are given back as they were asked for.
 */
export class ConsulClient {
  readonly endpoint: string
  /** Sent with each request from the next one on; null: none. */
  token: string | null
  readonly #agent: Agent

  /** @param endpoint such as `http://127.0.0.1:8500`. */
  constructor(endpoint: string, { tls = null, token = null }: { tls?: ClientTls | null; token?: string | null } = {}) {
    this.endpoint = endpoint
    this.token = token
    const pair = tls?.client
    this.#agent = new Agent({
      // A blocking query is answered when it is.
      ...{ headersTimeout: 0, bodyTimeout: 0 },
      connect: {
        ...(tls === null ? {} : { ca: readFileSync(tls.ca) }),
        ...(pair === undefined ? {} : { cert: readFileSync(pair.cert), key: readFileSync(pair.key) }),
      },
    })
  }

  /** Whether it has a leader. */
  async healthy(): Promise<boolean> {
    const { status } = await this.request('GET', 'kv/?keys&consistent', { signal: AbortSignal.timeout(1_000) })
    return status === 200
  }

  async get(key: string): Promise<ConsulKey | null> {
    return (await this.#read(`kv/${encoded(key)}`, key)).keys[0] ?? null
  }

  async list(prefix: string): Promise<ConsulKey[]> {
    return (await this.#read(`kv/${encoded(prefix)}?recurse`, prefix)).keys
  }

  /** Puts a value; the index of the key after that. */
  async put(key: string, value: string): Promise<number> {
    await this.call('PUT', `kv/${encoded(key)}`, value)
    return (await this.get(key))?.modRevision ?? 0
  }

  /** Puts a value if the session can have the lock; whether it has it. */
  async acquire(key: string, value: string, session: string): Promise<boolean> {
    return (await this.call('PUT', `kv/${encoded(key)}?acquire=${session}`, value)) === 'true'
  }

  async delete(key: string): Promise<void> {
    await this.call('DELETE', `kv/${encoded(key)}`)
  }

  async deletePrefix(prefix: string): Promise<void> {
    await this.call('DELETE', `kv/${encoded(prefix)}?recurse`)
  }

  /** A session as Patroni makes one: its keys vanish with it. It ends after twice its TTL. */
  async createSession({ ttlSeconds, name = '' }: { ttlSeconds: number; name?: string }): Promise<string> {
    const session = { name, checks: [], lockdelay: '0.001s', behavior: 'delete', ttl: `${ttlSeconds.toFixed(1)}s` }
    return (JSON.parse(await this.call('PUT', 'session/create', JSON.stringify(session))) as { ID: string }).ID
  }

  async renewSession(id: string): Promise<void> {
    await this.call('PUT', `session/renew/${id}`)
  }

  async destroySession(id: string): Promise<void> {
    await this.call('PUT', `session/destroy/${id}`)
  }

  /** The whole of its state, for {@link restore}. */
  async snapshot(): Promise<Buffer> {
    const response = await this.#fetch('GET', 'snapshot', { headers: { 'accept-encoding': 'identity' } })
    if (!response.ok) throw new Error(`consul snapshot: ${response.status} ${await response.text()}`)
    return Buffer.from(await response.arrayBuffer())
  }

  /** Makes everything as it was: the indexes of keys fall. */
  async restore(snapshot: Buffer): Promise<void> {
    await this.call('PUT', 'snapshot', snapshot)
  }

  /** Records what happens below a prefix from now on, as far as lists show it. Survives a Consul that goes and returns. */
  async watch(prefix: string): Promise<WatchLog> {
    let before: ReadonlyMap<string, ConsulKey> | null = null
    let known = 0
    const log = new WatchLog(async (into, signal) => {
      for (;;) {
        const query = `kv/${encoded(prefix)}?recurse&index=${known}&wait=10s`
        const { keys, index } = await this.#read(query, prefix, signal)
        if (before !== null) for (const event of eventsBetween(before, keys, index)) into.record(event)
        before = new Map(keys.map((key) => [key.key, key]))
        known = index < known ? 0 : index
        into.accepted()
      }
    })
    await log.established
    return log
  }

  /** Any request, such as `('PUT', 'kv/a', 'text')`; the body of its answer. @throws for an answer of 400 and more. */
  async call(method: string, path: string, body?: string | Buffer): Promise<string> {
    const { status, text } = await this.request(method, path, body === undefined ? {} : { body })
    if (status >= 400) throw new Error(`consul ${method} ${path}: ${status} ${text}`)
    return text
  }

  /** Any request; its answer, whatever it is. @param path behind `/v1/`, or absolute. */
  async request(method: string, path: string, options: CallOptions = {}): Promise<ConsulAnswer> {
    const response = await this.#fetch(method, path, options)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  async #read(path: string, asked: string, signal?: AbortSignal): Promise<{ keys: ConsulKey[]; index: number }> {
    const { status, text, headers } = await this.request('GET', path, signal === undefined ? {} : { signal })
    if (status !== 200 && status !== 404) throw new Error(`consul GET ${path}: ${status} ${text}`)
    const slash = asked.startsWith('/') ? '/' : ''
    const keys = status === 404 ? [] : (JSON.parse(text) as RawKey[]).map((raw) => keyOf(raw, slash))
    return { keys, index: Number(headers.get('x-consul-index')) }
  }

  #fetch(method: string, path: string, { body, token = this.token, signal, headers }: CallOptions): Promise<Response> {
    return fetch(path.startsWith('/') ? `${this.endpoint}${path}` : `${this.endpoint}/v1/${path}`, {
      ...{
        method,
        dispatcher: this.#agent,
        headers: { ...headers, ...(token === null ? {} : { 'x-consul-token': token }) },
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? { signal: AbortSignal.timeout(30_000) } : { signal }),
    })
  }
}

/** Returns what happened between two lists, of which the later one has this index. */
function eventsBetween(
  before: ReadonlyMap<string, ConsulKey>,
  keys: readonly ConsulKey[],
  index: number,
): Omit<WatchEvent, 'at'>[] {
  const now = new Map(keys.map((key) => [key.key, key]))
  const gone = [...before.values()].filter(({ key, createRevision }) => now.get(key)?.createRevision !== createRevision)
  const changed = keys.filter(({ key, modRevision }) => before.get(key)?.modRevision !== modRevision)
  const events = [
    ...gone.map(({ key }) => ({ type: 'delete' as const, key, value: '', modRevision: index })),
    ...changed.map(({ key, value, modRevision }) => ({ type: 'put' as const, key, value, modRevision })),
  ]
  // The order is theirs where they have an index of their own; a deletion has that of the list.
  return events.sort((a, b) => a.modRevision - b.modRevision)
}

function keyOf({ Key, Value, Session, CreateIndex, ModifyIndex }: RawKey, slash: string): ConsulKey {
  const value = Buffer.from(Value ?? '', 'base64').toString('utf8')
  const revisions = { createRevision: CreateIndex, modRevision: ModifyIndex }
  return { key: `${slash}${Key}`, value, session: Session ?? null, ...revisions }
}

function encoded(key: string): string {
  return key.replace(/^\//, '').split('/').map(encodeURIComponent).join('/')
}
