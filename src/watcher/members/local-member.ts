/** Whether the member that the configuration puts on this host is one of the cluster's, and is here. Pure. */
import { BlockList, isIP } from 'node:net'
import { nearest } from '../../text/suggestion.ts'
import type { DcsNotice } from '../dcs/dcs.ts'
import type { Member } from './member.ts'
import { printable } from '../../text/printable.ts'

/** So many names are shown. */
const MAX_SHOWN = 10
const MAX_LENGTH = 80

/** Returns what is wrong with `name`; null: it is one of `members`, or there are none, which is reported elsewhere. */
export function unknownMember(name: string, members: readonly string[]): string | null {
  if (members.length === 0 || members.includes(name)) return null
  const near = nearestMember(name, members)
  const shown = members.slice(0, MAX_SHOWN).map((member) => printable(member, MAX_LENGTH))
  const more = members.length > shown.length ? ` and ${members.length - shown.length} more` : ''
  const all = members.length === 1 ? `the only one is ${shown[0] ?? ''}` : `the members are ${shown.join(', ')}${more}`
  const hint = near === null ? all : `did you mean "${printable(near, MAX_LENGTH)}"? (${all})`
  return `no member is called ${printable(name, MAX_LENGTH)}: ${hint}`
}

/**
 * Returns the member that was probably meant. A full host name instead of the short one, or the reverse, is nearer than
 * any typing error.
 */
function nearestMember(name: string, members: readonly string[]): string | null {
  const short = (host: string): string => host.toLowerCase().split('.', 1)[0] ?? ''
  return members.find((member) => short(member) === short(name)) ?? nearest(name, members)
}

/**
 * Returns what is strange about the address of the member on this host; null: nothing, or there is no telling. `at`: its
 * addresses, resolved; names among them are left out.
 */
export function strangeAddress(
  { name, host }: Pick<Member, 'name' | 'host'>,
  at: readonly string[],
  own: readonly string[],
): string | null {
  const addresses = at.map(plain).filter((address) => isIP(address) !== 0)
  if (host === null || addresses.length === 0 || own.length === 0) return null
  if (addresses.some((address) => isOwn(address, own))) return null
  const where = addresses.includes(plain(host)) ? host : `${host} (${addresses.join(', ')})`
  return (
    `${printable(name, MAX_LENGTH)} is not on this host: it is at ${where}, which is not an address of this host. ` +
    'If that is another machine, correct name (a wrong one gives this host the role of the other); behind NAT or in a container this can be right'
  )
}

/**
 * Returns whether an address is this host's. `own` as the system lists them; every address for loopback is this host's.
 */
export function isOwn(address: string, own: readonly string[]): boolean {
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8)
  for (const each of [...own, '::1', '::', '0.0.0.0']) {
    const one = plain(each)
    if (isIP(one) !== 0) list.addAddress(one, family(one))
  }
  const one = plain(address)
  return isIP(one) !== 0 && list.check(one, family(one))
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

/** Removes the zone of a link-local address: a configuration has it, the list of the system does not. */
function plain(address: string): string {
  return address.replace(/%.*$/, '')
}

/**
 * Returns what is to be reported of the member that the configuration puts on this host. `at`, `own`: see {@link
 * strangeAddress}.
 */
export function localNotice(
  subject: string,
  members: readonly Pick<Member, 'name' | 'host'>[],
  at: readonly string[],
  own: readonly string[],
): DcsNotice | null {
  const unknown = unknownMember(
    subject,
    members.map(({ name }) => name),
  )
  if (unknown !== null) {
    const message = `${unknown}; the configuration says that it is on this host`
    return {
      event: 'local-member-unknown',
      subject,
      message,
      over: `the configuration and the cluster agree on ${subject} again`,
    }
  }
  const member = members.find(({ name }) => name === subject)
  const strange = member === undefined ? null : strangeAddress(member, at, own)
  const over = `the configuration and the cluster agree on ${subject} again`
  return strange === null ? null : { event: 'local-member-elsewhere', subject, message: strange, over }
}

export interface LocalMember {
  readonly name: string
  /** Whether a track file follows it: keepalived moves an address to this host while it leads. */
  readonly isTracked: boolean
}

/** Returns the members that a configuration puts on this host, each once: `name`, and those of track files. */
export function localMembers(
  { name, localMember }: { readonly name: string; readonly localMember: string | null },
  files: readonly {
    readonly cluster: string
    readonly condition: { readonly name: string; readonly member?: string }
  }[],
): readonly LocalMember[] {
  const tracked = files.filter(({ cluster }) => cluster === name).flatMap(({ condition }) => condition.member ?? [])
  const names = new Set([...(localMember === null ? [] : [localMember]), ...tracked])
  return [...names].map((each) => ({ name: each, isTracked: tracked.includes(each) }))
}
