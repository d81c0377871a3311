/** Observes the DCS without an end, and keeps what is published of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { now } from '../clock.ts'
import { explain, RouterError } from '../errors.ts'
import type { Dcs, DcsObservation, DcsTraits, Remembered } from './dcs/dcs.ts'
import type { DcsError, DcsView } from './view.ts'

/** Between a fault and the next attempt to observe the DCS. Milliseconds. */
const AGAIN_MS = 1000

export class DcsObserver {
  readonly #dcs: Dcs
  readonly #log: Logger
  readonly #againMs: number
  #view: DcsView

  constructor(dcs: Dcs, log: Logger, againMs = AGAIN_MS) {
    this.#dcs = dcs
    this.#log = log
    this.#againMs = againMs
    this.#view = unreadDcs(dcs, now())
  }

  get view(): DcsView {
    return this.#view
  }

  /**
   * Hands every observation to `take` until `signal` aborts. A fault of ours, in the DCS's part or in `take`, is
   * logged, and counts as a lost DCS: what was read could not be understood or acted on. The observation continues
   * after it: the sessions of healthy servers outlive a fault, and so does the router.
   */
  async run(
    signal: AbortSignal,
    remembered: Remembered | null,
    take: (observation: DcsObservation) => void,
  ): Promise<void> {
    const observed = (observation: DcsObservation): void => {
      this.#view = afterObservation(this.#view, observation, now())
      take(observation)
    }
    for (let fault: DcsObservation | null = null; !signal.aborted;) {
      try {
        if (fault !== null) observed(fault)
        for await (const observation of this.#dcs.observe(signal, remembered)) observed(observation)
      } catch (cause) {
        const message = `an unexpected error, please report it: ${explain(cause)}`
        this.#log.error({ event: 'fault', err: cause }, message)
        const error = new RouterError('INTERNAL', message, { cause })
        fault = { type: 'lost', endpoint: this.#view.endpoint ?? '-', error }
        await sleep(this.#againMs, undefined, { signal }).catch(() => undefined) // Closed.
      }
    }
  }
}

/** Returns what is published of a DCS that has not been read yet. */
export function unreadDcs({ kind, leaderFrom, absence }: DcsTraits, now: number): DcsView {
  const traits = { kind, leaderFrom, absence }
  return { ...traits, state: 'never', endpoint: null, readAt: null, since: now, error: null, errors: [], notices: [] }
}

/** Returns what is published after an observation. A DCS that was never read cannot be lost. */
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

/** So many different ones are logged of one outage. */
const MAX_ERRORS = 10
/** A server that goes down gives several reasons within a second, and its endpoints take turns. Milliseconds. */
const PACE_MS = 30_000

function withError({ leaderFrom, errors }: DcsView, message: string, at: number): readonly DcsError[] {
  const last = errors.at(-1)
  // A person who corrects a file wants to read what is wrong with it now.
  const isSoon = last !== undefined && leaderFrom !== 'description' && at - last.at < PACE_MS
  if (isSoon || errors.length >= MAX_ERRORS || errors.some((error) => error.message === message)) return errors
  return [...errors, { at, message }]
}
