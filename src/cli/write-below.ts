/** `render --output`: files below another directory, for a person to look at. */
import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { writeAtomically } from '../atomic-file.ts'
import type { TemplateConfig } from '../config/config.ts'
import { failureOf } from '../errors.ts'

const DEFAULT_MODE = 0o644

/** Writes DIRECTORY/destination with the mode that the destination would have, and as its own user's file. */
export async function writeBelow(
  directory: string,
  { destination, mode }: Pick<TemplateConfig, 'destination' | 'mode'>,
  text: string,
): Promise<{ readonly path: string; readonly isWritten: boolean }> {
  // Resolved from the root, so that no `..` leads out of the directory.
  const path = join(directory, resolve('/', destination))
  const before = await readFile(path).catch(unlessMissing)
  if (before?.equals(Buffer.from(text)) === true) return { path, isWritten: false }
  await mkdir(dirname(path), { recursive: true })
  await writeAtomically(path, text, mode ?? (await modeOf(destination)) ?? DEFAULT_MODE)
  return { path, isWritten: true }
}

/** What nobody else may read there is nobody else's business here either. */
async function modeOf(destination: string): Promise<number | null> {
  const stats = await stat(destination).catch(unlessMissing)
  return stats === null ? null : stats.mode & 0o777
}

function unlessMissing(error: unknown): null {
  if (failureOf(error) === 'missing') return null
  throw error
}
