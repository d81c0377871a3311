/**
 * A kubeconfig, as kubectl writes it and Patroni reads it (patroni/dcs/kubernetes.py, `load_kube_config`). No message
 * shows a value other than names of contexts, clusters and users. Pure.
 */
import { dirname, resolve } from 'node:path'
import { parseYaml, type YamlFile } from '../../../config/file/yaml.ts'
import { formatProblem, type Problem, shownPath } from '../../../config/file/problem.ts'
import { bad, good, type Parsed } from '../../../config/values/parsed.ts'
import { printable } from '../../../text/printable.ts'
import { nearest } from '../../../text/suggestion.ts'
import { asText, isMapping, listOf, type Mapping } from '../../../text/unknown-shape.ts'
import type { CertificateFiles } from '../../tls/certificates.ts'

/** The address of the API server, and the login. */
export interface KubeAccess {
  /** The name of the context that leads to it. */
  readonly context: string
  readonly protocol: 'http' | 'https'
  /** `host:port`, IPv6 in brackets. */
  readonly endpoint: string
  /** What each path begins with; mostly empty. */
  readonly base: string
  readonly verifies: boolean
  readonly certificates: CertificateFiles
  readonly login: KubeLogin
}

/** The name of a context, and what to do where there is none of that name. */
export interface ContextChoice {
  readonly name: string
  readonly hint: string
}

export type KubeLogin =
  /** By a certificate, if at all. */
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  /** Absolute. */
  | { readonly kind: 'token-file'; readonly path: string }
  | { readonly kind: 'password'; readonly username: string; readonly password: string }

type Place = readonly (string | number)[]

/** A section of the file, and where it is. */
interface Entry {
  readonly path: Place
  readonly value: Mapping
}

/** What a fault is thrown as until it has its place. */
class Misfit extends Error {
  readonly path: Place

  constructor(path: Place, message: string) {
    super(message)
    this.path = path
  }
}

/** Longest part of a name that is shown. */
const MAX_SHOWN = 80

const PLUGIN =
  'runs a program to log in, which the router does not: give the user a token, a tokenFile or a client-certificate'

/**
 * Parses the text of a kubeconfig. `file` is its absolute path, from where relative paths count, as for kubectl;
 * `context`: null for the current one. The error is one line with file and place.
 */
export function parseKubeconfig(text: string, file: string, context: ContextChoice | null): Parsed<KubeAccess> {
  const yaml = parseYaml(text)
  const problem = (message: string, path: Place, at: { line: number; column: number } | null): Parsed<KubeAccess> => {
    const place: Problem = {
      file,
      line: at?.line ?? null,
      column: at?.column ?? null,
      path: shownPath(path.map(String)),
      message,
    }
    return bad(formatProblem(place))
  }
  if (!yaml.ok) {
    const [first] = yaml.errors
    return problem(first?.message ?? 'is no YAML', [], first ?? null)
  }
  try {
    return good(accessIn(yaml, file, context))
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    return problem(error.message, error.path, yaml.locate(error.path.map(String)))
  }
}

function accessIn(
  { value: root }: YamlFile & { readonly ok: true },
  file: string,
  context: ContextChoice | null,
): KubeAccess {
  if (!isMapping(root)) throw new Misfit([], 'is no kubeconfig: it must be a mapping with clusters, contexts and users')
  // Patroni takes `kind-kind` where its section has none.
  const named = context?.name ?? asText(root['current-context']) ?? DEFAULT_CONTEXT
  const hint = context?.hint ?? 'set current-context, or kubernetes.context'
  const chosen = entryOf(root, 'contexts', 'context', named, hint)
  const cluster = entryOf(root, 'clusters', 'cluster', textOf(chosen, 'cluster'), 'correct the context')
  const user = entryOf(root, 'users', 'user', textOf(chosen, 'user'), 'correct the context')
  const server = serverOf(cluster)
  return { context: named, ...server, ...tlsOf(cluster, user, file), login: loginOf(user, file) }
}

const DEFAULT_CONTEXT = 'kind-kind'

