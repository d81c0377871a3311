/** The keys of the section `admin` about HTTP. Pure. */
import { mappingOf, type Mapping } from '../text/unknown-shape.ts'
import type { HttpConfig, ListenerConfig, TcpBind } from './config.ts'
import type { Fault } from './file/problem.ts'
import { formatBind, overlap, parseBind, TCP_BINDS } from './proxy/binds.ts'
import { optional, section } from './values/fields.ts'
import { type Form, oneOrList, type ValueType } from './values/form.ts'
import { bad, entriesOf, good, type Parsed, type ParsedParts, show } from './values/parsed.ts'
import { ABSOLUTE_PATH } from './values/types.ts'

/** HAProxy's port of statistics in Patroni's own examples. */
const DEFAULT_BIND: TcpBind = { kind: 'tcp', host: '127.0.0.1', port: 7000 }

const { anyOf: bindForms = [] } = TCP_BINDS.form

/** Addresses; none: `off`, which YAML 1.1 reads as false. */
const BIND: ValueType<ParsedParts<readonly TcpBind[]>> = {
  parse: (value) => (isOff(value) ? { value: [], faults: [] } : TCP_BINDS.parse(value)),
  form: { anyOf: [{ enum: ['off', false] }, ...bindForms] },
}

function isOff(value: unknown): boolean {
  return value === 'off' || value === false
}

const NAME = '[A-Za-z0-9_-]+(?:\\.[A-Za-z0-9_-]+)*'
const NAME_FORM: Form = { type: 'string', pattern: `^${NAME}$` }

/** Names of this host, without a port. */
const HOSTS: ValueType<ParsedParts<readonly string[]>> = {
  parse: (value) => {
    const parsed = (Array.isArray(value) ? value : [value]).map((name, at) => ({ at: String(at), ...parseName(name) }))
    const place = (at: string): readonly string[] => (Array.isArray(value) ? [at] : [])
    return {
      value: parsed.flatMap((name) => (name.ok ? [name.value] : [])),
      faults: parsed.flatMap((name) => (name.ok ? [] : [{ path: place(name.at), message: name.message }])),
    }
  },
  form: oneOrList(NAME_FORM, 0),
}

function parseName(value: unknown): Parsed<string> {
  if (typeof value === 'string' && new RegExp(`^${NAME}$`).test(value)) return good(value.toLowerCase())
  return bad(`${show(value)} is not the name of a host, without port and scheme, like router.example.com`)
}

export const TLS = {
  cert_file: optional(
    ABSOLUTE_PATH,
    'Absolute path of the certificate of HTTP, in PEM, with the intermediate ones. With it HTTP is HTTPS. Read again by a reload.',
  ),
  key_file: optional(ABSOLUTE_PATH, 'Absolute path of the key of that certificate. Default: it is in `cert_file`.'),
}

export const ADMIN_HTTP = {
  bind: optional(
    BIND,
    'Addresses of HTTP: the page, health checks, metrics and the [API](operations.md#port-7000). One, a list, or text with commas, as of a listener; `off`: none. One that is in use is a warning where it is the default, else an error. Default: `127.0.0.1:7000` while the proxy is on and no listener has that port, else `off`.',
  ),
  tls: section(TLS, 'TLS of HTTP.'),
  token_file: optional(
    ABSOLUTE_PATH,
    'Absolute path of a file with the tokens of those who may act over HTTP, a line `NAME:TOKEN` for each: see [tokens](operations.md#tokens). Not readable by other users. Read again by a reload. Without it HTTP shows and changes nothing.',
  ),
  hosts: optional(
    HOSTS,
    'Names by which HTTP may be addressed, besides IP addresses, `localhost` and the name of the host: other names are refused, as a web site could have them lead here.',
  ),
}

interface HttpSection {
  readonly bind: readonly TcpBind[] | null
  readonly tls: { readonly cert_file: string | null; readonly key_file: string | null }
  readonly token_file: string | null
  readonly hosts: readonly string[] | null
}

/** Builds the settings of HTTP. `listeners`: of all clusters. */
export function httpConfig(
  { bind, tls, token_file: tokenFile, hosts }: HttpSection,
  listeners: readonly ListenerConfig[],
): HttpConfig {
  const isTaken = listeners.some(({ binds }) => binds.some((each) => overlap(each, DEFAULT_BIND)))
  const usual = listeners.length > 0 && !isTaken ? [DEFAULT_BIND] : []
  return {
    binds: bind ?? usual,
    isDefault: bind === null,
    tls: tls.cert_file === null ? null : { certFile: tls.cert_file, keyFile: tls.key_file },
    tokenFile,
    hosts: hosts ?? [],
  }
}

/** Returns what is wrong between keys about HTTP and others of which each is right. */
export function checkHttp({ admin, proxy }: Mapping): Fault[] {
  const { bind, tls } = mappingOf(admin)
  const { cert_file: certFile = null, key_file: keyFile = null } = mappingOf(tls)
  const key = { path: ['admin', 'tls', 'key_file'], message: 'needs admin.tls.cert_file' }
  return [...(keyFile !== null && certFile === null ? [key] : []), ...overlapping(bind, mappingOf(proxy))]
}

/** Finds addresses that a listener, or another entry, has already. */
function overlapping(bind: unknown, { listeners }: Mapping): Fault[] {
  if (isOff(bind)) return []
  const taken = Object.entries(mappingOf(listeners)).flatMap(([name, listener]) =>
    entriesOf(mappingOf(listener)['bind']).flatMap(({ value }) => {
      const parsed = parseBind(value)
      return parsed.ok ? [{ bind: parsed.value, owner: `the listener ${name}` }] : []
    }),
  )
  return entriesOf(bind).flatMap(({ path, value }): Fault[] => {
    const parsed = parseBind(value)
    if (!parsed.ok) return []
    const other = taken.find((each) => overlap(each.bind, parsed.value))
    taken.push({ bind: parsed.value, owner: 'admin.bind already' })
    if (other === undefined) return []
    const message = `"${formatBind(parsed.value)}" is taken by ${other.owner} ("${formatBind(other.bind)}")`
    return [{ path: ['admin', 'bind', ...path], message }]
  })
}
