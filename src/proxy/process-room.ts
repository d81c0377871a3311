/** What the proxies of one process share: its descriptors and its memory. */
import { NO_LIMITS, type ProcessLimits } from '../process-limits.ts'
import { capacityOf } from './capacity.ts'
import type { ReadAhead } from './departure.ts'
import { Seats } from './seats.ts'
import { Turnstile } from './turnstile.ts'

/** Connections that cancel requests may have open at a time. */
const MAX_CANCELS = 32
/** What sessions may read ahead together. Bytes. */
const MAX_READ_AHEAD = 64 * 1024 * 1024

export class ProcessRoom implements ReadAhead {
  /** Of open files; null: not known. */
  readonly descriptors: number | null
  readonly seats: Seats
  /** Why there are no more seats. */
  readonly limit: string
  /** How many clients of each proxy may be on their way out. */
  readonly refusals: number
  readonly cancels = new Turnstile(MAX_CANCELS)
  #talkative: number
  #readAhead = MAX_READ_AHEAD

  /** `proxies`: how many share it. */
  constructor(limits: ProcessLimits = NO_LIMITS, proxies = 1) {
    const { connections, why, refusals, talkative } = capacityOf(limits, proxies)
    this.descriptors = limits.descriptors
    this.seats = new Seats(connections)
    this.limit = `the router's limit of ${connections} connections is reached (${why})`
    this.refusals = Math.max(1, Math.floor(refusals / Math.max(1, proxies)))
    this.#talkative = talkative
  }

  /** Whether one more client may have sent much before a server has answered; `leaveTalkative` is due then. */
  enterTalkative(): boolean {
    if (this.#talkative <= 0) return false
    this.#talkative--
    return true
  }

  leaveTalkative(): void {
    this.#talkative++
  }

  grant(bytes: number): boolean {
    if (this.#readAhead < bytes) return false
    this.#readAhead -= bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#readAhead += bytes
  }
}
