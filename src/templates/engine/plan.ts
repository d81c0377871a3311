/** A template that has been checked: what is left to do when it is rendered. */
import type { Helper } from './helper.ts'
import type { Scalar } from './values.ts'

/** Lines and columns count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

export type Expression = { readonly kind: 'literal'; readonly value: Scalar } | PathExpression | CallExpression

export interface PathExpression {
  readonly kind: 'path'
  readonly place: Place
  /** As it is written: `../scope`. */
  readonly text: string
  readonly base: Base
  readonly steps: readonly Step[]
}

export interface CallExpression {
  readonly kind: 'call'
  readonly place: Place
  readonly helper: Helper
  readonly args: readonly Expression[]
}

/** How many {{#each}}, {{#with}} and values of {{#let}} further out, and what of that one; null: the context as a whole. */
export interface Base {
  readonly up: number | null
  readonly of: 'self' | 'key' | 'index' | 'first' | 'last'
}

export interface Step {
  readonly name: string
  /** Why there may be nothing that has this name, where that is known: `there is no primary`. */
  readonly absent: string | null
}

export type Statement =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly value: Expression; readonly place: Place }
  | {
      readonly kind: 'if'
      readonly test: Expression
      /** Handlebars takes 0 for false unless `includeZero` is given. */
      readonly includeZero: boolean
      readonly body: readonly Statement[]
      readonly otherwise: readonly Statement[]
    }
  | {
      readonly kind: 'each'
      readonly list: Expression
      readonly place: Place
      readonly body: readonly Statement[]
      /** null: there is no {{else}}. */
      readonly otherwise: readonly Statement[] | null
    }
  | {
      readonly kind: 'with'
      readonly value: Expression
      readonly body: readonly Statement[]
      readonly otherwise: readonly Statement[]
    }
  /** Each of the values is one further in, and can read those before it. */
  | { readonly kind: 'let'; readonly values: readonly Expression[]; readonly body: readonly Statement[] }

/** Returns an expression as it is written, roughly. */
export function describe(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return JSON.stringify(expression.value)
    case 'path':
      return expression.text
    case 'call':
      return `(${[expression.helper.name, ...expression.args.map(describe)].join(' ')})`
  }
}
