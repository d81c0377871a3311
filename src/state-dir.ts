/** Files of `state_dir`: each is replaced as a whole, and the directory is made with the first one. */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncDirectory, writeAtomically } from './atomic-file.ts'
import { makeDirectory } from './directories.ts'
import { failureOf } from './errors.ts'

/**
 * Longest name before a hash stands for its end: a file system takes 255 bytes, and that of a temporary file is longer.
 */
const MAX_NAME = 150
const SHOWN_NAME = 80

/**
 * Returns the name of the file for `name`, which ends with `ending`; of the name every character is fit for a file's name and takes one byte.
 * Different names have different files.
 */
export function stateFileName(name: string, ending = 'json'): string {
  if (name.length <= MAX_NAME) return `${name}.${ending}`
  return `${name.slice(0, SHOWN_NAME)}+${createHash('sha256').update(name).digest('hex')}.${ending}`
}

/** Where one router keeps files of its own: its clusters have others. */
export interface RouterPlace {
  /** `state_dir`. */
  readonly dir: string
  /** The path of its admin socket, which no other running router of this host has. */
  readonly socket: string
}

/** Returns where a router with this configuration keeps its files; null: nowhere. */
export function routerPlace({
  stateDir,
  admin,
}: {
  readonly stateDir: string | null
  readonly admin: { readonly socket: { readonly path: string } }
}): RouterPlace | null {
  return stateDir === null ? null : { dir: stateDir, socket: admin.socket.path }
}

/** Returns the path of a router's file; `what`: its contents, in a word. */
export function routerFile({ dir, socket }: RouterPlace, what: string, ending = 'json'): string {
  return join(dir, stateFileName(`${what}@${encodeURIComponent(socket.toWellFormed())}`, ending))
}

/**
 * Writes a file of `state_dir`, readable by its owner only; both are on the disk then. Rejects with the error of the
 * file system.
 */
export async function writeStateFile(path: string, text: string): Promise<void> {
  try {
    await writeAtomically(path, text, 0o600)
  } catch (error) {
    if (failureOf(error) !== 'missing') throw error
    await makeStateDirectory(dirname(path))
    await writeAtomically(path, text, 0o600)
  }
}

/**
 * Makes the innermost directory only: where more is missing, a file system is not mounted or the path is misspelt. Rejects with
 * the error of the file system.
 */
export async function makeStateDirectory(directory: string): Promise<void> {
  const parent = dirname(directory)
  await stat(parent)
  await makeDirectory(directory, 0o700)
  await syncDirectory(parent)
}
