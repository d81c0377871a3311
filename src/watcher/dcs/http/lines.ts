/** An answer that is read line by line, as it comes. */
import { StringDecoder } from 'node:string_decoder'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { RouterError } from '../../../errors.ts'

/** Lines may keep the event loop busy for that long; then others have their turn. Milliseconds. */
const BUSY_MS = 5

/**
 * Hands over each line with something in it, the last one too where no line break follows. Rejects as `body` and
 * `onLine` do, and when a line is longer than `maxLine`.
 */
export async function eachLine(
  body: AsyncIterable<Buffer>,
  onLine: (line: string) => void,
  maxLine: number,
): Promise<void> {
  const decoder = new StringDecoder()
  let line = ''
  const take = (): void => {
    if (line.length > maxLine)
      throw new RouterError('DCS_UNAVAILABLE', `it sends a line that is longer than ${maxLine / 1024 / 1024} MB`)
    if (line.trim() !== '') onLine(line)
  }
  for await (const chunk of body) {
    let since = performance.now()
    const [first = '', ...next] = decoder.write(chunk).split('\n')
    line += first
    for (const begun of next) {
      take()
      line = begun
      if (performance.now() - since < BUSY_MS) continue
      await nextTurn()
      since = performance.now()
    }
    if (line.length > maxLine) take()
  }
  line += decoder.end()
  take()
}
