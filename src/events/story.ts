/**
 * Switchovers and failovers, made of the events of a router: what happened between one open primary and the next, step by
 * step. Pure.
 */
import { asNumber, asText } from '../text/unknown-shape.ts'
import { type HistoryEvent, timeOf } from './event.ts'

export interface Story {
  /** Where there are several. */
  readonly cluster: string | null
  /** `switchover`: it was requested. `interruption`: neither that, nor did another member follow. */
  readonly kind: 'switchover' | 'failover' | 'interruption'
  /**
   * `done`: a primary is open again. `withdrawn`: the request is gone, and the primary stayed. `under-way`: it is not over.
   * `overdue`: the request is as old as no switchover takes, and the primary is open.
   */
  readonly outcome: 'done' | 'withdrawn' | 'under-way' | 'overdue'
  /** The primary before; null: not known. */
  readonly from: string | null
  /** The primary after it, or the one that was requested; null: not known. */
  readonly to: string | null
  readonly steps: readonly Step[]
  /** How long new connections to the primary were held, all times together; null: no listener held any. Milliseconds. */
  readonly heldMs: number | null
  /** How many clients waited until they were let go, and how long the first of them did. */
  readonly waited: number
  readonly longestWaitMs: number
  /** Sessions that were closed because their member was no longer the primary. */
  readonly fenced: number
  /** Clients that were refused meanwhile. */
  readonly refused: number
}

export interface Step {
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly at: number
  /** A word or two. */
  readonly what: string
  readonly message: string
  readonly level: string
}

/** Stories that have begun, by cluster. */
export interface Progress {
  readonly drafts: ReadonlyMap<string, Draft>
  /** The member that was open last; null: it is not any more, or the router has started since. */
  readonly primaries: ReadonlyMap<string, string | null>
}

/** A story that has no end yet. */
interface Draft extends Omit<Story, 'kind' | 'outcome' | 'to' | 'heldMs'> {
  readonly isRequested: boolean
  /** The request is gone, though no switchover has taken place. */
  readonly isWithdrawn: boolean
  /** The member that is to follow, by the request. */
  readonly requestedTo: string | null
  /** The last that was opened. */
  readonly opened: string | null
  readonly hasHeld: boolean
  /** Since when new connections are held; null: they are not. */
  readonly heldSince: number | null
  readonly heldMs: number
}

export const NO_PROGRESS: Progress = { drafts: new Map(), primaries: new Map() }

/** A request that has led to nothing by then explains nothing any more (as in the log). Milliseconds. */
const OVERDUE_MS = 5 * 60_000

/** Further events of a story are not part of it. */
const MAX_STEPS = 200

/** Takes the next event. `stories`: the ones that end with it, or before it. `isPart`: the event is a step of a story. */
export function tell(
  progress: Progress,
  event: HistoryEvent,
): { readonly progress: Progress; readonly stories: readonly Story[]; readonly isPart: boolean } {
  if (OF_THE_ROUTER.has(event.event)) return { progress: afterRestart(progress, event), stories: [], isPart: false }
  const what = whatIs(event)
  const key = event.cluster ?? ''
  const before = progress.drafts.get(key) ?? null
  // A cluster that is without a primary for days has many events; the one that ends it counts in any case.
  const isTooLong = (before?.steps.length ?? 0) >= MAX_STEPS && event.event !== 'opened'
  if (what === null || isTooLong) return { progress, stories: [], isPart: false }
  const primary = progress.primaries.get(key) ?? null
  const isStale = before !== null && before.heldSince === null && timeOf(event) - lastOf(before) > OVERDUE_MS
  const overdue = isStale ? [storyOf(before, 'overdue')] : []
  const draft = before === null || isStale ? begun(event, primary) : before
  const next = draft === null ? null : withStep(draft, event, what)
  const end = next === null ? null : endOf(next, event)
  const drafts = new Map(progress.drafts)
  if (next === null || end !== null) drafts.delete(key)
  else drafts.set(key, next)
  const primaries = new Map(progress.primaries).set(key, primaryAfter(primary, event))
  const ended = next === null || end === null ? [] : [storyOf(next, end)]
  return { progress: { drafts, primaries }, stories: [...overdue, ...ended], isPart: next !== null }
}

/** Returns the stories that have no end at `now`, the oldest first. */
export function unfinished({ drafts }: Progress, now: number): readonly Story[] {
  const stories = [...drafts.values()].map((draft) =>
    storyOf(draft, draft.heldSince === null && now - lastOf(draft) > OVERDUE_MS ? 'overdue' : 'under-way', now),
  )
  return stories.toSorted((a, b) => (a.steps[0]?.at ?? 0) - (b.steps[0]?.at ?? 0))
}

/** Events of the router as a whole: each story that has no end yet continues behind them. */
const OF_THE_ROUTER: ReadonlyMap<string, string> = new Map([
  ['starting', 'router starts'],
  ['stopped', 'router stopped'],
])

function afterRestart(progress: Progress, event: HistoryEvent): Progress {
  const what = OF_THE_ROUTER.get(event.event) ?? ''
  const drafts = [...progress.drafts].map(([key, draft]) => [key, withStep(draft, event, what)] as const)
  return { drafts: new Map(drafts), primaries: new Map() }
}

const STATES: ReadonlyMap<string, string> = new Map([
  ['open', 'confirmed'],
  ['unlocked', 'without lock'],
  ['none', 'no primary'],
  ['unconfirmed', 'checked'],
])

