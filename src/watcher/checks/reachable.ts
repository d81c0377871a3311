/** Which address of a server takes connections. */
import { connect } from 'node:net'
import { hostAmong, lookupAmong } from '../../names/among.ts'

/** The one of `addresses` that takes a connection to `port` first; null: none within `timeoutMs`. Never rejects. */
export async function reachableAt(
  addresses: readonly string[],
  port: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  if (addresses.length < 2 || signal.aborted) return addresses[0] ?? null
  const { promise, resolve } = Promise.withResolvers<string | null>()
  const socket = connect({ host: hostAmong(addresses), port, lookup: lookupAmong })
  const giveUp = (): void => resolve(null)
  const timer = setTimeout(giveUp, timeoutMs)
  signal.addEventListener('abort', giveUp, { once: true })
  socket.once('connect', () => resolve(socket.remoteAddress ?? null))
  socket.on('error', giveUp)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    socket.destroy()
  }
}
