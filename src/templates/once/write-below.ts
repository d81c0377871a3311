/** `render --output`: files below another directory, for a person to look at. */
import { lstat, mkdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { writeAtomically } from '../../atomic-file.ts'
import { bytesOfText } from '../../text/binary-text.ts'
import type { TemplateConfig } from '../../config/config.ts'
import { failureOf, RouterError } from '../../errors.ts'
import { bytesOf } from '../files/destination.ts'

const DEFAULT_MODE = 0o644

/** Writes DIRECTORY/destination with the mode that the destination would have, and as its own user's file. */
export async function writeBelow(
  directory: string,
  { destination, mode }: Pick<TemplateConfig, 'destination' | 'mode'>,
  text: string,
): Promise<{ readonly path: string; readonly isWritten: boolean }> {
  // Resolved from the root, so that no `..` leads out of the directory.
  const below = resolve('/', destination)
  const path = join(directory, below)
  await makeDirectories(directory, dirname(below))
  const wanted = mode ?? (await modeOf(destination)) ?? DEFAULT_MODE
  const bytes = bytesOfText(text)
  if (await isAs(path, bytes, wanted)) return { path, isWritten: false }
  await writeAtomically(path, bytes, wanted)
  return { path, isWritten: true }
}

/** Makes directories one by one: a link among them, which another user may have put there, would lead out of the directory. */
async function makeDirectories(directory: string, below: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  let path = directory
  for (const name of below.split('/').filter((part) => part !== '')) {
    path = join(path, name)
    const there = await lstat(path).catch(unlessMissing)
    if (there === null) await mkdir(path)
    else if (!there.isDirectory())
      throw new RouterError('TEMPLATE_FAILED', `${path} is not a directory: nothing is written through it`)
  }
}

async function isAs(path: string, bytes: Buffer, mode: number): Promise<boolean> {
  const there = await lstat(path).catch(unlessMissing)
  if (there?.isFile() !== true || (there.mode & 0o7777) !== mode) return false
  return (await bytesOf(path))?.equals(bytes) === true
}

/** Keeps other users from reading here what they may not read there. */
async function modeOf(destination: string): Promise<number | null> {
  const stats = await stat(destination).catch(unlessMissing)
  return stats === null ? null : stats.mode & 0o777
}

function unlessMissing(error: unknown): null {
  if (failureOf(error) === 'missing') return null
  throw error
}
