/** URLs of HTTP whose host may be a link-local IPv6 address with its zone (RFC 6874), which `URL` refuses. Pure. */
import { isIPv6 } from 'node:net'

export interface HttpUrl {
  /** Without the zone, which is of this machine alone: no server is to see it. */
  readonly url: URL
  /** As a resolver or a socket takes it: without brackets, with the zone (`fe80::1%eth0`). */
  readonly host: string
  /** Scheme, host and port, with the zone: `http://[fe80::1%25eth0]:8008`. */
  readonly origin: string
}

/** As people write it, `%eth0`, too; in a URL the % is %25. */
const WITH_ZONE = /^(https?:\/\/(?:[^/?#]*@)?\[[0-9a-f:.]+)%(?!25\])(?:25)?([^\]/?#@%]+)(?=\])/i

/** Reads a URL of http or https; null: it is none. */
export function parseHttpUrl(text: string): HttpUrl | null {
  const [before = '', start = '', zone = null] = WITH_ZONE.exec(text) ?? []
  const url = /^https?:\/\//i.test(text) ? URL.parse(`${start}${text.slice(before.length)}`) : null
  if (url === null || url.hostname === '') return null
  const bare = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (zone === null) return { url, host: bare, origin: url.origin }
  const host = `${bare}%${zone}`
  if (!isIPv6(host)) return null
  return { url, host, origin: url.origin.replace(']', `%25${zone}]`) }
}
