/** Writes a file beside its destination, under a name that says which process it is of, and for which file. */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, open, readdir, readFile, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { bytesOfText } from '../../text/binary-text.ts'
import { RouterError } from '../../errors.ts'
import { digestOf, failed, placeOf, type Target } from './destination.ts'
import type { Owners } from './owner.ts'

/** A text that is written beside its destination and is on the disk, with owner, group and mode. Plain data: it is kept in the journal. */
export interface StagedFile {
  readonly destination: string
  /** The file itself, where the destination is a link; else the same. */
  readonly path: string
  /** In the directory of `path`. */
  readonly staged: string
  /** SHA-256 of the text, in hexadecimal. */
  readonly digest: string
  readonly backup: boolean
  /** As the file is to be; a staged one that takes no other's place (a mount point is written in place) may lack the owner. */
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

export interface StageOptions {
  readonly pid: number
  readonly owners: Owners
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
const DEFAULT_MODE = 0o644

/** Writes a text beside its destination: see `Files.stage`. */
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
      // After the owner: changing that one takes bits away. Not before: no other user may read it meanwhile.
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

/** Removes staged files. Never rejects. */
export async function discard(files: readonly StagedFile[]): Promise<void> {
  // What cannot be removed now is removed at the next start.
  await Promise.all(files.map(({ staged }) => unlink(staged).catch(() => undefined)))
}

function notOwned({ destination, owner, group }: Target, uid: number, gid: number, cause: unknown): RouterError {
  const advice = owner === null && group === null ? ', as the file that is there: set its owner and group' : ''
  return failed(`${destination} cannot be given to ${owner ?? uid}:${group ?? gid}${advice}`, cause)
}

/** Returns whether something is mounted at `path`; false where the system does not say. */
async function isMountPoint(path: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return table.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === path)
}

/** Blanks and backslashes are in octal there. */
function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** The process that looks for files which dead processes have left. */
export interface Sweeper {
  readonly pid: number
  readonly isAlive: (pid: number) => boolean
}

/** `tmp` is to become the destination, `undo` is what it was before, `bak` is to become its backup. */
type Kind = 'tmp' | 'undo' | 'bak'

/** Nothing is staged as long; the number of a process that has gone may be another's by then. Milliseconds. */
const FORGOTTEN_MS = 24 * 3_600_000
/** A file system takes 255 bytes, and the rest of the name has up to 50. */
const MAX_NAME_BYTES = 180

/** Returns a new name beside `path`: `.NAME.patroni-router-PID-RANDOM.tmp`. */
export function stageName(path: string, pid: number): string {
  return join(dirname(path), `${prefixOf(path)}${pid}-${randomBytes(6).toString('hex')}.tmp`)
}

/** Returns the name of a file beside a staged file for the same commit. */
export function besideStaged(staged: string, kind: Exclude<Kind, 'tmp'>): string {
  return staged.replace(/tmp$/, kind)
}

/** Returns whether `staged` is a name that `stageName` gives for `path`. */
export function isStageName(staged: string, path: string): boolean {
  return dirname(staged) === dirname(path) && parse(basename(staged), path)?.kind === 'tmp'
}

/** Removes what dead processes have left beside `path`, and an earlier one with our number. Never rejects. */
export async function removeStageFiles(path: string, { pid, isAlive }: Sweeper): Promise<void> {
  const directory = dirname(path)
  for (const name of await readdir(directory).catch(() => [])) {
    const left = parse(name, path)
    if (left === null) continue
    const file = join(directory, name)
    const forgotten = await lstat(file).then(
      // A link has the time of its making in ctime alone. The file system's clock is the system's.
      ({ ctimeMs }) => Date.now() - ctimeMs > FORGOTTEN_MS,
      () => false,
    )
    // What cannot be removed does no harm.
    if (left.pid === pid || forgotten || !isAlive(left.pid)) await unlink(file).catch(() => undefined)
  }
}

function parse(name: string, path: string): { readonly pid: number; readonly kind: Kind } | null {
  const prefix = prefixOf(path)
  if (!name.startsWith(prefix)) return null
  const [, pid, kind] = /^(\d+)-[0-9a-f]{12}\.(tmp|undo|bak)$/.exec(name.slice(prefix.length)) ?? []
  return pid === undefined ? null : { pid: Number(pid), kind: kind as Kind }
}

function prefixOf(path: string): string {
  const name = basename(path)
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return `.${name}.patroni-router-`
  return `.${createHash('sha256').update(name).digest('hex')}.patroni-router-`
}
