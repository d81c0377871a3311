/** What a reload group does with its outcomes: files in place, and the reload that is due with them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { now } from '../../clock.ts'
import type { CommandConfig, TemplateConfig } from '../../config/config.ts'
import type { Fill } from '../commands/input.ts'
import type { CommandResult } from '../commands/run-command.ts'
import { runCommand } from '../commands/run-command.ts'
import { stageAndCommit, type CommitResult, type Ready } from './stage-and-commit.ts'
import type { Files } from '../files/files.ts'
import type { Journal } from '../files/journal.ts'
import { logLines } from '../../text/log-line.ts'
import { type Failure, reloadOwedLine, reloadedLine, writtenLine, type Result } from './log-lines.ts'
import { Reload, reloadFailure } from './reload.ts'
import type { Outcome } from './rendering.ts'
import type { ReloadStatus, TemplateStatus } from '../status.ts'

export interface GroupApplyDeps {
  readonly group: string
  /** At least one. */
  readonly templates: readonly TemplateConfig[]
  readonly files: Files
  readonly journal: Journal
  /** Of commands. */
  readonly env: Readonly<Record<string, string>>
  readonly signalGroup: (pid: number, signal: 'SIGTERM' | 'SIGKILL') => boolean
  readonly log: Logger
}

export interface Rendered {
  readonly template: TemplateConfig
  readonly outcome: Outcome
}

export interface Applied {
  readonly result: Result
  /** Something was written or run. */
  readonly worked: boolean
}

/** What is known of one destination. */
interface Known {
  readonly writtenAt: number | null
  readonly check: CommandResult | null
  /** What is in it, unless somebody else has changed it; null: not known. */
  readonly text: string | null
}

const UNKNOWN: Known = { writtenAt: null, check: null, text: null }

/** What a reload that runs may still take when the router ends. Milliseconds. */
const LAST_RELOAD_MS = 5000

export class GroupApply {
  readonly #deps: GroupApplyDeps
  readonly #known = new Map<TemplateConfig, Known>()
  readonly #reload: Reload | null
  readonly #stop = new AbortController()
  readonly #stopReload = new AbortController()
  /** Warnings that are logged once. */
  readonly #reported = new Set<string>()

  constructor(deps: GroupApplyDeps) {
    this.#deps = deps
    const reloader = deps.templates.find(({ reload }) => reload !== null)
    const command = reloader?.reload ?? null
    this.#reload =
      command === null || reloader === undefined ? null : new Reload(command, reloader.destination, deps.journal)
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
    // A reload command that the configuration no longer has is nobody's any more.
    if (reloadDue && this.#reload === null) await journal.done()
  }

  /** The outcomes of all templates are put in place together, or none; then what is due is reloaded. Never rejects. */
  async apply(rendered: readonly Rendered[]): Promise<Applied> {
    const { result, worked } = await this.#deliver(rendered)
    if (this.#stop.signal.aborted || this.#reload?.due !== true) return { result, worked }
    const failure = await this.#runReload(this.#reload)
    return { result: result.kind === 'failed' || failure === null ? result : failure, worked: true }
  }

  statusOf(template: TemplateConfig): Pick<TemplateStatus, 'writtenAt' | 'check'> {
    const { writtenAt, check } = this.#knownOf(template)
    return { writtenAt, check }
  }

  get reload(): ReloadStatus | null {
    return this.#reload?.status ?? null
  }

  /** A check that runs is ended; a reload has 5 s more, and stays due if that is too short. Resolves with `passing`. */
  async close(passing: Promise<void> | null): Promise<void> {
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

  async #deliver(rendered: readonly Rendered[]): Promise<Applied> {
    const obstacle = obstacleOf(rendered)
    if (obstacle !== null) return { result: obstacle, worked: false }
    const ready = rendered.flatMap(({ template, outcome }): Ready[] =>
      outcome.kind === 'text' ? [{ template, text: outcome.text }] : [],
    )
    const { files, journal } = this.#deps
    const committed = await stageAndCommit(ready, {
      files,
      journal,
      reloads: this.#reload !== null,
      run: (command, fill) => this.#run(command, fill, this.#stop.signal),
      checked: (template, check) => this.#note(template, { check }),
      signal: this.#stop.signal,
    })
    if (committed.failure !== null) return { result: committed.failure, worked: committed.worked }
    this.#noteWritten(ready, committed)
    return { result: { kind: 'in-sync' }, worked: committed.worked }
  }

  #noteWritten(ready: readonly Ready[], { written, outcome }: CommitResult): void {
    const { group } = this.#deps
    const at = now()
    for (const { template, text } of ready) {
      const isWritten = written.some((each) => each.template === template)
      if (isWritten)
        logLines(this.#deps.log, [writtenLine(group, template.destination, this.#knownOf(template).text === text)])
      this.#note(template, isWritten ? { text, writtenAt: at } : { text })
    }
    for (const destination of outcome?.inPlace ?? []) {
      this.#warnOnce(`${destination} is a mount point: it is written in place, which is not atomic`, destination)
    }
    this.#warn(outcome?.warnings ?? [])
  }

  async #runReload(reload: Reload): Promise<Failure | null> {
    const result = await reload.run((command, fill) => this.#run(command, fill, this.#stopReload.signal))
    if (!result.ok) {
      if (this.#stop.signal.aborted) logLines(this.#deps.log, [reloadOwedLine(this.#deps.group, result)])
      return reloadFailure(result)
    }
    logLines(this.#deps.log, [reloadedLine(this.#deps.group, result)])
    return null
  }

  #run(command: CommandConfig, fill: Fill, signal: AbortSignal): Promise<CommandResult> {
    const { signalGroup, templates } = this.#deps
    // Of several files none can be named: their reload is for all of them.
    const isNamed = templates.length === 1 || fill.staged !== fill.destination
    const env = { ...this.#deps.env, ...(isNamed ? pathsOf(fill) : {}) }
    return runCommand(command, { fill, env, signalGroup, signal })
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

/** For commands that are scripts. */
function pathsOf({ staged, destination }: Fill): Readonly<Record<string, string>> {
  return { PATRONI_ROUTER_STAGED: staged, PATRONI_ROUTER_DESTINATION: destination }
}

/** Why nothing of the group is written: templates that belong together change together, or not at all. */
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
