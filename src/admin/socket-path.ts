import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { explain, RouterError } from '../errors.ts'

/** How an error of the admin socket begins. */
export function failureAt(path: string): string {
  return `cannot open the admin socket ${path}`
}

/**
 * Makes the directory of the admin socket. Only the innermost one is the router's own, with mode 0700: whoever can enter
 * it can command the router. Rejects with BIND_FAILED.
 */
export async function makeSocketDirectory(path: string): Promise<void> {
  const directory = dirname(path)
  try {
    await mkdir(dirname(directory), { recursive: true })
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const message = `${failureAt(path)}: its directory cannot be made: ${explain(cause)}`
    throw new RouterError('BIND_FAILED', message, { cause })
  }
}
