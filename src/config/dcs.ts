import { isAbsolute, join, normalize } from 'node:path'
import { parseHttpUrl } from '../http-url.ts'
import type { DcsConfig } from './config.ts'
import { entriesOf, bad, good, show, showKind, type Parsed } from './values/parsed.ts'
import { isMapping } from '../text/unknown-shape.ts'
import { NEEDED, resolveEtcd3 } from './etcd3.ts'
import type { Fault } from './file/problem.ts'
import { suggest } from '../text/suggestion.ts'
import { OTHER_DCS } from './sections.ts'

type Section = Readonly<Record<string, unknown>>

/** No message about `etcd3` or a URL shows a value: it can carry user and password. */
export interface DcsResult {
  readonly value: DcsConfig | null
  readonly faults: Fault[]
  readonly warnings: Fault[]
}

/** Where the configuration was read. */
export interface Origin {
  /** Where relative paths start. */
  readonly directory: string
  readonly files: readonly string[]
}

const ETCD_V2 =
  ' (an etcd section makes Patroni speak the v2 API, and what it writes there, even to an etcd that has v3 too, cannot be ' +
  'seen through v3)'

/** With both, Patroni takes etcd: the two have the same client library. */
export const BOTH_ETCD =
  'Patroni uses etcd (v2) here, what is under etcd3 is not this cluster: remove the one that is left over, ' +
  'or add rest: {urls: [...]}, which asks the members themselves'

/** patroni/dcs/__init__.py `get_dcs`: the first by name whose client library is there. */
function besideEtcd3(name: string): string {
  return name < 'etcd3'
    ? `not used, but Patroni takes it before etcd3 if its client library is installed: then what is under etcd3 is not this cluster`
    : 'not used: Patroni takes etcd3 before it (the first by name whose client library is installed)'
}

/**
 * Where the cluster is observed. `file` and `rest` are the router's own and go over Patroni's sections, so that a
 * patroni.yml of any DCS can stay as it is.
 */
export function resolveDcs(tree: Section, origin: Origin): DcsResult {
  const own = ['file', 'rest'].filter((name) => isThere(tree, name))
  const others = OTHER_DCS.filter((name) => isThere(tree, name))
  if (own.length > 1) return failed([{ path: ['rest'], message: 'file and rest are both there: keep one of them' }])
  if (own.length > 0) {
    const result = own[0] === 'file' ? resolveFile(tree['file'], origin) : resolveRest(tree['rest'])
    const message = `not used: ${own[0] ?? ''} is there too and takes precedence`
    return { ...result, warnings: isThere(tree, 'etcd3') ? [{ path: ['etcd3'], message }] : [] }
  }
  if ('etcd3' in tree) {
    const result = resolveEtcd3(tree['etcd3'] ?? {})
    if (others.includes('etcd'))
      return { ...result, value: null, faults: [{ path: ['etcd'], message: BOTH_ETCD }, ...result.faults] }
    const beside = others.map((name) => ({ path: [name], message: besideEtcd3(name) }))
    return { ...result, warnings: [...beside, ...result.warnings] }
  }
  if (others.length === 0)
    return failed([{ path: ['etcd3', 'hosts'], message: `where is the cluster? ${NEEDED}, rest.urls or file.path` }])
  return failed(
    others.map((name) => ({
      path: [name],
      message:
        `this DCS is not supported yet${name === 'etcd' ? ETCD_V2 : ''}: ` +
        'add rest: {urls: [...]}, which asks the members themselves and works with any DCS',
    })),
  )
}

function resolveFile(section: unknown, { directory, files }: Origin): DcsResult {
  const faults = unknownKeys('file', section, 'path', '{path: cluster.yml}')
  if (!isMapping(section)) return failed(faults)
  const path = section['path'] ?? ''
  const report = (message: string): unknown => faults.push({ path: ['file', 'path'], message })
  if (typeof path !== 'string') report(`${show(path)} is not the path of a file`)
  else if (path === '') report('is required: a YAML file that describes the cluster')
  if (faults.length > 0 || typeof path !== 'string') return failed(faults)
  const full = isAbsolute(path) ? normalize(path) : join(directory, path)
  if (files.some((file) => full === normalize(file))) {
    report('is the configuration file itself: the cluster is described in a file of its own')
    return failed(faults)
  }
  return { value: { kind: 'file', path: full }, faults: [], warnings: [] }
}

function resolveRest(section: unknown): DcsResult {
  const faults = unknownKeys('rest', section, 'urls', '{urls: [http://10.0.0.1:8008]}')
  if (!isMapping(section)) return failed(faults)
  const entries = section['urls'] === '' ? [] : entriesOf(section['urls'])
  if (entries.length === 0)
    faults.push({ path: ['rest', 'urls'], message: 'is required: the REST API of a member, like http://10.0.0.1:8008' })
  const origins = entries.flatMap(({ path, value }) => {
    const parsed = parseOrigin(value)
    if (!parsed.ok) faults.push({ path: ['rest', 'urls', ...path], message: parsed.message })
    return parsed.ok ? [parsed.value] : []
  })
  if (faults.length > 0) return failed(faults)
  return { value: { kind: 'rest', urls: [...new Set(origins)] }, faults: [], warnings: [] }
}

/** Scheme, host and port. Patroni's own paths may follow: `api_url` of a member ends with `/patroni`. */
function parseOrigin(value: unknown): Parsed<string> {
  const example = 'must be a URL like http://10.0.0.1:8008'
  const parsed = typeof value === 'string' ? parseHttpUrl(value) : null
  if (typeof value !== 'string' || parsed === null) return bad(example)
  const { username, password, pathname, search, hash } = parsed.url
  if (username !== '' || password !== '')
    return bad('must be without user and password: Patroni asks for none where it is only read')
  if (!/^https?:\/\/[^/?#]+:\d+([/?#]|$)/i.test(value)) return bad('has no port: the one of Patroni is usually 8008')
  if (!['/', '/patroni', '/cluster'].includes(pathname) || search !== '' || hash !== '')
    return bad('must end after the port: which paths are asked for is fixed')
  return good(parsed.origin)
}

/** `key`: the only one that there is. */
function unknownKeys(name: string, section: unknown, key: string, example: string): Fault[] {
  if (!isMapping(section))
    return [{ path: [name], message: `must be a mapping like ${example}, not ${showKind(section)}` }]
  // Whatever stands there instead of it was meant to be it.
  const hint = (unknown: string): string => (key in section ? suggest(unknown, [key]) : `did you mean "${key}"?`)
  return Object.keys(section)
    .filter((unknown) => unknown !== key)
    .map((unknown) => ({ path: [name, unknown], message: `unknown key; ${hint(unknown)}` }))
}

function isThere(tree: Section, name: string): boolean {
  return (tree[name] ?? null) !== null
}

function failed(faults: Fault[]): DcsResult {
  return { value: null, faults, warnings: [] }
}
