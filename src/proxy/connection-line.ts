/** The line of the connection log that a connection ends with. Pure. */
import { hostPort } from '../address.ts'
import type { Route } from '../config/config.ts'
import { inSeconds } from '../text/wording.ts'
import type { Address } from '../watcher/view.ts'
import type { EndReason, RefusalReason } from './counters.ts'

/** What one of the peers did, or the connection to it. */
export type PeerEnd =
  | 'client-closed'
  /** The connection broke: a reset, or no answer to TCP keepalives. */
  | 'client-reset'
  | 'server-closed'
  | 'server-reset'

/** Why a connection of a client ended. */
export type ConnectionEnd = EndReason | RefusalReason | PeerEnd | 'cancel'

/** How far a connection has come: it sends its first packet, is held, a member is dialled for it, it has a session. */
export type Stage = 'request' | 'queue' | 'connect' | 'session'

/** What is known of a connection when it ends: plain data. */
export interface EndedConnection {
  readonly listener: string
  readonly route: Route
  /** Milliseconds since the epoch. */
  readonly endedAt: number
  /** Its address, or the path of the Unix socket by which it came; null: not known. */
  readonly client: string | null
  readonly clientPort: number | null
  /** Of its session, or that was being dialled when it ended; null: none. */
  readonly member: string | null
  readonly memberAddress: Address | null
  /** This end of the connection to the member; null: there was none, or it is not known. */
  readonly localAddress: string | null
  readonly localPort: number | null
  readonly heldMs: number
  /** Null: no member has answered. */
  readonly connectMs: number | null
  readonly durationMs: number
  /** Received from the client, and sent to it. */
  readonly bytesIn: number
  readonly bytesOut: number
  readonly reason: ConnectionEnd
  readonly stage: Stage
}

export interface ConnectionLine {
  /** When the connection ended: milliseconds since the epoch. */
  readonly at: number
  readonly fields: Readonly<Record<string, unknown>> & { readonly event: 'connection' }
  readonly message: string
}

/** Returns the line. `cluster`: its name; null: there is no other. */
export function connectionLine(ended: EndedConnection, cluster: string | null): ConnectionLine {
  const { listener, route, endedAt, client, clientPort, member, memberAddress, reason, stage, ...rest } = ended
  const { localAddress, localPort, heldMs, connectMs, durationMs, bytesIn, bytesOut } = rest
  const from = client === null ? 'a client' : clientPort === null ? client : hostPort(client, clientPort)
  const to = member === null ? '' : ` to ${member}`
  const where = cluster === null ? listener : `${cluster}: ${listener}`
  return {
    at: endedAt,
    fields: {
      event: 'connection',
      ...(cluster === null ? {} : { cluster }),
      ...{ listener, route, client, clientPort, member },
      memberAddress: memberAddress && hostPort(memberAddress.host, memberAddress.port),
      ...{ localAddress, localPort, heldMs, connectMs, durationMs, bytesIn, bytesOut, reason },
      termination: terminationOf(reason, stage),
    },
    message: `${where}: ${from}${to}: ${reason} after ${inSeconds(durationMs)}`,
  }
}

/** HAProxy's second character. A client that sends its first packet has no word of its own in TCP mode: it is R, as with content rules. */
const STATES: Readonly<Record<Stage, string>> = { request: 'R', queue: 'Q', connect: 'C', session: 'D' }

/**
 * Returns HAProxy's termination state (configuration manual, 8.5): first what ended the connection, then how far it had
 * come. Its source decides the rest: a full queue is `SQ` (backend.c), the end of a
 * drain K (proxy.c, `hard_stop`), and so is a session that was closed by request (stream.c, `shutdown session`).
 */
export function terminationOf(reason: ConnectionEnd, stage: Stage): string {
  const state = STATES[stage]
  switch (reason) {
    case 'cancel':
      return '--'
    case 'client-closed':
      return stage === 'session' ? '--' : `C${state}`
    case 'server-closed':
      return stage === 'session' ? '--' : `S${state}`
    case 'client-reset':
    case 'client-gone':
      return `C${state}`
    case 'server-reset':
      return `S${state}`
    case 'client-timeout':
      return `c${state}`
    case 'server-timeout':
      return `s${state}`
    case 'fence':
    case 'member-down':
    case 'member-moved':
      return `D${state}`
    case 'fallback-over':
      return `U${state}`
    case 'admin':
    case 'drain-timeout':
    case 'shutdown':
      return `K${state}`
    case 'hold-timeout':
      return 'sQ'
    case 'hold-limit':
      return 'SQ'
    case 'connection-limit':
      return 'PR'
    case 'process-limit':
      return 'PC'
    case 'silent':
      return stage === 'request' ? 'cR' : `P${state}`
  }
}
