/** Asks one question at an interval, and for a while more often. */
import { BURST, type Bursts } from './bursts.ts'

export interface PollOptions {
  /**
   * Asks once. Must not reject, and must end soon after `signal` aborts. `answered`: to be called with the answer, before
   * it is reported: the questions that were asked earlier are given up, so that none of their answers follows.
   */
  readonly ask: (signal: AbortSignal, answered: () => void) => Promise<void>
  /** 0..1; spreads the questions of many routers. */
  readonly random: () => number
  /** Limits its bursts together with those of others; none: it has none. */
  readonly bursts?: Bursts
}

/** Between an answer that took longer than the interval and the next question. */
const MIN_PAUSE_MS = 10

/** A question with an interval that may change at any time. At most one is under way, except in a burst. */
export class Poll {
  readonly #options: PollOptions
  #intervalMs: number | null = null
  #timer: NodeJS.Timeout | null = null
  /** The questions under way, in the order in which they were asked. */
  readonly #asking = new Set<AbortController>()
  #askedAt = 0
  #endBurst: (() => void) | null = null

  constructor(options: PollOptions) {
    this.#options = options
  }

  /**
   * Sets the time from one question to the next, in milliseconds; null stops. A shorter one takes effect at once.
   * `changed`: the subject of the question is different now, so the questions under way are given up and it is asked
   * again. That ends no burst.
   */
  every(intervalMs: number | null, changed: boolean): void {
    const before = this.#intervalMs
    this.#intervalMs = intervalMs
    if (intervalMs === null || changed) this.#giveUpAll()
    if (intervalMs === null) {
      this.calm()
      return
    }
    if (before === null || changed) this.#ask()
    else if (intervalMs < before) this.#schedule()
  }

  /** Asks every 20 ms for the next 3 s, three questions at a time at most, if it asks at all and there is room for it. */
  hurry(): void {
    this.calm()
    const end = this.#intervalMs === null ? null : (this.#options.bursts?.begin() ?? null)
    if (end === null) return
    const timer = setTimeout(() => this.calm(), BURST.forMs)
    this.#endBurst = () => {
      clearTimeout(timer)
      end()
    }
    this.#schedule()
  }

  /** Asks at the interval again. The questions under way are not given up. */
  calm(): void {
    if (this.#endBurst === null) return
    this.#endBurst()
    this.#endBurst = null
    this.#schedule()
  }

  #ask(): void {
    const controller = new AbortController()
    this.#asking.add(controller)
    this.#askedAt = performance.now()
    const answered = (): void => this.#giveUpBefore(controller)
    const done = (): void => {
      answered()
      if (this.#asking.delete(controller)) this.#schedule()
    }
    // A question must not reject: if it does, that is logged as a fault, and the next one follows.
    void this.#options.ask(controller.signal, answered).finally(done)
    this.#schedule()
  }

  /** Gives up the questions that were asked before `answered`, if that has not been given up itself. */
  #giveUpBefore(answered: AbortController): void {
    if (!this.#asking.has(answered)) return
    for (const asked of this.#asking) {
      if (asked === answered) return
      this.#asking.delete(asked)
      asked.abort()
    }
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const isBurst = this.#endBurst !== null
    if (this.#intervalMs === null || this.#asking.size >= (isBurst ? BURST.atOnce : 1)) return
    const everyMs = isBurst ? Math.min(BURST.everyMs, this.#intervalMs) : this.#intervalMs
    // A tenth of jitter, so that routers started together do not ask together for ever.
    const period = everyMs * (0.95 + 0.1 * this.#options.random())
    const pause = Math.max(isBurst ? 0 : MIN_PAUSE_MS, this.#askedAt + period - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#ask()
    }, pause)
  }

  #giveUpAll(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const asked of this.#asking) asked.abort()
    this.#asking.clear()
  }
}
