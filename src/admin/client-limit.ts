/** Chooses which connection of the admin socket is closed when there are too many. Pure. */

/** The present use of a connection. The code that serves it keeps it up to date. */
export interface ClientActivity {
  /** It waits for further commands (`prompt`). */
  isInteractive: boolean
  /** A command is running, or its answer is being sent. */
  isBusy: boolean
  /** When it became busy or idle. Milliseconds. */
  since: number
}

/** A connection is spared for this long: its command or its answer may be on the way. Milliseconds. */
const GRACE_MS = 1000

/**
 * Returns the connection that is missed least: idle ones first, then interactive ones, then those that do not read their answer; of
 * each kind the one that has been so for longest. null: that one may still begin its work, and no other is closed instead.
 */
export function clientToClose<T>(
  activities: ReadonlyMap<T, ClientActivity>,
  now: number,
  graceMs = GRACE_MS,
): T | null {
  const [first] = [...activities].toSorted(([, a], [, b]) => rank(a) - rank(b) || a.since - b.since)
  return first !== undefined && now - first[1].since >= graceMs ? first[0] : null
}

function rank({ isBusy, isInteractive }: ClientActivity): number {
  return isBusy ? 2 : isInteractive ? 1 : 0
}
