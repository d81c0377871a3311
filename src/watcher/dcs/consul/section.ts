/** The section `consul`, as patroni/dcs/consul.py reads it. No message shows a value: there is a key `token`. Pure. */
import type { DcsConfig } from '../../../config/config.ts'
import type { DcsResult } from '../../../config/dcs/kind.ts'
import { boolean } from '../../../config/env-values.ts'
import type { Fault } from '../../../config/file/problem.ts'
import { isMapping } from '../../../text/unknown-shape.ts'
import type { CertificateSettings } from '../../tls/certificates.ts'
import { type AddressWords, parseEndpoint, parseUrl } from '../address.ts'
import { CITUS_GROUP, EMPTY, filesOf, httpsBy, isSet, portOf, type Section, withPort } from '../section-values.ts'
import { ConsulEnvironment, type Place } from './environment.ts'

export interface ConsulConfig extends DcsConfig {
  readonly kind: typeof NAME
  /** `host:port` of an agent or a server, IPv6 in brackets. */
  readonly endpoint: string
  readonly protocol: 'http' | 'https'
  /** null: requests go without one. */
  readonly token: string | null
  /** Whether the certificate and its name are verified; of no meaning with http. */
  readonly verify: boolean
  /** Paths of files, all null with http. Without `caFile` the system's certificates count. */
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  /** The datacenter whose keys are read; null: that of the agent. */
  readonly dc: string | null
  readonly consistency: (typeof CONSISTENCIES)[number]
  /** The variables of Consul's own that count instead of a key: `CONSUL_HTTP_TOKEN`. */
  readonly variables: readonly string[]
}

export const NAME = 'consul'

/** What the settings are called that name its certificate files. */
export const SETTINGS: CertificateSettings = { ca: 'consul.cacert', cert: 'consul.cert', key: 'consul.key' }

export const CONSISTENCIES = ['default', 'consistent', 'stale'] as const

/** What can be sent in a header. */
export const TOKEN = '^[\\x21-\\x7e]+$'

const DEFAULT_ENDPOINT = '127.0.0.1:8500'
const WORDS: AddressWords = {
  port: 8500,
  cutOff: 'set consul.token instead, as Patroni uses neither',
  login: 'Patroni sends only consul.token',
  several: null,
}
const NO_TOKEN = 'must be text of visible ASCII characters'

type Report = (list: Fault[], key: string, message: string) => void

/** Parses the section. */
export function resolveConsul(section: unknown): DcsResult<ConsulConfig> {
  if (!isMapping(section)) {
    const message = section === null ? `${EMPTY}: set consul.host` : 'must be a mapping, with the key host'
    return { value: null, faults: [{ path: [NAME], message }], warnings: [] }
  }
  const faults: Fault[] = []
  const warnings: Fault[] = []
  const report: Report = (list, key, message) => void list.push({ path: [NAME, key], message })
  const environment = new ConsulEnvironment(section)

  if (isSet(section['group'])) report(faults, 'group', CITUS_GROUP)
  const written = placeIn(section, faults, warnings, report)
  const { endpoint, protocol } = environment.place(written)
  const isTls = protocol === 'https'
  const files = filesOf(NAME, section, isTls, httpsBy('consul.scheme'))
  const asked = verifyIn(section)
  if (asked === null && isSet(section['verify']))
    report(warnings, 'verify', 'not used: it is neither true nor false, and Patroni verifies then')
  const { caFile } = files.value
  if (caFile !== null && asked === false)
    report(warnings, 'verify', 'not used: with consul.cacert certificates are always verified')
  const verify = isTls && caFile === null ? environment.verify(asked) : caFile !== null || (asked ?? true)

  const text = (key: string): string | null => {
    const value = section[key]
    if (!isSet(value)) return null
    if (typeof value === 'string') return value
    report(faults, key, 'must be text: put it in quotes')
    return null
  }
  const token = environment.token(text('token'))
  if (token !== null && !new RegExp(TOKEN).test(token) && !environment.refuseToken(NO_TOKEN))
    report(faults, 'token', NO_TOKEN)
  const level = section['consistency']
  const consistency = isSet(level) ? CONSISTENCIES.find((each) => each === level) : 'default'
  if (consistency === undefined)
    report(faults, 'consistency', `must be one of ${CONSISTENCIES.join(', ')}: with any other Patroni does not start`)
  const dc = text('dc')

  faults.push(...files.faults, ...environment.faults)
  warnings.push(...files.warnings, ...environment.warnings)
  if (faults.length > 0 || consistency === undefined) return { value: null, faults, warnings }
  const access = { token, verify, ...files.value }
  const place = { endpoint: endpoint ?? DEFAULT_ENDPOINT, protocol: protocol ?? 'http' }
  return {
    value: { kind: NAME, ...place, ...access, dc, consistency, variables: environment.counting },
    faults,
    warnings,
  }
}

