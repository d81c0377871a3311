import { OTHER_DCS } from './sections.ts'
import type { Problem } from './problem.ts'
import { bad, good, type Parsed } from './parsed.ts'
import { parseYaml } from './yaml.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A tree of the shape that the file has, before validation. */
export type Tree = Record<string, unknown>

/** Patroni's environment as the tree that its file would be, and which variable each key came from. */
export interface EnvironmentTree {
  readonly tree: Tree
  /** `etcd3.hosts` -> `PATRONI_ETCD3_HOSTS`. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
}

type Parse = (value: string) => Parsed<unknown>

const text: Parse = (value) => good(value)

/** patroni/config.py `_build_environment_configuration`: the variables that mean something to the router. */
const VARIABLES: readonly (readonly [path: string, parse: Parse])[] = [
  ['scope', text],
  ['namespace', text],
  ['name', text],
  ['citus.group', parseInteger],
  ['citus.database', text],
  ['etcd3.hosts', parseList],
  ['etcd3.host', text],
  ['etcd3.port', parseInteger],
  ['etcd3.url', text],
  ['etcd3.proxy', text],
  ['etcd3.srv', text],
  ['etcd3.use_proxies', parseBoolean],
  ['etcd3.protocol', text],
  ['etcd3.username', text],
  ['etcd3.password', text],
  ['etcd3.cacert', text],
  ['etcd3.cert', text],
  ['etcd3.key', text],
  ['ctl.insecure', parseBoolean],
  ['ctl.cacert', text],
  ['ctl.certfile', text],
  ['ctl.keyfile', text],
  ['ctl.keyfile_password', text],
  ['restapi.cafile', text],
]

/**
 * Reads Patroni's environment with Patroni's parsing. An empty variable is one that is not set. Where Patroni drops a
 * value that it cannot parse, this is a problem that names the variable (and never shows the value).
 */
export function readEnvironment(env: Environment): EnvironmentTree {
  const tree: Tree = {}
  const origins = new Map<string, string>()
  const problems: Problem[] = []
  const put = (path: string, variable: string, value: unknown): void => {
    origins.set(path, variable)
    const [section = '', key] = path.split('.')
    tree[section] = key === undefined ? value : { ...(tree[section] as Tree | undefined), [key]: value }
  }
  for (const [path, parse] of VARIABLES) {
    const variable = `PATRONI_${path.toUpperCase().replace('.', '_')}`
    const value = env[variable]
    if (value === undefined || value === '') continue
    const parsed = parse(value)
    if (parsed.ok) put(path, variable, parsed.value)
    else problems.push({ file: 'environment', line: null, column: null, path: variable, message: parsed.message })
  }
  for (const section of OTHER_DCS) {
    const prefix = `PATRONI_${section.toUpperCase()}_`
    const variable = Object.keys(env).find((name) => name.startsWith(prefix) && env[name] !== '')
    // Only that the section is there matters: its values are of no use and can be secret.
    if (variable !== undefined) put(section, variable, {})
  }
  return { tree, origins, problems }
}

/** Patroni's `patch_config`: the environment over the file, key by key. */
export function merge(file: Readonly<Tree>, env: Readonly<Tree>): Tree {
  const merged: Tree = { ...file }
  for (const [key, value] of Object.entries(env)) {
    const below = merged[key]
    merged[key] = isTree(value) && isTree(below) ? merge(below, value) : value
  }
  return merged
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseInteger(value: string): Parsed<number> {
  return /^\s*(0|[1-9]\d*)\s*$/.test(value) ? good(Number(value)) : bad('must be a whole number, 0 or more')
}

/** Patroni's `parse_bool`. */
function parseBoolean(value: string): Parsed<boolean> {
  if (/^(on|true|yes|1)$/i.test(value)) return good(true)
  if (/^(off|false|no|0)$/i.test(value)) return good(false)
  return bad('must be true or false (or on, off, yes, no, 1, 0)')
}

/** `'a:1','b:2'`, `a:1,b:2`, `[a:1, b:2]` or a YAML block list. Brackets around IPv6, which Patroni fails on, work too. */
function parseList(value: string): Parsed<unknown> {
  const isYamlList = value.trim().startsWith('-') || value.includes('[')
  const yaml = parseYaml(isYamlList ? value : `[${value}]`)
  if (yaml.ok && (Array.isArray(yaml.value) || typeof yaml.value === 'string')) return good(yaml.value)
  return good(value.split(',').map((item) => item.trim().replace(/^(['"])(.*)\1$/, '$2')))
}
