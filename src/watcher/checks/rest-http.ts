/** Asks members' REST APIs over HTTP and HTTPS. Loaded by rest-client.ts with the first question. */
import { isUtf8 } from 'node:buffer'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { RestApiConfig } from '../../config/config.ts'
import { explain, failedHere, failureOf, RouterError } from '../../errors.ts'
import { parseHttpUrl } from '../../http-url.ts'
import type { Log } from '../../text/log-line.ts'
import type { Lookups } from '../../names/lookups.ts'
import { parseJson } from '../../text/unknown-shape.ts'
import { nodeHttp } from '../../node-http.ts'
import { hostOf } from '../members/pins.ts'
import type { RestReply } from './proof.ts'
import { type Connect, isHttps, RestTls } from './rest-tls.ts'

/** More than any answer of Patroni, `/cluster` of a hundred members included. Bytes. */
const MAX_BODY = 256 * 1024

const { request: requestHttp } = nodeHttp()

const TIMED_OUT = Symbol('timed out')

export class RestHttp {
  readonly #tls: RestTls
  readonly #timeoutMs: number
  readonly #lookups: Lookups
  readonly #underWay = new Set<AbortController>()
  /** URLs of servers that give up a question when the client has closed its side. */
  readonly #whole = new Set<string>()

  /** See `RestClient`. */
  constructor(config: RestApiConfig, timeoutMs: number, lookups: Lookups, log: Log | null = null) {
    this.#timeoutMs = timeoutMs
    this.#lookups = lookups
    this.#tls = new RestTls(config, log)
  }

  /** See `RestClient.get`. */
  async get(url: string, path: string, signal: AbortSignal, at: readonly string[] | null = null): Promise<RestReply> {
    if (signal.aborted) return { kind: 'none', reason: 'given up' }
    const giveUp = new AbortController()
    const onAbort = (): void => giveUp.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => giveUp.abort(TIMED_OUT), this.#timeoutMs)
    this.#underWay.add(giveUp)
    const none = (reason: string, error: unknown = null): RestReply => ({
      ...{ kind: 'none', reason: `its REST API at ${url} cannot be reached: ${reason}` },
      ...(failureOf(error) === 'refused' ? { refused: true } : {}),
    })
    try {
      // Whether its name resolves says nothing about the member.
      const addresses = at ?? (await this.#addresses(url, giveUp.signal))
      if (typeof addresses === 'string')
        return { kind: 'unasked', reason: `its REST API at ${url} cannot be queried: ${addresses}` }
      return await this.#ask(url, path, addresses, giveUp.signal)
    } catch (error) {
      if (giveUp.signal.reason === TIMED_OUT) return none(`no answer within ${this.#timeoutMs} ms`)
      // Certificates of ours that cannot be read are to be put right: until then nothing is known of any member.
      if (failedHere(error) && !(error instanceof RouterError))
        return { kind: 'unasked', reason: `this machine cannot query its REST API at ${url}: ${explain(error)}` }
      return none(this.#tls.explain(error, url), error)
    } finally {
      clearTimeout(timer)
      this.#underWay.delete(giveUp)
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Gives up the questions under way. */
  close(): void {
    for (const giveUp of this.#underWay) giveUp.abort()
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
    const connect = this.#tls.connector(url)
    try {
      return await this.#askOnce(url, path, at, connect, signal)
    } catch (error) {
      if (signal.aborted || !isHttps(url) || !this.#tls.isOutdated(connect)) throw error
      return await this.#askOnce(url, path, at, this.#tls.connector(url), signal)
    }
  }

  async #askOnce(
    url: string,
    path: string,
    at: readonly string[],
    connect: Connect,
    signal: AbortSignal,
  ): Promise<RestReply> {
    const server = parseHttpUrl(url)
    if (server === null) throw new TypeError('it is no URL of http or https')
    // A connection for each question: Patroni uses HTTP/1.0 by default, and no question waits for the end of another.
    const request = requestHttp({
      ...{ path, signal, setHost: false, headers: { host: server.url.host } },
      createConnection: () => connect(server, at),
    })
    const sent = { isClosed: false }
    if (isHttps(url) && !this.#whole.has(url)) {
      // Otherwise an answer of Patroni over TLS takes 40 ms more: it writes the tickets, the head and the body one by one, its
      // kernel lets each wait until the one before is acknowledged, and the kernel here delays that.
      request.once('finish', () => {
        sent.isClosed = true
        request.socket?.end()
      })
    }
    try {
      return await answerOf(request, at, signal)
    } catch (error) {
      if (signal.aborted || !sent.isClosed || isAlert(error)) throw error
    } finally {
      request.destroy()
    }
    // A proxy before Patroni may take it for a client that has left.
    this.#whole.add(url)
    try {
      return await this.#askOnce(url, path, at, connect, signal)
    } catch (error) {
      this.#whole.delete(url)
      throw error
    }
  }
}

/** Returns whether the server has refused in words of TLS. */
function isAlert(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_SSL_')
}

async function answerOf(request: ClientRequest, at: readonly string[], signal: AbortSignal): Promise<RestReply> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  let isWhole = (): boolean => false
  const breaks: Error[] = []
  request
    .once('response', (response) => {
      isWhole = () => response.complete
      resolve(response)
    })
    .on('error', (error) => {
      if (!isWhole()) breaks.push(error)
      reject(error)
    })
  // An answer of another protocol ends the request without an error.
  request.once('close', () => reject(new Error('it has answered nothing of HTTP'))).end()
  const response = await promise
  const address = at.length === 1 ? at[0] : response.socket.remoteAddress
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) return { kind: 'none', reason: 'the answer of its REST API is too large' }
    chunks.push(chunk)
  }
  // For Node an answer without a length is complete wherever its connection has ended, for whatever reason.
  if (breaks.length > 0 || signal.aborted || !isWhole()) throw breaks[0] ?? new Error('its answer is cut off')
  const body = parseJson(textOf(Buffer.concat(chunks)))
  return {
    ...{ kind: 'reply', status: response.statusCode ?? 0, body },
    ...(address === undefined ? {} : { at: address }),
  }
}

/** Returns the text; null where it is not UTF-8: text with replacement characters was sent by no member. */
function textOf(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString() : null
}
