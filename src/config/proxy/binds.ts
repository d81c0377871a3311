import { isIPv4, isIPv6 } from 'node:net'
import { normalize } from 'node:path'
import { MAX_SOCKET_PATH_BYTES } from '../../unix-socket.ts'
import type { Bind, ListenerConfig } from '../config.ts'
import { entriesOf } from '../values/entries.ts'
import { bad, good, isMapping, show, showKind, type Parsed, type ParsedParts } from '../values/parsed.ts'
import { shownPath, type Fault } from '../file/problem.ts'

const DEFAULTS = { maxLagBytes: null, tags: {}, fallback: 'none', closeFallback: false } as const

export const DEFAULT_LISTENERS: readonly ListenerConfig[] = [
  { name: 'primary', binds: [{ kind: 'tcp', host: null, port: 5000 }], route: 'primary', ...DEFAULTS },
  { name: 'replicas', binds: [{ kind: 'tcp', host: null, port: 5001 }], route: 'replica', ...DEFAULTS },
]

/** One address, several in a list, or several with commas between, as in HAProxy. */
export function parseBinds(value: unknown): ParsedParts<readonly Bind[]> {
  const entries = entriesOf(value)
  if (entries.length === 0) return { value: null, faults: [{ path: [], message: `is required, like '*:5000'` }] }
  const parsed = entries.map((entry) => ({ path: entry.path, ...parseBind(entry.value) }))
  const faults = parsed.flatMap((bind) => (bind.ok ? [] : [{ path: bind.path, message: bind.message }]))
  return { value: parsed.flatMap((bind) => (bind.ok ? [bind.value] : [])), faults }
}

/** What a member's tags have to be: `{dc: a}`. */
export function parseTags(value: unknown): ParsedParts<ListenerConfig['tags']> {
  if (!isMapping(value)) {
    const message = `must be a mapping like {dc: a}, not ${showKind(value)}`
    return { value: null, faults: [{ path: [], message }] }
  }
  const isTag = (entry: [string, unknown]): entry is [string, string | number | boolean] =>
    ['string', 'boolean'].includes(typeof entry[1]) || Number.isFinite(entry[1])
  const [tags, strange] = [Object.entries(value).filter(isTag), Object.entries(value).filter((tag) => !isTag(tag))]
  const faults = strange.map(([key, tag]) => ({
    path: [key],
    message: `must be text (quoted, if in doubt), a number, true or false, not ${show(tag)}`,
  }))
  return { value: Object.fromEntries(tags), faults }
}

/**
 * `*:5000`, `:5000`, `127.0.0.1:5000`, `[::1]:5000`, `localhost:5000`; port 0 lets the kernel choose. A Unix socket is an
 * absolute path, also as HAProxy writes it (`unix@/run/db.sock`).
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

/** Whether a path is short enough for a socket. */
export function fitsSocket(path: string): Parsed<string> {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return good(path)
  return bad(`is too long: a socket path has at most ${MAX_SOCKET_PATH_BYTES} bytes`)
}

/** As one would write it: `*:5000`, `[::1]:5000`, `/run/db.sock`. */
export function formatBind(bind: Bind): string {
  if (bind.kind === 'unix') return bind.path
  const host = bind.host ?? '*'
  return `${host.includes(':') ? `[${host}]` : host}:${bind.port}`
}

/** Addresses that could not be opened, because something before takes them: a listener, or the admin socket. */
export function overlappingBinds(listeners: unknown, adminSocket: string): Fault[] {
  const faults: Fault[] = []
  const taken: { readonly bind: Bind; readonly name: string }[] = []
  for (const [name, listener] of Object.entries(isMapping(listeners) ? listeners : {})) {
    for (const { path, value } of entriesOf(isMapping(listener) ? listener['bind'] : undefined)) {
      const parsed = parseBind(value)
      if (!parsed.ok) continue
      const bind = parsed.value
      const report = (message: string): void => {
        faults.push({
          path: ['proxy', 'listeners', name, 'bind', ...path],
          message: `"${formatBind(bind)}" ${message}`,
        })
      }
      if (bind.kind === 'unix' && bind.path === normalize(adminSocket)) report('is the admin socket (admin.socket)')
      const other = taken.find((earlier) => overlap(earlier.bind, bind))
      if (other === undefined) taken.push({ bind, name })
      else {
        const owner = other.name === name ? 'this listener already' : `the listener ${shownPath([other.name])}`
        report(`is taken by ${owner} ("${formatBind(other.bind)}"${isDual(other.bind) ? ', IPv6 and IPv4' : ''})`)
      }
    }
  }
  return faults
}

/** The paths of the Unix sockets that listeners have, as far as they can be understood. */
export function listenerSockets({ proxy }: Readonly<Record<string, unknown>>): readonly string[] {
  const listeners = isMapping(proxy) && isMapping(proxy['listeners']) ? Object.values(proxy['listeners']) : []
  const binds = listeners.flatMap((listener) => entriesOf(isMapping(listener) ? listener['bind'] : undefined))
  return binds.flatMap(({ value }) => {
    const parsed = parseBind(value)
    return parsed.ok && parsed.value.kind === 'unix' ? [parsed.value.path] : []
  })
}

/** Whether only one of the two can be listened on at a time. */
export function overlap(a: Bind, b: Bind): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path
  if (a.port !== b.port || a.port === 0) return false
  const [one, other] = [canonical(a.host), canonical(b.host)]
  return one === other || covers(one, other) || covers(other, one)
}

/** Whether who listens on `a` listens on all of `b`. */
export function includes(a: Bind, b: Bind): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return overlap(a, b)
  const [one, other] = [canonical(a.host), canonical(b.host)]
  return overlap(a, b) && (one === other || covers(one, other))
}

/** Node opens `::` for IPv4 as well. */
function covers(wildcard: string | null, host: string | null): boolean {
  if (wildcard === null || wildcard === '::') return true
  return wildcard === '0.0.0.0' && (host === null || !host.includes(':'))
}

function isDual(bind: Bind): boolean {
  return bind.kind === 'tcp' && canonical(bind.host) === '::'
}

/** One spelling of an address: `[0::0]` is `[::]`, and `[::ffff:127.0.0.1]` is 127.0.0.1. */
function canonical(host: string | null): string | null {
  const url = host !== null && isIPv6(host) ? `http://[${host}]` : ''
  if (!URL.canParse(url)) return host?.toLowerCase() ?? null
  const address = new URL(url).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(address) ?? []
  if (high === undefined || low === undefined) return address
  return [high, low].flatMap((half) => [parseInt(half, 16) >> 8, parseInt(half, 16) & 255]).join('.')
}
