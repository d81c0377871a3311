/** When a reload group renders, and when its next pass is due: the one pace of both. Pure: times are milliseconds since the epoch. */

export interface Timing {
  /** Waited after each change, and at least so far apart do passes begin that write or run something. */
  readonly minMs: number
  /** Waited at most after the first change. */
  readonly maxMs: number
  /** Between full passes; 0: none. */
  readonly intervalMs: number
}

export interface Schedule {
  /** When it was noticed first that something may have changed, and is not rendered yet; null: nothing is. */
  readonly unrenderedAt: number | null
  /** What is rendered next is urgent; so too while it waits for lookups. */
  readonly urgent: boolean
  /** The last time that all templates were rendered; null: never. */
  readonly rendered: { readonly at: number; readonly tookMs: number } | null
  /** What no pass has taken up yet. */
  readonly change: Change | null
  /** When the last pass began that has written or run something; null: none did. */
  readonly workedAt: number | null
  /** When the last full pass began; null: none did, or everything is to be looked at again. */
  readonly fullAt: number | null
  /** Consecutive passes that have failed. */
  readonly failures: number
  /** When the last of them ended; null: the last pass has not failed. */
  readonly failedAt: number | null
}

export interface Change {
  readonly firstAt: number
  readonly lastAt: number
  /** It waits for nothing but the distance between two passes. */
  readonly urgent: boolean
}

export interface Due {
  readonly at: number
  /** Whether source files, destinations and answers of the DNS are looked at again, too. */
  readonly full: boolean
}

/** The schedule of a group that has never had a pass: the first one is due at once, and is a full one. */
export const UNSCHEDULED: Schedule = {
  ...{ unrenderedAt: null, urgent: false, rendered: null, change: null },
  ...{ workedAt: null, fullAt: null, failures: 0, failedAt: null },
}

/** Notes that something which the templates read may have changed. */
export function afterNotice(schedule: Schedule, at: number, urgent: boolean): Schedule {
  return { ...schedule, unrenderedAt: schedule.unrenderedAt ?? at, urgent: schedule.urgent || urgent }
}

/** What came of rendering all templates with what is known. */
export interface Render {
  readonly at: number
  readonly tookMs: number
  /** A text has changed. */
  readonly changed: boolean
  /** One of them waits for a lookup. */
  readonly asks: boolean
}

/** Notes a render. `isFirst`: nothing was ever written, and what has been waited for has waited long enough. */
export function afterRender(schedule: Schedule, { at, tookMs, changed, asks }: Render, isFirst: boolean): Schedule {
  const { urgent } = schedule
  const next = { ...schedule, unrenderedAt: null, urgent: urgent && asks, rendered: { at, tookMs } }
  return changed ? afterChange(next, at, urgent || isFirst) : next
}

/**
 * Returns when to render; null: nothing has changed. Urgent changes do not wait. A large cluster has hundreds of views a second:
 * rendering takes a tenth of the time at most, `groups` of them together.
 */
export function nextRender({ unrenderedAt, urgent, rendered }: Schedule, groups: number): number | null {
  if (unrenderedAt === null || rendered === null || urgent) return unrenderedAt
  const apartMs = Math.min(Math.max(RENDER_MS, rendered.tookMs * SHARE * groups), MAX_RENDER_MS)
  return Math.max(unrenderedAt, rendered.at + apartMs)
}

/** Between two renders that are not urgent, at least and at most. Milliseconds. */
const RENDER_MS = 25
const MAX_RENDER_MS = 500
const SHARE = 10

/** Notes that a text is another one than before. */
export function afterChange(schedule: Schedule, at: number, urgent: boolean): Schedule {
  const { change } = schedule
  return {
    ...schedule,
    change: { firstAt: change?.firstAt ?? at, lastAt: at, urgent: urgent || (change?.urgent ?? false) },
  }
}

/** Has everything looked at again, as soon as the distance between two passes allows. */
export function afterResync(schedule: Schedule): Schedule {
  return { ...schedule, fullAt: null }
}

/** Notes that a full pass begins to look at everything. Requests from now on are for the next one. */
export function afterLook(schedule: Schedule, at: number): Schedule {
  return { ...schedule, fullAt: at }
}

/** Notes that a pass takes up what has changed until now. */
export function afterTake(schedule: Schedule): Schedule {
  return { ...schedule, change: null }
}

export interface Pass {
  readonly beganAt: number
  readonly endedAt: number
  /** It has written a file or run a command. */
  readonly worked: boolean
  readonly failed: boolean
}

/** Notes the end of a pass; changes made meanwhile stay for the next one. */
export function afterPass(schedule: Schedule, { beganAt, endedAt, worked, failed }: Pass): Schedule {
  return {
    ...schedule,
    workedAt: worked ? beganAt : schedule.workedAt,
    failures: failed ? schedule.failures + 1 : 0,
    failedAt: failed ? endedAt : null,
  }
}

/** Returns when a pass that has failed is tried again, if nothing changes before; null: the last one has not failed. */
export function retryAt({ failures, failedAt }: Schedule): number | null {
  return failedAt === null ? null : failedAt + Math.min(RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS)
}

/** Returns the next pass; null: none before something changes. A limit defers a pass and never drops one. */
export function nextPass(schedule: Schedule, timing: Timing): Due | null {
  const { change, workedAt, fullAt } = schedule
  const soonest = workedAt === null ? 0 : workedAt + timing.minMs
  const regular = fullAt === null ? 0 : timing.intervalMs === 0 ? null : fullAt + timing.intervalMs
  const fulls = [regular, retryAt(schedule)].filter((at) => at !== null)
  const fullDue = fulls.length === 0 ? null : Math.max(Math.min(...fulls), soonest)
  if (change === null) return fullDue === null ? null : { at: fullDue, full: true }
  // A full pass in the middle of a storm would be one more than the debounce allows: the storm's own pass is made it.
  const debounced = Math.min(change.lastAt + timing.minMs, change.firstAt + timing.maxMs)
  const at = Math.max(change.urgent ? change.lastAt : debounced, soonest)
  return { at, full: fullDue !== null && fullDue <= at }
}

/** Between a failure and the first retry, doubled with each further one. */
const RETRY_MS = 1000
const MAX_RETRY_MS = 60_000
