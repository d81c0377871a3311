import { after } from 'node:test'
import { ConsulServer, type ConsulSettings } from '../../support/consul/server.ts'
import type { CallOptions, ConsulClient } from '../../support/consul/client.ts'

/** An answer of Consul, read. */
export interface Answer {
  readonly status: number
  /** X-Consul-Index; 0: there is none. */
  readonly index: number
  readonly text: string
  /** Its JSON; undefined when it has none. */
  readonly json: unknown
  readonly headers: Readonly<Record<string, string>>
  /** From the request to the answer. */
  readonly tookMs: number
}

export interface Key {
  readonly LockIndex: number
  readonly Key: string
  readonly Flags: number
  readonly Value: string | null
  readonly Session?: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

export type Asking = (method: string, path: string, options?: CallOptions) => Promise<Answer>

/** Starts the server of a file: the fake, or the Consul that PATRONI_ROUTER_TEST_CONSUL names. Stopped at the end. */
export async function consul(settings: ConsulSettings = {}): Promise<{ server: ConsulServer; ask: Asking }> {
  const server = await ConsulServer.start(settings)
  after(() => server.close())
  return { server, ask: asking(server.client) }
}

/** Requests of a client, uncompressed. */
export function asking(client: ConsulClient): Asking {
  return async (method, path, options = {}) => {
    const from = performance.now()
    const headers = { 'accept-encoding': 'identity', ...options.headers }
    const answer = await client.request(method, path, { ...options, headers })
    const tookMs = performance.now() - from
    const isJson = answer.headers.get('content-type') === 'application/json'
    return {
      ...{ status: answer.status, index: Number(answer.headers.get('x-consul-index') ?? 0), text: answer.text },
      ...{ json: isJson ? JSON.parse(answer.text) : undefined, headers: Object.fromEntries(answer.headers), tookMs },
    }
  }
}

/** The keys of an answer. */
export function keysOf({ json = [] }: Answer): readonly Key[] {
  return json as readonly Key[]
}

/** Status and body, to compare. */
export function said({ status, text }: Answer): readonly [number, string] {
  return [status, text]
}

/** A session as Patroni makes one: without checks, with next to no lock delay, its keys vanish with it. */
export function patroniSession(ttlSeconds: number): string {
  const session = { name: 'demo-pg0', checks: [], lockdelay: '0.001s', behavior: 'delete' }
  return JSON.stringify({ ...session, ttl: `${ttlSeconds.toFixed(1)}s` })
}

/** Makes a session; its id. */
export async function sessionOf(ask: Asking, body: string): Promise<string> {
  return ((await ask('PUT', 'session/create', { body })).json as { ID: string }).ID
}

export const NO_SESSION = '00000000-0000-0000-0000-000000000000'
