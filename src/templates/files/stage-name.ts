/** Names of what is written beside a destination: it can be told whose it is, and whether it is of use to anybody. */
import { createHash, randomBytes } from 'node:crypto'
import { lstat, readdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Who looks for what processes have left. */
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

/** A new name beside `path`: `.NAME.patroni-router-PID-RANDOM.tmp`. */
export function stageName(path: string, pid: number): string {
  return join(dirname(path), `${prefixOf(path)}${pid}-${randomBytes(6).toString('hex')}.tmp`)
}

/** What stands beside a staged file for the same commit. */
export function besideStaged(staged: string, kind: Exclude<Kind, 'tmp'>): string {
  return staged.replace(/tmp$/, kind)
}

/** Whether `staged` is a name that `stageName` gives for `path`. */
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
    // What cannot be removed harms nobody.
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
