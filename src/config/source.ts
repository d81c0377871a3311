/** What a configuration is made of: files or PATRONI_CONFIGURATION, and the rest of the environment. Pure. */
import { dirname } from 'node:path'
import { type DcsSection, type Origin, patroniKinds } from './dcs/kind.ts'
import { merge, readEnvironment, readForeign, type Environment, type Tree } from './env.ts'
import { checkEnvironment } from './env-checks.ts'
import { readParts, type ConfigPart, type Parts } from './file/parts.ts'
import type { Places, Problem } from './file/problem.ts'

export interface ConfigInput {
  /** The name of the file or the directory, to show; null when there is none. */
  readonly file: string | null
  /** Of a directory its files, in order. */
  readonly text: string | readonly ConfigPart[] | null
  readonly env: Environment
}

/** Where Patroni finds all of its configuration when it is given no file. */
export const WHOLE = 'PATRONI_CONFIGURATION'

export interface ReadSource {
  readonly ok: true
  readonly kinds: readonly DcsSection[]
  readonly tree: Tree
  readonly places: Places
  readonly origin: Origin
  readonly duplicates: Extract<Parts, { readonly ok: true }>['duplicates']
  readonly misread: Extract<Parts, { readonly ok: true }>['misread']
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** Reads all of it, each over what is before: the files of a directory in order, then the environment. */
export function readSource(
  { file, text, env }: ConfigInput,
  kinds: readonly DcsSection[],
): ReadSource | Extract<Parts, { readonly ok: false }> {
  const whole = env[WHOLE] ?? ''
  const name = file ?? 'environment'
  const isDirectory = typeof text === 'object' && text !== null
  const texts = isDirectory ? text : textsOf(text, name, whole)
  const parts = readParts(texts)
  if (!parts.ok) return parts
  const isWhole = text === null && Object.keys(parts.tree).length > 0
  const found = isWhole ? asSections(parts.tree, kinds) : parts.tree
  const environment = readEnvironment(isWhole ? {} : env, kinds, found)
  const tree = merge(found, environment.tree)
  const foreign = readForeign(tree, env, kinds)
  const origins = new Map([...environment.origins, ...foreign.origins])
  const places = { file: isWhole ? WHOLE : name, origins, locate: parts.locate }
  const directory = file === null ? '.' : isDirectory ? file : dirname(file)
  const origin = { directory, files: file === null ? [] : texts.map((part) => part.file) }
  return {
    ok: true,
    kinds,
    tree: merge(tree, foreign.tree),
    places,
    origin,
    duplicates: parts.duplicates,
    misread: parts.misread,
    problems: [...environment.problems, ...checkEnvironment(found, environment, env, kinds)],
    warnings: [
      ...(isDirectory && text.length === 0 ? [{ ...nowhere(name), message: 'has no *.yml or *.yaml' }] : []),
      ...(isWhole ? besideWhole(env, kinds) : text === null || whole === '' ? [] : [unused(name)]),
    ],
  }
}

function textsOf(text: string | null, file: string, whole: string): readonly ConfigPart[] {
  if (text !== null) return [{ file, text }]
  return whole === '' ? [] : [{ file: WHOLE, text: whole }]
}

/**
 * Keeps empty sections: here, unlike in a file, such a section is one (patroni/config.py `_build_effective_configuration`).
 */
function asSections(tree: Tree, kinds: readonly DcsSection[]): Tree {
  const names = patroniKinds(kinds).map((each) => each.name)
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [key, names.includes(key) ? (value ?? {}) : value]),
  )
}

function besideWhole(env: Environment, kinds: readonly DcsSection[]): Problem[] {
  const variables = [...new Set(readEnvironment(env, kinds).origins.values())]
  if (variables.length === 0) return []
  const message = `is the whole configuration, as in Patroni; not used: ${variables.join(', ')}`
  return [{ ...nowhere('environment'), path: WHOLE, message }]
}

function unused(file: string): Problem {
  return { ...nowhere('environment'), path: WHOLE, message: `not used: ${file} takes precedence, as in Patroni` }
}

function nowhere(file: string): Omit<Problem, 'message'> {
  return { file, line: null, column: null, path: '' }
}
