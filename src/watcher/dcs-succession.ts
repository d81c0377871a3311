/**
 * Observes one DCS at a time, and lets another one take its place without a gap: the next is observed beside the present one
 * until it has been read.
 */
import type { Logger } from 'pino'
import { within } from '../clock.ts'
import { RouterError } from '../errors.ts'
import { SHUTTING_DOWN } from '../reload.ts'
import type { Dcs, DcsObservation, Remembered } from './dcs/dcs.ts'
import { DcsObserver } from './dcs-observer.ts'
import type { DcsView } from './view.ts'

/** A DCS that may take the place of the present one. */
export class Successor {
  readonly observer: DcsObserver
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #objection: (observation: DcsObservation) => Objection | null
  #latest: DcsObservation | null = null
  #running: Promise<void> | null = null
  #taken: (observation: DcsObservation) => void = () => undefined

  /** Observes nothing yet. `signal`: ends it. `objection`: to its taking the place of the present one now. */
  constructor(
    dcs: Dcs,
    log: Logger,
    signal: AbortSignal,
    objection: (observation: DcsObservation) => Objection | null = () => null,
  ) {
    this.observer = new DcsObserver(dcs, log)
    this.#objection = objection
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
  }

  get latest(): DcsObservation | null {
    return this.#latest
  }

  /** Returns whether it has been read, and nothing is against it at the moment. */
  get isReady(): boolean {
    return this.#latest?.type === 'snapshot' && this.#objection(this.#latest) === null
  }

  /** Returns what is against it at the moment, as far as it has been read. */
  get objection(): Objection | null {
    return this.#latest === null ? null : this.#objection(this.#latest)
  }

  /** Begins to observe, or hands over each observation from now on to another `take`. */
  observe(take: (observation: DcsObservation) => void, remembered: Remembered | null = null): void {
    this.#taken = take
    this.#running ??= this.observer.run(this.#signal, remembered, (observation) => {
      this.#latest = observation
      this.#taken(observation)
    })
  }

  /** Ends it, and resolves when it has; nothing is handed over any more. Idempotent. */
  async end(): Promise<void> {
    this.#taken = () => undefined
    this.#stop.abort()
    await this.#running
  }
}

export class DcsSuccession {
  readonly #log: Logger
  readonly #take: (observation: DcsObservation, isElsewhere: boolean) => void
  readonly #stop = new AbortController()
  #present: Successor
  /** Takes its place with its first snapshot. */
  #next: Successor | null = null
  readonly #ending = new Set<Promise<void>>()

  /** Observes nothing yet. `take`: `isElsewhere` marks the first observation of another DCS. */
  constructor(dcs: Dcs, log: Logger, take: (observation: DcsObservation, isElsewhere: boolean) => void) {
    this.#log = log
    this.#take = take
    this.#present = new Successor(dcs, log, this.#stop.signal)
  }

  get view(): DcsView {
    return this.#present.observer.view
  }

  /** Begins to observe; see `DcsObserver.run`. */
  start(remembered: Remembered | null): void {
    this.#present.observe((observation) => this.#take(observation, false), remembered)
  }

  /**
   * Observes another DCS beside the present one until `objection` has none to it. Rejects with the last objection after `limitMs`,
   * or at once with one that is final. The one that it resolves with is to be handed to `succeed`, or ended.
   */
  async tryOut(
    dcs: Dcs,
    objection: (observation: DcsObservation) => Objection | null,
    limitMs: number,
  ): Promise<Successor> {
    const successor = this.begin(dcs, objection)
    const reasons: (string | null)[] = [`it could not be read within ${limitMs / 1000} s`]
    const { promise, resolve } = Promise.withResolvers<undefined>()
    successor.observe(() => {
      const found = successor.objection
      reasons.push(found?.reason ?? null)
      if (found?.isFinal !== false) resolve(undefined)
    })
    await within(promise, limitMs, this.#stop.signal)
    const reason = this.#stop.signal.aborted ? SHUTTING_DOWN : (reasons.at(-1) ?? null)
    if (reason === null) return successor
    await successor.end()
    throw new RouterError('DCS_UNAVAILABLE', reason)
  }

  /** Observes another DCS beside the present one, for `succeed`. */
  begin(dcs: Dcs, objection: (observation: DcsObservation) => Objection | null): Successor {
    return new Successor(dcs, this.#log, this.#stop.signal, objection)
  }

  /**
   * Has another one take the place of the present one: now if it has been read and nothing is against it, or if the present one
   * has not been read; else as soon as that is so. A DCS that is some milliseconds behind would name the former leader once more.
   */
  succeed(successor: Successor): void {
    if (this.#next !== null) this.#end(this.#next)
    this.#next = successor
    if (successor.isReady || this.view.state === 'never') {
      this.#replace(successor)
      return
    }
    successor.observe(() => {
      if (successor.isReady) this.#replace(successor)
    })
  }

  #replace(successor: Successor): void {
    this.#next = null
    this.#end(this.#present)
    this.#present = successor
    successor.observe((observation) => this.#take(observation, false))
    if (successor.latest !== null) this.#take(successor.latest, true)
  }

  #end(successor: Successor): void {
    const ended = successor.end().finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }

  /** Ends all observation. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#present.end(), this.#next?.end(), ...this.#ending])
  }
}

/** Why a DCS may not take the place of the present one, or not yet. */
export interface Objection {
  readonly reason: string
  /** Waiting does not help. */
  readonly isFinal: boolean
}
