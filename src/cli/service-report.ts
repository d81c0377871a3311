/** Reports a running router to systemd. */
import { statusJson } from '../admin/status/json.ts'
import { statusLine } from '../admin/status/text.ts'
import { now } from '../clock.ts'
import type { Router } from '../router.ts'
import type { Notifier } from '../systemd/notifier.ts'

/** What of the router is reported. */
export type Reported = Pick<Router, 'status' | 'hasTriedEveryDcs' | 'drainTimeoutMs'>

/**
 * A DCS that gives no sign at all, because a firewall drops the packets, is away after so long. Less than the 90 s
 * after which systemd gives a start up. Milliseconds.
 */
const DCS_MS = 5000
const LOOK_MS = 50
const STATUS_MS = 1000

/**
 * Reports that the listeners, which are open, are ready as soon as the DCS of every cluster was read or is known to be away; and its
 * status, when that changes. Until the returned function is called.
 */
export function report(router: Reported, notifier: Notifier, dcsMs = DCS_MS): () => void {
  const startedAt = now()
  const look = (): void => {
    if (!router.hasTriedEveryDcs && now() - startedAt < dcsMs) return
    clearInterval(looking)
    try {
      showStatus()
    } finally {
      notifier.ready()
    }
  }
  const showStatus = (): void => notifier.status(statusLine(statusJson(router.status())))
  const looking = setInterval(look, LOOK_MS)
  const showing = setInterval(showStatus, STATUS_MS)
  return () => {
    clearInterval(looking)
    clearInterval(showing)
  }
}
