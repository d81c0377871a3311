/** The released clients that are being opened: how many may be at the same time, by what the server makes of them. */
import { FIRST_PACE, type Mark, openingFor, type Pace, paceAfter, paceAfterFailure, SILENT_MS } from './release-pace.ts'

/** What became of it: a server answered; none can be dialled; or the servers are not at fault. */
export type Outcome = 'joined' | 'none' | 'again'

export interface OpeningsOptions {
  /** Returns some of those that wait. */
  readonly waiting: () => readonly Mark[]
  /** Called when there is room for one more. */
  readonly room: () => void
}

export class Openings {
  readonly #options: OpeningsOptions
  #count = 0
  #pace: Pace = FIRST_PACE
  #limit = FIRST_PACE.opening
  /** How long answers took, of those begun since the pace was set. */
  #answersMs: number[] = []
  #since = 0
  #isSilent = false

  constructor(options: OpeningsOptions) {
    this.#options = options
  }

  get hasRoom(): boolean {
    return this.#count < this.#limit
  }

  /** Returns whether one has had no answer in its time, and none has come since. */
  get isSilent(): boolean {
    return this.#isSilent
  }

  /** Begins with another server. */
  restart(): void {
    this.#isSilent = false
    this.#set(FIRST_PACE)
  }

  /** Counts one until the function that is returned is called, or for `SILENT_MS`. */
  begin(): (outcome: Outcome) => void {
    this.#count++
    const since = performance.now()
    const end = (outcome: Outcome, tookMs: number): void => {
      if (timer === null) return
      clearTimeout(timer)
      timer = null
      this.#count--
      // What began before the pace was set says nothing about it.
      if (since >= this.#since) this.#note(outcome, tookMs)
      this.#options.room()
    }
    let timer: NodeJS.Timeout | null = setTimeout(() => {
      this.#isSilent = true
      end('joined', SILENT_MS)
    }, SILENT_MS)
    return (outcome) => {
      // Also a late answer is one; a client that has left says nothing about the server.
      if (outcome !== 'again') this.#isSilent = false
      end(outcome, performance.now() - since)
    }
  }

  #note(outcome: Outcome, tookMs: number): void {
    if (outcome === 'none') this.#set(paceAfterFailure(this.#pace))
    if (outcome !== 'joined') return
    this.#answersMs.push(tookMs)
    if (this.#answersMs.length >= this.#pace.opening) this.#set(paceAfter(this.#pace, this.#answersMs))
  }

  #set(pace: Pace): void {
    this.#pace = pace
    this.#limit = openingFor(pace, this.#options.waiting())
    this.#answersMs = []
    this.#since = performance.now()
  }
}
