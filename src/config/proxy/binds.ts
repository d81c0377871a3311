import { isIPv4, isIPv6 } from 'node:net'
import { normalize } from 'node:path'
import { MAX_SOCKET_PATH_BYTES } from '../../unix-socket.ts'
import type { Bind, TcpBind } from '../config.ts'
import { ANY_PORT, HOST, IPV6, type ValueType, oneOrList, withCommas } from '../values/form.ts'
import { entriesOf, bad, good, show, type Parsed, type ParsedParts } from '../values/parsed.ts'

/** Parses one address, several in a list, or several with commas between, as in HAProxy. */
export function parseBinds(value: unknown): ParsedParts<readonly Bind[]> {
  const entries = entriesOf(value)
  if (entries.length === 0) return { value: null, faults: [{ path: [], message: `is required, like '*:5000'` }] }
  const parsed = entries.map((entry) => ({ path: entry.path, ...parseBind(entry.value) }))
  const faults = parsed.flatMap((bind) => (bind.ok ? [] : [{ path: bind.path, message: bind.message }]))
  return { value: parsed.flatMap((bind) => (bind.ok ? [bind.value] : [])), faults }
}

const SOCKET = `(?:unix[@:])?/[^,\\r\\n\\u2028\\u2029]{0,${MAX_SOCKET_PATH_BYTES - 2}}[^,/\\s]`
const TCP = `(?:\\*|\\[${IPV6}\\]|${HOST})?:${ANY_PORT}`

export const BINDS: ValueType<ParsedParts<readonly Bind[]>> = {
  parse: parseBinds,
  form: oneOrList({ type: 'string', pattern: withCommas(`${SOCKET}|${TCP}`) }, 1),
}

/** TCP addresses alone. */
export const TCP_BINDS: ValueType<ParsedParts<readonly TcpBind[]>> = {
  parse: (value) => {
    const { value: binds, faults } = parseBinds(value)
    const isUnix = (binds ?? []).some(({ kind }) => kind === 'unix')
    if (isUnix) return { value: null, faults: [{ path: [], message: 'has a Unix socket: a port is needed' }] }
    return { value: binds?.filter((bind) => bind.kind === 'tcp') ?? null, faults }
  },
  form: oneOrList({ type: 'string', pattern: withCommas(TCP) }, 1),
}

/**
 * Parses `*:5000`, `:5000`, `127.0.0.1:5000`, `[::1]:5000`, `localhost:5000`; port 0 lets the kernel choose. A Unix
 * socket is an absolute path, also as HAProxy writes it (`unix@/run/db.sock`).
 */
export function parseBind(value: unknown): Parsed<Bind> {
  if (value === '') return bad(`is an empty address: write it like '*:5000'`)
  if (typeof value !== 'string') return bad(`${show(value)} is not an address with a port, like '*:5000'`)
  const text = value.trim()
  const path = /^(?:unix[@:])?(\/.*)$/.exec(text)?.[1]
  if (path !== undefined) return parseSocketPath(path)
  if (text.includes('/') || /^unix[@:]/.test(text))
    return bad(`${show(value)} is neither an address with a port nor the absolute path of a Unix socket`)
  const match = /^(.*):(\d+)$/.exec(text)
  if (match === null) return bad(`${show(value)} has no port: write it like '*:5000' or 127.0.0.1:5000`)
  const port = Number(match[2])
  const host = match[1] ?? ''
  if (port > 65535) return bad(`${show(value)}: a port is 0 to 65535`)
  if (host === '*' || host === '') return good({ kind: 'tcp', host: null, port })
  if (host.startsWith('[') && host.endsWith(']')) {
    const address = host.slice(1, -1)
    return isIPv6(address)
      ? good({ kind: 'tcp', host: address, port })
      : bad(`${show(value)}: no IPv6 address in the brackets`)
  }
  if (host.includes(':')) return bad(`${show(value)}: an IPv6 address goes in brackets, like '[::1]:5000'`)
  const isName = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(host) && !/^[\d.]+$/.test(host)
  return isName || isIPv4(host)
    ? good({ kind: 'tcp', host, port })
    : bad(`${show(value)} is neither an address nor a host name`)
}

function parseSocketPath(path: string): Parsed<Bind> {
  if (path.endsWith('/')) return bad(`${show(path)} is a directory: a Unix socket needs a file name, too`)
  const fits = fitsSocket(path)
  return fits.ok ? good({ kind: 'unix', path: normalize(path) }) : fits
}

/** Returns `path` if a socket can have it, which is at most MAX_SOCKET_PATH_BYTES long. */
export function fitsSocket(path: string): Parsed<string> {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return good(path)
  return bad(`is too long: a socket path has at most ${MAX_SOCKET_PATH_BYTES} bytes`)
}

/** Returns an address as one would write it: `*:5000`, `[::1]:5000`, `/run/db.sock`. */
export function formatBind(bind: Bind): string {
  if (bind.kind === 'unix') return bind.path
  const host = bind.host ?? '*'
  return `${host.includes(':') ? `[${host}]` : host}:${bind.port}`
}

/** Returns whether only one of the two can be listened on at a time. */
export function overlap(a: Bind, b: Bind): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path
  if (a.port !== b.port || a.port === 0) return false
  const [one, other] = [canonical(a.host), canonical(b.host)]
  return one === other || covers(one, other) || covers(other, one)
}

/** Returns whether listening on `a` is listening on all of `b`. */
export function includes(a: Bind, b: Bind): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return overlap(a, b)
  const [one, other] = [canonical(a.host), canonical(b.host)]
  return overlap(a, b) && (one === other || covers(one, other))
}

/** Returns whether an address includes another; Node opens `::` for IPv4 as well. */
function covers(wildcard: string | null, host: string | null): boolean {
  if (wildcard === null || wildcard === '::') return true
  return wildcard === '0.0.0.0' && (host === null || !host.includes(':'))
}

export function isDual(bind: Bind): boolean {
  return bind.kind === 'tcp' && canonical(bind.host) === '::'
}

/** Returns one spelling of an address: `[0::0]` is `[::]`, and `[::ffff:127.0.0.1]` is 127.0.0.1. */
function canonical(host: string | null): string | null {
  const url = host !== null && isIPv6(host) ? `http://[${host}]` : ''
  if (!URL.canParse(url)) return host?.toLowerCase() ?? null
  const address = new URL(url).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(address) ?? []
  if (high === undefined || low === undefined) return address
  return [high, low].flatMap((half) => [parseInt(half, 16) >> 8, parseInt(half, 16) & 255]).join('.')
}
