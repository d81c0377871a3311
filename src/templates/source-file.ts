/** Reads the source of a template: the same for rendering and for checking. */
import { readTextFile, type TextFile } from '../text-file.ts'

/** Larger than any configuration that a person has written. */
const MAX_SOURCE_BYTES = 1024 * 1024

/** Reads the text of a source file. Never rejects; waits for no writer of a pipe. */
export async function readSource(path: string): Promise<TextFile> {
  return readTextFile(path, MAX_SOURCE_BYTES)
}
