/** Brings the texts of a reload group into their files: all of them, or none. */
import type { CommandConfig, TemplateConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import type { CommandResult } from '../commands/run-command.ts'
import type { Files } from '../files/files.ts'
import type { Journal } from '../files/journal.ts'
import type { CommitOutcome } from '../files/commit.ts'
import type { Difference, Target } from '../files/destination.ts'
import type { StagedFile } from '../files/stage.ts'
import type { Fill } from '../commands/input.ts'
import type { Failure } from './log-lines.ts'

/** A text that is to be in the template's destination. */
export interface Ready {
  readonly template: TemplateConfig
  readonly text: string
}

export interface CommitDeps {
  readonly files: Files
  readonly journal: Journal
  /** Whether a reload is due once something is written. */
  readonly reloads: boolean
  run(command: CommandConfig, fill: Fill): Promise<CommandResult>
  /** Told of each check command when it is over. */
  checked(template: TemplateConfig, result: CommandResult): void
  /** Ends it, as long as nothing is in place. */
  readonly signal: AbortSignal
}

export interface CommitResult {
  /** null: every destination is as it should be. */
  readonly failure: Failure | null
  /** What was written, and in what way the destination was another one. */
  readonly written: readonly Written[]
  /** Something was written, if only beside the destinations, or run. */
  readonly worked: boolean
  readonly outcome: CommitOutcome | null
}

export interface Written {
  readonly template: TemplateConfig
  readonly difference: Difference
}

interface Changed extends Ready {
  readonly difference: Difference
}

interface Staged extends Changed {
  readonly file: StagedFile
}

/** Never rejects. After a failure every destination is as it was, and nothing is left beside it. */
export async function stageAndCommit(ready: readonly Ready[], deps: CommitDeps): Promise<CommitResult> {
  const { files, journal, reloads, signal } = deps
  let staged: readonly Staged[] = []
  try {
    const changed = await differing(ready, files)
    if (changed.length === 0) return NOTHING_TO_DO
    staged = await stageAll(changed, files)
    const failure = await checkAll(staged, deps)
    signal.throwIfAborted()
    if (failure === null) {
      const wanted = staged.some(hasCheck) ? await stillDiffering(staged, files) : staged
      const committed = wanted.map(({ file }) => file)
      staged = []
      if (committed.length === 0) return { ...NOTHING_TO_DO, worked: true }
      const outcome = await files.commit(committed, journal, reloads)
      return { failure: null, written: wanted, worked: true, outcome }
    }
    return { failure, written: [], worked: true, outcome: null }
  } catch (error) {
    const failure = fileFailure(explain(error))
    return { failure, written: [], worked: true, outcome: null }
  } finally {
    await files.discard(staged.map(({ file }) => file))
  }
}

const NOTHING_TO_DO: CommitResult = { failure: null, written: [], worked: false, outcome: null }

async function differing(ready: readonly Ready[], files: Files): Promise<readonly Changed[]> {
  const all = await Promise.all(
    ready.map(async (each) => ({ ...each, difference: await files.difference(targetOf(each.template), each.text) })),
  )
  return all.filter(({ difference }) => difference !== 'same')
}

/** All of them, or none: rejects once nothing of them is left. */
async function stageAll(changed: readonly Changed[], files: Files): Promise<readonly Staged[]> {
  const attempts = await Promise.allSettled(
    changed.map(async (each) => ({ ...each, file: await files.stage(targetOf(each.template), each.text) })),
  )
  const staged = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  const failed = attempts.find((attempt) => attempt.status === 'rejected')
  if (failed === undefined) return staged
  await files.discard(staged.map(({ file }) => file))
  throw failed.reason
}

async function checkAll(staged: readonly Staged[], deps: CommitDeps): Promise<Failure | null> {
  for (const { template, file } of staged) {
    if (template.check === null) continue
    const { destination } = template
    const result = await deps.run(template.check, { staged: file.staged, destination })
    deps.checked(template, result)
    if (result.ok) continue
    const reason = `the check of ${destination} ${result.outcome}: it stays as it is`
    return { kind: 'failed', event: 'check-failed', destination, reason, output: result.output }
  }
  return null
}

/** A check can take long, and somebody else may have written the same meanwhile. */
async function stillDiffering(staged: readonly Staged[], files: Files): Promise<readonly Staged[]> {
  const wanted = new Set((await differing(staged, files)).map(({ template }) => template))
  const [kept, needless] = [true, false].map((is) => staged.filter(({ template }) => wanted.has(template) === is))
  await files.discard(needless?.map(({ file }) => file) ?? [])
  return kept ?? []
}

function hasCheck({ template }: Ready): boolean {
  return template.check !== null
}

function targetOf({ destination, owner, group, mode, backup }: TemplateConfig): Target {
  return { destination, owner, group, mode, backup }
}

function fileFailure(reason: string): Failure {
  return { kind: 'failed', event: 'file-failed', destination: null, reason, output: '' }
}
