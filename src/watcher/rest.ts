/** Asks members' REST APIs. */
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { buildConnector, Client } from 'undici'
import type { RestApiConfig } from '../config/config.ts'
import { explain, RouterError } from '../errors.ts'
import { parseJson } from './json.ts'
import type { RestReply } from './proof.ts'

/** More than any answer of Patroni's health checks. Bytes. */
const MAX_BODY = 256 * 1024

export class RestClient {
  readonly #connect: buildConnector.connector
  readonly #timeoutMs: number
  readonly #clients = new Set<Client>()

  /** Reads the certificates; throws RouterError where they are of no use. `timeoutMs` limits a whole question. */
  constructor(config: RestApiConfig, timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#connect = buildConnector({
      timeout: timeoutMs,
      allowH2: false,
      secureContext: secureContext(config),
      rejectUnauthorized: !config.insecure,
    })
  }

  /** `GET url/path`. Never rejects: whatever goes wrong is an answer that was not given. Redirects are not followed. */
  async get(url: string, path: string, signal: AbortSignal): Promise<RestReply> {
    if (signal.aborted) return { kind: 'none', reason: 'given up' }
    // A connection for each question: Patroni speaks HTTP/1.0 unless told otherwise, and none waits for another's end.
    const client = new Client(url, { connect: this.#connect, headersTimeout: 0, bodyTimeout: 0 })
    this.#clients.add(client)
    const giveUp = new AbortController()
    const onAbort = (): void => giveUp.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    // undici's own timers are coarse above 1 s.
    const timer = setTimeout(onAbort, this.#timeoutMs)
    try {
      return await ask(client, path, giveUp.signal)
    } catch (error) {
      const timedOut = giveUp.signal.aborted && !signal.aborted
      const reason = timedOut ? `no answer within ${this.#timeoutMs} ms` : explain(error)
      return { kind: 'none', reason: `its REST API at ${url} is out of reach: ${reason}` }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      this.#clients.delete(client)
      void client.destroy()
    }
  }

  /** Gives up the questions under way. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.destroy()))
  }
}

async function ask(client: Client, path: string, signal: AbortSignal): Promise<RestReply> {
  const { statusCode, body } = await client.request({ method: 'GET', path, signal })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) return { kind: 'none', reason: 'its REST API answers too much' }
    chunks.push(chunk)
  }
  return { kind: 'reply', status: statusCode, body: parseJson(Buffer.concat(chunks).toString()) }
}

function secureContext({
  caFile,
  certFile,
  keyFile,
  keyPassword,
}: RestApiConfig): ReturnType<typeof createSecureContext> {
  const [ca, cert, key] = [caFile, certFile, keyFile].map((file) => (file === null ? undefined : read(file)))
  try {
    return createSecureContext({ ca, cert, key, passphrase: keyPassword ?? undefined })
  } catch (cause) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== null).join(', ')
    const message = `the certificate files ${files} are of no use together: ${explain(cause)}`
    throw new RouterError('CONFIG_INVALID', message, { cause })
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new RouterError('CONFIG_UNREADABLE', `the certificate file ${file} cannot be read: ${explain(cause)}`, {
      cause,
    })
  }
}
