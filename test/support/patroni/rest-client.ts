import { readFileSync } from 'node:fs'
import { Agent, fetch } from 'undici'
import type { Login } from '../etcd/client.ts'
import type { RestTls } from './config.ts'

export type RestAnswer = { readonly status: number; readonly text: string }

/** Talks to the REST API of a member on 127.0.0.1 as a DBA with all rights does. */
export class RestClient {
  readonly #base: string
  readonly #agent: Agent
  readonly #authorization: Readonly<Record<string, string>>

  constructor(port: number, tls: RestTls | null, login: Login | null) {
    this.#base = `${tls === null ? 'http' : 'https'}://127.0.0.1:${port}`
    const pair = tls?.client
    this.#agent = new Agent({
      connect: {
        ...(tls === null ? {} : { ca: readFileSync(tls.ca) }),
        ...(pair === undefined ? {} : { cert: readFileSync(pair.cert), key: readFileSync(pair.key) }),
      },
    })
    const secret = login === null ? '' : Buffer.from(`${login.username}:${login.password}`).toString('base64')
    this.#authorization = login === null ? {} : { authorization: `Basic ${secret}` }
  }

  /** @throws when there is no answer within `timeoutMs`. */
  async request(method: string, path: string, body: unknown, timeoutMs: number): Promise<RestAnswer> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { ...this.#authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    return { status: response.status, text: await response.text() }
  }
}
