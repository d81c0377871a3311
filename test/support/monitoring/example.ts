/** The files of examples/monitoring, as the tests look at them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { ROOT } from '../router/package.ts'

export const EXAMPLE = join(ROOT, 'examples/monitoring')

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

/** A panel of the dashboard, or a row. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
}

export interface Dashboard {
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
}

function read(name: string): string {
  return readFileSync(join(EXAMPLE, name), 'utf8')
}

export function readRules(): readonly Rule[] {
  return (parse(read('rules.yml')) as RuleFile).groups.flatMap(({ rules }) => rules)
}

export function readDashboard(): Dashboard {
  return JSON.parse(read('dashboard.json')) as Dashboard
}

/** Returns every expression of the dashboard, those of its annotations and variables included, and where it stands. */
export function dashboardQueries({
  panels,
  annotations,
  templating,
}: Dashboard): readonly (readonly [string, string])[] {
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
    ...annotations.list.flatMap(({ name, expr }) => (expr === undefined ? [] : [[name, expr] as const])),
    ...templating.list.flatMap(({ name, definition }) => {
      const [, series] = /^label_values\((.*), \w+\)$/.exec(definition ?? '') ?? []
      return series === undefined ? [] : [[`variable ${name}`, series] as const]
    }),
  ]
}

/** Fills in the variables of a dashboard as Grafana does where all is chosen. @throws where one is left. */
export function filledIn(expr: string, range: string): string {
  const text = expr.replaceAll('$__rate_interval', range).replace(/"\$(?:cluster|instance|listener|member)"/g, '".*"')
  if (text.includes('$')) throw new Error(`a variable is left in ${text}`)
  return text
}

/** Returns the names of metrics in an expression. */
export function metricsIn(expr: string): readonly string[] {
  const code = expr.replace(/"[^"]*"/g, '""')
  return [...code.matchAll(/\b(?:up|(?:patroni_router|haproxy|process|nodejs)_\w+)\b/g)].map(([name]) => name)
}

/**
 * Returns the rules as a file in which everything happens within seconds: no alert waits, what is looked back on is short,
 * and the limits are `limits`, by alert: what stands in its expression, and what shall stand there.
 */
export function hastened(
  rules: readonly Rule[],
  range: string,
  limits: Readonly<Record<string, readonly [string, string]>>,
): string {
  const hastenedRule = ({ alert, expr, labels, annotations }: Rule): Rule => {
    const [from = '', to = ''] = limits[alert] ?? []
    if (!expr.includes(from)) throw new Error(`${alert} has no ${from}`)
    return { alert, expr: expr.replace(from, to).replace(/\[\w+\]/g, `[${range}]`), labels, annotations }
  }
  return stringify({ groups: [{ name: 'hastened', rules: rules.map(hastenedRule) }] })
}
