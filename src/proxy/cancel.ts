/** Passes a cancel request on. */
import { connect } from 'node:net'
import type { Address } from '../watcher/view.ts'

/** Sends `request` to the server and waits until it hangs up, as libpq does, or `signal` aborts; never rejects. */
export async function sendCancel(address: Address, request: Buffer, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const socket = connect({ ...address })
  const giveUp = (): void => void socket.destroy()
  signal.addEventListener('abort', giveUp, { once: true })
  await new Promise<void>((resolve) => {
    // Nobody is told about a failed cancel request: the protocol has no answer to it.
    socket.on('error', () => undefined)
    socket.once('close', () => resolve())
    socket.once('connect', () => socket.write(request))
    socket.resume()
  })
  signal.removeEventListener('abort', giveUp)
}
