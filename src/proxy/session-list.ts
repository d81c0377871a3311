/** Sessions, found by what an operator gives of them and shown as plain data. */
import { isIP, SocketAddress } from 'node:net'
import { hostPort } from '../address.ts'
import type { ListenerConfig } from '../config/config.ts'
import { plainAddress } from './ended-connection.ts'
import type { Joined } from './sessions.ts'
import type { SessionStatus } from './status.ts'

/** Sessions of a proxy that match all that is given. */
export interface ProxySessionFilter {
  readonly listener?: string
  readonly member?: string
  /** An IP address without port, or the path of the Unix socket of a listener. */
  readonly client?: string
  readonly id?: string
}

/** The same of one listener. */
export type SessionMatch = Omit<ProxySessionFilter, 'listener'>

/** A session of a proxy, which is one cluster's. */
export type ProxySession = Omit<SessionStatus, 'cluster'>

/** Returns whether a session matches. */
export function matcherOf({ member, client, id }: SessionMatch): (joined: Joined) => boolean {
  const address = client === undefined ? null : (normalizedClient(client) ?? client)
  return ({ id: own, target, client: peer }) => {
    if (id !== undefined && idOf(own) !== id.toLowerCase()) return false
    if (member !== undefined && target.member !== member) return false
    return address === null || addressOf(peer) === address
  }
}

/** Returns a session as it is listed. */
export function listedSession(
  { name: listener, route }: Pick<ListenerConfig, 'name' | 'route'>,
  { id, client, target }: Joined,
): ProxySession {
  const { socket, via } = client
  const { host, port } = target.address
  const address = addressOf(client)
  return {
    id: idOf(id),
    ...{ listener, route, member: target.member, server: hostPort(host, port) },
    client: via ?? hostPort(address, client.peer?.port ?? 0),
    since: client.acceptedAt,
    bytesIn: socket.bytesRead,
    bytesOut: socket.bytesWritten,
  }
}

function idOf(id: number): string {
  return `0x${id.toString(16)}`
}

/** Returns the address of a client, or the path of the Unix socket by which it came. */
function addressOf(client: Joined['client']): string {
  if (client.peer === null) client.notePeer()
  return client.via ?? plainAddress(client.peer?.address ?? '')
}

/** Returns an IP address as the kernel spells it, or the path of a Unix socket; null: it is neither. */
export function normalizedClient(client: string): string | null {
  if (client.startsWith('/')) return client
  // The zone of a link-local address is the name of an interface, which may be any.
  const [, address = '', zone = ''] = /^([^%]*)(%.+)?$/.exec(client) ?? []
  if (isIP(address) !== 6) return isIP(client) === 4 ? client : null
  return plainAddress(`${new SocketAddress({ address, family: 'ipv6' }).address}${zone}`)
}
