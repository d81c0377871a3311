/** What is where a file is to be, and whether that is as it should be. */
import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, open, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { bytesOfText } from '../../text/binary-text.ts'
import { failureOf, RouterError } from '../../errors.ts'
import type { Owners } from './owner.ts'

/** Where a text goes. */
export interface Target {
  /** Absolute. */
  readonly destination: string
  /** Name or number; null: as the file that is there, else of the router's own user. */
  readonly owner: string | null
  readonly group: string | null
  /** Permission bits; null: as the file that is there, else 0644. */
  readonly mode: number | null
  readonly backup: boolean
}

export interface Place {
  /** The file itself: a destination that is a link stays one, and what it leads to is replaced. */
  readonly path: string
  /** null: there is none yet. */
  readonly stats: Stats | null
}

/** As many as Linux follows. */
const MAX_LINKS = 40

/** Follows links, also one that leads to no file yet. Rejects for what is no file, and where its directory is missing. */
export async function placeOf(destination: string): Promise<Place> {
  try {
    let path = destination
    for (let links = 0; links < MAX_LINKS; links++) {
      path = join(await realpath(dirname(path)), basename(path))
      const stats = await statsOf(path)
      if (stats === null || stats.isFile()) return { path, stats }
      if (!stats.isSymbolicLink()) throw failed(`${path} is ${kindOf(stats)}`)
      if (await isStrangers(path, stats)) throw failed(`${path} is a link of another user in a directory of all`)
      const target = await readlink(path)
      // Not normalized: a directory in it may be a link, and `..` is that of where it leads to.
      path = isAbsolute(target) ? target : `${dirname(path)}/${target}`
    }
    throw failed(`${destination} is a link that leads to itself`)
  } catch (cause) {
    if (cause instanceof RouterError) throw cause
    if (failureOf(cause) === 'missing') throw failed(`the directory of ${destination} is not there`)
    throw failed(`${destination} cannot be reached`, cause)
  }
}

/** Returns null where nothing is there. Other errors are those of the file system. */
async function statsOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (failureOf(error) === 'missing') return null
    throw error
  }
}

/** Refuses links that other users own: in /tmp they could lead to any file: as with fs.protected_symlinks, which does not see this. */
async function isStrangers(link: string, { uid }: Stats): Promise<boolean> {
  const directory = await stat(dirname(link))
  if ((directory.mode & 0o1002) !== 0o1002 || uid === directory.uid) return false
  return uid !== (await stat('/proc/self').catch(() => null))?.uid
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a pipe'
  if (stats.isSocket()) return 'a socket'
  return 'a device'
}

/** Reads the whole file, which is no link; null where there is none. Rejects with the error of the file system. */
export async function bytesOf(path: string): Promise<Buffer | null> {
  try {
    // Waits for no writer, should it have become a pipe meanwhile.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      return await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (failureOf(error) === 'missing') return null
    throw error
  }
}

/** Returns the SHA-256, in hexadecimal. */
export function digestOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Returns the digest of a file; null where there is none. Rejects with the error of the file system. */
export async function digestAt(path: string): Promise<string | null> {
  const bytes = await bytesOf(path)
  return bytes === null ? null : digestOf(bytes)
}

/** Returns an error of a file: `message` names it. */
export function failed(message: string, cause?: unknown): RouterError {
  return new RouterError('TEMPLATE_FAILED', message, cause === undefined ? {} : { cause })
}

/** What makes a destination differ from what it should be; the first that applies. */
export type Difference = 'same' | 'missing' | 'content' | 'owner' | 'mode'

/** Returns what makes a destination differ from its target and text. Rejects with TEMPLATE_FAILED. */
export async function difference(target: Target, text: string, owners: Owners): Promise<Difference> {
  const { destination, mode } = target
  const { uid, gid } = await owners.resolve(target)
  const { path, stats } = await placeOf(destination)
  if (stats === null) return 'missing'
  const wanted = bytesOfText(text)
  const isSame = stats.size === wanted.length && (await read(path)).equals(wanted)
  if (!isSame) return 'content'
  if ((uid !== null && uid !== stats.uid) || (gid !== null && gid !== stats.gid)) return 'owner'
  return mode !== null && mode !== (stats.mode & 0o7777) ? 'mode' : 'same'
}

async function read(path: string): Promise<Buffer> {
  try {
    return (await bytesOf(path)) ?? Buffer.alloc(0)
  } catch (cause) {
    throw failed(`${path} cannot be read`, cause)
  }
}
