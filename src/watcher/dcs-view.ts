/** What is published of the DCS. Pure. */
import type { DcsObservation, DcsTraits } from './dcs/dcs.ts'
import type { DcsError, DcsView } from './view.ts'

/** Of a router that has just started. */
export function unreadDcs({ kind, leaderFrom, absence }: DcsTraits, now: number): DcsView {
  const traits = { kind, leaderFrom, absence }
  return { ...traits, state: 'never', endpoint: null, readAt: null, since: now, error: null, errors: [], notices: [] }
}

/** After an observation. A DCS that was never read cannot be lost. */
export function afterObservation(before: DcsView, observation: DcsObservation, now: number): DcsView {
  const { endpoint, notices } = observation
  switch (observation.type) {
    case 'lost': {
      const state = before.state === 'never' ? 'never' : 'lost'
      const since = state === before.state ? before.since : now
      const { message } = observation.error
      return {
        ...before,
        state,
        endpoint,
        error: message,
        since,
        errors: withError(before, message, now),
        notices: notices ?? before.notices,
      }
    }
    case 'snapshot': {
      const since = before.state === 'up' ? before.since : now
      return { ...before, state: 'up', endpoint, error: null, errors: [], readAt: now, since, notices: notices ?? [] }
    }
  }
}

/** So many different ones are told of one outage. */
const MAX_ERRORS = 10
/** A server that goes away gives several reasons within a second, and its endpoints take turns. Milliseconds. */
const PACE_MS = 30_000

function withError({ leaderFrom, errors }: DcsView, message: string, at: number): readonly DcsError[] {
  const last = errors.at(-1)
  // A person who mends a file wants to read what is wrong with it now.
  const isSoon = last !== undefined && leaderFrom !== 'description' && at - last.at < PACE_MS
  if (isSoon || errors.length >= MAX_ERRORS || errors.some((error) => error.message === message)) return errors
  return [...errors, { at, message }]
}
