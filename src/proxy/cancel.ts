/** Passes a cancel request on. */
import { connect } from 'node:net'
import type { Address } from '../watcher/view.ts'
import type { Semaphore } from './semaphore.ts'

/** Sends `request` to each of `servers`, as `slots` allow it; resolves when all have it, or `signal` aborts. Never rejects. */
export async function passCancel(
  request: Buffer,
  servers: readonly { readonly address: Address }[],
  slots: Semaphore,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(servers.map(({ address }) => slots.run(() => send(request, address, signal), signal)))
}

/** Sends the request and waits until the server hangs up, as libpq does. */
async function send(request: Buffer, address: Address, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const socket = connect({ ...address })
  const giveUp = (): void => void socket.destroy()
  signal.addEventListener('abort', giveUp, { once: true })
  await new Promise<void>((resolve) => {
    // A cancel request that fails fails silently: the protocol has no answer to it.
    socket.on('error', () => undefined)
    socket.once('close', () => resolve())
    socket.once('connect', () => socket.write(request))
    socket.resume()
  })
  signal.removeEventListener('abort', giveUp)
}
