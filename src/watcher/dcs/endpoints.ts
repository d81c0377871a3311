/** Which endpoint of the DCS is next: the advertised ones, then the configured seeds, in turns. Pure. */
import { hostPort } from '../../address.ts'
import { parseHttpUrl } from '../../http-url.ts'

export interface Endpoints {
  readonly seeds: readonly string[]
  /** What the cluster itself says its members listen on. */
  readonly discovered: readonly string[]
  readonly current: string | null
}

/** Returns all endpoints in the order in which they are tried. */
export function allEndpoints({ seeds, discovered }: Endpoints): readonly string[] {
  return [...new Set([...discovered, ...seeds])]
}

/** Returns the endpoint after the current one. */
export function nextEndpoint(endpoints: Endpoints): string {
  const all = allEndpoints(endpoints)
  const index = endpoints.current === null ? -1 : all.indexOf(endpoints.current)
  const next = all[(index + 1) % all.length]
  if (next === undefined) throw new RangeError('no endpoint is configured')
  return next
}

/** Returns `host:port` of the advertised URLs with `protocol`; others cannot be used. */
export function endpointsOf(urls: readonly string[], protocol: 'http' | 'https'): readonly string[] {
  return urls.flatMap((url) => {
    const parsed = parseHttpUrl(url)
    if (parsed?.url.protocol !== `${protocol}:`) return []
    const { port } = parsed.url
    return [hostPort(parsed.host, port === '' ? (protocol === 'http' ? 80 : 443) : Number(port))]
  })
}

/** Returns the host of `host:port`, IPv6 without brackets. */
export function hostOf(endpoint: string): string {
  return endpoint.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
