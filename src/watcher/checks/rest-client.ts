/** Asks members' REST APIs. */
import { isDeepStrictEqual } from 'node:util'
import type { RestApiConfig } from '../../config/config.ts'
import type { Lookups } from '../../names/lookups.ts'
import type { Log } from '../../text/log-line.ts'
import type { RestReply } from './proof.ts'
import type { RestHttp } from './rest-http.ts'

export class RestClient {
  #config: RestApiConfig
  #timeoutMs: number
  readonly #log: Log | null
  /** Where names are looked up. */
  readonly lookups: Lookups
  /** null: no member has been queried yet, and the HTTP client is not loaded. */
  #http: Promise<RestHttp> | null = null

  /**
   * Reads nothing yet. The certificates are read with the first question over https, which fails if they are invalid,
   * and again when they have changed; `log` gets a line about it. `timeoutMs` limits a whole question.
   */
  constructor(config: RestApiConfig, timeoutMs: number, lookups: Lookups, log: Log | null = null) {
    this.#config = config
    this.#timeoutMs = timeoutMs
    this.lookups = lookups
    this.#log = log
  }

  /** Puts further questions in another way; those under way end by themselves. */
  reconfigure(config: RestApiConfig, timeoutMs: number): void {
    if (timeoutMs === this.#timeoutMs && isDeepStrictEqual(config, this.#config)) return
    this.#config = config
    this.#timeoutMs = timeoutMs
    this.#http = null
  }

  /**
   * Requests `url/path`. Never rejects: every failure is an answer that was not given, or a question that was not put.
   * Redirects are not followed. `at`: the addresses to connect to, in this order; null: those of its name.
   */
  async get(url: string, path: string, signal: AbortSignal, at: readonly string[] | null = null): Promise<RestReply> {
    this.#http ??= this.#load(this.#config, this.#timeoutMs)
    return (await this.#http).get(url, path, signal, at)
  }

  /** Gives up the questions under way. */
  async close(): Promise<void> {
    ;(await this.#http)?.close()
  }

  async #load(config: RestApiConfig, timeoutMs: number): Promise<RestHttp> {
    const { RestHttp } = await import('./rest-http.ts')
    return new RestHttp(config, timeoutMs, this.lookups, this.#log)
  }
}
