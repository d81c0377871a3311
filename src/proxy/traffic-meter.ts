/** Counts what a listener carries, by member. A packet costs one addition, a session some; nothing is kept of either. */
import { Histogram } from '../histogram.ts'
import { Rate } from './rate.ts'
import { type Begun, SessionMeter } from './session-meter.ts'
import type { ListenerTraffic, MemberTraffic } from './traffic.ts'

/** Upper bounds: of how long clients were held, and of how long members took to answer. Milliseconds. */
export const HOLD_BOUNDS_MS = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000] as const
export const CONNECT_BOUNDS_MS = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 5000] as const

/** Members that are gone and are still counted: names that never come again must not fill the memory. */
const MAX_GONE = 256

/** What one direction has carried. */
export class Tally {
  bytes = 0
}

export class MemberMeter {
  readonly sessions = new SessionMeter()
  /** Received from clients, and sent to them. */
  readonly received = new Tally()
  readonly sent = new Tally()
  failedDials = 0
  closedByRouter = 0

  /** Returns whether there is something to remember of it. */
  get isUsed(): boolean {
    return this.failedDials > 0 || this.sessions.total > 0
  }
}

export class TrafficMeter {
  readonly #sessions = new SessionMeter()
  /** In the order in which they were first counted. */
  readonly #members = new Map<string, MemberMeter>()
  /** What was carried by members that are no longer counted. */
  readonly #forgotten = { received: new Tally(), sent: new Tally() }
  readonly #accepted = new Rate()
  #maxHeld = 0
  readonly #hold = new Histogram(HOLD_BOUNDS_MS)
  readonly #connect = new Histogram(CONNECT_BOUNDS_MS)

  /** Returns what counts for a member; it is counted from the first call on. */
  member(name: string): MemberMeter {
    const known = this.#members.get(name)
    if (known !== undefined) return known
    const meter = new MemberMeter()
    this.#members.set(name, meter)
    return meter
  }

  /** Counts these members, new ones from 0 on. Members that are gone keep their counts, unless there are many of them. */
  follow(names: ReadonlySet<string>): void {
    for (const name of names) this.member(name)
    const gone = [...this.#members].filter(([name, { sessions }]) => !names.has(name) && sessions.open === 0)
    const used = gone.filter(([, { isUsed }]) => isUsed)
    const kept = new Set(used.slice(-MAX_GONE))
    for (const member of gone) if (!kept.has(member)) this.#forget(...member)
  }

  #forget(name: string, { received, sent }: MemberMeter): void {
    this.#forgotten.received.bytes += received.bytes
    this.#forgotten.sent.bytes += sent.bytes
    this.#members.delete(name)
  }

  /** Notes a connection that is accepted. `at`: milliseconds since the epoch. */
  accepted(at: number): void {
    this.#accepted.add(at)
  }

  /** Notes a session that begins. `wasHeld`: its client had to wait. */
  began(member: string, session: Begun, wasHeld: boolean): void {
    this.#sessions.began(session)
    this.member(member).sessions.began(session)
    if (wasHeld) this.#hold.observe(session.heldMs)
    this.#connect.observe(session.connectMs)
  }

  /** Notes that a session counts no longer: it has ended, or is being closed. */
  left(member: string): void {
    this.#sessions.left()
    this.member(member).sessions.left()
  }

  /** Notes how long a session has taken in all. Milliseconds. */
  ended(member: string, durationMs: number): void {
    this.#sessions.ended(durationMs)
    this.member(member).sessions.ended(durationMs)
  }

  /** Notes how many clients are held. */
  holds(held: number): void {
    if (held > this.#maxHeld) this.#maxHeld = held
  }

  /** Returns all of it. `at`: now; milliseconds since the epoch. */
  at(at: number): ListenerTraffic {
    const members = [...this.#members]
      .map(([member, meter]) => memberTraffic(member, meter, at))
      .toSorted((one, other) => (one.member < other.member ? -1 : 1))
    const { received, sent } = this.#forgotten
    return {
      ...this.#sessions.at(at),
      bytesIn: members.reduce((sum, { bytesIn }) => sum + bytesIn, received.bytes),
      bytesOut: members.reduce((sum, { bytesOut }) => sum + bytesOut, sent.bytes),
      members,
      ...{ acceptRate: this.#accepted.at(at), maxAcceptRate: this.#accepted.max },
      maxHeld: this.#maxHeld,
      hold: this.#hold.counts,
      connect: this.#connect.counts,
    }
  }
}

function memberTraffic(member: string, meter: MemberMeter, at: number): MemberTraffic {
  const { received, sent, failedDials, closedByRouter, sessions } = meter
  return {
    member,
    ...sessions.at(at),
    ...{ bytesIn: received.bytes, bytesOut: sent.bytes, failedDials, closedByRouter },
  }
}
