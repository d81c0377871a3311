/** Answers that are made and sent in slices, so that the event loop is not held up: a few at a time. */
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { type PlaceLimits, Places, type Taker } from './places.ts'

/** Each holds a status in memory while its client reads. */
const ANSWERS: PlaceLimits = { places: 32, reserved: 8, perAddress: 8 }

export class Slices {
  readonly #places = new Places(ANSWERS)

  /** Returns an answer of these parts, of which the next is made when the one before is on its way; null: there are too many. */
  answer(parts: Iterable<string> | AsyncIterable<string>, taker: Taker): Readable | null {
    const giveBack = this.#places.take(taker)
    if (giveBack === null) return null
    const readable = Readable.from(oneByOne(parts), { objectMode: false, highWaterMark: 16 * 1024 })
    readable.once('close', giveBack)
    return readable
  }
}

async function* oneByOne(parts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  for await (const part of parts) {
    if (part !== '') yield part
    await setImmediate()
  }
}
