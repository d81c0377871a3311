/** What a listener has carried since it was built: plain data that crosses the cut between worker and proxy. */
import type { HistogramCounts } from '../histogram.ts'

/** How many sessions there are and were, and what they carried. */
export interface Traffic {
  readonly sessions: number
  readonly maxSessions: number
  /** Since the start. */
  readonly totalSessions: number
  /** Received from clients, and sent to them. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** New sessions in the last second, and the most in any. */
  readonly rate: number
  readonly maxRate: number
  /** When the last one began; null: none has. Milliseconds since the epoch. */
  readonly lastSessionAt: number | null
  /** Averages over the last 1,024 sessions, as in HAProxy: how long they were held, dialled and connected. Milliseconds. */
  readonly averageHeldMs: number
  readonly averageConnectMs: number
  readonly averageSessionMs: number
}

/** One member behind a listener. */
export interface MemberTraffic extends Traffic {
  readonly member: string
  /** Dials that failed. */
  readonly failedDials: number
  /** Sessions that were ended because it went down, or is no longer what the route is for. */
  readonly closedByRouter: number
}

/** A listener as a whole, whatever members its sessions are on. */
export interface ListenerTraffic extends Traffic {
  /** By member; members that are gone stay as long as the listener does. Sorted by name. */
  readonly members: readonly MemberTraffic[]
  /** Connections that were accepted in the last second, whatever became of them, and the most in any. */
  readonly acceptRate: number
  readonly maxAcceptRate: number
  /** The most clients that were held at a time. */
  readonly maxHeld: number
  /** How long clients were held before they were served; only those that were. */
  readonly hold: HistogramCounts
  /** From the dial to the answer of the member. */
  readonly connect: HistogramCounts
}

const NOTHING: Traffic = {
  ...{
    sessions: 0,
    maxSessions: 0,
    totalSessions: 0,
    bytesIn: 0,
    bytesOut: 0,
    rate: 0,
    maxRate: 0,
    lastSessionAt: null,
  },
  ...{ averageHeldMs: 0, averageConnectMs: 0, averageSessionMs: 0 },
}

/** What a listener has carried that has carried nothing. */
export const NO_TRAFFIC: ListenerTraffic = {
  ...NOTHING,
  members: [],
  ...{ acceptRate: 0, maxAcceptRate: 0 },
  maxHeld: 0,
  hold: { bounds: [], counts: [0], sum: 0 },
  connect: { bounds: [], counts: [0], sum: 0 },
}
