/** Opens a connection to a server for a client, and looks at its first answer before the client sees it. */
import { connect, type Socket } from 'node:net'
import { explain, failedHere } from '../errors.ts'
import { firstAnswer, isEncryptionRefused } from '../pgwire.ts'
import type { Address } from '../watcher/view.ts'
import { hostPort } from '../address.ts'
import type { Client } from './client.ts'

/** The server has answered: the client is to get the answer, and both are to be joined. `server` is paused. */
export interface Answered {
  readonly kind: 'answered'
  readonly server: Socket
  readonly answer: Buffer
}

export type Dialled =
  | Answered
  /** The server accepts no session. The client has seen nothing of it and may be held again. */
  | { readonly kind: 'down'; readonly reason: string }
  /** This machine could not even try; the server may be well. */
  | { readonly kind: 'local'; readonly reason: string; readonly error: Error }
  /** The server is not at fault, and the client is to be served again from the start: see `DialOptions.signal`, `onFed`. */
  | { readonly kind: 'again' }
  | { readonly kind: 'client-gone' }
  /** The server closes because of what the client has sent; no PostgreSQL client sends such things. */
  | { readonly kind: 'rejected' }

export interface DialOptions {
  readonly address: Address
  /** What the server is called; for messages. */
  readonly host?: string
  readonly client: Client
  /** For the TCP connection alone. Milliseconds. */
  readonly timeoutMs: number
  readonly keepaliveMs: number
  /** Aborts when the target may not be used any more: the connection is closed before that returns. */
  readonly signal: AbortSignal
}

/**
 * Connects, and waits for the first answer. A server that is shutting down or starting up accepts connections and answers
 * 57P03; a server that dies leaves them in its backlog. Both are noticed before the client has seen an answer, so that it
 * can wait instead of fail. With TLS the answer cannot be seen: there the server's consent to TLS counts as its answer.
 */
export async function dial(options: DialOptions): Promise<Dialled> {
  const { address, client, timeoutMs, keepaliveMs, signal, host = address.host } = options
  if (signal.aborted) return { kind: 'again' }
  if (client.gone.aborted) return { kind: 'client-gone' }
  const { promise, resolve } = Promise.withResolvers<Dialled>()
  const server = connect({
    ...address,
    noDelay: true,
    keepAlive: keepaliveMs > 0,
    keepAliveInitialDelay: keepaliveMs,
    allowHalfOpen: true,
  })
  const ip = host === address.host ? '' : ` (${address.host})`
  const where = `Postgres at ${hostPort(host, address.port)}${ip}`
  let isConnected = false
  let received = Buffer.alloc(0)
  const onTimeout = (): void => {
    resolve({ kind: 'down', reason: `${where} does not answer within ${timeoutMs} ms` })
  }
  const timer = setTimeout(onTimeout, timeoutMs)
  const onConnect = (): void => {
    isConnected = true
    clearTimeout(timer)
    client.feed(onFed)
  }
  const onFed = (bytes: Buffer): void => {
    // libpq 17 requests TLS before it requests a cancel, which is for the servers of its session, not for just any server.
    if (client.kind === 'cancel') resolve({ kind: 'again' })
    else server.write(bytes)
  }
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk])
    if (isEncryptionRefused(client.pending, received)) {
      // The client continues in plaintext, and the next answer is looked at again.
      client.answer(received)
      received = Buffer.alloc(0)
      return
    }
    const answer = client.kind === 'startup' ? firstAnswer(received) : UP
    if (answer.kind === 'down') resolve({ kind: 'down', reason: `${where} says: ${answer.message}` })
    if (answer.kind !== 'up') return
    server.pause()
    resolve({ kind: 'answered', server, answer: received })
  }
  const onEnd = (): void => onBreak(`${where} closes the connection without an answer`)
  const onError = (error: Error): void => {
    const reason = `${where}: ${explain(error)}`
    if (!isConnected && failedHere(error)) resolve({ kind: 'local', reason, error })
    else onBreak(reason)
  }
  const onBreak = (reason: string): void => {
    const { kind } = client
    if (!isConnected || kind === 'startup' || kind === 'encryption-request') resolve({ kind: 'down', reason })
    // It was the client's turn to send: Postgres does not wait for ever (authentication_timeout).
    else resolve({ kind: kind === 'incomplete' ? 'again' : 'rejected' })
  }
  const onAbort = (): void => {
    server.destroy()
    resolve({ kind: 'again' })
  }
  const onGone = (): void => resolve({ kind: 'client-gone' })

  server.on('connect', onConnect).on('data', onData).on('end', onEnd).on('error', onError)
  signal.addEventListener('abort', onAbort, { once: true })
  client.gone.addEventListener('abort', onGone, { once: true })
  const result = await promise
  clearTimeout(timer)
  server.off('connect', onConnect).off('data', onData).off('end', onEnd)
  signal.removeEventListener('abort', onAbort)
  client.gone.removeEventListener('abort', onGone)
  if (result.kind === 'answered') server.off('error', onError)
  else {
    client.feed(null)
    // Its error listener stays: the death of a server that is given up must not be an unhandled error.
    server.destroy()
  }
  return result
}

const UP = { kind: 'up' } as const
