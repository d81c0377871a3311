/** Puts a reload group in place as the router does it, with its journal: what is left undone here it does when it starts. */
import { type Logger, pino } from 'pino'
import { commandEnvironment } from '../../templates/commands/input.ts'
import { Journal } from '../../templates/files/journal.ts'
import type { Result } from '../../templates/groups/log-lines.ts'
import { GroupApply, type Rendered } from '../../templates/groups/apply.ts'
import type { GroupTask, Report } from './group-task.ts'

/**
 * Whether files and reload are as they should be; what is wrong with templates has been told before. Never rejects, and
 * ends soon when the signal aborts.
 */
export async function placeOnce(
  rendered: readonly Rendered[],
  runsCommands: boolean,
  task: GroupTask,
): Promise<boolean> {
  const { name: group, files, stateDir, io, report, signal } = task
  const wanted = runsCommands ? rendered : rendered.map(withoutCommands)
  const templates = wanted.map(({ template }) => template)
  const log = warningsTo(report)
  const journal = new Journal({ dir: stateDir, group, log })
  const signalGroup: typeof io.signalGroup = (pid, name) => io.signalGroup(pid, name)
  const env = commandEnvironment(io.env)
  const applying = new GroupApply({ group, templates, files, journal, env, signalGroup, log })
  const recover = async (): Promise<void> => {
    if (runsCommands) return applying.recover()
    // Where nothing is to be run, a reload that the router owes stays due.
    const { warnings } = await files.recover(
      journal,
      templates.map(({ destination }) => destination),
    )
    for (const message of warnings) report({ kind: 'warning', message })
  }
  const applied = recover().then(() => applying.apply(wanted))
  const result = await closedAt(signal, applying, applied)
  const written = templates.filter((template) => applying.statusOf(template).writtenAt !== null)
  // Also where the reload has failed.
  const isPlaced = written.length > 0 || result.kind === 'in-sync'
  for (const template of isPlaced ? templates : [])
    report({ kind: written.includes(template) ? 'written' : 'unchanged', path: template.destination })
  const isReloaded = reloaded(applying, task)
  if (result.kind !== 'failed' || result.event === 'template-failed') return isReloaded
  const { event, reason, output } = result
  // Once interrupted it has not failed, and that it was is told by the caller.
  if (event !== 'reload-failed' && !signal.aborted)
    report({ kind: 'failed', message: reason.includes(group) ? reason : `${group}: ${reason}`, output })
  return false
}

/** When `signal` aborts, a check that runs is ended, and a reload has a few seconds more. */
async function closedAt(
  signal: AbortSignal,
  applying: GroupApply,
  applied: ReturnType<GroupApply['apply']>,
): Promise<Result> {
  const close = (): void => void applying.close(applied.then(() => undefined))
  signal.addEventListener('abort', close, { once: true })
  if (signal.aborted) close()
  try {
    return (await applied).result
  } finally {
    signal.removeEventListener('abort', close)
  }
}

function reloaded({ reload }: GroupApply, { name: group, stateDir, report }: GroupTask): boolean {
  const last = reload?.last ?? null
  if (last?.ok === true) report({ kind: 'reloaded', group })
  if (reload?.pending !== true) return true
  const outcome = last === null ? 'was not begun' : last.outcome
  const later =
    stateDir === null
      ? 'the router will not know of it: run it by hand, or set state_dir'
      : 'it stays due, and is run by the router when it starts'
  report({ kind: 'failed', message: `${group}: the reload ${outcome}: ${later}`, output: last?.output ?? '' })
  return false
}

function withoutCommands({ template, outcome }: Rendered): Rendered {
  return { template: { ...template, check: null, reload: null }, outcome }
}

/** What would be a warning in the router's log. */
function warningsTo(report: Report): Logger {
  const write = (line: string): void => {
    const { msg: message } = JSON.parse(line) as { msg: string }
    report({ kind: 'warning', message })
  }
  return pino({ level: 'warn', base: null }, { write })
}
