import { isIPv4, isIPv6 } from 'node:net'
import type { Etcd3Config } from './config.ts'
import { bad, good, isMapping, type Parsed } from './parsed.ts'
import type { Fault } from './problem.ts'
import { hasLaterDcs, OTHER_DCS } from './sections.ts'

type Section = Readonly<Record<string, unknown>>

/** No message of this module shows a value: URLs carry user and password, and `etcd3` has a `password` key. */
export interface DcsResult {
  readonly value: Etcd3Config | null
  readonly faults: Fault[]
  readonly warnings: Fault[]
}

const NEEDED = 'set etcd3.hosts or PATRONI_ETCD3_HOSTS'
const ETCD_V2 =
  '; an etcd section makes Patroni speak the v2 API, and what it writes there, even to an etcd that has v3 too, cannot be ' +
  'seen through v3'

/** What the `etcd3` section (and the absence of one) means, with the precedence of patroni/dcs/etcd.py `get_etcd_client`. */
export function resolveDcs(tree: Section): DcsResult {
  const others = OTHER_DCS.filter((name) => (tree[name] ?? null) !== null)
  if ('etcd3' in tree) {
    const result = resolveEtcd3(tree['etcd3'] ?? {})
    const unused = others.map((name) => ({
      path: [name],
      message: 'not used: etcd3 is there too and takes precedence',
    }))
    return { ...result, warnings: [...unused, ...result.warnings] }
  }
  const faults = others.map((name) => ({
    path: [name],
    message: `this DCS is not supported yet, only etcd3 is${name === 'etcd' ? ETCD_V2 : ''}`,
  }))
  if (faults.length === 0 && !hasLaterDcs(tree))
    faults.push({ path: ['etcd3', 'hosts'], message: `where is the cluster? ${NEEDED}` })
  return { value: null, faults, warnings: [] }
}

function resolveEtcd3(section: unknown): DcsResult {
  if (!isMapping(section))
    return {
      value: null,
      faults: [{ path: ['etcd3'], message: 'must be a mapping, with the key hosts' }],
      warnings: [],
    }
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const report = (list: Fault[], key: string | readonly string[], message: string): void => {
    list.push({ path: ['etcd3', ...(typeof key === 'string' ? [key] : key)], message })
  }
  for (const key of ['username', 'password'])
    if (isSet(section[key])) report(faults, key, 'etcd with authentication is not available in this version')
  for (const key of ['cacert', 'cert', 'key'])
    if (isSet(section[key])) report(faults, key, 'etcd with TLS is not available in this version')
  const useProxies = section['use_proxies'] ?? false
  if (typeof useProxies !== 'boolean') report(faults, 'use_proxies', 'must be true or false, without quotes')

  const source = SOURCES.find((key) => isSet(section[key]))
  const isUrl = source === 'proxy' || source === 'url'
  const protocol = section['protocol'] ?? 'http'
  if (protocol === 'https' && !isUrl) report(faults, 'protocol', 'etcd with TLS is not available in this version')
  else if (protocol !== 'http' && protocol !== 'https') report(faults, 'protocol', 'must be http (or https)')
  const port = section['port'] ?? 2379
  const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536
  if (!isPort) report(faults, 'port', 'must be a port, 1 to 65535')
  const defaultPort = isPort ? port : 2379

  const srv = SRV.find((key) => isSet(section[key]))
  if (source === undefined && srv !== undefined)
    report(faults, srv, `discovery through DNS SRV records is not available in this version: ${NEEDED}`)
  else if (source === undefined) report(faults, 'hosts', `no address of etcd: ${NEEDED}`)
  else if (srv !== undefined) report(warnings, srv, `not used: the seeds are those of etcd3.${source}`)
  for (const key of SOURCES.slice(SOURCES.findIndex((key) => key === source) + 1))
    if (isSet(section[key])) report(warnings, key, `not used: etcd3.${source ?? ''} takes precedence`)

  const endpoints: string[] = []
  const entries = source === undefined ? [] : entriesOf(source, section[source])
  for (const { path, value } of entries) {
    const parsed = isUrl ? parseUrl(value) : parseEndpoint(value, defaultPort)
    if (!parsed.ok) report(faults, path, parsed.message)
    else
      endpoints.push(source === 'host' && isSet(section['port']) ? withPort(parsed.value, defaultPort) : parsed.value)
  }
  if (source !== undefined && entries.length === 0) report(faults, source, `no address of etcd: ${NEEDED}`)
  if (faults.length > 0) return { value: null, faults, warnings }
  const value = {
    kind: 'etcd3',
    endpoints: [...new Set(endpoints)],
    protocol: 'http',
    useProxies: source === 'proxy' || useProxies === true,
  } as const
  return { value, faults, warnings }
}

/** In order of precedence. */
const SOURCES = ['proxy', 'url', 'hosts', 'host'] as const
const SRV = ['srv', 'discovery_srv', 'srv_domain'] as const

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** `hosts` is a list or a text with commas, also as an entry of the list. */
function entriesOf(source: string, value: unknown): { path: string[]; value: unknown }[] {
  if (source !== 'hosts') return [{ path: [source], value }]
  const split = (item: unknown, path: string[]): { path: string[]; value: unknown }[] =>
    typeof item === 'string' ? item.split(',').map((part) => ({ path, value: part.trim() })) : [{ path, value: item }]
  return Array.isArray(value)
    ? value.flatMap((item, index) => split(item, [source, String(index)]))
    : split(value, [source])
}

/** With `host` (not with `hosts`) Patroni's `port` wins over the one in the address. */
function withPort(endpoint: string, port: number): string {
  return endpoint.replace(/\d+$/, String(port))
}

/** `http://host:port`, port 2379 when there is none. */
function parseUrl(value: unknown): Parsed<string> {
  const match = typeof value === 'string' ? /^([a-z]+):\/\/([^/?#]*)/i.exec(value.trim()) : null
  if (match === null) return bad('must be a URL like http://10.0.0.1:2379')
  return parseAuthority(match[1]?.toLowerCase() ?? '', match[2] ?? '', 2379)
}

/** `host`, `host:port`, `[::1]:port`, each also with `http://` in front. */
export function parseEndpoint(value: unknown, defaultPort: number): Parsed<string> {
  if (typeof value !== 'string') return bad('must be text like 10.0.0.1:2379')
  const match = /^(?:([a-z]+):\/\/)?([^/?#]*)\/?$/i.exec(value.trim())
  if (match === null) return bad('must be an address like 10.0.0.1:2379')
  return parseAuthority(match[1]?.toLowerCase() ?? 'http', match[2] ?? '', defaultPort)
}

function parseAuthority(scheme: string, authority: string, defaultPort: number): Parsed<string> {
  if (scheme === 'https') return bad('etcd with TLS (https) is not available in this version')
  if (scheme !== 'http') return bad('must begin with http://')
  if (authority.includes('@'))
    return bad('etcd with authentication (user and password) is not available in this version')
  // An IPv6 address without brackets has no port: ::1 is not port 1 of an empty host.
  const bare = isIPv6(authority) ? `[${authority}]` : authority
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d+))?$/.exec(bare)
  const [, ipv6, name = ''] = match ?? []
  const isName = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(name) && (isIPv4(name) || !/^[\d.]+$/.test(name))
  const port = Number(match?.[3] ?? defaultPort)
  if (match === null || (ipv6 === undefined ? !isName : !isIPv6(ipv6)) || port < 1 || port > 65535)
    return bad('must be an address like 10.0.0.1:2379 or [fd00::1]:2379')
  return good(`${ipv6 === undefined ? name : `[${ipv6}]`}:${port}`)
}
