/** Since when members can or cannot be used, and how often and how long they could not. Pure. */
import type { MemberUse } from './route.ts'

export interface Availability {
  readonly fit: boolean
  /** Since when `fit` is what it is; milliseconds since the epoch. */
  readonly since: number
  /** How often it has become unfit. */
  readonly downs: number
  /** For how long it was unfit before `since`. Milliseconds. */
  readonly downMs: number
}

/** Members that are gone and are still remembered: names that never come again must not fill the memory. */
const MAX_GONE = 256

/** Returns the next state. A member that is gone is unfit, until it comes back. `at`: milliseconds since the epoch. */
export function availabilityStep(
  before: ReadonlyMap<string, Availability>,
  uses: readonly MemberUse[],
  at: number,
): ReadonlyMap<string, Availability> {
  const present = new Map(uses.map(({ member, fit }) => [member, next(before.get(member), fit, at)]))
  const gone = [...before].filter(([member]) => !present.has(member))
  const kept = gone.slice(-MAX_GONE).map(([member, last]) => [member, next(last, false, at)] as const)
  return new Map([...kept, ...present])
}

/** Whether a listener has a member for new sessions, and how often it has lost its last one. */
export interface Service {
  readonly isUp: boolean
  readonly downs: number
}

export const NO_SERVICE: Service = { isUp: false, downs: 0 }

/** Returns the next state of a listener. */
export function serviceStep(before: Service, isUp: boolean): Service {
  return { isUp, downs: before.downs + (before.isUp && !isUp ? 1 : 0) }
}

function next(before: Availability | undefined, fit: boolean, at: number): Availability {
  if (before === undefined) return { fit, since: at, downs: 0, downMs: 0 }
  if (before.fit === fit) return before
  return { fit, since: at, downs: before.downs + (fit ? 0 : 1), downMs: downMsAt(before, at) }
}

/** Returns for how long it has been unfit in all. Milliseconds. */
export function downMsAt({ fit, since, downMs }: Availability, at: number): number {
  return fit ? downMs : downMs + at - since
}
