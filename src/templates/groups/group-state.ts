/** The state of a reload group, and what of it is shown. Pure. */
import type { GroupState } from '../status.ts'
import { type Schedule, UNSCHEDULED } from './debounce.ts'
import type { Result } from './log-lines.ts'

/** What a group does now. */
export type Phase =
  /** It waits for its start: until then the files may be those of another group. */
  | { readonly kind: 'built' }
  | { readonly kind: 'idle' }
  /** `takes`: a change that was waiting; else it looks whether all is as it should be. */
  | { readonly kind: 'passing'; readonly pass: Promise<void>; readonly takes: boolean }
  | { readonly kind: 'closed'; readonly closing: Promise<void> }

export interface State {
  readonly phase: Phase
  readonly schedule: Schedule
  /** What came of the last pass, and since when it is of that kind. */
  readonly result: Result
  readonly resultAt: number
  /** How many changes there were, and how many of them the last pass has brought into the files and reloaded; null: it failed, or runs. */
  readonly changes: number
  readonly inPlace: number | null
  /** As status shows it. */
  readonly shown: { readonly state: GroupState; readonly since: number }
}

/** Returns the state of a group that has not begun. */
export function initialState(at: number): State {
  return {
    ...{ phase: { kind: 'built' }, schedule: UNSCHEDULED, changes: 0, inPlace: null },
    ...{ result: { kind: 'waiting', reason: 'it has not begun yet' }, resultAt: at },
    shown: { state: 'waiting', since: at },
  }
}

/** Returns the next state. `isAsking`: a template waits for a lookup. */
export function nextState(before: State, changes: Partial<State>, isAsking: boolean, at: number): State {
  const next = { ...before, ...changes }
  const state = shownOf(next, isAsking)
  return state === next.shown.state ? next : { ...next, shown: { state, since: at } }
}

function shownOf({ phase, schedule, result: { kind } }: State, isAsking: boolean): GroupState {
  const isUnderWay = schedule.change !== null || (phase.kind === 'passing' && phase.takes)
  if (kind === 'in-sync') return isUnderWay || isAsking ? 'pending' : kind
  return kind === 'waiting' && isUnderWay ? 'pending' : kind
}
