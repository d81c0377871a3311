/** What names mean at one place of a template, and what their values will be. */
import { suggest } from '../../text/suggestion.ts'
import type { Base, Step } from './plan.ts'
import { ANY, FLAG, kindOf, NUMBER, present, type Shape } from './shape.ts'

export interface Scope {
  /** false: {{#let}}, which gives a name and leaves `this` and `../` what they are. */
  readonly isPlace: boolean
  readonly self: Shape
  /** Of {{#each}} only. */
  readonly key: Shape | null
  /** `as |member index|`. */
  readonly names: readonly string[]
  readonly outer: Scope | null
}

/** Returns the scope in which a template begins. */
export function outermost(context: Shape): Scope {
  return { isPlace: true, self: context, key: null, names: [], outer: null }
}

/** Returns the place that a scope is at, and how many scopes further out that is. */
export function placeIn(scope: Scope): { readonly at: Scope; readonly up: number } {
  let [at, up] = [scope, 0]
  for (; !at.isPlace && at.outer !== null; up++) at = at.outer
  return { at, up }
}

export interface Found {
  readonly base: Base
  readonly shape: Shape
  /** What is left of the path. */
  readonly names: readonly string[]
}

/** A name as it is parsed: `../tags.dc` is `depth` 1 and two parts, `@index` is `data`. */
export interface Name {
  readonly data: boolean
  readonly depth: number
  readonly parts: readonly string[]
  readonly original: string
}

/** Returns where a path begins; a text says what is wrong with it. */
export function baseOf(name: Name, scope: Scope): Found | string {
  if (name.data) return dataOf(name, scope)
  const { depth, parts, original } = name
  const isScoped = original.startsWith('.') || /^this\b/.test(original)
  if (depth === 0 && !isScoped) {
    const named = namedIn(scope, parts)
    if (named !== null) return named
  }
  let { at, up } = placeIn(scope)
  for (let left = depth; left > 0; left--) {
    if (at.outer === null) return `"${original}" leads out of the template: only {{#each}} and {{#with}} lead into one`
    const outer = placeIn(at.outer)
    at = outer.at
    up += 1 + outer.up
  }
  return { base: { up, of: 'self' }, shape: at.self, names: parts }
}

/** Finds the name of an `as |...|` or a {{#let}}, of the innermost block that has it. */
function namedIn(scope: Scope, [name, ...names]: readonly string[]): Found | null {
  let up = 0
  for (let at: Scope | null = scope; at !== null; at = at.outer, up++) {
    const index = name === undefined ? -1 : at.names.indexOf(name)
    if (index === 0) return { base: { up, of: 'self' }, shape: at.self, names }
    if (index === 1) return { base: { up, of: 'key' }, shape: at.key ?? ANY, names }
  }
  return null
}

const DATA = ['root', 'index', 'key', 'first', 'last']

/** Finds `@index` and the like: of the innermost {{#each}}, `@../index` of the one around it. */
function dataOf({ depth, parts: [name = '', ...names] }: Name, scope: Scope): Found | string {
  if (!DATA.includes(name)) return `unknown name "@${name}": ${suggest(name, DATA)}`
  if (name === 'root') return { base: { up: null, of: 'self' }, shape: rootOf(scope), names }
  let [up, loops] = [0, depth]
  for (let at: Scope | null = scope; at !== null; at = at.outer, up++) {
    if (at.key === null || loops-- > 0) continue
    if (name === 'key') return { base: { up, of: 'key' }, shape: at.key, names }
    return name === 'index'
      ? { base: { up, of: 'index' }, shape: NUMBER, names }
      : { base: { up, of: name === 'first' ? 'first' : 'last' }, shape: FLAG, names }
  }
  return `@${name} is known only within ${depth === 0 ? '{{#each}}' : `${depth + 1} nested {{#each}}`}`
}

/** Returns what the template begins with. */
export function rootOf(scope: Scope): Shape {
  return scope.outer === null ? scope.self : rootOf(scope.outer)
}

/** Returns what is one name further; a text says why there cannot be such a one. */
export function stepInto(whole: Shape, name: string): { readonly shape: Shape; readonly step: Step } | string {
  const shape = present(whole)
  const step = { name, absent: whole.kind === 'maybe' && shape.kind === 'record' ? whole.absent : null }
  switch (shape.kind) {
    case 'any':
      return { shape: ANY, step }
    case 'map':
      return { shape: shape.of, step }
    case 'list':
      if (name === 'length') return { shape: NUMBER, step }
      if (/^\d+$/.test(name)) return { shape: shape.of, step }
      return `a list has no "${name}": {{#each}} goes through its items`
    case 'record': {
      const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined
      if (field !== undefined) return { shape: field, step }
      return `there is no "${name}" in the ${shape.name}: ${suggest(name, Object.keys(shape.fields))}`
    }
    case 'text':
    case 'number':
    case 'flag':
      return `${kindOf(shape)} has no "${name}"`
    case 'maybe':
      throw new Error('a value that is present cannot be absent')
  }
}
