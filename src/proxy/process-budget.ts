/** A worker's share of the process: of its descriptors and its memory. The listeners of every proxy that it serves share it. */
import { NO_LIMITS, type ProcessLimits } from '../process-limits.ts'
import { counted } from '../text/wording.ts'
import { capacityOf } from './capacity.ts'
import type { Talk } from './client.ts'
import type { ReadAhead } from './client-gone.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { Semaphore } from './semaphore.ts'

/** Connections that cancel requests may have open at a time. */
const MAX_CANCELS = 32
/** A session has no larger part of what sessions may read ahead than this of what is left: others need some as well. */
const READ_AHEAD_PART = 1 / 4

export class ProcessBudget implements ReadAhead, Talk {
  readonly connections = new ConnectionLimit(Infinity)
  readonly cancels = new Semaphore(MAX_CANCELS)
  #descriptors: number | null = null
  #limit = ''
  #refusals = 0
  #sessions = 0
  #talkative = 0
  #readAhead = 0
  /** What was handed out is to come back. */
  #whole = { talkative: 0, readAhead: 0 }

  /** `proxies`: how many share it. */
  constructor(limits: ProcessLimits = NO_LIMITS, proxies = 1) {
    this.resize(limits, proxies)
  }

  /** Shares it between another number of proxies from now on, whatever is in use. */
  resize(limits: ProcessLimits = NO_LIMITS, proxies = 1): void {
    const { connections, why, refusals, talkative, readAheadBytes } = capacityOf(limits, proxies)
    this.connections.max = connections
    this.#descriptors = limits.descriptors
    this.#limit = `the router's limit of ${counted(connections, 'connection')} is reached (${why})`
    this.#refusals = Math.max(1, Math.floor(refusals / Math.max(1, proxies)))
    this.#talkative += talkative - this.#whole.talkative
    this.#readAhead += readAheadBytes - this.#whole.readAhead
    this.#whole = { talkative, readAhead: readAheadBytes }
  }

  /** Returns the limit of open files; null: not known. */
  get descriptors(): number | null {
    return this.#descriptors
  }

  /** Returns why there are no more connections. */
  get limit(): string {
    return this.#limit
  }

  /** Returns how many clients of each proxy may be on their way out. */
  get refusals(): number {
    return this.#refusals
  }

  /** Returns the number of the session that began last; 0: none has. */
  get lastSession(): number {
    return this.#sessions
  }

  /** Returns the number of a session that begins: there is no other with it. */
  numberSession(): number {
    return ++this.#sessions
  }

  /** Returns whether one more client may have sent much before a server has answered; `leaveTalkative` is due then. */
  enterTalkative(): boolean {
    if (this.#talkative <= 0) return false
    this.#talkative--
    return true
  }

  leaveTalkative(): void {
    this.#talkative++
  }

  grant(bytes: number, held: number): boolean {
    if (held + bytes > this.#readAhead * READ_AHEAD_PART) return false
    this.#readAhead -= bytes
    return true
  }

  giveBack(bytes: number): void {
    this.#readAhead += bytes
  }
}
