/** Asks members' REST APIs over HTTP and HTTPS. Loaded by rest-client.ts with the first question: undici takes its time. */
import { isUtf8 } from 'node:buffer'
import { type buildConnector, Client } from 'undici'
import type { RestApiConfig } from '../../config/config.ts'
import { explain, failedHere, RouterError } from '../../errors.ts'
import { parseHttpUrl } from '../../http-url.ts'
import type { Log } from '../../text/log-line.ts'
import { hostAmong } from '../../names/among.ts'
import type { Lookups } from '../../names/lookups.ts'
import { parseJson } from '../../text/unknown-shape.ts'
import { hostOf } from '../members/pins.ts'
import type { RestReply } from './proof.ts'
import { isHttps, RestTls } from './rest-tls.ts'

/** More than any answer of Patroni, `/cluster` of a hundred members included. Bytes. */
const MAX_BODY = 256 * 1024

export class RestHttp {
  readonly #tls: RestTls
  readonly #timeoutMs: number
  readonly #lookups: Lookups
  readonly #clients = new Set<Client>()

  /** See `RestClient`. */
  constructor(config: RestApiConfig, timeoutMs: number, lookups: Lookups, log: Log | null = null) {
    this.#timeoutMs = timeoutMs
    this.#lookups = lookups
    this.#tls = new RestTls(config, timeoutMs, log)
  }

  /** See `RestClient.get`. */
  async get(url: string, path: string, signal: AbortSignal, at: readonly string[] | null = null): Promise<RestReply> {
    if (signal.aborted) return { kind: 'none', reason: 'given up' }
    const giveUp = new AbortController()
    const onAbort = (): void => giveUp.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    // undici's own timers are coarse above 1 s.
    const timer = setTimeout(onAbort, this.#timeoutMs)
    const none = (reason: string): RestReply => ({
      kind: 'none',
      reason: `its REST API at ${url} cannot be reached: ${reason}`,
    })
    const timedOut = (): boolean => giveUp.signal.aborted && !signal.aborted
    try {
      // Whether its name resolves says nothing about the member.
      const addresses = at ?? (await this.#addresses(url, giveUp.signal))
      if (typeof addresses === 'string')
        return { kind: 'unasked', reason: `its REST API at ${url} cannot be queried: ${addresses}` }
      return await this.#ask(url, path, addresses, giveUp.signal)
    } catch (error) {
      if (timedOut()) return none(`no answer within ${this.#timeoutMs} ms`)
      // Certificates of ours that cannot be read are to be put right: until then nothing is known of any member.
      if (failedHere(error) && !(error instanceof RouterError))
        return { kind: 'unasked', reason: `this machine cannot query its REST API at ${url}: ${explain(error)}` }
      return none(this.#tls.explain(error, url))
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Gives up the questions under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.destroy()))
  }

  /** Returns the addresses of the name in `url`; or why there are none in time. */
  async #addresses(url: string, signal: AbortSignal): Promise<readonly string[] | string> {
    const { promise, resolve } = Promise.withResolvers<string>()
    const late = (): void => resolve('its name did not resolve in time')
    signal.addEventListener('abort', late, { once: true })
    const found = this.#lookups.addresses(hostOf(url)).catch(explain)
    try {
      return await Promise.race([found, promise])
    } finally {
      signal.removeEventListener('abort', late)
    }
  }

  /** Retries once if it failed because certificates, the member's or the router's, have just been replaced. */
  async #ask(url: string, path: string, at: readonly string[], signal: AbortSignal): Promise<RestReply> {
    const connector = this.#tls.connector(url)
    try {
      return await this.#askOnce(url, path, at, connector, signal)
    } catch (error) {
      if (signal.aborted || !isHttps(url) || !this.#tls.isOutdated(connector)) throw error
      return await this.#askOnce(url, path, at, this.#tls.connector(url), signal)
    }
  }

  async #askOnce(
    url: string,
    path: string,
    at: readonly string[],
    connector: buildConnector.connector,
    signal: AbortSignal,
  ): Promise<RestReply> {
    const { connect, alert, answeredAt } = hearing(connector, at)
    // A connection for each question: Patroni uses HTTP/1.0 by default, and no question waits for the end of another.
    const client = new Client(parseHttpUrl(url)?.url ?? url, { connect, headersTimeout: 0, bodyTimeout: 0 })
    this.#clients.add(client)
    try {
      const reply = await ask(client, path, signal)
      const address = answeredAt()
      return reply.kind === 'reply' && address !== null ? { ...reply, at: address } : reply
    } catch (error) {
      throw alert() ?? error
    } finally {
      this.#clients.delete(client)
      void client.destroy()
    }
  }
}

/**
 * Wraps a connector so that the reason of a refusal is seen: in TLS 1.3 a server refuses a client certificate after the handshake, and undici shows only that it has closed.
 */
function hearing(
  connector: buildConnector.connector,
  at: readonly string[],
): {
  connect: buildConnector.connector
  alert: () => Error | null
  answeredAt: () => string | null
} {
  let heard: Error | null = null
  let address: string | null = null
  const connect: buildConnector.connector = (options, callback) =>
    connector({ ...options, hostname: hostAmong(at) }, (...[error, socket]: Parameters<buildConnector.Callback>) => {
      if (error !== null) {
        callback(error, null)
        return
      }
      address = at.length === 1 ? (at[0] ?? null) : (socket.remoteAddress ?? null)
      socket.once('error', (first: Error & { code?: string }) => {
        if (first.code?.startsWith('ERR_SSL_') === true) heard = first
      })
      callback(null, socket)
    })
  return { connect, alert: () => heard, answeredAt: () => address }
}

async function ask(client: Client, path: string, signal: AbortSignal): Promise<RestReply> {
  const { statusCode, body } = await client.request({ method: 'GET', path, signal })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) return { kind: 'none', reason: 'the answer of its REST API is too large' }
    chunks.push(chunk)
  }
  return { kind: 'reply', status: statusCode, body: parseJson(textOf(Buffer.concat(chunks))) }
}

/** Returns the text; null where it is not UTF-8: text with replacement characters was sent by no member. */
function textOf(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString() : null
}
