/** HAProxy's metrics in the text format of Prometheus, as its exporter writes them: made in slices, since they can be many. */
import { setImmediate } from 'node:timers/promises'
import type { RouterStatus } from '../status.ts'
import { CHECK_STATUSES } from './checks.ts'
import { infoValues } from './info.ts'
import {
  type HaproxyScope,
  PROCESS_FAMILIES,
  STAT_FAMILIES,
  STAT_SCOPES,
  type StatFamily,
  type StatScope,
} from './metric-names.ts'
import { type ProcessFigures, processFigures } from './process-figures.ts'
import { rowsBySection, type StatRow } from './rows.ts'
import { SERVER_STATES } from './sections.ts'

export interface FamilyOptions {
  /** Only these; null: all. */
  readonly scopes: readonly string[] | null
  /** Leaves out servers in maintenance. */
  readonly noMaint: boolean
}

/** Some 50 KiB, and a fraction of a millisecond. */
const SLICE_LINES = 500

/** Returns the families in slices, between which the event loop does other work. */
export async function* haproxyFamilies(
  status: RouterStatus,
  options: FamilyOptions,
  figures: ProcessFigures = processFigures(),
): AsyncGenerator<string> {
  const has = (scope: HaproxyScope): boolean => options.scopes?.includes(scope) ?? true
  if (has('global')) yield processFamilies(status, figures)
  const sections: Labelled[][] = []
  for (const rows of rowsBySection(status)) {
    sections.push(rows.map(labelled))
    if (sections.length % 10 === 0 || rows.length > 100) await setImmediate()
  }
  for (const scope of STAT_SCOPES.filter(has)) {
    for (const family of STAT_FAMILIES.filter(({ scopes }) => scopes.includes(scope))) {
      for (const slice of slicesOf(family, scope, sections, options.noMaint)) {
        yield slice
        await setImmediate()
      }
    }
  }
}

/** A row with its labels as text: `proxy="primary",server="pg1"`. */
interface Labelled extends StatRow {
  readonly labels: string
}

function labelled(row: StatRow): Labelled {
  const proxy = `proxy="${escaped(row.section)}"`
  const server = row.kind === 'server' ? `,server="${escaped(String(row.values.svname))}"` : ''
  return { ...row, labels: `${proxy}${server}` }
}

function escaped(label: string): string {
  return label.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function processFamilies(status: RouterStatus, figures: ProcessFigures): string {
  const values = new Map<string | null, string | number>(
    infoValues(status, figures).map(({ field, value }) => [field.name, value]),
  )
  return PROCESS_FAMILIES.map(({ field, name, type, help }) => {
    const value = values.get(field)
    const sample =
      field === 'Build info' ? `${name}{version="${escaped(status.version)}"} 1` : `${name} ${numeral(value)}`
    return `${header(name, type, help)}${sample}\n`
  }).join('')
}

function header(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

/** Returns a number as the format has it. Like HAProxy: a value that is not there is NaN. */
function numeral(value: string | number | null | undefined): string {
  return typeof value === 'number' ? String(value) : 'NaN'
}

/** Returns the lines of one family, some at a time; nothing where it has no sample. */
function* slicesOf(
  family: StatFamily,
  scope: StatScope,
  sections: readonly Labelled[][],
  noMaint: boolean,
): Generator<string> {
  const name = `haproxy_${scope}_${family.name}`
  let text = header(name, family.type, family.help)
  let lines = 0
  let isBegun = false
  for (const rows of sections) {
    for (const row of rows) {
      if (row.kind !== scope || (noMaint && row.state === 'MAINT')) continue
      for (const [labels, value] of samplesOf(family, row, rows)) {
        text += `${name}{${row.labels}${labels}} ${value}\n`
        lines++
      }
      if (lines < SLICE_LINES) continue
      yield text
      ;[text, lines, isBegun] = ['', 0, true]
    }
  }
  if (lines > 0 || (isBegun && text !== '')) yield text
}

type Sample = readonly [labels: string, value: string]

/** Columns in milliseconds, of which metrics are in seconds. */
const IN_MS: readonly string[] = ['qtime', 'ctime', 'rtime', 'ttime']

/** Returns the samples of a row. `rows`: those of its section. */
function samplesOf(family: StatFamily, row: StatRow, rows: readonly StatRow[]): readonly Sample[] {
  const { values, state, check, checkTookMs } = row
  const { column }: { readonly column: string } = family
  switch (column) {
    case 'status':
      return state === null
        ? states(['DOWN', 'UP'], ['UP', 'OPEN'].includes(String(values.status)) ? 'UP' : 'DOWN')
        : states(SERVER_STATES, state)
    case 'check_status':
      return check === null ? [] : states(CHECK_STATUSES, check.status)
    case 'check_code':
      return check === null ? [] : [['', numeral(check.httpStatus ?? 0)]]
    case 'check_duration':
      return checkTookMs === null ? [] : [['', numeral(inSeconds(checkTookMs))]]
    case 'agg_server_status':
    case 'agg_server_check_status':
      return totals(SERVER_STATES, (each) => rows.filter((other) => other.state === each).length)
    case 'agg_check_status':
      return totals(CHECK_STATUSES, (each) => rows.filter((other) => other.check?.status === each).length)
    default:
      return [['', numeral(IN_MS.includes(column) ? inSeconds(values[family.column]) : values[family.column])]]
  }
}

function inSeconds(ms: string | number | null | undefined): number | null {
  return typeof ms === 'number' ? ms / 1000 : null
}

/** Returns a sample for each state: 1 for the present one, 0 for the others. */
function states(all: readonly string[], present: string): readonly Sample[] {
  return totals(all, (each) => (each === present ? 1 : 0))
}

function totals(all: readonly string[], count: (state: string) => number): readonly Sample[] {
  return all.map((each) => [`,state="${each}"`, String(count(each))])
}
