/** Puts staged files in place, all of them or none. */
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from '../../atomic-file.ts'
import { explain, RouterError } from '../../errors.ts'
import { bytesOf, digestAt, digestOf, failed } from './destination.ts'
import type { Journal } from './journal.ts'
import type { JournalFile } from './journal-format.ts'
import { type Attributes, backUp, keepAs, removeFile, replaceFile, type Replaced } from './replace.ts'
import { besideStaged, discard, type StagedFile } from './stage.ts'

export interface CommitOutcome {
  /** Destinations that could only be written in place, as they are mount points: not atomic. */
  readonly inPlace: readonly string[]
  /** Files that have another owner or mode than they were to have, as it cannot be changed. */
  readonly ownerKept: readonly string[]
  /** What went wrong and kept no file from being replaced. Each fit to be shown. */
  readonly warnings: readonly string[]
}

/** Commits staged files: see `Files.commit`. The order is what lets `recover` finish or undo it, wherever it is cut off. */
export async function commit(staged: readonly StagedFile[], journal: Journal, reload: boolean): Promise<CommitOutcome> {
  let files: readonly JournalFile[] = []
  try {
    files = await Promise.all(staged.map(withBefore))
    await begin(files, journal, reload)
    await protect(files)
    const replaced = await replaceAll(files)
    const warnings = await syncDirectories(files)
    await journal.committed(reload)
    warnings.push(...(await forget(files)))
    return { inPlace: inPlaceOf(files, replaced), ownerKept: await ownerKeptOf(files), warnings }
  } catch (cause) {
    const left = await undo(files)
    await discard(staged)
    // What could not be put back is tried again at the next start: the journal stays.
    if (left.length > 0) throw failed(`${explain(cause)}; and ${left.join('; ')}`)
    await journal.undone()
    throw cause
  }
}

/** Adds what a staged file is to replace. Rejects for one that is not as it was checked. */
async function withBefore(file: StagedFile): Promise<JournalFile> {
  const { destination, path, staged, digest } = file
  try {
    const text = await bytesOf(staged)
    if (text === null || digestOf(text) !== digest)
      throw failed(
        `${destination}: its staged file was ${text === null ? 'removed' : 'changed'} before it was committed`,
      )
    return { ...file, before: await digestAt(path) }
  } catch (cause) {
    throw cause instanceof RouterError ? cause : failed(`${destination} cannot be replaced`, cause)
  }
}

/** Begins the journal. One file is replaced as a whole without: then only a reload may be forgotten. Several are not. */
async function begin(files: readonly JournalFile[], journal: Journal, reload: boolean): Promise<void> {
  try {
    await journal.begin(files, reload)
  } catch (error) {
    if (files.length > 1) throw error
    journal.report(error)
  }
}

/** Keeps what is there: to be put back, and as a backup. A text that has been kept already stays as it is. */
export async function protect(files: readonly JournalFile[]): Promise<void> {
  for (const { destination, path, staged, before, backup } of files) {
    if (before === null) continue
    const kept = besideStaged(staged, 'undo')
    try {
      if ((await digestAt(path)) !== before) continue
      if ((await digestAt(kept)) !== before) {
        await removeFile(kept)
        await keepAs(path, kept)
      }
    } catch (cause) {
      throw failed(`${destination} cannot be kept for the case that it has to be put back`, cause)
    }
    if (!backup) continue
    await backUp(path, besideStaged(staged, 'bak'), backupOf(path)).catch((cause: unknown) => {
      throw failed(`${backupOf(path)} cannot be written`, cause)
    })
  }
  // No failure of power may leave the new one of them without the old and the new one of another. Not all can be synced.
  if (files.length > 1 || files.some(({ backup }) => backup)) await syncDirectories(files)
}

/** Returns the names by which what is there is kept. */
export function keptOf({ staged, path }: JournalFile): readonly string[] {
  return [besideStaged(staged, 'undo'), backupOf(path)]
}

function backupOf(path: string): string {
  return `${path}.bak`
}

async function replaceAll(files: readonly JournalFile[]): Promise<readonly Replaced[]> {
  const replaced: Replaced[] = []
  for (const file of files) {
    try {
      replaced.push(await replaceFile(file.staged, file.path, file, keptOf(file)))
    } catch (cause) {
      throw failed(`${file.destination} cannot be replaced`, cause)
    }
  }
  return replaced
}

/** Syncs the directories of files. A file that could not be synced is in place: a warning, as there is no way back that would be safer. */
export async function syncDirectories(files: readonly JournalFile[]): Promise<string[]> {
  const directories = [...new Set(files.map(({ path }) => dirname(path)))]
  return complaintsOf(directories.map((directory) => [`${directory} is not synced`, syncDirectory(directory)]))
}

/** Removes what was kept to be put back. */
export async function forget(files: readonly JournalFile[]): Promise<string[]> {
  const kept = files.filter(({ before }) => before !== null).map(({ staged }) => besideStaged(staged, 'undo'))
  return complaintsOf(kept.map((undo) => [`${undo} is left`, removeFile(undo)]))
}

/** Puts back what was there. Never rejects: returns what could not be put back, for a person. */
export async function undo(files: readonly JournalFile[]): Promise<string[]> {
  const left = await complaintsOf(
    files.map((file) => [`${file.destination} is not as it was`, undoFile(file)] as const),
  )
  left.push(...(files.length === 0 ? [] : await syncDirectories(files)))
  return left
}

/** Takes back what this commit has made of the file, and nothing that another program has. */
async function undoFile(file: JournalFile): Promise<void> {
  const { path, staged, digest, before } = file
  const kept = besideStaged(staged, 'undo')
  const there = await digestAt(path)
  if (before === null) {
    if (there === digest) await removeFile(path)
    return
  }
  if ((await digestAt(kept)) === before) {
    const [now, old] = [await lstat(path).catch(() => null), await lstat(kept)]
    // Where the text is to stay, the owner tells; else it tells nothing, as a copy may not have that of the file.
    const isOwned = before === digest && now !== null && isSameOwner(now, file) && !isSameOwner(old, file)
    const isReplaced = there !== before || isOwned
    if (isReplaced) await replaceFile(kept, path, { uid: old.uid, gid: old.gid, mode: old.mode & 0o7777 })
  } else if (there === digest && before !== digest) throw failed(`${kept} is not there`)
  await removeFile(kept)
}

function isSameOwner(a: Attributes, b: Attributes): boolean {
  return a.uid === b.uid && a.gid === b.gid && (a.mode & 0o7777) === (b.mode & 0o7777)
}

async function complaintsOf(attempts: readonly (readonly [what: string, attempt: Promise<void>])[]): Promise<string[]> {
  const results = await Promise.allSettled(attempts.map(async ([, attempt]) => attempt))
  return results.flatMap((result, index) =>
    result.status === 'rejected' ? [`${attempts[index]?.[0] ?? ''}: ${explain(result.reason)}`] : [],
  )
}

function inPlaceOf(files: readonly JournalFile[], replaced: readonly Replaced[]): string[] {
  return files.flatMap(({ destination }, index) => (replaced[index] === 'in-place' ? [destination] : []))
}

/** Returns files whose owner or mode stayed as they were: not all file systems can change them, and some only report success. */
async function ownerKeptOf(files: readonly JournalFile[]): Promise<string[]> {
  const kept = files.map(async (file) => {
    const stats = await lstat(file.path).catch(() => null)
    return stats === null || isSameOwner(stats, file) ? [] : [file.destination]
  })
  return (await Promise.all(kept)).flat()
}
