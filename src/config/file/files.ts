import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { failureOf } from '../../errors.ts'

/**
 * Returns the files of a directory that Patroni reads, in its order (config.py `_load_config_path`); null: it is not a
 * directory. Rejects with the error of the file system.
 */
export async function filesIn(path: string): Promise<readonly string[] | null> {
  if (!(await stat(path)).isDirectory()) return null
  const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).toSorted()
  const files = names.map((name) => join(path, name))
  const found: string[] = []
  // One after the other: a file system that does not answer keeps one thread of the process.
  for (const file of files) if (await isFile(file)) found.push(file)
  return found
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    // A link to nothing is none for Patroni either.
    if (failureOf(error) === 'missing') return false
    throw error
  }
}
