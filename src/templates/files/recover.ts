/** At the start: finishes or undoes the commit that an earlier router was killed in. */
import { explain } from '../../errors.ts'
import { forget, keptOf, protect, syncDirectories, undo } from './commit.ts'
import { digestAt, placeOf } from './destination.ts'
import type { InterruptedCommit, Journal } from './journal.ts'
import type { JournalFile } from './journal-format.ts'
import { replaceFile } from './replace.ts'
import { discard, isStageName, removeStageFiles, type Sweeper } from './stage.ts'

export interface Recovery {
  /** A reload that was due is due still, or one for the files that have been put in place now. */
  readonly reloadDue: boolean
  /** What became of a commit that was interrupted. */
  readonly commit: 'none' | 'completed' | 'undone'
  readonly warnings: readonly string[]
}

/** Recovers: see `Files.recover`. Touches nothing but `destinations`, whatever the journal says: the configuration may have changed since. */
export async function recover(journal: Journal, destinations: readonly string[], sweeper: Sweeper): Promise<Recovery> {
  const interrupted = await journal.load()
  const warnings: string[] = []
  let commit: Recovery['commit'] = 'none'
  if (interrupted !== null) {
    try {
      const files = await configured(interrupted.files, destinations)
      commit = files.length === 0 ? 'none' : await settle(files, interrupted, journal, warnings)
      if (commit === 'none') await journal.undone()
    } catch (error) {
      // The others alone would be half a group: the first pass does it, once all can be reached. Some may be in place.
      warnings.push(`a commit that was interrupted cannot be settled: ${explain(error)}`)
      await journal.committed(interrupted.reload)
    }
  }
  for (const destination of destinations) {
    // Where it cannot be reached nothing can be swept either; the first pass says what is wrong.
    const place = await placeOf(destination).catch(() => null)
    if (place !== null) await removeStageFiles(place.path, sweeper)
  }
  return { reloadDue: journal.reloadDue, commit, warnings }
}

/** Returns those that are still to be written, where they were to be written. Rejects where that is not known. */
async function configured(
  files: readonly JournalFile[],
  destinations: readonly string[],
): Promise<readonly JournalFile[]> {
  const isConfigured = await Promise.all(
    files.map(async ({ destination, path, staged }) => {
      if (!destinations.includes(destination) || !isStageName(staged, path)) return false
      return (await placeOf(destination)).path === path
    }),
  )
  return files.filter((_, index) => isConfigured[index])
}

async function settle(
  files: readonly JournalFile[],
  { reload }: InterruptedCommit,
  journal: Journal,
  warnings: string[],
): Promise<'completed' | 'undone'> {
  try {
    const waiting = await waitingOf(files)
    if (waiting !== null) {
      await protect(waiting)
      for (const file of waiting) await replaceFile(file.staged, file.path, file, keptOf(file))
      warnings.push(...(await syncDirectories(files)))
      await journal.committed(reload)
      warnings.push(...(await forget(files)))
      return 'completed'
    }
  } catch (error) {
    warnings.push(`a commit that was interrupted cannot be completed: ${explain(error)}`)
  }
  const left = await undo(files)
  await discard(files)
  // What could not be put back may be the new one.
  await (left.length === 0 ? journal.undone() : journal.committed(reload))
  warnings.push(...left)
  return 'undone'
}

/** Returns those whose turn has not come; null where one of them cannot be completed any more. */
async function waitingOf(files: readonly JournalFile[]): Promise<readonly JournalFile[] | null> {
  const waiting: JournalFile[] = []
  for (const file of files) {
    if ((await digestAt(file.staged)) === file.digest) waiting.push(file)
    else if ((await digestAt(file.path)) !== file.digest) return null
  }
  return waiting
}
