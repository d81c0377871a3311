/** Chooses which connection of the admin socket is closed when there are too many. Pure. */

/** What a connection is about. Kept up to date by whoever serves it. */
export interface ClientActivity {
  /** It waits for further commands of a person or a tool. */
  isInteractive: boolean
  /** A command is being run, or its answer is being taken. */
  isBusy: boolean
  /** Since when it has been busy or idle. Milliseconds. */
  since: number
}

/** So long it is spared: its command may be on its way, or its answer. Milliseconds. */
const GRACE_MS = 1000

/**
 * Returns the one that is missed least: idle ones first, then interactive ones, then those that do not take their answer; of each
 * kind the one that is longest so. null: that one may still begin its work, and nobody else goes in its stead.
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
