/** How Patroni reads the values of its environment. No message shows one: it may be a password. Pure. */
import { bad, good, type Parsed } from './values/parsed.ts'
import { isMapping } from '../text/unknown-shape.ts'
import { parseYaml } from './file/yaml.ts'

/** null: Patroni continues as if the variable were not there. */
export type Parse = (value: string) => Parsed<unknown> | null

export const text: Parse = (value) => good(value)

/** Parses a whole number, more strictly than Patroni, which takes `010` for 8 and leaves out what is not a number. */
export function integer(value: string): Parsed<number> {
  return /^\s*(0|[1-9]\d*)\s*$/.test(value) ? good(Number(value)) : bad('must be a whole number, 0 or more')
}

/** Kubernetes has `PATRONI_ETCD3_PORT=tcp://10.0.0.1:2379` for a Service of that name: no person wrote it. */
export const port: Parse = (value) => (/^(?:tcp|udp|sctp):\/\//.test(value) ? null : integer(value))

/** Parses as Patroni's `parse_bool` does. */
export function boolean(value: string): Parsed<boolean> {
  if (/^(on|true|yes|1)$/i.test(value)) return good(true)
  if (/^(off|false|no|0)$/i.test(value)) return good(false)
  return bad('must be true or false (or on, off, yes, no, 1, 0)')
}

/** `'a:1','b:2'`, `a:1,b:2`, `[a:1, b:2]` or a YAML block list. */
export const list: Parse = (value) => {
  const text = value.trim().startsWith('-') || value.includes('[') ? value : `[${value}]`
  // PyYAML, unlike others, fails on a text in brackets that begins with a colon (::1).
  const isColon = text.trim().startsWith('[') && /[,[]\s*:/.test(text.replace(/'[^']*'|"[^"]*"/g, 'quoted'))
  const yaml = isColon ? null : parseYaml(text)
  const isList = yaml?.ok === true && (Array.isArray(yaml.value) || typeof yaml.value === 'string')
  return isList ? good(yaml.value) : null
}

/** The same; IPv6 addresses without quotes, which Patroni fails on, work too. */
export const addresses: Parse = (value) =>
  list(value) ?? good(value.split(',').map((item) => item.trim().replace(/^(['"])(.*)\1$/, '$2')))

/** `{a: b}` or `a: b`. */
export const mapping: Parse = (value) => {
  const yaml = parseYaml(value.trim().startsWith('{') ? value : `{${value}}`)
  return yaml.ok && isMapping(yaml.value) ? good(yaml.value) : null
}

/** Patroni's `parse_int`, as far as whether it is a number. */
export const number: Parse = (value) =>
  /^$|^\s*[-+]?(?:0x[0-9a-f]+|0[0-7]*|[1-9]\d*|\d*\.\d+|\d*\.?\d+e[-+]?\d+)\s*$/i.test(value) ? good(value) : null

const flag: Parse = (value) => {
  const parsed = boolean(value)
  return parsed.ok ? parsed : null
}

/** patroni/config.py: with these endings `PATRONI_ETCD_HOST`, `PATRONI_CONSUL_URL` and so on make a section. */
export const SUFFIXES: ReadonlyMap<string, Parse> = new Map([
  ...[
    ...['HOST', 'PROTOCOL', 'SRV', 'SRV_SUFFIX', 'URL', 'PROXY', 'CACERT', 'CERT', 'KEY', 'TOKEN', 'DC', 'CONSISTENCY'],
    ...['SERVICE_CHECK_INTERVAL', 'SERVICE_CHECK_TLS_SERVER_NAME', 'NAMESPACE', 'CONTEXT', 'SCOPE_LABEL', 'ROLE_LABEL'],
    ...['POD_IP', 'KEY_PASSWORD', 'USE_SSL', 'GROUP', 'DATABASE', 'LEADER_LABEL_VALUE', 'FOLLOWER_LABEL_VALUE'],
    ...['STANDBY_LEADER_LABEL_VALUE', 'TMP_ROLE_LABEL'],
  ].map((suffix) => [suffix, text] as const),
  ...['HOSTS', 'PORTS', 'CHECKS', 'SERVICE_TAGS', 'RETRIABLE_HTTP_CODES'].map((suffix) => [suffix, list] as const),
  ...['LABELS', 'SET_ACLS', 'AUTH_DATA', 'BOOTSTRAP_LABELS'].map((suffix) => [suffix, mapping] as const),
  ...['USE_PROXIES', 'REGISTER_SERVICE', 'USE_ENDPOINTS', 'BYPASS_API_SERVICE', 'VERIFY'].map(
    (suffix) => [suffix, flag] as const,
  ),
  ['PORT', number],
])
