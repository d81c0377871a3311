/**
 * Addresses in the URLs that Patroni publishes, as libpq and Patroni understand them; where these differ there is none.
 * Pure.
 */
import { isIPv6 } from 'node:net'
import { parseHttpUrl } from '../../http-url.ts'
import type { Address } from '../view.ts'

/** No control character, space, quote or backslash: what no host name holds, and what would deceive a log or a file. */
const UNSAFE = /[\p{Cc}\p{Cf}\s"'`\\]/u
/** What separates hosts from other parts: one of them in a name is a slip of the pen. */
const SEPARATORS = /[/?#@,:[\]%]/
/**
 * No name is empty between two dots; HAProxy refuses a whole file for one, and takes `*` for the address that the
 * client connected to.
 */
const NO_NAME = /^\.|\.\.|\*/

const DEFAULT_PORT = 5432

/**
 * Parses the first host of a libpq URL: userinfo is dropped, a list of hosts, bracketed IPv6 and an absent port are
 * fine. Returns
 * why there is none, without any part of the URL: what looks like a host may be a part of a password.
 */
export function parseConnUrl(url: string): Address | string {
  const parts = /^postgres(?:ql)?:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(.*)$/s.exec(url)
  if (parts === null) return 'is not a postgres URL'
  const [, authority = '', path = '', query = '', fragment = ''] = parts
  // A `/`, `?` or `#` in a password ends the part that names the host: the text before it is no host. The first
  // versions of Patroni wrote a URL of its own there.
  if (hasUserinfoAfter(path, query.replace(/(^|&)application_name=[^&]*/, ''), fragment))
    return 'has an @ after its host: a /, ? or # in a user or password must be percent-encoded'
  const written = first(authority.slice(authority.lastIndexOf('@') + 1))
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/.exec(written)
  if (match === null) return 'has no usable host'
  const [, host = '', port = ''] = match
  const asked = new URLSearchParams(query)
  if (new Set([...asked.getAll('host'), ...asked.getAll('hostaddr')]).size > 1) return 'names two hosts'
  if (new Set(asked.getAll('port')).size > 1) return 'names two ports'
  return placeOf(host, port, {
    host: asked.get('hostaddr') ?? asked.get('host'),
    port: asked.get('port'),
  })
}

/**
 * Parses host and port of a URL. `asked`: as parameters of the query, which take precedence in libpq and which Patroni
 * ignores.
 */
function placeOf(
  writtenHost: string,
  writtenPort: string,
  asked: { readonly host: string | null; readonly port: string | null },
): Address | string {
  const decoded = decodeHost(writtenHost)
  const host = decoded === '' ? hostOf(first(asked.host ?? '')) : hostOf(decoded)
  if (host === null) return 'has no usable host'
  if (asked.host !== null && decoded !== '' && first(asked.host) !== host) return 'names two hosts'
  const port = writtenPort === '' ? first(asked.port ?? '') : writtenPort
  if (asked.port !== null && writtenPort !== '' && first(asked.port) !== writtenPort) return 'names two ports'
  if (!/^\d*$/.test(port)) return 'has no usable port'
  const number = Number(port === '' ? DEFAULT_PORT : port)
  return number < 1 || number > 65535 ? 'has a port out of range' : { host, port: number }
}

function first(list: string): string {
  return list.split(',', 1)[0] ?? ''
}

/** Decodes a host. In brackets it keeps them. null: it holds an invalid escape. */
function decodeHost(host: string): string | null {
  // A zone as people write it; in a URL its % is %25.
  const text = /^\[[^%]*%(?!25)/.test(host) ? host.replace('%', '%25') : host
  try {
    return decodeURIComponent(text)
  } catch {
    // Which host that is cannot be known.
    return null
  }
}

function hostOf(host: string | null): string | null {
  if (host === null || UNSAFE.test(host)) return null
  const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host
  if (isIPv6(bare)) return bare
  return host === '' || bare !== host || SEPARATORS.test(host) || NO_NAME.test(host) ? null : host
}

/**
 * Returns whether an @ follows the host. A database or a value with an @ that is not percent-encoded looks the same:
 * that is no reason to connect to what may be a password.
 */
function hasUserinfoAfter(path: string, query: string, fragment: string): boolean {
  return `${path}${query}${fragment}`.includes('@')
}

/**
 * Returns scheme, host and port of a REST API: the paths are Patroni's, and userinfo is ignored. null: there is none.
 */
export function parseApiUrl(text: string): string | null {
  const parsed = UNSAFE.test(text) ? null : parseHttpUrl(text)
  if (parsed === null) return null
  const { pathname, search, hash } = parsed.url
  return hasUserinfoAfter(pathname, search, hash) ? null : parsed.origin
}
