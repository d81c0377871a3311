/** Answers that are made and sent in slices, so that the event loop is not held up: a few at a time. */
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'

/** Each holds a status in memory while its client reads. */
const MAX_ANSWERS = 32

export class Slices {
  #answers = 0

  /** Returns an answer of these parts, of which the next is made when the one before is on its way; null: there are too many. */
  answer(parts: Iterable<string> | AsyncIterable<string>): Readable | null {
    if (this.#answers >= MAX_ANSWERS) return null
    this.#answers++
    const readable = Readable.from(oneByOne(parts), { objectMode: false, highWaterMark: 16 * 1024 })
    readable.once('close', () => this.#answers--)
    return readable
  }
}

async function* oneByOne(parts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  for await (const part of parts) {
    if (part !== '') yield part
    await setImmediate()
  }
}
