/** What came of a reload, or would come of it, as text. Pure. */
import type { ReloadReport } from '../reload.ts'
import { visible } from '../text/terminal.ts'
import { counted, inSeconds } from '../text/wording.ts'

/** Lines for standard output and for standard error, fit for a terminal. */
export interface ReloadText {
  readonly out: readonly string[]
  readonly err: readonly string[]
}

/** Returns what a reload has done. */
export function reloadText(report: ReloadReport): ReloadText {
  const { outcome, changes, tookMs } = report
  const where = sourceOf(report)
  if (outcome === 'refused') return refusedText(report, 'not reloaded: the previous configuration stays in force')
  const said =
    outcome === 'unchanged'
      ? [`unchanged: ${where} is what the router runs with`]
      : [`reloaded ${where} in ${duration(tookMs)}, changed:`, ...indented(changes), `ends ${endingText(report)}`]
  return { out: said.map(visible), err: warningsOf(report) }
}

/** Returns what a reload would do. */
export function previewText(report: ReloadReport): ReloadText {
  const { outcome, changes } = report
  if (outcome === 'refused') return refusedText(report, 'a reload would change nothing: it would be refused')
  const said =
    outcome === 'unchanged'
      ? [`would change: nothing, ${sourceOf(report)} is what the router runs with`]
      : ['would change:', ...indented(changes), `would end ${endingText(report)}`]
  return { out: said.map(visible), err: warningsOf(report) }
}

/** Returns where the configuration of a report is read from. */
export function sourceOf({ file }: { readonly file: string | null }): string {
  return file ?? 'the environment'
}

function refusedText({ problems, ...report }: ReloadReport, consequence: string): ReloadText {
  const warnings = warningsOf({ warnings: report.warnings })
  return { out: [], err: [...warnings, ...problems.map(visible), `patroni-router: ${consequence}`] }
}

function warningsOf({ warnings }: Pick<ReloadReport, 'warnings'>): readonly string[] {
  return warnings.map((warning) => `warning: ${visible(warning)}`)
}

/** Returns how many sessions end, as the object of a sentence. */
export function endingText({ endingSessions }: Pick<ReloadReport, 'endingSessions'>): string {
  return endingSessions === 0 ? 'no session' : `${counted(endingSessions, 'session')}, within drain_timeout`
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : inSeconds(ms)
}

function indented(changes: readonly string[]): readonly string[] {
  return changes.map((change) => `  ${change}`)
}
