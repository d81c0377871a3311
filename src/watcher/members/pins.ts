/**
 * At which address of its name a member was last confirmed, or fit: by its name alone it could be another server by
 * now. Pure.
 */
import { isIP } from 'node:net'
import { parseHttpUrl } from '../../http-url.ts'
import type { DcsNotice } from '../dcs/dcs.ts'
import { printable } from '../../text/printable.ts'
import type { Address } from '../view.ts'

/** The address of each name of one member. */
export type Pin = ReadonlyMap<string, string>

/** By member. */
export type Pins = ReadonlyMap<string, Pin>

export const NO_PIN: Pin = new Map()

/** Of a message. */
const MAX_SHOWN = 4
const MAX_LENGTH = 80

/** Returns the host of a URL of http or https as a resolver takes it; empty: it is none. */
export function hostOf(url: string): string {
  return parseHttpUrl(url)?.host ?? ''
}

/** Returns where new sessions may go to; null: the member was confirmed at no address of its name. */
export function placeOf(address: Address | null, pin: Pin = NO_PIN): Address | null {
  if (address === null) return null
  const { host, port } = address
  const ip = isIP(host) === 0 ? pin.get(host) : host
  return ip === undefined ? null : { host: ip, port }
}

/**
 * Returns what is left of `pin` when `host` has these addresses. An address that is still among them has not moved; no
 * addresses are no answer, which says nothing.
 */
export function afterLookup(pin: Pin, host: string, addresses: readonly string[]): Pin {
  const ip = pin.get(host)
  if (ip === undefined || addresses.length === 0 || addresses.includes(ip)) return pin
  return new Map([...pin].filter(([name]) => name !== host))
}

/** What is known of a member at its present address. */
export type Standing = 'good' | 'down' | 'unknown'

/** Where a member is asked. Of several addresses the first that answers counts. */
export interface Candidates {
  readonly here: readonly string[]
  /** What its name leads to now, without the address of its proof. An answer of the member there is a move. */
  readonly elsewhere: readonly string[]
}

/**
 * Returns where to check a member. A member that serves is checked nowhere else. If it is down the address of the other
 * family may work.
 */
export function askedAt(ip: string | undefined, addresses: readonly string[], standing: Standing): Candidates {
  if (ip === undefined) return { here: addresses, elsewhere: [] }
  if (!addresses.includes(ip)) return { here: [ip], elsewhere: addresses }
  const others = addresses.filter((other) => other !== ip)
  switch (standing) {
    case 'good':
      return { here: [ip], elsewhere: [] }
    case 'down':
      return { here: [...others.filter((other) => isIP(other) !== isIP(ip)), ip], elsewhere: [] }
    case 'unknown':
      return { here: [ip, ...others], elsewhere: [] }
  }
}

/**
 * Returns what to correct in the names of `member`: one now resolves elsewhere than to the address in use. Null: none
 * does, as far as `lookups` say; no addresses are no answer.
 */
export function astray(
  member: string,
  pin: Pin,
  lookups: readonly (readonly [host: string, addresses: readonly string[]])[],
): DcsNotice | null {
  for (const [host, addresses] of lookups) {
    const used = pin.get(host)
    if (used === undefined || addresses.length === 0 || addresses.includes(used)) continue
    const shown = addresses.toSorted().slice(0, MAX_SHOWN).join(', ')
    const [name, who] = [printable(host, MAX_LENGTH), printable(member, MAX_LENGTH)]
    const message =
      `${name} resolves to ${shown}, where ${who} does not answer: ` +
      `the router still uses ${used}, where ${who} was last confirmed. Correct the DNS record, or the address in the member's key`
    return {
      event: 'name-leads-elsewhere',
      subject: member,
      message,
      over: `${name} resolves to the address of ${who} again`,
    }
  }
  return null
}

/** Returns whether both hold the same. */
export function isSamePin(one: Pin, other: Pin): boolean {
  return one.size === other.size && [...one].every(([name, ip]) => other.get(name) === ip)
}

/** Returns whether `before` held something that does not hold any more. */
export function hasMovedFrom(before: Pin, after: Pin): boolean {
  return [...before].some(([name, ip]) => after.get(name) !== ip)
}
