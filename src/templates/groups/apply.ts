/** Applies what was rendered for a reload group: all files in place, or none, and then the reload that is due with them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { now } from '../../clock.ts'
import type { CommandConfig, TemplateConfig } from '../../config/config.ts'
import { logLines } from '../../text/log-line.ts'
import type { Fill } from '../commands/input.ts'
import type { CommandResult, RunCommand } from '../commands/run-command.ts'
import type { Files } from '../files/files.ts'
import type { Journal } from '../files/journal.ts'
import type { ReloadStatus, TemplateStatus } from '../status.ts'
import { checkedLine, type Failure, reloadedLine, reloadOwedLine, type Result, writtenLine } from './log-lines.ts'
import type { Rendered } from './render.ts'
import { type CommitResult, type Ready, readyOf, stageAndCommit } from './stage-and-commit.ts'

export interface GroupApplyDeps {
  readonly group: string
  /** At least one. */
  readonly templates: readonly TemplateConfig[]
  readonly files: Pick<Files, 'commit' | 'difference' | 'discard' | 'recover' | 'stage'>
  readonly journal: Journal
  /** null: files are written without their checks, and nothing is reloaded; a reload that is due stays due. */
  readonly run: RunCommand | null
  readonly log: Logger
}

export interface Applied {
  readonly result: Result
  /** Something was written or run. */
  readonly worked: boolean
}

/** What is known of one destination. */
interface Known {
  readonly writtenAt: number | null
  readonly checks: number
  readonly checkFailures: number
  readonly check: CommandResult | null
  /** What is in it, unless another program has changed it; null: not known. */
  readonly text: string | null
}

const UNKNOWN: Known = { writtenAt: null, checks: 0, checkFailures: 0, check: null, text: null }

/** What a reload that runs may still take when the router ends. Milliseconds. */
const LAST_RELOAD_MS = 5000

export class GroupApply {
  readonly #deps: GroupApplyDeps
  readonly #known = new Map<TemplateConfig, Known>()
  /** null: the group has none. `destination`: what the command may name. */
  readonly #reload: { readonly command: CommandConfig; readonly destination: string } | null
  #reloads = { runs: 0, failures: 0, last: null as CommandResult | null }
  readonly #stop = new AbortController()
  readonly #stopReload = new AbortController()
  /** Warnings that are logged once. */
  readonly #reported = new Set<string>()

  constructor(deps: GroupApplyDeps) {
    this.#deps = deps
    const reloader = deps.templates.find(({ reload }) => reload !== null)
    const command = reloader?.reload ?? null
    this.#reload = command === null || reloader === undefined ? null : { command, destination: reloader.destination }
  }

