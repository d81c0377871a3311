/** The startup probe: what pg_isready does. Postgres answers it before authentication, so no account is needed. */
import { connect, isIP, type Socket } from 'node:net'
import { explain, failedHere, failureOf } from '../../errors.ts'
import { firstAnswer, startupMessage, TERMINATE } from '../../pgwire.ts'
import type { PostgresAnswer } from '../primary/evidence.ts'
import type { Address } from '../view.ts'

/** The account need not exist: a refusal is an answer too. */
const STARTUP = startupMessage({ user: 'postgres', database: 'postgres', application_name: 'patroni-router' })

/** More than is needed of what the server says first. Bytes. */
const MAX_ANSWER = 8192

/** How long a server that was said goodbye to may take to close the connection. Milliseconds. */
const GOODBYE_MS = 200

/**
 * Checks with a startup packet whether Postgres at `address` accepts connections, within `timeoutMs`. Never rejects.
 */
export async function probeStartup(address: Address, timeoutMs: number, signal: AbortSignal): Promise<PostgresAnswer> {
  if (signal.aborted) return { kind: 'unknown' }
  const { promise, resolve } = Promise.withResolvers<PostgresAnswer>()
  const socket = connect({ ...address, noDelay: true })
  const where = `${address.host}:${address.port}`
  let received = Buffer.alloc(0)
  let isResolved = isIP(address.host) !== 0
  // A name that is not resolved says nothing about the server.
  const late = (): void =>
    resolve(isResolved ? { kind: 'down', reason: `Postgres at ${where} does not answer` } : { kind: 'unknown' })
  let timer = setTimeout(late, timeoutMs)
  const onAbort = (): void => {
    resolve({ kind: 'unknown' })
    socket.destroy()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  socket.once('lookup', (error: Error | null) => {
    isResolved = error === null
  })
  socket.once('connect', () => socket.write(STARTUP))
  socket.on('data', (chunk) => {
    if (received.length > MAX_ANSWER) return
    received = Buffer.concat([received, chunk])
    const answer = firstAnswer(received)
    if (answer.kind === 'up') resolve({ kind: 'up' })
    if (answer.kind === 'down') resolve({ kind: 'down', reason: `Postgres at ${where} says: ${answer.message}` })
  })
  socket.once('end', () => resolve({ kind: 'down', reason: `Postgres at ${where} closes the connection at once` }))
  socket.on('error', (error) => {
    const here = failedHere(error) || failureOf(error) === 'unresolved'
    resolve(here ? { kind: 'unknown' } : { kind: 'down', reason: `Postgres at ${where}: ${explain(error)}` })
  })
  try {
    const answer = await promise
    clearTimeout(timer)
    timer = setTimeout(() => socket.destroy(), GOODBYE_MS)
    if (answer.kind === 'up') await goodbye(socket, received)
    return answer
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    socket.destroy()
  }
}

/**
 * Lets the server end the connection: a broken one would appear in its log. So would a Terminate that comes instead of
 * a password, but not the mere end of the stream (auth.c, STATUS_EOF).
 */
async function goodbye(socket: Socket, received: Buffer): Promise<void> {
  if (socket.destroyed) return
  const closed = new Promise((resolve) => socket.once('close', resolve))
  if (isAuthenticated(received)) socket.end(TERMINATE)
  else socket.end()
  await closed
}

/** Returns whether it is AuthenticationOk: the server trusts the router, and a whole session has begun. */
function isAuthenticated(received: Buffer): boolean {
  return received.length >= 9 && received[0] === 0x52 && received.readInt32BE(5) === 0
}
