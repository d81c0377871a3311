/** Checks the content of {{ }}: every name and every call is looked up, and what they give is found out. */
import { nearest } from '../../text/suggestion.ts'
import { printable } from '../../text/printable.ts'
import type { Helper } from './helper.ts'
import { placeOf } from './parse.ts'
import { type CallExpression, describe, type Expression, type Step } from './plan.ts'
import type { TemplateProblem } from './template.ts'
import { baseOf, placeIn, rootOf, type Scope, stepInto } from './scope.ts'
import { ANY, FLAG, NUMBER, present, type Shape, TEXT } from './shape.ts'
import type { Scalar } from './values.ts'

/** Of a message, which holds names as they are written. */
const MAX_MESSAGE = 1000

/** Handlebars' own, and {{#let}}; nothing else can be a block. */
export const BLOCKS: readonly string[] = ['each', 'if', 'let', 'unless', 'with']

export interface Checked {
  readonly expression: Expression
  readonly shape: Shape
}

/** Stands for what is wrong, so that nothing more is said about it. */
const WRONG: Checked = { expression: { kind: 'literal', value: null }, shape: ANY }

/** A {{mustache}}, a (sub-expression) or the beginning of a {{#block}}. */
export type Call = Pick<hbs.AST.MustacheStatement | hbs.AST.SubExpression, 'path' | 'params' | 'hash' | 'loc'>

export class ExpressionChecker {
  readonly problems: TemplateProblem[] = []
  /** Something of the context is read. */
  readsContext = false
  readonly #helpers: ReadonlyMap<string, Helper>

  constructor(helpers: readonly Helper[]) {
    this.#helpers = new Map(helpers.map((helper) => [helper.name, helper]))
  }

  problem(loc: hbs.AST.SourceLocation, message: string): Checked {
    this.problems.push({ ...placeOf(loc), message: printable(message, MAX_MESSAGE) })
    return WRONG
  }

