/** Reports a running router to systemd. */
import { statusJson } from '../admin/status/json.ts'
import { statusLine } from '../admin/status/text.ts'
import type { Router } from '../router.ts'
import type { Notifier } from '../systemd/notifier.ts'

/** What of the router is reported. */
export type Reported = Pick<Router, 'status' | 'hasTriedEveryDcs' | 'drainTimeoutMs'>

/** What the router calls of the notifier. */
export type Reporter = Pick<Notifier, keyof Notifier>

/**
 * A DCS that gives no sign at all, because a firewall drops the packets, is not waited for any longer. Less than the 90 s after which
 * systemd gives a start up (`DefaultTimeoutStartSec`). Milliseconds.
 */
const DCS_MS = 5000
const LOOK_MS = 50
const STATUS_MS = 1000

/**
 * Reports a router that listens as ready once it has read the DCS of every cluster or has failed to, and its status whenever that has
 * changed. Returns a function that ends it.
 */
export function report(router: Reported, reporter: Reporter): () => void {
  const showStatus = (): void => reporter.status(statusLine(statusJson(router.status())))
  const isReady = (): void => {
    clearInterval(looking)
    clearTimeout(late)
    try {
      showStatus()
    } finally {
      reporter.ready()
    }
  }
  const looking = setInterval(() => {
    if (router.hasTriedEveryDcs) isReady()
  }, LOOK_MS)
  const late = setTimeout(isReady, DCS_MS)
  const showing = setInterval(showStatus, STATUS_MS)
  return () => {
    for (const timer of [looking, late, showing]) clearTimeout(timer)
  }
}