/** Returns what an event is in a story; null: it is in none. */
function whatIs({ event, fields }: HistoryEvent): string | null {
  const state = asText(fields['state']) ?? ''
  switch (event) {
    case 'switchover-requested':
      return 'requested'
    case 'switchover-withdrawn':
      return 'withdrawn'
    case 'leader-changed':
      return fields['to'] === null ? 'lock gone' : 'new leader'
    case 'held':
      // A drain or a maintenance is no outage, and one that follows begins later.
      return asText(fields['override']) === null ? event : null
    case 'opened':
    case 'released':
    case 'refused':
      return event
    case 'fenced':
      return fields['cause'] === 'fence' ? 'fenced' : null
    case 'fence-forced':
    case 'fence-failed':
    case 'open-failed':
      return event.replace('-', ' ')
    case 'timeline-lower':
      return 'writes gone'
    default:
      return /^primary-(?!silent$|answers$)/.test(event) ? (STATES.get(state) ?? state) : null
  }
}

/** Returns the story that an event begins; null: it begins none. */
function begun(event: HistoryEvent, primary: string | null): Draft | null {
  const from = begins(event, primary)
    ? (primary ?? asText(event.fields['from']) ?? asText(event.fields['member']))
    : null
  if (from === null && event.event !== 'held' && event.event !== 'switchover-requested') return null
  const { cluster } = event
  return {
    ...{ cluster, from, steps: [], waited: 0, longestWaitMs: 0, fenced: 0, refused: 0 },
    ...{ isRequested: false, isWithdrawn: false, requestedTo: null, opened: null },
    ...{ hasHeld: false, heldSince: null, heldMs: 0 },
  }
}

/** Returns whether an event begins a story, where `primary` is open. */
function begins({ event, fields }: HistoryEvent, primary: string | null): boolean {
  switch (event) {
    case 'held':
    case 'switchover-requested':
      return true
    case 'leader-changed':
      // The first leader that is read, and one that comes after a time without any, begin nothing.
      return asText(fields['from']) !== null
    default:
      return primary !== null && /^primary-/.test(event) && !isServing(fields['state'])
  }
}

function isServing(state: unknown): boolean {
  return state === 'open' || state === 'unlocked'
}

function withStep(draft: Draft, event: HistoryEvent, what: string): Draft {
  const { seq, message, level, fields } = event
  const at = timeOf(event)
  const next = { ...draft, steps: [...draft.steps, { seq, at, what, message, level }] }
  const connections = asNumber(fields['connections']) ?? 0
  switch (event.event) {
    case 'switchover-requested':
      return { ...next, isRequested: true, isWithdrawn: false, requestedTo: asText(fields['to']) }
    case 'switchover-withdrawn':
      return { ...next, isWithdrawn: true }
    case 'held':
      return { ...next, hasHeld: true, heldSince: draft.heldSince ?? at }
    case 'opened': {
      const heldMs = draft.heldMs + (draft.heldSince === null ? 0 : at - draft.heldSince)
      return { ...next, opened: asText(fields['member']), heldSince: null, heldMs }
    }
    case 'released': {
      const longestWaitMs = Math.max(draft.longestWaitMs, asNumber(fields['waitedMs']) ?? 0)
      return { ...next, waited: draft.waited + connections, longestWaitMs }
    }
    case 'fenced':
      return { ...next, fenced: draft.fenced + connections }
    case 'refused':
      return { ...next, refused: draft.refused + connections }
    default:
      // Without a listener there is no `opened`.
      return event.event === 'primary-open' && !draft.hasHeld ? { ...next, opened: asText(fields['member']) } : next
  }
}

/** Returns how a story ends with an event that is its last step; null: it does not. */
function endOf(draft: Draft, { event }: HistoryEvent): 'done' | 'withdrawn' | null {
  const isOpened = event === 'opened' || (event === 'primary-open' && !draft.hasHeld)
  const isBack = draft.opened === null || draft.opened === draft.from
  if (draft.isWithdrawn && draft.heldSince === null && isBack) return 'withdrawn'
  if (!isOpened) return null
  // Until the request is gone Patroni may still act on it.
  return draft.isRequested && !draft.isWithdrawn && isBack ? null : 'done'
}

/** Returns the member that is open after an event; null: none is, or that is not known. */
function primaryAfter(primary: string | null, { event, fields }: HistoryEvent): string | null {
  if (event === 'opened') return asText(fields['member'])
  if (!/^primary-/.test(event) || asText(fields['state']) === null) return primary
  return isServing(fields['state']) ? asText(fields['member']) : null
}

function lastOf({ steps }: Draft): number {
  return steps.at(-1)?.at ?? 0
}

/** Makes a story of a draft. `now`: where it has no end. */
function storyOf(draft: Draft, outcome: Story['outcome'], now = 0): Story {
  const { cluster, from, steps, waited, longestWaitMs, fenced, refused } = draft
  const to = draft.opened ?? draft.requestedTo
  const heldMs = draft.heldMs + (draft.heldSince === null ? 0 : Math.max(0, now - draft.heldSince))
  const hasMoved = draft.opened !== null && draft.opened !== from
  return {
    ...{ cluster, from, steps, waited, longestWaitMs, fenced, refused, outcome },
    to: outcome === 'done' ? to : draft.isRequested ? draft.requestedTo : draft.opened,
    kind: draft.isRequested ? 'switchover' : hasMoved ? 'failover' : 'interruption',
    heldMs: draft.hasHeld ? heldMs : null,
  }
}
