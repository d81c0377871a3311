import { type DcsSection, foreignKey, isThere, patroniKinds } from './dcs/kind.ts'
import { boolean, integer, SUFFIXES, text, type Parse } from './env-values.ts'
import type { Problem } from './file/problem.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A tree of the shape that the file has, before validation. */
export type Tree = Record<string, unknown>

/** Patroni's environment as the tree that its file would be, and which variable each key came from. */
export interface EnvironmentTree {
  readonly tree: Tree
  /** `etcd3.hosts` -> `PATRONI_ETCD3_HOSTS`. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
  /** The same of variables that are there without a value, where Patroni takes that for one. */
  readonly empty: ReadonlyMap<string, string>
}

const PREFIX = 'PATRONI_'

/** patroni/config.py `_build_environment_configuration`: the variables that mean something to the router. */
const VARIABLES: readonly (readonly [path: string, parse: Parse])[] = [
  ['scope', text],
  ['namespace', text],
  ['name', text],
  ['ctl.insecure', boolean],
  ['ctl.cacert', text],
  ['ctl.certfile', text],
  ['ctl.keyfile', text],
  ['ctl.keyfile_password', text],
  ['restapi.cafile', text],
  ['restapi.certfile', text],
  ['restapi.connect_address', text],
  ['restapi.listen', text],
]
const CITUS: Readonly<Record<string, Parse>> = { GROUP: integer }

/** Returns the variables of Patroni whose value is read, by the key that each sets (`etcd3.hosts`). */
export function variablesByKey(kinds: readonly DcsSection[]): ReadonlyMap<string, string> {
  const citus = ['group', 'database'].map((key) => `citus.${key}`)
  const dcs = patroniKinds(kinds).flatMap(({ name, kind, patroni }) =>
    Object.keys(kind.form.properties ?? {})
      .filter(
        (key) =>
          [...SUFFIXES.keys(), ...Object.keys(patroni.variables)].includes(key.toUpperCase()) ||
          patroni.login.includes(key),
      )
      .map((key) => `${name}.${key}`),
  )
  return new Map([...VARIABLES.map(([path]) => path), ...citus, ...dcs].map((path) => [path, variableOf(path)]))
}

function variableOf(path: string): string {
  return PREFIX + path.toUpperCase().replace('.', '_')
}

/**
 * Reads Patroni's environment with Patroni's parsing. An empty variable is one that is not set. Where Patroni drops a
 * value that it cannot parse, this is a problem that names the variable (and never shows the value). `file`: what the
 * environment goes over.
 */
export function readEnvironment(
  env: Environment,
  kinds: readonly DcsSection[],
  file: Readonly<Tree> = {},
): EnvironmentTree {
  const patronis = patroniKinds(kinds)
  // Sections that Patroni finds by the name of the variable (in capitals or not).
  const sections = new Map<string, Readonly<Record<string, Parse>>>(
    patronis.map(({ name, patroni }) => [name, patroni.variables]),
  )
  sections.set('citus', CITUS)
  const tree: Tree = {}
  const origins = new Map<string, string>()
  const empty = new Map<string, string>()
  const problems: Problem[] = []
  const put = (path: string, variable: string, parse: Parse): void => {
    const value = env[variable] ?? ''
    const parsed = value === '' ? null : parse(value)
    if (parsed === null) return
    if (!parsed.ok) {
      problems.push({ file: 'environment', line: null, column: null, path: variable, message: parsed.message })
      return
    }
    const [section = '', key] = path.split('.')
    origins.set(path, variable)
    tree[section] = key === undefined ? parsed.value : { ...(tree[section] as Tree | undefined), [key]: parsed.value }
  }
  for (const variable of Object.keys(env)) {
    const [, name = '', suffix = ''] = /^PATRONI_([^_]+)_(.+)$/.exec(variable) ?? []
    const [section, parse] = [name.toLowerCase(), SUFFIXES.get(suffix)]
    if (parse === undefined || !isSection(section, suffix, [...sections.keys()])) continue
    put(`${section}.${suffix.toLowerCase()}`, variable, sections.get(section)?.[suffix] ?? parse)
    if (env[variable] === '' && parse('') !== null) empty.set(`${section}.${suffix.toLowerCase()}`, variable)
  }
  for (const { name, patroni } of patronis)
    for (const [suffix, parse] of Object.entries(patroni.variables))
      if (!SUFFIXES.has(suffix))
        put(`${name}.${suffix.toLowerCase()}`, `${PREFIX}${name.toUpperCase()}_${suffix}`, parse)
  const logins = patronis
    .filter(({ name }) => isThere(tree, name) || isThere(file, name))
    .flatMap(({ name, patroni }) => patroni.login.map((key) => [`${name}.${key}`, text] as const))
  for (const [path, parse] of [...VARIABLES, ...logins]) put(path, variableOf(path), parse)
  return { tree, origins, problems, empty }
}

/**
 * Returns the variables of client libraries as a tree of the sections that are there, so that each kind can read its own,
 * also empty ones.
 */
export function readForeign(
  tree: Readonly<Tree>,
  env: Environment,
  kinds: readonly DcsSection[],
): Pick<EnvironmentTree, 'tree' | 'origins'> {
  const origins = new Map<string, string>()
  const readAt = (sections: Readonly<Tree>, above: string): Tree => {
    const kindsThere = patroniKinds(kinds).filter(
      ({ name, patroni }) => isTree(sections[name]) && (above === '' || patroni.isForeignEverywhere === true),
    )
    const found = kindsThere.map(({ name, patroni }) => {
      const variables = (patroni.foreign ?? []).filter((variable) => env[variable] !== undefined)
      for (const variable of variables) origins.set(`${above}${name}.${foreignKey(variable)}`, variable)
      return [name, Object.fromEntries(variables.map((variable) => [foreignKey(variable), env[variable]]))] as const
    })
    return Object.fromEntries(found.filter(([, variables]) => Object.keys(variables).length > 0))
  }
  const { clusters } = tree
  const entries = isTree(clusters) ? Object.entries(clusters) : []
  const below = entries.flatMap(([name, entry]) => {
    const sections = isTree(entry) ? readAt(entry, `clusters.${name}.`) : {}
    return Object.keys(sections).length === 0 ? [] : [[name, sections] as const]
  })
  const top = readAt(tree, '')
  return { tree: below.length === 0 ? top : { ...top, clusters: Object.fromEntries(below) }, origins }
}

function isSection(section: string, suffix: string, dcs: readonly string[]): boolean {
  if (section === 'citus') return suffix === 'GROUP' || suffix === 'DATABASE'
  return dcs.includes(section)
}

/** Merges as Patroni's `patch_config` does: what comes later over what was before, key by key. */
export function merge(before: Readonly<Tree>, later: Readonly<Tree>): Tree {
  const merged: Tree = { ...before }
  for (const [key, value] of Object.entries(later)) {
    const below = merged[key]
    if (isTree(value) && isTree(below)) merged[key] = merge(below, value)
    // What reads alike stays as it was: text in quotes does not become a number.
    else if (plain(below) === null || plain(below) !== plain(value)) merged[key] = value
  }
  return merged
}

/** Writes a value as Python does; null: a list or a mapping. */
function plain(value: unknown): string | null {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
