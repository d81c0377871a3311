/** One file takes the place of another, and can be taken back. */
import { constants } from 'node:fs'
import { link, lstat, open, rename, unlink } from 'node:fs/promises'
import { failureOf, isMount } from '../../errors.ts'
import { bytesOf } from './destination.ts'
import type { StagedFile } from './stage.ts'

/** What the file is to be. */
export type Attributes = Pick<StagedFile, 'uid' | 'gid' | 'mode'>

export type Replaced = 'renamed' | 'in-place'

/**
 * Puts `source`, which is gone then, in place of `path`. Where that is a mount point it is written in place: a reader
 * may find a half of it, and so may the next start, which is why `source` stays until all is on the disk. Rejects with
 * the error of the file system. `others`: names that the file at `path` may have, and that are to keep what is in it.
 */
export async function replaceFile(
  source: string,
  path: string,
  wanted: Attributes,
  others: readonly string[] = [],
): Promise<Replaced> {
  try {
    await rename(source, path)
    return 'renamed'
  } catch (error) {
    if (!isMount(error)) throw error
  }
  for (const other of others) await separate(other, path)
  const bytes = (await bytesOf(source)) ?? Buffer.alloc(0)
  await writeInPlace(path, bytes, wanted)
  await unlink(source)
  return 'in-place'
}

/** Writes the file in place, with owner and mode where they can be changed. */
async function writeInPlace(path: string, bytes: Buffer, { uid, gid, mode }: Attributes): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = await file.stat()
    const common = stats.mode & mode
    // A user who may no longer read it does not read the new text either.
    if (common !== (stats.mode & 0o7777)) await allowed(() => file.chmod(common))
    // Shortened afterwards: a full disk then still has room for what was there, should it have to be put back.
    for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten
    await file.truncate(bytes.length)
    await allowed(async () => {
      const isOthers = stats.uid !== uid || stats.gid !== gid
      if (isOthers) await file.chown(uid, gid)
      if (isOthers || common !== mode) await file.chmod(mode)
    })
    await file.sync()
  } finally {
    await file.close()
  }
}

async function allowed(change: () => Promise<void>): Promise<boolean> {
  try {
    await change()
    return true
  } catch {
    // A foreign file system has no owners, and not every user may change them: the text counts.
    return false
  }
}

/**
 * Keeps what is at `path` as `copy`: as another name of the same file, or, where none can be had, as a copy that is on the
 * disk. Rejects with the error of the file system.
 */
export async function keepAs(path: string, copy: string): Promise<void> {
  const linked = await link(path, copy).then(
    () => true,
    // Of another's file, of an immutable one, at a mount point, on a file system without links.
    () => false,
  )
  if (!linked) await copyTo(path, copy)
}

/** Makes `other` a file of its own, where it is another name of `path`. */
async function separate(other: string, path: string): Promise<void> {
  const [a, b] = await Promise.all([lstat(other).catch(() => null), lstat(path)])
  if (a?.ino !== b.ino || a.dev !== b.dev) return
  await unlink(other)
  await copyTo(path, other)
}

async function copyTo(path: string, copy: string): Promise<void> {
  const { uid, gid, mode } = await lstat(path)
  const bytes = (await bytesOf(path)) ?? Buffer.alloc(0)
  const file = await open(copy, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    const isOwned = await allowed(() => file.chown(uid, gid))
    // With another group than the file's: that group may read what all users may.
    await file.chmod(mode & (isOwned ? 0o7777 : 0o707 | ((mode & 0o7) << 3)))
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Makes `path` the backup `backup`, by way of `temporary` beside it; it is on the disk once their directory is synced.
 * Rejects with the error of the file system.
 */
export async function backUp(path: string, temporary: string, backup: string): Promise<void> {
  try {
    // Of a commit that was interrupted just there.
    await removeFile(temporary)
    await keepAs(path, temporary)
    const file = await open(temporary, constants.O_RDONLY | constants.O_NOFOLLOW)
    await file.sync().finally(async () => file.close())
    await rename(temporary, backup)
  } finally {
    // Two names of one file are not renamed to each other: both stay.
    await removeFile(temporary)
  }
}

/** Removes a file that may be gone already. Rejects with the error of the file system. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (failureOf(error) !== 'missing') throw error
  })
}
