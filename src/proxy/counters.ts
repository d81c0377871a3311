/** Clients that were turned away and sessions that were ended: counted by reason, logged, and summed up where they are many. */
import { counted } from '../text/wording.ts'
import { SummedLines } from '../summed-lines.ts'
import type { ListenerLog } from './log-lines.ts'

export const REFUSALS = [
  /** No server became available within `hold.timeout`. */
  'hold-timeout',
  /** `hold.max_connections`. */
  'hold-limit',
  /** `max_connections`. */
  'connection-limit',
  /** The process has no descriptors or memory for more. */
  'process-limit',
  /** It sent nothing, or half a startup packet, for as long as Postgres waits. */
  'silent',
  'shutdown',
] as const
export type RefusalReason = (typeof REFUSALS)[number]

export const ENDINGS = [
  /** Another primary, or none. */
  'fence',
  'member-down',
  'member-moved',
  /** `close_fallback`. */
  'fallback-over',
  'client-timeout',
  'server-timeout',
  /** The client is gone, and its server takes no notice. */
  'client-gone',
  /** Closed by request. */
  'admin',
  'drain-timeout',
  'shutdown',
] as const
export type EndReason = (typeof ENDINGS)[number]

/** Their server is not, or no longer, what the route is for. */
export const FENCINGS: readonly EndReason[] = ['fence', 'member-down', 'member-moved', 'fallback-over']

/** After a line has been logged, others for the same reason are summed up for this long. Milliseconds. */
const SUM_MS = 5000

export class Counters {
  readonly #log: ListenerLog
  readonly #changed: () => void
  #refusals: Readonly<Record<RefusalReason, number>> = zeros(REFUSALS)
  #endings: Readonly<Record<EndReason, number>> = zeros(ENDINGS)
  #gaveUp = 0
  readonly #lines = new SummedLines(SUM_MS)

  /** `changed`: called after each count. */
  constructor(log: ListenerLog, changed: () => void) {
    this.#log = log
    this.#changed = changed
  }

  /** Returns the count of every reason, also of one that has not occurred. */
  get refusals(): Readonly<Record<RefusalReason, number>> {
    return this.#refusals
  }

  get endings(): Readonly<Record<EndReason, number>> {
    return this.#endings
  }

  /** Returns how many clients have left before a server has answered. */
  get gaveUp(): number {
    return this.#gaveUp
  }

  /** Notes a client that has left before a server has answered, such as one whose own timeout is shorter than the hold's. */
  leftEarly(): void {
    this.#gaveUp++
    this.#changed()
  }

  /** Notes a client that is turned away. `why` and `hint`: what it reads, where it can read. */
  refused(reason: RefusalReason, why: string, hint = ''): void {
    this.#refusals = { ...this.#refusals, [reason]: this.#refusals[reason] + 1 }
    this.#changed()
    this.#lines.add(reason, (connections, within) => {
      const fields = { event: 'refused', reason, connections, ...(hint === '' ? {} : { hint }) }
      const what = `refused ${counted(connections, 'connection')}${within}: ${why}`
      this.#log('warn', fields, `${what}${hint === '' ? '' : ` (${hint})`}`)
    })
  }

  /** Notes a session that is ended for itself alone, such as an idle one. */
  ended(reason: EndReason, member: string, why: string): void {
    this.#addEndings(reason, 1)
    this.#lines.add(`${reason} ${member}`, (connections, within) => {
      const fields = { event: 'session-ended', cause: reason, member, connections, reason: why }
      this.#log('info', fields, `closed ${counted(connections, 'session')} on ${member}${within}: ${why}`)
    })
  }

  /** Notes sessions that are ended together. */
  closed(cause: EndReason, member: string, connections: number, reason: string): void {
    this.#addEndings(cause, connections)
    const event = FENCINGS.includes(cause) ? 'fenced' : 'session-ended'
    const what = `closed ${counted(connections, 'session')} on ${member}`
    this.#log('warn', { event, cause, member, connections, reason }, `${what}: ${reason}`)
  }

  /** Logs what has been summed up, and sums up nothing any more. Idempotent. */
  close(): void {
    this.#lines.close()
  }

  #addEndings(reason: EndReason, connections: number): void {
    this.#endings = { ...this.#endings, [reason]: this.#endings[reason] + connections }
    this.#changed()
  }
}

/** Returns a count of 0 for each of the reasons. */
function zeros<K extends string>(reasons: readonly K[]): Readonly<Record<K, number>> {
  return Object.fromEntries(reasons.map((reason) => [reason, 0])) as Record<K, number>
}
