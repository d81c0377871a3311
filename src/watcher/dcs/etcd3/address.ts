/** How an address of etcd can be written. No message shows a value: URLs carry user and password. Pure. */
import { isIPv4, isIPv6 } from 'node:net'
import { bad, good, type Parsed } from '../../../config/values/parsed.ts'

export interface Address {
  readonly scheme: 'http' | 'https' | null
  /** `user:password`. */
  readonly userInfo: string | null
  /** `host:port`, IPv6 in brackets. */
  readonly endpoint: string
}

/** Parses `http://host:port`, port 2379 when there is none, also with `user:password@`. */
export function parseUrl(value: unknown): Parsed<Address> {
  const match = typeof value === 'string' ? /^([a-z]+):\/\/([^/?#]*)(.*)$/is.exec(value.trim()) : null
  if (match === null) return bad('must be a URL like http://10.0.0.1:2379')
  if (match[3]?.includes('@') === true) return bad(CUT_OFF)
  // A password may have an @ of its own: the last one counts (urllib.parse).
  const [, userInfo = null, authority = ''] = /^(?:(.*)@)?([^@]*)$/s.exec(match[2] ?? '') ?? []
  if (SEVERAL.test(authority)) return bad(ONE)
  if (isBare(authority)) return bad(BRACKETS)
  return parseAuthority(match[1] ?? '', userInfo, authority, 2379)
}

/** Parses `host`, `host:port`, `[::1]:port`, `::1:port`, each also with `http://` or `https://` in front. */
export function parseEndpoint(value: unknown, defaultPort: number): Parsed<Address> {
  if (typeof value !== 'string') return bad('must be text like 10.0.0.1:2379')
  if (value.includes('@')) return bad('must be without user and password: those are etcd3.username and etcd3.password')
  if (SEVERAL.test(value.trim())) return bad(ONE)
  const match = /^(?:([a-z]+):\/\/)?([^/?#]*)\/?$/i.exec(value.trim())
  if (match === null) return bad('must be an address like 10.0.0.1:2379')
  return parseAuthority(match[1] ?? null, null, match[2] ?? '', defaultPort)
}

const BRACKETS =
  'must have an IPv6 address in brackets, like [fd00::1]:2379: without them what follows the last colon is the port'

/** As urllib.parse has it. */
const CUT_OFF =
  'must have no /, ? or # in user and password: they end there, and Patroni does not decode %2F; ' +
  'set etcd3.hosts, etcd3.username and etcd3.password instead'

const SEVERAL = /[\s,;]/
const ONE = 'must be one address, without blanks: several are separated by commas, in etcd3.hosts'

function parseAuthority(
  schemeText: string | null,
  userInfo: string | null,
  authority: string,
  defaultPort: number,
): Parsed<Address> {
  const scheme = schemeText?.toLowerCase() ?? null
  if (scheme !== null && scheme !== 'http' && scheme !== 'https') return bad('must begin with http:// or https://')
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d+))?$/.exec(isBare(authority) ? bracketed(authority) : authority)
  const [, bracketedAddress, name = ''] = match ?? []
  // In a URL the % of a zone is %25.
  const ipv6 = bracketedAddress?.replace(/%25(?=.)/, '%')
  const isName = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(name) && (isIPv4(name) || !/^[\d.]+$/.test(name))
  const port = Number(match?.[3] ?? defaultPort)
  if (match === null || (ipv6 === undefined ? !isName : !isIPv6(ipv6)) || port < 1 || port > 65535)
    return bad(isBare(authority) ? BRACKETS : 'must be an address like 10.0.0.1:2379 or [fd00::1]:2379')
  return good({ scheme, userInfo, endpoint: `${ipv6 === undefined ? name : `[${ipv6}]`}:${port}` })
}

/** Returns whether it is an IPv6 address without brackets, with or without a port. */
function isBare(authority: string): boolean {
  return isIPv6(authority) || isIPv6(authority.replace(/:[^:]*$/, ''))
}

/**
 * Adds brackets as patroni/utils.py `split_host_port`: "with or without square brackets", what follows the last colon
 * is the port.
 */
function bracketed(authority: string): string {
  return authority.replace(/^(.*):([^:]*)$/, '[$1]:$2')
}
