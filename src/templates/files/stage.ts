/** Writes a file beside its destination. */
import { constants } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { bytesOfText } from '../../text/binary-text.ts'
import { RouterError } from '../../errors.ts'
import { digestOf, failed, placeOf } from './destination.ts'
import { isMountPoint } from './mounts.ts'
import type { Owners } from './owner.ts'
import { stageName } from './stage-name.ts'
import type { StagedFile, Target } from './target.ts'

export interface StageOptions {
  readonly pid: number
  readonly owners: Owners
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
const DEFAULT_MODE = 0o644

export async function stage(target: Target, text: string, options: StageOptions): Promise<StagedFile> {
  const { destination, backup } = target
  const owner = await options.owners.resolve(target)
  const { path, stats } = await placeOf(destination)
  const staged = stageName(path, options.pid)
  const file = await open(staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600).catch((cause: unknown) => {
    throw failed(`${destination} cannot be written`, cause)
  })
  try {
    try {
      const bytes = bytesOfText(text)
      await file.writeFile(bytes)
      const own = await file.stat()
      const uid = owner.uid ?? stats?.uid ?? own.uid
      const gid = owner.gid ?? stats?.gid ?? own.gid
      const mode = target.mode ?? (stats === null ? DEFAULT_MODE : stats.mode & 0o7777)
      if (uid !== own.uid || gid !== own.gid)
        await file.chown(uid, gid).catch(async (cause: unknown) => {
          // Written in place, it keeps what it has: only there can the owner be another's.
          if (!(await isMountPoint(path))) throw notOwned(target, uid, gid, cause)
        })
      // After the owner: changing that one takes bits away. Not before: nobody else may read it while it is half ours.
      await file.chmod(mode)
      await file.sync()
      return { destination, path, staged, digest: digestOf(bytes), backup, uid, gid, mode }
    } finally {
      await file.close()
    }
  } catch (cause) {
    await unlink(staged).catch(() => undefined)
    throw cause instanceof RouterError ? cause : failed(`${destination} cannot be written`, cause)
  }
}

export async function discard(files: readonly StagedFile[]): Promise<void> {
  // What cannot be removed now is removed at the next start.
  await Promise.all(files.map(({ staged }) => unlink(staged).catch(() => undefined)))
}

function notOwned({ destination, owner, group }: Target, uid: number, gid: number, cause: unknown): RouterError {
  const advice = owner === null && group === null ? ', as the file that is there: set its owner and group' : ''
  return failed(`${destination} cannot be given to ${owner ?? uid}:${group ?? gid}${advice}`, cause)
}
