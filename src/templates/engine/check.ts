/** Checks a whole template: what it says becomes a plan, or is a problem. All problems are found at once. */
import { suggest } from '../../text/suggestion.ts'
import { BLOCKS, ExpressionChecker, hasHash, isPath, whyNotWritten } from './check-expressions.ts'
import type { Helper } from './helper.ts'
import { placeOf } from './parse.ts'
import { describe, type Statement } from './plan.ts'
import type { TemplateProblem } from './template.ts'
import { outermost, type Scope } from './scope.ts'
import { ANY, kindOf, NUMBER, present, type Shape, TEXT } from './shape.ts'

/** Blocks within blocks; far from the end of the stack. */
const MAX_DEPTH = 100

export type Checked =
  | { readonly ok: true; readonly plan: readonly Statement[]; readonly readsContext: boolean }
  | { readonly ok: false; readonly problems: readonly TemplateProblem[] }

export function checkTemplate(program: hbs.AST.Program, helpers: readonly Helper[], context: Shape): Checked {
  const checker = new TemplateChecker(helpers)
  const plan = checker.program(program, outermost(context), 0)
  const { problems, readsContext } = checker.expressions
  if (problems.length === 0) return { ok: true, plan, readsContext }
  return { ok: false, problems: problems.toSorted((a, b) => order(a.line, b.line) || order(a.column, b.column)) }
}

function order(a: number | null, b: number | null): number {
  return (a ?? 0) - (b ?? 0)
}

class TemplateChecker {
  readonly expressions: ExpressionChecker

  constructor(helpers: readonly Helper[]) {
    this.expressions = new ExpressionChecker(helpers)
  }

  program(program: hbs.AST.Program | undefined, scope: Scope, depth: number): readonly Statement[] {
    return (program?.body ?? []).flatMap((statement) => this.#statement(statement, scope, depth))
  }

  #statement(node: hbs.AST.Statement, scope: Scope, depth: number): readonly Statement[] {
    switch (node.type) {
      case 'ContentStatement': {
        const text = (node as hbs.AST.ContentStatement).value
        return text === '' ? [] : [{ kind: 'text', text }]
      }
      case 'CommentStatement':
        return []
      case 'MustacheStatement': {
        const checked = this.expressions.mustache(node as hbs.AST.MustacheStatement, scope)
        const fault = whyNotWritten(checked)
        if (fault !== null) this.expressions.problem(node.loc, fault)
        return [{ kind: 'print', value: checked.expression, place: placeOf(node.loc) }]
      }
      case 'BlockStatement':
        if (depth < MAX_DEPTH) return this.#block(node as hbs.AST.BlockStatement, scope, depth + 1)
        return this.#problem(node, `more than ${MAX_DEPTH} blocks within each other`)
      case 'PartialStatement':
      case 'PartialBlockStatement':
        return this.#problem(node, 'there are no partials ({{>): a template is one file')
      default:
        return this.#problem(node, 'there are no decorators ({{*)')
    }
  }

