/** Which requests are from where they seem to be: against pages of other sites, and names that are made to lead here. Pure. */
import { isIP, isIPv4 } from 'node:net'

/**
 * Returns whether `Host` may name the router: an IP address, `localhost`, or one of `names` (in small letters), with any port. A web
 * site can have its own name lead here (DNS rebinding), and then reads answers as its own: an address is not such a name. `host`
 * undefined: HTTP/1.0 has none.
 */
export function isOwnHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const [, bracketed, plain] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host) ?? []
  if (bracketed !== undefined) return isIP(bracketed) === 6
  if (plain === undefined) return false
  const name = plain.toLowerCase().replace(/\.$/, '')
  return isIPv4(name) || name === 'localhost' || names.has(name)
}

/** Returns the names by which a host may be addressed: its own, with and without domain, and configured ones. */
export function namesOf(hostname: string, configured: readonly string[]): ReadonlySet<string> {
  const own = hostname.toLowerCase()
  const names = [own, own.replace(/\..*$/, ''), ...configured].map((name) => name.replace(/\.$/, ''))
  return new Set(names.filter((name) => name !== ''))
}

/** Returns whether a request comes from a page of the router itself, or from no page. Browsers send `Origin` wherever it matters. */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true
  const [, from] = /^https?:\/\/(.+)$/i.exec(origin) ?? []
  return from !== undefined && from.toLowerCase() === host?.toLowerCase()
}

/** Returns whether an address is of this very host. */
export function isLoopback(address: string | undefined): boolean {
  const plain = address?.replace(/^::ffff:/i, '') ?? ''
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'))
}
