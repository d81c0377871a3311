import { isIPv4, isIPv6 } from 'node:net'
import type { ListenerConfig } from './config.ts'
import { bad, good, isMapping, show, type Parsed } from './parsed.ts'
import { printable, type Fault } from './problem.ts'

export interface Bind {
  /** null: every address, IPv6 and IPv4. */
  readonly host: string | null
  readonly port: number
}

export const DEFAULT_LISTENERS: readonly ListenerConfig[] = [
  { name: 'primary', host: null, port: 5000, route: 'primary' },
  { name: 'replicas', host: null, port: 5001, route: 'replica' },
]

/** `*:5000`, `:5000`, `127.0.0.1:5000`, `[::1]:5000`, `localhost:5000`; port 0 lets the kernel choose. */
export function parseBind(value: unknown): Parsed<Bind> {
  if (value === undefined) return bad(`is required, like '*:5000'`)
  if (typeof value !== 'string') return bad(`${show(value)} is not an address with a port, like '*:5000'`)
  const match = /^(.*):(\d+)$/.exec(value.trim())
  if (match === null) return bad(`${show(value)} has no port: write it like '*:5000' or 127.0.0.1:5000`)
  const port = Number(match[2])
  const host = match[1] ?? ''
  if (port > 65535) return bad(`${show(value)}: a port is 0 to 65535`)
  if (host === '*' || host === '') return good({ host: null, port })
  if (host.startsWith('[') && host.endsWith(']')) {
    const address = host.slice(1, -1)
    return isIPv6(address) ? good({ host: address, port }) : bad(`${show(value)}: no IPv6 address in the brackets`)
  }
  if (host.includes(':')) return bad(`${show(value)}: an IPv6 address goes in brackets, like '[::1]:5000'`)
  const isName = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(host) && !/^[\d.]+$/.test(host)
  return isName || isIPv4(host) ? good({ host, port }) : bad(`${show(value)} is neither an address nor a host name`)
}

/** Listeners that could not all be opened, because a later one takes the address of an earlier one. */
export function overlappingBinds(listeners: unknown): Fault[] {
  const faults: Fault[] = []
  const taken: (Bind & { name: string; text: string })[] = []
  for (const [name, listener] of Object.entries(isMapping(listeners) ? listeners : {})) {
    const text = isMapping(listener) ? listener['bind'] : undefined
    const bind = parseBind(text)
    if (!bind.ok) continue
    const other = taken.find((earlier) => overlap(earlier, bind.value))
    if (other !== undefined) {
      const message = `${show(text)} is taken by the listener ${printable([other.name])} (${show(other.text)})`
      faults.push({ path: ['proxy', 'listeners', name, 'bind'], message })
    }
    taken.push({ ...bind.value, name, text: String(text) })
  }
  return faults
}

function overlap(a: Bind, b: Bind): boolean {
  if (a.port !== b.port || a.port === 0) return false
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host)
}

/** Node opens `::` for IPv4 as well. */
function covers(wildcard: string | null, host: string | null): boolean {
  if (wildcard === null || wildcard === '::') return true
  return wildcard === '0.0.0.0' && (host === null || !host.includes(':'))
}
