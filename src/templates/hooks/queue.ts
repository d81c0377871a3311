/** Which hook is to be run next: one queue for all hooks, in which the newest state of the primary wins. Pure. */
import type { PrimaryState } from '../../config/config.ts'

/** The primary as hooks see it. Two of the same state and member are the same. */
export interface Situation {
  readonly state: PrimaryState
  /** The member that the state is about; null: none. */
  readonly member: string | null
  readonly host: string | null
  readonly port: number | null
  readonly reason: string
}

export interface Transition {
  /** The one whose hooks were begun before; null: none, the router has just started. */
  readonly from: Situation | null
  readonly to: Situation
}

export interface HookQueue {
  /** Whose hooks have begun last; null: none since the start. */
  readonly current: Transition | null
  /** Those of `current` that are still to be run, in the order of the configuration. */
  readonly due: readonly DueHook[]
  readonly running: DueHook | null
  /** It takes the place of `current` as soon as nothing is running. */
  readonly next: Situation | null
}

export interface DueHook {
  /** Its place in the configuration. */
  readonly hook: number
  /** Not to be run before; milliseconds since the epoch. */
  readonly at: number
  /** Consecutive ones for this transition. */
  readonly failures: number
}

/** What came of a hook. `given-up`: it was still waiting for its reload group. */
export type HookOutcome = 'done' | 'failed' | 'given-up'

export const EMPTY_QUEUE: HookQueue = { current: null, due: [], running: null, next: null }

/** Returns the queue of hooks that take over in a situation whose own hooks are not theirs to run. */
export function afterOthers(to: Situation): HookQueue {
  return { ...EMPTY_QUEUE, current: { from: null, to } }
}

/** Between a failure and the next attempt while the state holds, doubled with each further one. */
const RETRY_MS = 1000
const MAX_RETRY_MS = 60_000

/** Returns whether two situations run no hooks between them. */
export function isSame(one: Situation, other: Situation): boolean {
  return one.state === other.state && one.member === other.member
}

/** Returns whether the hook that is running is one of a state that has passed. */
export function isOutdated({ next }: HookQueue): boolean {
  return next !== null
}

/** Notes the primary's situation. Hooks of earlier situations that have not begun are dropped. */
export function afterSituation(queue: HookQueue, to: Situation): HookQueue {
  const { current } = queue
  // Of the same situation the address may be another one by now: it is for what has not begun yet.
  if (current !== null && isSame(current.to, to)) return { ...queue, current: { ...current, to }, next: null }
  return { ...queue, next: to }
}

/**
 * Begins what is due at `now`. `ons`: the states of each hook, in the order of the configuration. Nothing is begun while
 * a hook is running, or none is due: see {@link nextAt}.
 */
export function begin(queue: HookQueue, ons: readonly (readonly PrimaryState[])[], now: number): HookQueue {
  if (queue.running !== null) return queue
  const { current, due } = queue.next === null ? queue : enter(queue.current, queue.next, ons)
  const first = due.find(({ at }) => at <= now) ?? null
  return { current, due: due.filter((one) => one !== first), running: first, next: null }
}

/** Returns when something is due by itself; null: never, or once what is running has ended. */
export function nextAt({ running, due }: HookQueue): number | null {
  return running !== null || due.length === 0 ? null : Math.min(...due.map(({ at }) => at))
}

/** Notes that the hook that was running has ended. A failed one is tried again for as long as the state holds. */
export function afterHook(queue: HookQueue, outcome: HookOutcome, now: number): HookQueue {
  const { running, due } = queue
  if (running === null) return queue
  switch (outcome) {
    case 'done':
      return { ...queue, running: null }
    case 'given-up':
      // If the state comes back before the newer one has begun, it is still to be run.
      return { ...queue, running: null, due: [running, ...due] }
    case 'failed': {
      const at = now + Math.min(RETRY_MS * 2 ** running.failures, MAX_RETRY_MS)
      const again = { hook: running.hook, at, failures: running.failures + 1 }
      return { ...queue, running: null, due: [...due, again] }
    }
  }
}

function enter(
  before: Transition | null,
  to: Situation,
  ons: readonly (readonly PrimaryState[])[],
): Pick<HookQueue, 'current' | 'due'> {
  const due = ons.flatMap((on, hook) => (on.includes(to.state) ? [{ hook, at: 0, failures: 0 }] : []))
  return { current: { from: before?.to ?? null, to }, due }
}
