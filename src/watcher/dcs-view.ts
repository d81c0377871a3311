/** What is published of the DCS. Pure. */
import type { Dcs, DcsObservation } from './dcs/dcs.ts'
import type { DcsView } from './view.ts'

/** Of a router that has just started. */
export function unreadDcs(kind: Dcs['kind'], now: number): DcsView {
  return { kind, state: 'never', endpoint: null, readAt: null, since: now, error: null }
}

/** After an observation. A DCS that was never read cannot be lost. */
export function afterObservation(before: DcsView, observation: DcsObservation, now: number): DcsView {
  const { endpoint } = observation
  switch (observation.type) {
    case 'lost': {
      const state = before.state === 'never' ? 'never' : 'lost'
      const since = state === before.state ? before.since : now
      return { ...before, state, endpoint, error: observation.error.message, since }
    }
    case 'snapshot': {
      const since = before.state === 'up' ? before.since : now
      return { ...before, state: 'up', endpoint, error: null, readAt: now, since }
    }
  }
}
