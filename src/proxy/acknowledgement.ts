/** The wait for a listener to do what it is sent: it ends in any case. */
import { explain } from '../errors.ts'
import { inSeconds } from '../text/wording.ts'
import { SHUTTING_DOWN } from './unserved.ts'

/** How long a listener may take. Milliseconds. */
export const ACKNOWLEDGE_MS = 1000

/**
 * Begins `work` before it returns, unless `closing` has aborted; resolves with null when it is done, or with why it is not:
 * it has failed, has taken too long, or `closing` aborts. Never rejects, and leaves no timer behind.
 */
export async function failureOf(
  work: (signal: AbortSignal) => Promise<void>,
  closing: AbortSignal,
): Promise<string | null> {
  if (closing.aborted) return SHUTTING_DOWN
  const deadline = new AbortController()
  const { promise, resolve } = Promise.withResolvers<string>()
  const giveUp = (reason: string): void => {
    resolve(reason)
    deadline.abort()
  }
  const onClose = (): void => giveUp(SHUTTING_DOWN)
  const timer = setTimeout(giveUp, ACKNOWLEDGE_MS, `no acknowledgement within ${inSeconds(ACKNOWLEDGE_MS)}`)
  closing.addEventListener('abort', onClose, { once: true })
  const working = (async () => work(deadline.signal))().then(() => null, explain)
  return Promise.race([working, promise]).finally(() => {
    clearTimeout(timer)
    closing.removeEventListener('abort', onClose)
  })
}
