/** Which requests are refused before anything of them is used. Pure. */
import type { IncomingHttpHeaders } from 'node:http'
import { isOwnHost, isOwnOrigin } from './access.ts'
import type { HttpRefusal } from './status.ts'

/** More than any act needs. Bytes. */
export const MAX_BODY_BYTES = 16 * 1024

export interface Refused {
  readonly reason: HttpRefusal
  readonly status: number
  readonly message: string
}

interface Head {
  readonly method?: string | undefined
  readonly httpVersion: string
  readonly headers: IncomingHttpHeaders
}

/** Returns why a request is refused; null: it is not. `hosts`: the names of the router. */
export function judgeRequest({ method, httpVersion, headers }: Head, hosts: ReadonlySet<string>): Refused | null {
  const { host, origin } = headers
  if (host === undefined && httpVersion !== '1.0')
    return { reason: 'host', status: 400, message: 'the request has no Host' }
  if (!isOwnHost(host, hosts)) return { reason: 'host', status: 421, message: NOT_OWN_HOST }
  if (!isOwnOrigin(origin, host))
    return { reason: 'origin', status: 403, message: 'a page of another site may not use this router' }
  return judgeBody(method, headers)
}

const NOT_OWN_HOST =
  'the Host of the request is not a name of this router: use its IP address, or add the name to admin.hosts'

function judgeBody(method: string | undefined, headers: IncomingHttpHeaders): Refused | null {
  const length = Number(headers['content-length'] ?? 0)
  const hasBody = length > 0 || headers['transfer-encoding'] !== undefined
  if (hasBody && method !== 'POST') return { reason: 'too-large', status: 413, message: 'only POST has a body' }
  if (length > MAX_BODY_BYTES) return { reason: 'too-large', status: 413, message: TOO_LARGE }
  return null
}

export const TOO_LARGE = `the body has more than ${MAX_BODY_BYTES} bytes`
