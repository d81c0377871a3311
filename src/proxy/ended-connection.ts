/** What is known of a connection when it ends. */
import { now } from '../clock.ts'
import type { ListenerConfig } from '../config/config.ts'
import type { Client, Peer } from './client.ts'
import type { ConnectionEnd, EndedConnection } from './connection-line.ts'

/** How an IPv4 address looks to a socket of IPv6. */
const MAPPED = '::ffff:'

/** Returns it as plain data. `local`: this end of the connection to the member. */
export function endedConnection(
  { name: listener, route }: Pick<ListenerConfig, 'name' | 'route'>,
  client: Client,
  reason: ConnectionEnd,
  local: Peer | null,
): EndedConnection {
  const { socket, peer, via, stage, heldMs, connectMs } = client
  const target = stage === 'session' || stage === 'connect' ? client.target : null
  return {
    listener,
    route,
    endedAt: now(),
    client: via ?? (peer === null ? null : plainAddress(peer.address)),
    clientPort: peer?.port ?? null,
    member: target?.member ?? null,
    memberAddress: target?.address ?? null,
    localAddress: local === null ? null : plainAddress(local.address),
    localPort: local?.port ?? null,
    heldMs,
    connectMs: connectMs === null ? null : Math.round(connectMs),
    durationMs: Math.round(client.ageMs),
    bytesIn: socket.bytesRead,
    bytesOut: socket.bytesWritten,
    reason,
    stage,
  }
}

/** Returns an address without the form that IPv4 has for a socket of IPv6. */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
}
