/** Making directories. Node's own recursive way turns forever where a file system has no room for them, such as /proc. */
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { failureOf } from './errors.ts'

/** Makes one directory, unless it is there; returns whether it was made. Rejects with the error of the file system. */
export async function makeDirectory(path: string, mode?: number): Promise<boolean> {
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    const found = await stat(path).catch(() => null) // What is wrong is in the first error.
    if (found?.isDirectory() === true) return false
    throw error
  }
}

/** Makes a directory, and those above it that are missing. Rejects with the error of the file system. */
export async function makeDirectories(path: string): Promise<void> {
  try {
    await makeDirectory(path)
  } catch (error) {
    if (failureOf(error) !== 'missing' || dirname(path) === path) throw error
    await makeDirectories(dirname(path))
    await makeDirectory(path)
  }
}