  /** Settles what an earlier router was interrupted in. Never rejects. */
  async recover(): Promise<void> {
    const { group, templates, files, journal, log } = this.#deps
    const { commit, warnings, reloadDue } = await files.recover(
      journal,
      templates.map(({ destination }) => destination),
    )
    if (commit !== 'none') {
      const what = commit === 'completed' ? 'completed' : 'undone'
      log.warn({ event: `commit-${commit}`, group }, `${group}: a commit that was interrupted has been ${what}`)
    }
    this.#warn(warnings)
    // A reload command that is no longer in the configuration is forgotten.
    if (reloadDue && this.#reload === null) await journal.done()
  }

  /** Puts the outcomes of all templates in place together, or none; then reloads what is due. Never rejects. */
  async apply(rendered: readonly Rendered[]): Promise<Applied> {
    const { result, worked } = await this.#write(rendered)
    const { run, journal } = this.#deps
    if (this.#stop.signal.aborted || this.#reload === null || run === null || !journal.reloadDue)
      return { result, worked }
    const { command, destination } = this.#reload
    const failure = await this.#runReload(run, command, destination)
    return { result: result.kind === 'failed' || failure === null ? result : failure, worked: true }
  }

  statusOf(template: TemplateConfig): Pick<TemplateStatus, 'writtenAt' | 'checks' | 'checkFailures' | 'check'> {
    const { writtenAt, checks, checkFailures, check } = this.#knownOf(template)
    return { writtenAt, checks, checkFailures, check }
  }

  get reload(): ReloadStatus | null {
    return this.#reload === null ? null : { pending: this.#deps.journal.reloadDue, ...this.#reloads }
  }

  /** Ends a check that runs; a reload has 5 s more, and stays due if that is too short. Resolves with `passing`. */
  async close(passing: Promise<unknown> | null): Promise<void> {
    this.#stop.abort()
    const over = new AbortController()
    const patience = sleep(LAST_RELOAD_MS, undefined, { signal: over.signal }).then(
      () => this.#stopReload.abort(),
      () => undefined, // It has ended in time.
    )
    await passing
    over.abort()
    await patience
  }

  async #write(rendered: readonly Rendered[]): Promise<Applied> {
    const obstacle = obstacleOf(rendered)
    if (obstacle !== null) return { result: obstacle, worked: false }
    const ready = readyOf(rendered)
    const { files, journal, run } = this.#deps
    const committed = await stageAndCommit(ready, {
      ...{ files, journal, signal: this.#stop.signal, reloads: this.#reload !== null && run !== null },
      check: run === null ? null : (template, command, staged) => this.#check(run, template, command, staged),
    })
    if (committed.failure !== null) return { result: committed.failure, worked: committed.worked }
    this.#noteWritten(ready, committed)
    return { result: { kind: 'in-sync' }, worked: committed.worked }
  }

  async #check(
    run: RunCommand,
    template: TemplateConfig,
    command: CommandConfig,
    staged: string,
  ): Promise<CommandResult> {
    const fill = { staged, destination: template.destination }
    const check = await run(command, { fill, env: pathsOf(fill), signal: this.#stop.signal })
    const { checks, checkFailures } = this.#knownOf(template)
    this.#note(template, { check, checks: checks + 1, checkFailures: check.ok ? checkFailures : checkFailures + 1 })
    if (check.ok) logLines(this.#deps.log, [checkedLine(this.#deps.group, template.destination, check)])
    return check
  }

  #noteWritten(ready: readonly Ready[], { written, outcome }: CommitResult): void {
    const { group } = this.#deps
    const at = now()
    for (const { template, text } of ready) {
      const isWritten = written.includes(template)
      if (isWritten)
        logLines(this.#deps.log, [writtenLine(group, template.destination, this.#knownOf(template).text === text)])
      this.#note(template, isWritten ? { text, writtenAt: at } : { text })
    }
    for (const destination of outcome?.inPlace ?? []) {
      this.#warnOnce(`${destination} is a mount point: it is written in place, which is not atomic`, destination)
    }
    this.#warn(outcome?.warnings ?? [])
  }

  /** Runs the reload once; after a failure it stays pending. */
  async #runReload(run: RunCommand, command: CommandConfig, destination: string): Promise<Failure | null> {
    const { group, templates, journal } = this.#deps
    const fill = { staged: destination, destination }
    // Of several files none can be named: their reload is for all of them.
    const env = templates.length === 1 ? pathsOf(fill) : {}
    const { runs, failures } = this.#reloads
    this.#reloads = { ...this.#reloads, runs: runs + 1 }
    const last = await run(command, { fill, env, signal: this.#stopReload.signal })
    this.#reloads = { runs: runs + 1, failures: last.ok ? failures : failures + 1, last }
    if (last.ok) {
      await journal.done()
      logLines(this.#deps.log, [reloadedLine(group, last)])
      return null
    }
    if (this.#stop.signal.aborted) logLines(this.#deps.log, [reloadOwedLine(group, last)])
    const reason = `the reload ${last.outcome}: it is tried again`
    const { output, durationMs } = last
    return { kind: 'failed', event: 'reload-failed', destination: null, reason, output, durationMs }
  }

  #knownOf(template: TemplateConfig): Known {
    return this.#known.get(template) ?? UNKNOWN
  }

  #note(template: TemplateConfig, changes: Partial<Known>): void {
    this.#known.set(template, { ...this.#knownOf(template), ...changes })
  }

  #warn(warnings: readonly string[]): void {
    const { group, log } = this.#deps
    for (const warning of warnings) log.warn({ event: 'file-warning', group }, `${group}: ${warning}`)
  }

  #warnOnce(warning: string, destination: string): void {
    if (this.#reported.has(warning)) return
    this.#reported.add(warning)
    this.#deps.log.warn({ event: 'written-in-place', group: this.#deps.group, destination }, warning)
  }
}

/** Returns the variables for commands that are scripts. */
function pathsOf({ staged, destination }: Fill): Readonly<Record<string, string>> {
  return { PATRONI_ROUTER_STAGED: staged, PATRONI_ROUTER_DESTINATION: destination }
}

/** Returns why nothing of the group is written; null: it is. Templates that belong together change together, or not at all. */
function obstacleOf(rendered: readonly Rendered[]): Result | null {
  for (const kind of ['failed', 'waiting', 'kept'] as const) {
    for (const { template, outcome } of rendered) {
      if (outcome.kind !== kind) continue
      const { reason } = outcome
      if (kind !== 'failed') return { kind, reason }
      return { kind, event: 'template-failed', destination: template.destination, reason, output: '' }
    }
  }
  return null
}
