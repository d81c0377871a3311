/** The lines of the log about a reload. Pure. */
import { endingText } from '../admin/reload-text.ts'
import { type ReloadReport, SHUTTING_DOWN } from '../reload.ts'
import type { LogLine } from '../text/log-line.ts'
import { counted } from '../text/wording.ts'

/** More changes, or problems, are a number. */
const MAX_SHOWN = 20

/**
 * Returns the lines of a reload: what has changed, or why nothing has. `known`: problems and warnings that are in the
 * log already.
 */
export function reloadLines(
  report: ReloadReport,
  known: { readonly problems: readonly string[]; readonly warnings: readonly string[] },
): readonly LogLine[] {
  if (report.outcome === 'refused') return [refusedLine(report, known.problems)]
  const warnings = report.warnings.filter((warning) => !known.warnings.includes(warning))
  return [
    ...warnings.map((message): LogLine => ({ level: 'warn', message, fields: { event: 'config-warning' } })),
    report.outcome === 'applied' ? appliedLine(report) : unchangedLine(report),
  ]
}

function refusedLine({ problems, file }: ReloadReport, known: readonly string[]): LogLine {
  if (isSame(problems, [SHUTTING_DOWN])) {
    const message = `configuration not reloaded: ${SHUTTING_DOWN}`
    return { level: 'info', message, fields: { event: 'config-refused', config: file } }
  }
  const subject = 'configuration not reloaded, the previous one stays in force'
  if (isSame(problems, known)) {
    const same = problems.length === 1 ? 'problem' : counted(problems.length, 'problem')
    const message = `configuration still not reloaded: the same ${same} as before`
    return { level: 'warn', message, fields: { event: 'config-refused', config: file } }
  }
  const message = `${subject}: ${shortened(problems, '; ')}`
  return { level: 'error', message, fields: { event: 'config-refused', config: file, problems } }
}

/** Returns whether both have the same problems, in whatever order. */
function isSame(problems: readonly string[], known: readonly string[]): boolean {
  return problems.length === known.length && problems.every((problem) => known.includes(problem))
}

function appliedLine({ changes, endingSessions, file, tookMs }: ReloadReport): LogLine {
  const ending = endingSessions === 0 ? '' : ` (ends ${endingText({ endingSessions })})`
  return {
    level: 'info',
    message: `configuration reloaded: ${shortened(changes, '; ')}${ending}`,
    fields: { event: 'config-reloaded', config: file, changes: changes.length, endingSessions, tookMs },
  }
}

function unchangedLine({ file, tookMs }: ReloadReport): LogLine {
  const message = 'configuration read again: nothing has changed'
  return { level: 'info', message, fields: { event: 'config-unchanged', config: file, tookMs } }
}

/** Returns a list in one line. */
function shortened(texts: readonly string[], separator: string): string {
  const more = texts.length - MAX_SHOWN
  return [...texts.slice(0, MAX_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join(separator)
}
