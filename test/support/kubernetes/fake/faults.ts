/** What the fake does wrong from now on; the control endpoint `/fake/faults` sets it. */
export interface Faults {
  /** Ends each watch so long after its beginning; null: by its own time only. */
  readonly watchEndsAfterMs: number | null
  /** Refuses to resume a watch at any version, with a status 410 or an ERROR event. */
  readonly gone: 'status' | 'event' | null
  /** Takes requests and answers nothing. */
  readonly silent: boolean
  /** Keeps watches open and shows nothing in them: what they miss meanwhile is lost. */
  readonly muteWatches: boolean
  /** Answers that much later. */
  readonly delayMs: number
  /** Answers lists of Pods that much later, as where a namespace has very many. */
  readonly podsDelayMs: number
  readonly refuse: Refuse | null
}

export interface Refuse {
  readonly status: number
  readonly retryAfter?: number
  /** How many requests; all without it. */
  readonly times?: number
}

export const NO_FAULTS: Faults = {
  ...{ watchEndsAfterMs: null, gone: null, silent: false, muteWatches: false, delayMs: 0, refuse: null },
  podsDelayMs: 0,
}