  /** Checks {{name}} or {{helper argument...}}. */
  mustache(node: Call, scope: Scope): Checked {
    const { path } = node
    if (!isPath(path)) return this.problem(path.loc, 'a value by itself: write the text without {{ }}')
    const hasArguments = node.params.length > 0 || hasHash(node)
    const name = hasArguments ? oneWord(path) : simpleName(path, scope)
    if (name !== null && (this.#helpers.has(name) || BLOCKS.includes(name))) return this.#call(node, name, scope)
    if (!hasArguments) return this.#path(path, scope)
    for (const param of node.params) this.check(param, scope)
    return this.problem(path.loc, this.#noHelper(path.original))
  }

  /** Checks an argument. */
  check(node: hbs.AST.Expression, scope: Scope): Checked {
    if (isPath(node)) return this.#path(node, scope)
    if (node.type === 'SubExpression') {
      const call = node as hbs.AST.SubExpression
      const name = isPath(call.path) ? oneWord(call.path) : null
      if (name !== null && (this.#helpers.has(name) || BLOCKS.includes(name))) return this.#call(call, name, scope)
      for (const param of call.params) this.check(param, scope)
      return this.problem(call.path.loc, this.#noHelper(call.path.original))
    }
    return this.#literal(node)
  }

  #literal(node: hbs.AST.Expression): Checked {
    const literal = (value: Scalar, shape: Shape): Checked => ({ expression: { kind: 'literal', value }, shape })
    switch (node.type) {
      case 'StringLiteral':
        return literal((node as hbs.AST.StringLiteral).value, TEXT)
      case 'NumberLiteral': {
        const { value } = node as hbs.AST.NumberLiteral
        // It would be written with other digits.
        const isExact = Math.abs(value) <= Number.MAX_SAFE_INTEGER
        return isExact ? literal(value, NUMBER) : this.problem(node.loc, 'the number is too large: quote it')
      }
      case 'BooleanLiteral':
        return literal((node as hbs.AST.BooleanLiteral).value, FLAG)
      case 'NullLiteral':
        return literal(null, ANY)
      default:
        return this.problem(node.loc, 'this is no value: write null for none')
    }
  }

  #path(node: hbs.AST.PathExpression, scope: Scope): Checked {
    const found = baseOf(node, scope)
    if (typeof found === 'string') return this.problem(node.loc, found)
    let { shape } = found
    this.readsContext ||= shape === rootOf(scope)
    const steps: Step[] = []
    for (const name of found.names) {
      const next = stepInto(shape, name)
      if (typeof next === 'string') {
        const isFirst = steps.length === 0 && node.parts.length === found.names.length
        return this.problem(node.loc, (isFirst ? this.#elsewhere(name, shape, scope) : null) ?? next)
      }
      steps.push(next.step)
      shape = next.shape
    }
    const { base } = found
    return { expression: { kind: 'path', place: placeOf(node.loc), text: node.original, base, steps }, shape }
  }

  /** Explains a name that is not a field where it is written; null: nothing is known of it. */
  #elsewhere(name: string, shape: Shape, scope: Scope): string | null {
    const helper = this.#helpers.get(name)
    if (helper !== undefined) return `"${name}" is a helper: write (${helper.usage})`
    const fields = fieldsOf(shape)
    if (nearest(name, fields) !== null) return null
    let up = '../'
    for (let at = placeIn(scope).at.outer; at !== null; at = at.outer) {
      if (!at.isPlace) continue
      const near = nearest(name, fieldsOf(at.self))
      if (near !== null && fields.length > 0) return `no "${name}" here: did you mean "${up}${near}"?`
      up += '../'
    }
    return null
  }

  #call({ params, path, loc, ...rest }: Call, name: string, scope: Scope): Checked {
    const helper = this.#helpers.get(name)
    const args = params.map((param) => this.check(param, scope))
    if (helper === undefined) return this.problem(path.loc, `${name} is a block: write {{#${name} ...}}`)
    const { min, max } = helper.arity
    if (hasHash(rest)) return this.problem(loc, `${name} takes no named values: ${helper.usage}`)
    if (args.length < min || args.length > max) {
      return this.problem(loc, `${name} takes ${countOf(min, max)}, not ${args.length}: ${helper.usage}`)
    }
    const fault = helper.checkLiterals?.(
      args.map(({ expression }) =>
        expression.kind === 'literal' && !isWrong(expression) ? expression.value : undefined,
      ),
      args.map(({ shape }) => shape),
    )
    if (typeof fault === 'string') return this.problem(loc, `${name}: ${fault}`)
    const expression: CallExpression = {
      kind: 'call',
      place: placeOf(loc),
      helper,
      args: args.map((arg) => arg.expression),
    }
    return { expression, shape: helper.returns(args.map((arg) => arg.shape)) }
  }

  #noHelper(name: string): string {
    const near = nearest(name, [...this.#helpers.keys()])
    return `there is no helper "${name}"${near === null ? '' : `: did you mean "${near}"?`}`
  }
}

/** Returns why a value of this shape cannot be written as it is, or null. */
export function whyNotWritten({ expression, shape }: Checked): string | null {
  const text = describe(expression)
  const whole = present(shape)
  switch (whole.kind) {
    case 'text':
    case 'number':
    case 'flag':
    case 'any':
      return null
    case 'list':
      return `${text} is a list: write {{#each ${text}}}`
    case 'record': {
      const [first = 'name'] = Object.keys(whole.fields)
      return `${text} is a ${whole.name}: write one of its fields, as ${first}`
    }
    case 'map':
      return `${text} is a map: write one of its values, or {{#each ${text}}}`
    case 'maybe':
      throw new Error('a value that is present cannot be absent')
  }
}

export function isPath(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return node.type === 'PathExpression'
}

function isWrong(expression: Expression): boolean {
  return expression === WRONG.expression
}

/** Returns a word that no block around it has renamed: without arguments such a name is not the helper's. */
function simpleName(path: hbs.AST.PathExpression, scope: Scope): string | null {
  const name = oneWord(path)
  if (name === null) return null
  for (let at: Scope | null = scope; at !== null; at = at.outer) if (at.names.includes(name)) return null
  return name
}

/** Returns a path that may be the name of a helper. */
function oneWord({ data, depth, parts, original }: hbs.AST.PathExpression): string | null {
  const [name] = parts
  return data || depth > 0 || parts.length !== 1 || name === undefined || original !== name ? null : name
}

export function hasHash({ hash }: { readonly hash?: hbs.AST.Hash }): boolean {
  return (hash?.pairs.length ?? 0) > 0
}

function fieldsOf(shape: Shape): readonly string[] {
  const whole = present(shape)
  return whole.kind === 'record' ? Object.keys(whole.fields) : []
}

function countOf(min: number, max: number): string {
  if (min === max) return min === 1 ? '1 value' : `${min} values`
  return `${min} to ${max} values`
}
