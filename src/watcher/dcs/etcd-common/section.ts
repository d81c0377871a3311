/**
 * The section of etcd, `etcd` or `etcd3`. No message shows a value: URLs carry user and password, and there is a key
 * `password`. Pure.
 */
import type { DcsConfig } from '../../../config/config.ts'
import type { DcsResult } from '../../../config/dcs/kind.ts'
import { entriesOf } from '../../../config/values/parsed.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import type { CertificateSettings } from '../../tls/certificates.ts'
import { type AddressWords, parseEndpoint, parseUrl } from '../address.ts'
import { CITUS_GROUP, filesOf, httpsBy, isSet, portOf, withPort } from '../section-values.ts'
import { loginOfKeys, loginOfUrl } from './access.ts'
import { type Discovery, srvOf } from './srv.ts'
import type { Fault } from '../../../config/file/problem.ts'

export interface EtcdConfig<N extends string = string> extends DcsConfig {
  readonly kind: N
  /**
   * `host:port`, IPv6 in brackets. Seeds, as in Patroni: the advertised URLs are discovered unless `useProxies`. With
   * `srv` they count where DNS names none, and there may be none.
   */
  readonly endpoints: readonly string[]
  /** Where DNS names the seeds; null: nowhere. */
  readonly srv: Discovery | null
  /** Of `endpoints`: with `srv` it is the record's name that says which one. */
  readonly protocol: 'http' | 'https'
  readonly useProxies: boolean
  /** null: etcd requires no password. */
  readonly auth: { readonly username: string; readonly password: string } | null
  /** Paths of files; of no meaning with http. Without `caFile` the system's certificates count. */
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
}

/** Returns what the settings of a section are called that name its certificate files. */
export function settingsOf(name: string): CertificateSettings {
  return { ca: `${name}.cacert`, cert: `${name}.cert`, key: `${name}.key` }
}

/** Returns how to name an etcd. */
export function neededIn(name: string): string {
  return `set ${name}.hosts or PATRONI_${name.toUpperCase()}_HOSTS`
}

type Report = (list: Fault[], key: string | readonly string[], message: string) => void

/** Parses the section of this name, with the precedence of patroni/dcs/etcd.py `get_etcd_client`. */
export function resolveEtcd<N extends string>(name: N, section: unknown): DcsResult<EtcdConfig<N>> {
  if (!isMapping(section ?? {}))
    return {
      value: null,
      faults: [{ path: [name], message: 'must be a mapping, with the key hosts' }],
      warnings: [],
    }
  const keys = (section ?? {}) as Readonly<Record<string, unknown>>
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const report: Report = (list, key, message) => {
    list.push({ path: [name, ...(typeof key === 'string' ? [key] : key)], message })
  }
  const useProxies = keys['use_proxies'] ?? false
  if (typeof useProxies !== 'boolean') report(faults, 'use_proxies', 'must be true or false, without quotes')

  // patroni/dcs/__init__.py: `citus.group` is copied over it, and it counts where there is none.
  if (isSet(keys['group'])) report(faults, 'group', CITUS_GROUP)

  const source = SOURCES.find((key) => isSet(keys[key]))
  const isUrl = source === 'proxy' || source === 'url'
  const configured = keys['protocol'] ?? null
  const isProtocol = configured === 'http' || configured === 'https'
  if (configured !== null && !isProtocol) report(faults, 'protocol', 'must be http or https')
  const port = keys['port'] ?? 2379
  if (isUrl && isSet(keys['port'])) report(warnings, 'port', `not used: the port is that of ${name}.${source}`)
  else if (!isUrl && portOf(port) === null) report(faults, 'port', 'must be a port, 1 to 65535')
  else if (source === 'host' && typeof port === 'string') report(faults, 'port', quotedPort(name))
  const defaultPort = portOf(port) ?? 2379

  const discovery = srvOf(name, keys)
  faults.push(...discovery.faults)
  warnings.push(...discovery.warnings)
  if (source === undefined && discovery.value === null && discovery.faults.length === 0)
    report(faults, 'hosts', `no address of etcd: ${neededIn(name)}`)
  for (const key of SOURCES.slice(SOURCES.findIndex((key) => key === source) + 1))
    if (isSet(keys[key])) report(warnings, key, `not used: ${name}.${source ?? ''} takes precedence`)

  let protocol: EtcdConfig['protocol'] | null = isProtocol && !isUrl ? configured : null
  const endpoints: string[] = []
  let userInfo: string | null = null
  const words = wordsOf(name)
  const entries =
    source === undefined ? [] : source === 'hosts' ? entriesOf(keys[source]) : [{ path: [], value: keys[source] }]
  for (const { path: below, value } of entries) {
    const path = source === undefined ? [] : [source, ...below]
    const parsed = isUrl ? parseUrl(value, words) : parseEndpoint(value, words, defaultPort)
    if (!parsed.ok) {
      report(faults, path, parsed.message)
      continue
    }
    const { scheme, endpoint } = parsed.value
    protocol ??= scheme
    if (scheme !== null && scheme !== protocol) report(faults, path, different(name))
    // With `host` (not with `hosts`) Patroni's `port` wins over the one in the address.
    endpoints.push(source === 'host' && isSet(keys['port']) ? withPort(endpoint, defaultPort) : endpoint)
    userInfo = parsed.value.userInfo
  }
  if (source !== undefined && entries.length === 0) report(faults, source, `no address of etcd: ${neededIn(name)}`)
  if (isUrl && isProtocol && protocol !== null && configured !== protocol)
    report(warnings, 'protocol', `not used: the protocol is that of ${name}.${source}`)

  const login = isUrl ? loginOfUrl(name, source, userInfo, keys) : loginOfKeys(name, keys)
  // The name of a record may say https.
  const files = filesOf(name, keys, discovery.value !== null || protocol === 'https', httpsBy(`${name}.protocol`))
  faults.push(...login.faults, ...files.faults)
  warnings.push(...login.warnings, ...files.warnings)
  if (faults.length > 0) return { value: null, faults, warnings }
  const value = {
    kind: name,
    endpoints: [...new Set(endpoints)],
    srv: discovery.value,
    protocol: protocol ?? 'http',
    useProxies: source === 'proxy' || useProxies === true,
    auth: login.value,
    ...files.value,
  } as const
  return { value, faults, warnings }
}

/** In order of precedence. */
const SOURCES = ['proxy', 'url', 'hosts', 'host'] as const

function wordsOf(name: string): AddressWords {
  return {
    port: 2379,
    cutOff: `set ${name}.hosts, ${name}.username and ${name}.password instead`,
    login: `those are ${name}.username and ${name}.password`,
    several: `${name}.hosts`,
  }
}

function different(name: string): string {
  return `has another protocol than the rest of this section: set ${name}.protocol: https (or http) for all`
}

/** Returns the message: Patroni puts the port behind the addresses of `hosts`, and beside `host` it has to be a number. */
function quotedPort(name: string): string {
  return `must be without quotes: Patroni takes a port in quotes beside ${name}.hosts only`
}