/** Returns what is under a name in a list of them. */
function entryOf(root: Mapping, list: string, key: string, name: string, hint: string): Entry {
  const entries = listOf(root[list])
  const index = entries.findIndex((entry) => isMapping(entry) && entry['name'] === name)
  const found = entries[index]
  const value = isMapping(found) ? found[key] : undefined
  if (isMapping(value)) return { path: [list, index, key], value }
  if (index >= 0) throw new Misfit([list, index], `has no mapping ${key}`)
  const names = entries.flatMap((entry) => (isMapping(entry) ? (asText(entry['name']) ?? []) : []))
  const near = nearest(name, names)
  const meant = near === null ? hint : `did you mean "${shownName(near)}"?`
  throw new Misfit([list], `has no ${key} "${shownName(name)}": ${meant}`)
}

function serverOf(cluster: Entry): Pick<KubeAccess, 'protocol' | 'endpoint' | 'base'> {
  const text = textOf(cluster, 'server')
  const url = URL.parse(text)
  const protocol = url?.protocol === 'https:' ? 'https' : url?.protocol === 'http:' ? 'http' : null
  if (url === null || protocol === null || url.hostname === '' || url.search !== '' || url.hash !== '')
    throw new Misfit([...cluster.path, 'server'], 'must be a URL like https://10.0.0.1:6443')
  if (url.username !== '' || url.password !== '')
    throw new Misfit([...cluster.path, 'server'], 'must be without user and password: they are keys of the user')
  const port = url.port === '' ? (protocol === 'https' ? '443' : '80') : url.port
  return { protocol, endpoint: `${url.hostname}:${port}`, base: url.pathname.replace(/\/+$/, '') }
}

function tlsOf(cluster: Entry, user: Entry, file: string): Pick<KubeAccess, 'verifies' | 'certificates'> {
  const insecure = cluster.value['insecure-skip-tls-verify'] ?? false
  if (typeof insecure !== 'boolean')
    throw new Misfit([...cluster.path, 'insecure-skip-tls-verify'], 'must be true or false, without quotes')
  const inline: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {}
  const fileOf = (entry: Entry, key: string, part: keyof typeof inline): string | null => {
    const data = optionalOf(entry, `${key}-data`)
    // As in Patroni and kubectl the data goes over the file.
    if (data !== null) {
      if (!/^[A-Za-z0-9+/\s]+=*\s*$/.test(data)) throw new Misfit([...entry.path, `${key}-data`], 'is not in base64')
      inline[part] = Buffer.from(data, 'base64')
      return null
    }
    const path = optionalOf(entry, key)
    return path === null ? null : resolve(dirname(file), path)
  }
  const certificates = {
    caFile: fileOf(cluster, 'certificate-authority', 'ca'),
    certFile: fileOf(user, 'client-certificate', 'cert'),
    keyFile: fileOf(user, 'client-key', 'key'),
  }
  return { verifies: !insecure, certificates: { ...certificates, inline } }
}

function loginOf(user: Entry, file: string): KubeLogin {
  const { value, path } = user
  const tokenFile = optionalOf(user, 'tokenFile')
  if (tokenFile !== null) return { kind: 'token-file', path: resolve(dirname(file), tokenFile) }
  const token = optionalOf(user, 'token')
  if (token !== null) {
    if (!/^[\x21-\x7e]+$/.test(token)) throw new Misfit([...path, 'token'], 'must be text of visible ASCII characters')
    return { kind: 'token', token }
  }
  const [username, password] = [optionalOf(user, 'username'), optionalOf(user, 'password')]
  if (username !== null && password !== null) return { kind: 'password', username, password }
  const hasCertificate = ['client-certificate', 'client-certificate-data'].some((key) => asText(value[key]) !== null)
  for (const plugin of ['exec', 'auth-provider'])
    if ((value[plugin] ?? null) !== null && !hasCertificate) throw new Misfit([...path, plugin], PLUGIN)
  return { kind: 'none' }
}

function optionalOf({ path, value }: Entry, key: string): string | null {
  const found = value[key] ?? ''
  if (typeof found !== 'string') throw new Misfit([...path, key], 'must be text: put it in quotes')
  return found === '' ? null : found
}

function textOf(entry: Entry, key: string): string {
  const found = optionalOf(entry, key)
  if (found === null) throw new Misfit(entry.path, `has no ${key}`)
  return found
}

function shownName(name: string): string {
  return printable(name, MAX_SHOWN)
}
