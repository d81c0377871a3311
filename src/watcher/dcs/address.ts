/** How an address of a DCS can be written. No message shows a value: URLs carry user and password. Pure. */
import { isIPv4, isIPv6 } from 'node:net'
import { HOST, IPV6, PORT } from '../../config/values/form.ts'
import { bad, good, type Parsed } from '../../config/values/parsed.ts'

/** Patterns: host or IPv6 address, with or without a port. */
export const AUTHORITY = `(?:\\[${IPV6}\\]|${HOST})(?::${PORT})?`
/** Without brackets what follows the last colon is the port. */
export const BARE_IPV6 = `(?=(?:[^\\s,;/]*:){3})[0-9A-Fa-f:.]*:${PORT}`

export interface Address {
  readonly scheme: 'http' | 'https' | null
  /** `user:password`. */
  readonly userInfo: string | null
  /** `host:port`, IPv6 in brackets. */
  readonly endpoint: string
  /** Of a URL: what follows, with the slash. */
  readonly path: string
}

/** What the messages about an address say of the section that it is in. */
export interface AddressWords {
  /** The usual port, which is taken where there is none, and shown in examples. */
  readonly port: number
  /** What to set instead of a URL whose user or password has a slash. */
  readonly cutOff: string
  /** Where user and password are set, if not in the address. */
  readonly login: string
  /** Where several addresses go; null: nowhere. */
  readonly several: string | null
}

/** Parses `http://host:port`, also with `user:password@`. */
export function parseUrl(value: unknown, words: AddressWords): Parsed<Address> {
  const match = typeof value === 'string' ? /^([a-z]+):\/\/([^/?#]*)(.*)$/is.exec(value.trim()) : null
  if (match === null) return bad(`must be a URL like http://10.0.0.1:${words.port}`)
  if (match[3]?.includes('@') === true) return bad(`${CUT_OFF} ${words.cutOff}`)
  // A password may have an @ of its own: the last one counts (urllib.parse).
  const [, userInfo = null, authority = ''] = /^(?:(.*)@)?([^@]*)$/s.exec(match[2] ?? '') ?? []
  if (SEVERAL.test(authority)) return bad(one(words))
  if (isBare(authority)) return bad(brackets(words))
  const parsed = parseAuthority(match[1] ?? '', userInfo, authority, words.port, words)
  return parsed.ok ? good({ ...parsed.value, path: match[3] ?? '' }) : parsed
}

/** Parses `host`, `host:port`, `[::1]:port`, `::1:port`, each also with `http://` or `https://` in front. */
export function parseEndpoint(value: unknown, words: AddressWords, defaultPort = words.port): Parsed<Address> {
  if (typeof value !== 'string') return bad(`must be text like 10.0.0.1:${words.port}`)
  if (value.includes('@')) return bad(`must be without user and password: ${words.login}`)
  if (SEVERAL.test(value.trim())) return bad(one(words))
  const match = /^(?:([a-z]+):\/\/)?([^/?#]*)\/?$/i.exec(value.trim())
  if (match === null) return bad(`must be an address like 10.0.0.1:${words.port}`)
  return parseAuthority(match[1] ?? null, null, match[2] ?? '', defaultPort, words)
}

function brackets({ port }: AddressWords): string {
  return `must have an IPv6 address in brackets, like [fd00::1]:${port}: without them what follows the last colon is the port`
}

/** As urllib.parse has it. */
const CUT_OFF = 'must have no /, ? or # in user and password: they end there, and Patroni does not decode %2F;'

const SEVERAL = /[\s,;]/

function one({ several }: AddressWords): string {
  const where = several === null ? '' : `: several are separated by commas, in ${several}`
  return `must be one address, without blanks${where}`
}

function parseAuthority(
  schemeText: string | null,
  userInfo: string | null,
  authority: string,
  defaultPort: number,
  words: AddressWords,
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
    return bad(
      isBare(authority) ? brackets(words) : `must be an address like 10.0.0.1:${words.port} or [fd00::1]:${words.port}`,
    )
  return good({ scheme, userInfo, endpoint: `${ipv6 === undefined ? name : `[${ipv6}]`}:${port}`, path: '' })
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
