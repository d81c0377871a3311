/** Brings the texts of a reload group into their files: all of them, or none. */
import type { CommandConfig, TemplateConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import type { CommandResult } from '../commands/run-command.ts'
import type { CommitOutcome } from '../files/commit.ts'
import type { Target } from '../files/destination.ts'
import type { Files } from '../files/files.ts'
import type { Journal } from '../files/journal.ts'
import type { StagedFile } from '../files/stage.ts'
import type { Failure } from './log-lines.ts'
import type { Rendered } from './render.ts'

/** A text that is to be in the template's destination. */
export interface Ready {
  readonly template: TemplateConfig
  readonly text: string
}

/** Returns the texts of those that have one. */
export function readyOf(rendered: readonly Rendered[]): readonly Ready[] {
  return rendered.flatMap(({ template, outcome }) =>
    outcome.kind === 'text' ? [{ template, text: outcome.text }] : [],
  )
}

export interface CommitDeps {
  readonly files: Pick<Files, 'commit' | 'difference' | 'discard' | 'stage'>
  readonly journal: Journal
  /** Whether a reload is due once something is written. */
  readonly reloads: boolean
  /** Runs the check of a template on its staged file; null: nothing is checked. */
  readonly check: ((template: TemplateConfig, command: CommandConfig, staged: string) => Promise<CommandResult>) | null
  /** Ends it, as long as nothing is in place. */
  readonly signal: AbortSignal
}

export interface CommitResult {
  /** null: every destination is as it should be. */
  readonly failure: Failure | null
  /** Templates whose destination differed. */
  readonly written: readonly TemplateConfig[]
  /** Something was written, if only beside the destinations, or run. */
  readonly worked: boolean
  readonly outcome: CommitOutcome | null
}

interface Staged extends Ready {
  readonly file: StagedFile
}

/** Stages, checks and commits what differs. Never rejects. After a failure every destination is as it was, and nothing is left beside it. */
export async function stageAndCommit(ready: readonly Ready[], deps: CommitDeps): Promise<CommitResult> {
  const { files, journal, reloads, signal } = deps
  let staged: readonly Staged[] = []
  try {
    const changed = await differing(ready, deps)
    if (changed.length === 0) return NOTHING_TO_DO
    staged = await stageAll(changed, deps)
    const failure = await checkAll(staged, deps)
    signal.throwIfAborted()
    if (failure !== null) return { failure, written: [], worked: true, outcome: null }
    const wanted = staged.some(hasCheck) ? await differing(staged, deps) : staged
    // A check can take long, and another program may have written the same meanwhile.
    await files.discard(staged.filter((each) => !wanted.includes(each)).map(({ file }) => file))
    staged = []
    if (wanted.length === 0) return { ...NOTHING_TO_DO, worked: true }
    const committed = wanted.map(({ file }) => file)
    const outcome = await files.commit(committed, journal, reloads)
    return { failure: null, written: wanted.map(({ template }) => template), worked: true, outcome }
  } catch (error) {
    const failure: Failure = {
      ...{ kind: 'failed', event: 'file-failed', destination: null },
      ...{ reason: explain(error), output: '' },
    }
    return { failure, written: [], worked: true, outcome: null }
  } finally {
    await files.discard(staged.map(({ file }) => file))
  }
}

const NOTHING_TO_DO: CommitResult = { failure: null, written: [], worked: false, outcome: null }

async function differing<T extends Ready>(ready: readonly T[], { files }: CommitDeps): Promise<readonly T[]> {
  const differences = await Promise.all(ready.map(({ template, text }) => files.difference(targetOf(template), text)))
  return ready.filter((_, index) => differences[index] !== 'same')
}

/** Stages all of them, or none: rejects once nothing of them is left. */
async function stageAll(changed: readonly Ready[], { files }: CommitDeps): Promise<readonly Staged[]> {
  const attempts = await Promise.allSettled(
    changed.map(async (each) => ({ ...each, file: await files.stage(targetOf(each.template), each.text) })),
  )
  const staged = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []))
  const failed = attempts.find((attempt) => attempt.status === 'rejected')
  if (failed === undefined) return staged
  await files.discard(staged.map(({ file }) => file))
  throw failed.reason
}

async function checkAll(staged: readonly Staged[], { check }: CommitDeps): Promise<Failure | null> {
  for (const { template, file } of staged) {
    if (template.check === null || check === null) continue
    const { destination } = template
    const result = await check(template, template.check, file.staged)
    if (result.ok) continue
    const reason = `the check of ${destination} ${result.outcome}: it stays as it is`
    const { output, durationMs } = result
    return { kind: 'failed', event: 'check-failed', destination, reason, output, durationMs }
  }
  return null
}

function hasCheck({ template }: Ready): boolean {
  return template.check !== null
}

function targetOf({ destination, owner, group, mode, backup }: TemplateConfig): Target {
  return { destination, owner, group, mode, backup }
}