/** Returns what the section itself says of the place, and in which key. */
function placeIn(
  section: Section,
  faults: Fault[],
  warnings: Fault[],
  report: Report,
): Place & { readonly key: string } {
  const { url, host, port } = section
  const scheme = typeof section['scheme'] === 'string' ? section['scheme'].toLowerCase() : section['scheme']
  const others = (['host', 'port', 'scheme'] as const).filter((key) => isSet(section[key]))
  if (url !== undefined) {
    if (!isSet(url) && others.length > 0)
      report(faults, 'url', `is empty, and yet Patroni takes it for ${DEFAULT_ENDPOINT}: remove it`)
    if (!isSet(url)) return { endpoint: null, protocol: null, key: 'url' }
    for (const key of others) report(warnings, key, 'not used: consul.url takes precedence')
    const parsed = parseUrl(url, WORDS)
    if (!parsed.ok) {
      report(faults, 'url', parsed.message)
      return { endpoint: null, protocol: null, key: 'url' }
    }
    if (parsed.value.userInfo !== null)
      report(warnings, 'url', 'user and password in it are not used: Patroni sends only consul.token')
    if (!['', '/'].includes(parsed.value.path)) report(warnings, 'url', 'the path in it is not used, as in Patroni')
    return { endpoint: parsed.value.endpoint, protocol: parsed.value.scheme, key: 'url' }
  }
  const protocol = scheme === 'http' || scheme === 'https' ? scheme : null
  if (protocol === null && isSet(scheme)) report(faults, 'scheme', 'must be http or https')
  if (isSet(port) && portOf(port) === null) report(faults, 'port', 'must be a port, 1 to 65535')
  const usual = portOf(port)
  if (!isSet(host))
    return { endpoint: usual === null ? null : withPort(DEFAULT_ENDPOINT, usual), protocol, key: 'port' }
  const parsed = parseEndpoint(host, WORDS)
  if (!parsed.ok) report(faults, 'host', parsed.message)
  else if (parsed.value.scheme !== null)
    report(faults, 'host', 'must be without http:// or https://: that is consul.scheme')
  if (!parsed.ok) return { endpoint: null, protocol, key: 'host' }
  const { endpoint } = parsed.value
  if (port !== undefined && !isSet(port) && !endpoint.endsWith(':8500'))
    report(faults, 'port', 'is empty, and yet goes over the port in consul.host, which is 8500 then: remove it')
  return { endpoint: usual === null ? endpoint : withPort(endpoint, usual), protocol, key: 'host' }
}

/** Returns what `verify` says, as Patroni's `parse_bool`; null: nothing. */
function verifyIn({ verify }: Section): boolean | null {
  if (typeof verify === 'boolean') return verify
  const parsed = boolean(typeof verify === 'string' || typeof verify === 'number' ? String(verify) : '')
  return parsed.ok ? parsed.value : null
}
