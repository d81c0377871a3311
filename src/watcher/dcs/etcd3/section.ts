/** The section `etcd3`. No message shows a value: URLs carry user and password, and there is a key `password`. Pure. */
import type { DcsConfig } from '../../../config/config.ts'
import type { DcsResult } from '../../../config/dcs/kind.ts'
import { entriesOf } from '../../../config/values/parsed.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import type { CertificateSettings } from '../../tls/certificates.ts'
import { filesOf, isSet, loginOfKeys, loginOfUrl } from './access.ts'
import { parseEndpoint, parseUrl } from './address.ts'
import type { Fault } from '../../../config/file/problem.ts'

export interface Etcd3Config extends DcsConfig {
  readonly kind: typeof NAME
  /** `host:port`, IPv6 in brackets. Seeds, as in Patroni: the advertised URLs are discovered unless `useProxies`. */
  readonly endpoints: readonly string[]
  readonly srv: null
  readonly protocol: 'http' | 'https'
  readonly useProxies: boolean
  /** null: etcd requires no password. */
  readonly auth: { readonly username: string; readonly password: string } | null
  /** Paths of files; of no meaning with http. Without `caFile` the system's certificates count. */
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
}

export const NAME = 'etcd3'

export function isEtcd3(dcs: DcsConfig): dcs is Etcd3Config {
  return dcs.kind === NAME
}

/** What the settings are called that name its certificate files. */
export const SETTINGS: CertificateSettings = { ca: 'etcd3.cacert', cert: 'etcd3.cert', key: 'etcd3.key' }

export const NEEDED = 'set etcd3.hosts or PATRONI_ETCD3_HOSTS'

type Report = (list: Fault[], key: string | readonly string[], message: string) => void

/** Parses the section, with the precedence of patroni/dcs/etcd.py `get_etcd_client`. */
export function resolveEtcd3(section: unknown): DcsResult<Etcd3Config> {
  if (!isMapping(section))
    return {
      value: null,
      faults: [{ path: ['etcd3'], message: 'must be a mapping, with the key hosts' }],
      warnings: [],
    }
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const report: Report = (list, key, message) => {
    list.push({ path: ['etcd3', ...(typeof key === 'string' ? [key] : key)], message })
  }
  const useProxies = section['use_proxies'] ?? false
  if (typeof useProxies !== 'boolean') report(faults, 'use_proxies', 'must be true or false, without quotes')

  // patroni/dcs/__init__.py: `citus.group` is copied over it, and it counts where there is none.
  if (isSet(section['group'])) report(faults, 'group', 'Patroni takes it for the Citus group: write it as citus.group')

  const source = SOURCES.find((key) => isSet(section[key]))
  const isUrl = source === 'proxy' || source === 'url'
  const configured = section['protocol'] ?? null
  const isProtocol = configured === 'http' || configured === 'https'
  if (configured !== null && !isProtocol) report(faults, 'protocol', 'must be http or https')
  const port = section['port'] ?? 2379
  if (isUrl && isSet(section['port'])) report(warnings, 'port', `not used: the port is that of etcd3.${source}`)
  else if (!isUrl && portOf(port) === null) report(faults, 'port', 'must be a port, 1 to 65535')
  else if (source === 'host' && typeof port === 'string') report(faults, 'port', QUOTED_PORT)
  const defaultPort = portOf(port) ?? 2379

  const srv = SRV.find((key) => isSet(section[key]))
  if (source === undefined && srv !== undefined)
    report(faults, srv, `discovery through DNS SRV records is not available in this version: ${NEEDED}`)
  else if (source === undefined) report(faults, 'hosts', `no address of etcd: ${NEEDED}`)
  else if (srv !== undefined)
    report(
      warnings,
      srv,
      source === 'proxy'
        ? 'not used: etcd3.proxy takes precedence'
        : `not used: Patroni queries DNS first, this version uses only etcd3.${source}`,
    )
  for (const key of SOURCES.slice(SOURCES.findIndex((key) => key === source) + 1))
    if (isSet(section[key])) report(warnings, key, `not used: etcd3.${source ?? ''} takes precedence`)

  let protocol: Etcd3Config['protocol'] | null = isProtocol && !isUrl ? configured : null
  const endpoints: string[] = []
  let userInfo: string | null = null
  const entries =
    source === undefined ? [] : source === 'hosts' ? entriesOf(section[source]) : [{ path: [], value: section[source] }]
  for (const { path: below, value } of entries) {
    const path = source === undefined ? [] : [source, ...below]
    const parsed = isUrl ? parseUrl(value) : parseEndpoint(value, defaultPort)
    if (!parsed.ok) {
      report(faults, path, parsed.message)
      continue
    }
    const { scheme, endpoint } = parsed.value
    protocol ??= scheme
    if (scheme !== null && scheme !== protocol) report(faults, path, DIFFERENT)
    endpoints.push(source === 'host' && isSet(section['port']) ? withPort(endpoint, defaultPort) : endpoint)
    userInfo = parsed.value.userInfo
  }
  if (source !== undefined && entries.length === 0) report(faults, source, `no address of etcd: ${NEEDED}`)
  if (isUrl && isProtocol && protocol !== null && configured !== protocol)
    report(warnings, 'protocol', `not used: the protocol is that of etcd3.${source}`)

  const login = isUrl ? loginOfUrl(source, userInfo, section) : loginOfKeys(section)
  faults.push(...login.faults)
  warnings.push(...login.warnings)
  const files = filesOf(section, protocol ?? 'http')
  faults.push(...files.faults)
  warnings.push(...files.warnings)
  if (faults.length > 0) return { value: null, faults, warnings }
  const value = {
    kind: NAME,
    endpoints: [...new Set(endpoints)],
    protocol: protocol ?? 'http',
    srv: null,
    useProxies: source === 'proxy' || useProxies === true,
    auth: login.value,
    ...files.value,
  } as const
  return { value, faults, warnings }
}

const DIFFERENT = 'has another protocol than the rest of this section: set etcd3.protocol: https (or http) for all'

/** In order of precedence. */
const SOURCES = ['proxy', 'url', 'hosts', 'host'] as const
const SRV = ['srv', 'discovery_srv', 'srv_domain'] as const

/** It is put behind the addresses of `hosts`, and a number beside `host`. */
const QUOTED_PORT = 'must be without quotes: Patroni takes a port in quotes beside etcd3.hosts only'

function portOf(value: unknown): number | null {
  const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536 ? port : null
}

/**
 * Returns the endpoint with a port. With `host` (not with `hosts`) Patroni's `port` wins over the one in the address.
 */
function withPort(endpoint: string, port: number): string {
  return endpoint.replace(/\d+$/, String(port))
}
