/** Reading a file that others write: bounded, and whatever is there in its place. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { explain, failureOf } from './errors.ts'

export type TextFile =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'missing' }
  /** `reason`: fit to follow the name of the file. */
  | { readonly kind: 'unusable'; readonly reason: string }

const CHUNK_BYTES = 64 * 1024

/**
 * Reads a file of at most `maxBytes`, in UTF-8. `isDamaged`: what is not in UTF-8 is replaced, as where a writer was killed. Never
 * rejects; waits for no writer of a pipe.
 */
export async function readTextFile(
  path: string,
  maxBytes: number,
  { isDamaged }: { readonly isDamaged: boolean } = { isDamaged: false },
): Promise<TextFile> {
  let file: FileHandle | null = null
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) return { kind: 'unusable', reason: 'is not a file' }
    const bytes = await readBytes(file, maxBytes + 1)
    if (bytes.length > maxBytes) return { kind: 'unusable', reason: `is larger than ${maxBytes} bytes` }
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: !isDamaged }).decode(bytes) }
  } catch (error) {
    if (failureOf(error) === 'missing') return { kind: 'missing' }
    if (error instanceof TypeError) return { kind: 'unusable', reason: 'is not in UTF-8' }
    return { kind: 'unusable', reason: `cannot be read: ${explain(error)}` }
  } finally {
    // Nothing was written: what goes wrong now changes nothing for the caller.
    await file?.close().catch(() => undefined)
  }
}

/** Reads up to `length` bytes: the file's size is not used, as it may grow while it is read. */
async function readBytes(file: FileHandle, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let left = length; left > 0;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(Math.min(left, CHUNK_BYTES)) })
    if (bytesRead === 0) break
    chunks.push(buffer.subarray(0, bytesRead))
    left -= bytesRead
  }
  return Buffer.concat(chunks)
}
