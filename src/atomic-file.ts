/** Files that are replaced as a whole: every reader, and every interruption, finds the old one or the new one. */
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a file beside `path` and renames it over it; both are on the disk when this resolves, unless it is not to be
 * `durable`: then nothing waits for the disk. `mode` is the file's, whatever the umask; its name has at most 200 bytes.
 * Rejects with the error of the file system; then `path` is the old one, and nothing is left beside.
 */
export async function writeAtomically(
  path: string,
  data: string | Uint8Array,
  mode: number,
  { durable }: { readonly durable: boolean } = { durable: true },
): Promise<void> {
  const temporary = join(dirname(path), `${prefixOf(path)}${randomUUID()}.tmp`)
  try {
    // Private until it is complete, and never through a link that another user has put there.
    await using(await open(temporary, 'wx', 0o600), async (file) => {
      await file.writeFile(data)
      await file.chmod(mode)
      if (durable) await file.sync()
    })
    await rename(temporary, path)
  } catch (error) {
    // Not there when opening it failed; the error to tell is the first one.
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  if (durable) await syncDirectory(dirname(path))
}

/** Puts on the disk which names are in a directory. */
export async function syncDirectory(directory: string): Promise<void> {
  await using(await open(directory, 'r'), (handle) => handle.sync())
}

/**
 * Removes what killed writers of `path` have left beside it, if it was written more than `olderThanMs` ago: a younger
 * one may be of a writer that is alive. Never rejects: a file that cannot be removed does no harm.
 */
export async function removeLeftovers(path: string, olderThanMs: number): Promise<void> {
  const directory = dirname(path)
  const names = await readdir(directory).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(prefixOf(path)) || !name.endsWith('.tmp')) continue
    const leftover = join(directory, name)
    const stats = await stat(leftover).catch(() => null)
    // The file system's clock is the system's: `now` of the router differs once a person has set it.
    if (stats !== null && Date.now() - stats.mtimeMs > olderThanMs) await unlink(leftover).catch(() => undefined)
  }
}

function prefixOf(path: string): string {
  return `.${basename(path)}.`
}

async function using(file: FileHandle, use: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(file)
  } finally {
    await file.close()
  }
}