  #problem(node: hbs.AST.Node, message: string): readonly Statement[] {
    this.expressions.problem(node.loc, message)
    return []
  }

  #block(node: hbs.AST.BlockStatement, scope: Scope, depth: number): readonly Statement[] {
    // {{^if}} has only the part after its {{else}}.
    const [program, inverse] = [node.program, node.inverse] as [hbs.AST.Program?, hbs.AST.Program?]
    const name = isPath(node.path) ? node.path.original : ''
    const [param, ...more] = node.params
    const otherwise = this.program(inverse, scope, depth)
    if (!BLOCKS.includes(name)) return this.#noBlock(node, name, program, scope, depth)
    if (name === 'let') return this.#let(node, program, scope, depth)
    if (param === undefined || more.length > 0) {
      this.program(program, scope, depth)
      return this.#problem(node, `{{#${name}}} takes 1 value, not ${node.params.length}`)
    }
    const checked = this.expressions.check(param, scope)
    const test = checked.expression
    const names = blockParams(program ?? inverse)
    this.#checkNames(node, name, names)
    if (name === 'if' || name === 'unless') {
      const includeZero = this.#includeZero(node, name)
      const body = this.program(program, scope, depth)
      const [then, others] = name === 'if' ? [body, otherwise] : [otherwise, body]
      return [{ kind: 'if', test, includeZero, body: then, otherwise: others }]
    }
    if (hasHash(node)) this.#problem(node, `{{#${name}}} takes no named values`)
    if (name === 'with') {
      const inner = { isPlace: true, self: present(checked.shape), key: null, names, outer: scope }
      return [{ kind: 'with', value: test, body: this.program(program, inner, depth), otherwise }]
    }
    const items = itemsOf(checked.shape)
    if (items === null) this.#problem(param, `${describe(test)} is ${kindOf(checked.shape)}, not a list`)
    const inner = { isPlace: true, ...(items ?? { self: ANY, key: ANY }), names, outer: scope }
    const body = this.program(program, inner, depth)
    const place = placeOf(param.loc)
    return [{ kind: 'each', list: test, place, body, otherwise: inverse === undefined ? null : otherwise }]
  }

  /** Checks {{#let x=(...) y=x}}: names for values of any kind; the body is always written. */
  #let(
    node: hbs.AST.BlockStatement,
    program: hbs.AST.Program | undefined,
    scope: Scope,
    depth: number,
  ): readonly Statement[] {
    const pairs = (node.hash as hbs.AST.Hash | undefined)?.pairs ?? []
    const names = pairs.map(({ key }) => key)
    let inner = scope
    const values = pairs.map(({ key, value }) => {
      const { expression, shape } = this.expressions.check(value, inner)
      inner = { isPlace: false, self: shape, key: null, names: [key], outer: inner }
      return expression
    })
    const body = this.program(program, inner, depth)
    const wrong = whyNoLet(node, names)
    return wrong === null ? [{ kind: 'let', values, body }] : this.#problem(node, wrong)
  }

  #noBlock(
    node: hbs.AST.BlockStatement,
    name: string,
    program: hbs.AST.Program | undefined,
    scope: Scope,
    depth: number,
  ): readonly Statement[] {
    this.program(program, scope, depth)
    const isCall = node.params.length > 0
    for (const param of node.params) this.expressions.check(param, scope)
    const advice = isCall ? suggest(name, BLOCKS) : `write {{#each ${name}}}, {{#if ${name}}} or {{#with ${name}}}`
    return this.#problem(node, `there is no block "${name}": ${advice}`)
  }

  #checkNames(node: hbs.AST.BlockStatement, name: string, names: readonly string[]): void {
    const most = name === 'each' ? 2 : name === 'with' ? 1 : 0
    if (names.length > most) this.#problem(node, `{{#${name}}} gives ${most} names (as |...|), not ${names.length}`)
    if (new Set(names).size < names.length) this.#problem(node, 'the names in as |...| are the same')
  }

  #includeZero(node: hbs.AST.BlockStatement, name: string): boolean {
    const pairs = (node.hash as hbs.AST.Hash | undefined)?.pairs ?? []
    const [pair, ...others] = pairs
    if (pair === undefined) return false
    if (others.length === 0 && pair.key === 'includeZero' && pair.value.type === 'BooleanLiteral')
      return (pair.value as hbs.AST.BooleanLiteral).value
    this.#problem(node, `{{#${name}}} takes no named value but includeZero=true`)
    return false
  }
}

function whyNoLet({ params, program, inverse }: hbs.AST.BlockStatement, names: readonly string[]): string | null {
  if (params.length > 0 || names.length === 0) return '{{#let}} takes values with names: {{#let x=(getv "/x")}}'
  if ((inverse as hbs.AST.Program | undefined) !== undefined)
    return '{{#let}} has no {{else}}: what is in it is always written'
  if (blockParams(program).length > 0) return '{{#let x=...}} gives its names without as |...|'
  const odd = names.find((name) => !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name) || name === 'this')
  if (odd !== undefined) return `{{#let}}: "${odd}" is no name`
  return new Set(names).size < names.length ? '{{#let}} gives the same name twice' : null
}

function blockParams(program: hbs.AST.Program | undefined): readonly string[] {
  return (program?.blockParams as readonly string[] | undefined) ?? []
}

/** Returns the shape of the items of {{#each}}; null: it is not a list or a record. */
function itemsOf(shape: Shape): { readonly self: Shape; readonly key: Shape } | null {
  const whole = present(shape)
  switch (whole.kind) {
    case 'list':
      return { self: whole.of, key: NUMBER }
    case 'map':
      return { self: whole.of, key: TEXT }
    case 'any':
      return { self: ANY, key: ANY }
    case 'text':
    case 'number':
    case 'flag':
    case 'record':
    case 'maybe':
      return null
  }
}
