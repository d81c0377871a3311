/** Puts a reload group in place once, for the command `render`. */
import { type Logger, pino } from 'pino'
import type { TemplateConfig } from '../../config/config.ts'
import { commandEnvironment } from '../commands/input.ts'
import { commandRunner } from '../commands/run-command.ts'
import type { Files } from '../files/files.ts'
import { Journal } from '../files/journal.ts'
import { GroupApply } from '../groups/apply.ts'
import type { Result } from '../groups/log-lines.ts'
import type { Rendered } from '../groups/render.ts'
import type { RenderOnceDeps } from './render-once.ts'

export interface OnceGroup {
  readonly group: string
  readonly templates: readonly TemplateConfig[]
  readonly rendered: readonly Rendered[]
  readonly files: Files
  readonly log: Logger
}

/**
 * Puts a group in place as the router does it, with its journal: what is left undone here it does when it starts. Returns
 * whether files and reload are as they should be. Never rejects, and ends soon when the signal aborts.
 */
export async function applyOnce(
  { group, templates, rendered, files, log }: OnceGroup,
  runsCommands: boolean,
  deps: RenderOnceDeps,
): Promise<boolean> {
  const { config, env, signalGroup, report, signal } = deps
  const journal = new Journal({ dir: config.stateDir, group, log })
  const run = runsCommands ? commandRunner(commandEnvironment(env), signalGroup) : null
  const apply = new GroupApply({ group, templates, files, journal, run, log })
  const result = await applied(apply, rendered, signal)
  const written = templates.filter((template) => apply.statusOf(template).writtenAt !== null)
  // Also where the reload has failed.
  const isPlaced = written.length > 0 || result.kind === 'in-sync'
  for (const template of isPlaced ? templates : [])
    report({ kind: written.includes(template) ? 'written' : 'unchanged', path: template.destination })
  const isReloaded = !runsCommands || reloaded(apply, group, deps)
  if (result.kind !== 'failed' || result.event === 'template-failed') return isReloaded
  const { event, reason, output } = result
  // Once interrupted it has not failed, and that it was is reported by the caller.
  if (event !== 'reload-failed' && !signal.aborted)
    report({ kind: 'failed', message: reason.includes(group) ? reason : `${group}: ${reason}`, output })
  return false
}

/** Applies; when `signal` aborts, a check that runs is ended, and a reload has a few seconds more. */
async function applied(apply: GroupApply, rendered: readonly Rendered[], signal: AbortSignal): Promise<Result> {
  const applying = apply.recover().then(() => apply.apply(rendered))
  const close = (): void => void apply.close(applying)
  signal.addEventListener('abort', close, { once: true })
  if (signal.aborted) close()
  try {
    return (await applying).result
  } finally {
    signal.removeEventListener('abort', close)
  }
}

function reloaded({ reload }: GroupApply, group: string, { config, report }: RenderOnceDeps): boolean {
  const last = reload?.last ?? null
  if (last?.ok === true) report({ kind: 'reloaded', group })
  if (reload?.pending !== true) return true
  const outcome = last === null ? 'was not begun' : last.outcome
  const later =
    config.stateDir === null
      ? 'run it by hand: without state_dir the router does not know of it'
      : 'it stays pending, and the router runs it when it starts'
  report({ kind: 'failed', message: `${group}: the reload ${outcome}: ${later}`, output: last?.output ?? '' })
  return false
}

/** Returns a log that reports what would be a warning in the router's. */
export function warningsTo(report: RenderOnceDeps['report']): Logger {
  const write = (line: string): void => {
    const { msg: message } = JSON.parse(line) as { readonly msg: string }
    report({ kind: 'warning', message })
  }
  return pino({ level: 'warn', base: null }, { write })
}
