/** What the proxy publishes of itself for `status` and later for metrics. Plain data. */
import { now } from '../clock.ts'
import type { ListenerConfig, Route } from '../config/config.ts'
import type { HeldByRequest } from '../override.ts'
import { ENDINGS, type EndReason, FENCINGS, REFUSALS, type RefusalReason } from './counters.ts'
import type { Counts, ListenerState } from './messages.ts'
import type { FenceFault } from './primary-fence.ts'
import { isForPrimary } from './route.ts'
import type { ListenerTraffic } from './traffic.ts'

export { isForPrimary }

export interface ProxyStatus {
  /** The limit of all its listeners together; 0: none. */
  readonly maxConnections: number
  readonly listeners: readonly ListenerStatus[]
  readonly sessions: readonly MemberSessions[]
  readonly held: { readonly connections: number; readonly oldestMs: number | null }
  readonly totals: {
    readonly accepted: number
    readonly refused: number
    readonly fenced: number
    readonly failedDials: number
    readonly gaveUp: number
    /** Sessions that have begun. */
    readonly sessions: number
    /** Received from the clients of sessions, and sent to them. */
    readonly bytesIn: number
    readonly bytesOut: number
  }
  /** Clients that were turned away, by reason; every reason is there. */
  readonly refusals: Readonly<Record<RefusalReason, number>>
  /** Sessions that the router has ended, by reason; every reason is there. */
  readonly endings: Readonly<Record<EndReason, number>>
}

export interface ListenerStatus {
  readonly name: string
  readonly route: Route
  /**
   * As bound: `[::]:5000`, the port is the kernel's where the configuration said 0; paths of Unix sockets; commas between
   * several.
   */
  readonly address: string
  readonly sessions: number
  readonly held: number
  /** As in the view: sorted by name. */
  readonly members: readonly MemberStatus[]
  /** How often it has lost its last usable member since it was built. */
  readonly downs: number
  /** Whether the primary serves now because no member of the route can. */
  readonly fallback: boolean
  /** What is wrong with the router itself here; null: nothing. */
  readonly fault: ListenerFault | null
  readonly traffic: ListenerTraffic
  /** What it has counted since it was built; every reason is there. */
  readonly counts: Counts
  /** The limit of its own (`set maxconn frontend`); 0: none. */
  readonly maxConnections: number
  /** null: no hold was requested. */
  readonly heldByRequest: HeldByRequest | null
}

export interface ListenerFault {
  /**
   * `fence`: its sessions on an earlier primary cannot be closed, so all listeners hold new connections to the next one.
   * `open`: it alone holds new connections to the primary. `view`: it holds all new connections. `closing`: sessions are
   * open that should be closed. `listen`: it cannot bind its address.
   */
  readonly kind: 'fence' | 'open' | 'view' | 'closing' | 'listen'
  readonly reason: string
}

/** Returns whether its fault makes the router hold new connections to the primary: a fence those of all listeners. */
export function holdsPrimary({
  fault,
  route,
}: {
  readonly fault: Pick<ListenerFault, 'kind'> | null
  readonly route: Route
}): boolean {
  if (fault?.kind === 'fence') return true
  return (fault?.kind === 'open' || fault?.kind === 'view') && isForPrimary(route)
}

/** Whether new sessions of a listener go to a member. */
export interface MemberStatus {
  readonly member: string
  readonly fit: boolean
  /** Why not; empty where it is. */
  readonly reason: string
  /** Since when `fit` is what it is; milliseconds since the epoch. */
  readonly since: number
  /** How often it has become unfit since the listener was built, and for how long it has been so in all. Milliseconds. */
  readonly downs: number
  readonly downMs: number
}

