/** Why a client is not served, as it reads it. Pure. */
import type { ProxyConfig, Route } from '../config/config.ts'
import { counted, inSeconds } from '../text/wording.ts'
import type { RefusalReason } from './counters.ts'
import type { Refusal } from './refusals.ts'
import { nounOf } from './route.ts'

/** Why clients are refused, and listeners are no longer waited for, while the router shuts down. */
export const SHUTTING_DOWN = 'the router is shutting down'

export interface Unserved {
  readonly reason: RefusalReason
  readonly sqlState: Refusal['sqlState']
  readonly message: string
}

/** Returns why a client no longer waits, or may not wait at all. `whyClosing`: why the hold is closed. */
export function notHeld(
  turn: 'timeout' | 'full' | 'closed',
  route: Route,
  { timeoutMs, maxConnections }: Pick<ProxyConfig['hold'], 'timeoutMs' | 'maxConnections'>,
  whyClosing: string,
): Unserved {
  const wanted = nounOf(route)
  switch (turn) {
    case 'timeout': {
      const message =
        timeoutMs === 0 ? `no ${wanted} is available` : `no ${wanted} became available within ${inSeconds(timeoutMs)}`
      return { reason: 'hold-timeout', sqlState: '57P03', message }
    }
    case 'full': {
      const message = `too many clients are waiting (hold.max_connections is ${maxConnections})`
      return { reason: 'hold-limit', sqlState: '53300', message }
    }
    case 'closed':
      return { reason: 'shutdown', sqlState: '57P03', message: whyClosing }
  }
}

/** Returns why there is no room under the limit that a listener was given by request. */
export function overListenerLimit(listener: string, max: number): Unserved {
  const message = `the limit of ${counted(max, 'connection')} of the listener ${listener} is reached (set maxconn frontend)`
  return { reason: 'connection-limit', sqlState: '53300', message }
}

/** Returns why there is no room under `max_connections`. */
export function overLimit(maxConnections: number): Unserved {
  const message = `the router's limit of ${counted(maxConnections, 'connection')} is reached (max_connections)`
  return { reason: 'connection-limit', sqlState: '53300', message }
}
