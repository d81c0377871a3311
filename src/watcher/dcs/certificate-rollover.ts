/** Replaced certificates of a DCS that is being observed: whether it takes them is tried beside the session. */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../clock.ts'
import { explain } from '../../errors.ts'
import type { CertificateLog } from '../tls/certificate-log.ts'
import type { Certificates, CertificateSet } from '../tls/certificates.ts'
import type { SessionConnection } from './sessions.ts'

/** How long after a failure with replaced certificates they are tried again while the earlier ones serve. Milliseconds. */
const REPLACE_AGAIN_MS = 30_000

export interface RolloverOptions<C> {
  readonly certificates: Pick<Certificates, 'read' | 'trouble'>
  readonly news: CertificateLog
  /** From one look at the files to the next. Milliseconds. */
  readonly intervalMs: number
  /** Makes a connection to the same endpoint, with the files as they are. @throws where that is not possible. */
  readonly connect: () => C
  /** Reads with certainty: whether the DCS accepts the successor. */
  readonly read: (successor: C) => Promise<unknown>
}

/**
 * Gives a connection with other certificates once the files have been replaced and the DCS has accepted them: a session
 * that is healthy is not given up for less. null when `connection` has been closed before. Tells why files do not
 * count. Never rejects.
 */
export async function awaitSuccessor<C extends SessionConnection>(
  { closed, certificates: used }: C,
  { certificates, news, intervalMs, connect, read }: RolloverOptions<C>,
): Promise<C | null> {
  let tried: CertificateSet | null = null
  let triedAt = 0
  const isClosed = (): boolean => closed.aborted
  for (;;) {
    await sleep(intervalMs, undefined, { signal: closed }).catch(() => undefined)
    const set = certificates.read()
    const trouble = certificates.trouble?.message ?? null
    if (set === used || trouble !== null) news.tell(used, trouble)
    if (isClosed()) return null
    const isAgain = set === tried
    if (set === used || (isAgain && now() - triedAt < REPLACE_AGAIN_MS)) continue
    tried = set
    triedAt = now()
    let successor: C | null = null
    const giveUp = (): void => successor?.close()
    closed.addEventListener('abort', giveUp, { once: true })
    try {
      successor = connect()
      await read(successor)
      return successor
    } catch (error) {
      const why = isAgain ? null : ((await successor?.explain(error, closed)) ?? explain(error))
      if (why !== null && !isClosed())
        news.tell(used, `with the certificate files as they are now it cannot be read: ${why}`)
      successor?.close()
    } finally {
      closed.removeEventListener('abort', giveUp)
    }
  }
}
