/** Small files of text: tokens and kubeconfigs, which may be replaced at any time. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { explain, failureOf, RouterError } from '../../../errors.ts'

/** More than a token or a kubeconfig of many clusters. Bytes. */
const MAX_BYTES = 4 * 1024 * 1024

/** Returns what is wrong with a file, as the end of a sentence; null: nothing. */
export function faultOf(path: string): string | null {
  const text = textOf(path)
  return text === null ? `cannot be read: ${whyNot(path)}` : text === '' ? 'is empty' : null
}

/** Reads a small file. `what`: what people call it. @throws RouterError `CONFIG_UNREADABLE`, naming it. */
export function readText(path: string, what: string): string {
  const text = textOf(path)
  if (text === null) throw new RouterError('CONFIG_UNREADABLE', `the ${what} ${path} cannot be read: ${whyNot(path)}`)
  return text
}

/** Reads a small file, waiting for no writer of a pipe; null: it cannot be read. */
export function textOf(path: string): string | null {
  try {
    return read(path)
  } catch {
    // The reason is found out by `whyNot`.
    return null
  }
}

/** Returns why a file cannot be read. */
export function whyNot(path: string): string {
  try {
    read(path)
    return 'it is there now'
  } catch (error) {
    const failure = failureOf(error)
    return failure === 'missing' ? 'no such file' : failure === 'denied' ? 'this user may not read it' : explain(error)
  }
}

function read(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) throw new TypeError('it is not a file')
    if (stats.size > MAX_BYTES) throw new RangeError(`it is larger than ${MAX_BYTES} bytes`)
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}