/** One session, as `sessions` lists it. */
export interface SessionStatus {
  /** Unique in the process: `0x1f`. */
  readonly id: string
  readonly cluster: string
  readonly listener: string
  readonly route: Route
  readonly member: string
  /** Where the member is. */
  readonly server: string
  /** Its address and port, or the path of the Unix socket by which it came. */
  readonly client: string
  /** When it was accepted; milliseconds since the epoch. */
  readonly since: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface MemberSessions {
  readonly member: string
  readonly listener: string
  readonly sessions: number
}

/** What the status of a listener is made of. */
interface Reported {
  readonly config: ListenerConfig
  readonly state: ListenerState
  readonly listenFault: string | null
  readonly heldByRequest: HeldByRequest | null
}

/** What removed listeners have counted, so that no total ever falls. */
export interface Past {
  readonly counts: Counts
  readonly carried: Carried
}

type Carried = Pick<ListenerTraffic, 'totalSessions' | 'bytesIn' | 'bytesOut'>

/** Returns the status. `leaving`: listeners that are no longer configured; `past`: the counts of those that are removed. */
export function statusOf<L extends Reported>(
  listeners: Iterable<L>,
  leaving: Iterable<L>,
  past: Past,
  faults: ReadonlyMap<L, FenceFault>,
): Omit<ProxyStatus, 'maxConnections'> {
  const present = [...listeners]
  const all = [...present, ...leaving]
  const states = all.map(({ state }) => state)
  const oldest = states.flatMap(({ oldestHeld }) => oldestHeld ?? [])
  const { accepted, failedDials, gaveUp, refusals, endings } = countsOf([past.counts, ...states])
  const { totalSessions, bytesIn, bytesOut } = carriedOf([past.carried, ...states.map(({ traffic }) => traffic)])
  return {
    listeners: present.map((each) => {
      const { name, route } = each.config
      const { address, sessions, held, members, downs, fallback, traffic, maxConnections } = each.state
      const count = sessions.reduce((sum, [, number]) => sum + number, 0)
      return {
        ...{
          name,
          route,
          address,
          sessions: count,
          held,
          members,
          downs,
          fallback,
          fault: faultOf(each, faults.get(each)),
        },
        ...{ traffic, maxConnections },
        counts: countsOf([each.state]),
        heldByRequest: each.heldByRequest,
      }
    }),
    sessions: all.flatMap(({ config: { name: listener }, state }) =>
      state.sessions.map(([member, sessions]) => ({ member, listener, sessions })),
    ),
    held: {
      connections: states.reduce((sum, { held }) => sum + held, 0),
      oldestMs: oldest.length === 0 ? null : now() - Math.min(...oldest),
    },
    totals: {
      accepted,
      ...{ failedDials, gaveUp },
      refused: Object.values(refusals).reduce((sum, n) => sum + n, 0),
      fenced: FENCINGS.reduce((sum, cause) => sum + endings[cause], 0),
      ...{ sessions: totalSessions, bytesIn, bytesOut },
    },
    refusals,
    endings,
  }
}

function faultOf({ state, listenFault }: Reported, fault: FenceFault | undefined): ListenerFault | null {
  if (fault !== undefined) return fault
  if (state.fault !== null) return state.fault
  return listenFault === null ? null : { kind: 'listen', reason: listenFault }
}

/** Adds up. */
export function countsOf(all: readonly Counts[]): Counts {
  const sum = (each: (counts: Counts) => number): number => all.reduce((total, counts) => total + each(counts), 0)
  return {
    accepted: sum(({ accepted }) => accepted),
    failedDials: sum(({ failedDials }) => failedDials),
    gaveUp: sum(({ gaveUp }) => gaveUp),
    refusals: byReason(REFUSALS, (reason) => sum(({ refusals }) => refusals[reason])),
    endings: byReason(ENDINGS, (reason) => sum(({ endings }) => endings[reason])),
  }
}

function byReason<K extends string>(reasons: readonly K[], count: (reason: K) => number): Readonly<Record<K, number>> {
  return Object.fromEntries(reasons.map((reason) => [reason, count(reason)])) as Record<K, number>
}

function carriedOf(all: readonly Carried[]): Carried {
  const sum = (each: (carried: Carried) => number): number => all.reduce((total, carried) => total + each(carried), 0)
  return {
    totalSessions: sum(({ totalSessions }) => totalSessions),
    bytesIn: sum(({ bytesIn }) => bytesIn),
    bytesOut: sum(({ bytesOut }) => bytesOut),
  }
}

/** Adds what a listener has counted that is removed. */
export function pastOf({ counts, carried }: Past, state: ListenerState): Past {
  return { counts: countsOf([counts, state]), carried: carriedOf([carried, state.traffic]) }
}

export const NO_COUNTS: Counts = countsOf([])
export const NO_PAST: Past = { counts: NO_COUNTS, carried: carriedOf([]) }
