import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { Agent, fetch, type RequestInit, type Response } from 'undici'
import type { CertificatePair } from '../files/certificates.ts'
import { WatchLog } from '../watch-log.ts'

/** One key as etcd has it. */
export type KeyValue = { readonly key: string; readonly value: string; readonly modRevision: number }

type RawKeyValue = { key: string; value?: string; mod_revision: string }
type RawEvent = { type?: 'DELETE'; kv: RawKeyValue }
type RawWatch = { result?: { created?: boolean; canceled?: boolean; events?: RawEvent[] }; error?: { message: string } }

export interface Login {
  readonly username: string
  readonly password: string
}

/** What a client needs to reach an etcd with TLS. */
export interface ClientTls {
  /** The path of the CA's certificate. */
  readonly ca: string
  readonly client?: CertificatePair
}

const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString('utf8')

/** The end of the range of keys that start with `prefix`. */
function rangeEnd(prefix: string): string {
  const bytes = Buffer.from(prefix, 'utf8')
  const last = bytes.length - 1
  bytes[last] = (bytes[last] ?? 0) + 1
  return bytes.toString('base64')
}

/** A client of etcd's JSON gateway: shares no code with the router, so that a test does not repeat its mistakes. */
export class EtcdClient {
  readonly endpoint: string
  /** Used from the next request on. The gateway knows no users of client certificates. */
  login: Login | null = null
  readonly #agent: Agent
  #token: string | null = null

  /** @param endpoint such as `http://127.0.0.1:2379`. */
  constructor(endpoint: string, tls: ClientTls | null = null) {
    this.endpoint = endpoint
    this.#agent = agentOf(tls)
  }

  async healthy(): Promise<boolean> {
    const response = await this.#fetch('/health', { signal: AbortSignal.timeout(1_000) })
    return ((await response.json()) as { health: string }).health === 'true'
  }

  async get(key: string): Promise<KeyValue | null> {
    const answer = await this.call<{ kvs?: RawKeyValue[] }>('kv/range', { key: encode(key) })
    return answer.kvs?.map(keyValue)[0] ?? null
  }

  async list(prefix: string): Promise<KeyValue[]> {
    const range = { key: encode(prefix), range_end: rangeEnd(prefix) }
    return (await this.call<{ kvs?: RawKeyValue[] }>('kv/range', range)).kvs?.map(keyValue) ?? []
  }

  /** Puts a value, on a lease of {@link grant} if given; the revision of that. */
  async put(key: string, value: string, lease = '0'): Promise<number> {
    return this.#write('kv/put', { key: encode(key), value: encode(value), lease })
  }

  async delete(key: string): Promise<number> {
    return this.#write('kv/deleterange', { key: encode(key) })
  }

  async deletePrefix(prefix: string): Promise<number> {
    return this.#write('kv/deleterange', { key: encode(prefix), range_end: rangeEnd(prefix) })
  }

  /** A lease of so many seconds. */
  async grant(ttlSeconds: number): Promise<string> {
    return (await this.call<{ ID: string }>('lease/grant', { TTL: ttlSeconds })).ID
  }

  async revoke(lease: string): Promise<void> {
    await this.call('lease/revoke', { ID: lease })
  }

  async compact(revision: number): Promise<void> {
    await this.call('kv/compaction', { revision, physical: true })
  }

  /** Any method of the gateway, such as `kv/range`; once more with a new token when the last one is no longer good. */
  async call<T>(method: string, body: unknown): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const token = await this.#authenticate()
      const response = await this.#post(method, body, token, AbortSignal.timeout(10_000))
      if (response.ok) return (await response.json()) as T
      const text = await response.text()
      if (attempt > 0 || token === null) throw new Error(`etcd ${method}: ${response.status} ${text}`)
      this.#token = null
    }
  }

  /** Records what happens below a prefix from now on. Survives an etcd that goes away and comes back. */
  async watch(prefix: string): Promise<WatchLog> {
    const now = await this.call<{ header: { revision: string } }>('kv/range', { key: encode(prefix), count_only: true })
    let next = Number(now.header.revision) + 1
    const log = new WatchLog(async (into, signal) => {
      const range = { key: encode(prefix), range_end: rangeEnd(prefix), start_revision: next }
      const response = await this.#post('watch', { create_request: range }, await this.#authenticate(), signal)
      let pending = ''
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = (pending + chunk).split('\n')
        pending = lines.pop() ?? ''
        for (const line of lines) {
          const { result, error } = JSON.parse(line) as RawWatch
          if (error) throw new Error(error.message)
          if (result?.created) into.accepted()
          for (const { type, kv } of result?.events ?? []) {
            into.record({ type: type === 'DELETE' ? 'delete' : 'put', ...keyValue(kv) })
            next = Number(kv.mod_revision) + 1
          }
        }
      }
    })
    await log.established
    return log
  }

  async #authenticate(): Promise<string | null> {
    if (this.login === null) return null
    if (this.#token !== null) return this.#token
    const { username: name, password } = this.login
    const response = await this.#post('auth/authenticate', { name, password }, null, AbortSignal.timeout(10_000))
    if (!response.ok) throw new Error(`etcd auth/authenticate: ${response.status} ${await response.text()}`)
    this.#token = ((await response.json()) as { token: string }).token
    return this.#token
  }

  #post(method: string, body: unknown, token: string | null, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = token === null ? {} : { authorization: token }
    return this.#fetch(`/v3/${method}`, { method: 'POST', body: JSON.stringify(body), headers, signal })
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    return fetch(`${this.endpoint}${path}`, { ...init, dispatcher: this.#agent })
  }

  async #write(method: string, body: unknown): Promise<number> {
    return Number((await this.call<{ header: { revision: string } }>(method, body)).header.revision)
  }
}

/** Returns the connections of a client. */
export function agentOf(tls: ClientTls | null): Agent {
  const pair = tls?.client
  return new Agent({
    connect: {
      ...(tls === null ? {} : { ca: readFileSync(tls.ca) }),
      ...(pair === undefined ? {} : { cert: readFileSync(pair.cert), key: readFileSync(pair.key) }),
    },
  })
}

function keyValue(raw: RawKeyValue): KeyValue {
  return { key: decode(raw.key), value: decode(raw.value), modRevision: Number(raw.mod_revision) }
}
