/** Events as a router has them, for tests: those of real clusters, shortened to what counts. */
import { type HistoryEvent, parseEventJson } from '../../../src/events/event.ts'

export const BEGINNING = Date.UTC(2026, 10, 20, 3, 12, 44)

/** Milliseconds since the beginning, name, message, fields. */
type Short = readonly [ms: number, event: string, message: string, fields?: Readonly<Record<string, unknown>>]

const WARN: ReadonlySet<string> = new Set(['primary-none', 'primary-unreachable', 'fenced'])

/** Returns the events, numbered from `first`. `cluster`: of one of several. */
export function recorded(
  all: readonly Short[],
  { cluster, first = 1 }: { cluster?: string; first?: number } = {},
): HistoryEvent[] {
  return all.map(([ms, event, message, fields], at) => {
    const time = new Date(BEGINNING + ms).toISOString()
    const level = WARN.has(event) ? 'warn' : event === 'held' || event === 'opened' ? 'note' : 'info'
    const said = cluster === undefined ? { message } : { message: `${cluster}: ${message}`, cluster }
    const parsed = parseEventJson(JSON.stringify({ seq: first + at, time, level, event, ...said, ...fields }))
    if (parsed === null) throw new Error(`no event: ${message}`)
    return parsed
  })
}

const OPEN = { state: 'open', member: 'pg1' }

export const PLANNED: readonly Short[] = [
  [0, 'switchover-requested', 'switchover from pg1 to pg0 requested', { from: 'pg1', to: 'pg0' }],
  [0, 'primary-switching', 'primary: pg1 SWITCHING: requested', { state: 'switching', member: 'pg1' }],
  [94, 'held', 'new connections to the primary are held', { member: 'pg1', reason: 'r' }],
  [202, 'primary-reason', 'primary: pg1 STOPPING: r', { state: 'switching', member: 'pg1' }],
  [1320, 'fenced', 'primary: closed 12 sessions on pg1: r', { member: 'pg1', cause: 'fence', connections: 12 }],
  [1324, 'leader-changed', 'leader key of pg1 is gone (switchover)', { from: 'pg1', to: null }],
  [1400, 'replica-down', 'replica pg1 is not available for reads: r', { member: 'pg1' }],
  [1460, 'leader-changed', 'leader is pg0', { from: null, to: 'pg0' }],
  [1642, 'primary-open', 'primary: pg0 OPEN: r', { state: 'open', member: 'pg0' }],
  [1643, 'released', 'primary: released 78 held connections', { connections: 78, waitedMs: 1550 }],
  [1643, 'released', 'other: released 2 held connections', { connections: 2, waitedMs: 1500 }],
  [1645, 'opened', 'new connections go to pg0', { member: 'pg0', epoch: 3 }],
  [1700, 'replica-up', 'replica pg1 is available for reads', { member: 'pg1' }],
]

export const CRASH: readonly Short[] = [
  [0, 'primary-open', 'primary: pg0 OPEN: r', { ...OPEN, member: 'pg0' }],
  [10, 'primary-unreachable', 'primary: pg0 UNREACHABLE: refused', { state: 'unreachable', member: 'pg0' }],
  [10, 'held', 'new connections to the primary are held', { member: 'pg0', reason: 'refused' }],
  [19_510, 'leader-changed', 'leader key of pg0 is gone (expired or deleted)', { from: 'pg0', to: null }],
  [19_510, 'primary-none', 'no primary: r', { state: 'none', member: null }],
  [19_586, 'leader-changed', 'leader is pg2', { from: null, to: 'pg2' }],
  [19_600, 'refused', 'refused 3 connections', { connections: 3, reason: 'hold-timeout' }],
  [19_661, 'primary-open', 'primary: pg2 OPEN: r', { state: 'open', member: 'pg2' }],
  [19_661, 'released', 'primary: released 1 held connection', { connections: 1, waitedMs: 19_650 }],
  [19_662, 'opened', 'new connections go to pg2', { member: 'pg2', epoch: 5, fencedMs: 1 }],
]

export const REFUSED_BY_PATRONI: readonly Short[] = [
  [0, 'switchover-requested', 'switchover from pg0 to nobody requested', { from: 'pg0', to: 'nobody' }],
  [4, 'held', 'new connections to the primary are held', { member: 'pg0', reason: 'r' }],
  [1753, 'switchover-withdrawn', 'request is gone', { from: 'pg0', to: 'nobody' }],
  [1754, 'primary-open', 'primary: pg0 OPEN: r', { state: 'open', member: 'pg0' }],
  [1755, 'opened', 'new connections go to pg0', { member: 'pg0' }],
]
