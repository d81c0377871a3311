/** What a client of the admin socket sends: read chunk by chunk, and noticed while it receives an answer in parts. */
import type { Readable } from 'node:stream'

export class ClientInput {
  readonly #chunks: AsyncIterator<string>
  /** What it sends next, where that is waited for already. */
  #ahead: Promise<IteratorResult<string, undefined>> | null = null

  constructor(socket: Readable) {
    this.#chunks = socket.setEncoding('utf8').iterator({ destroyOnReturn: false }) as AsyncIterator<string>
  }

  /**
   * Returns what it sends next; null: it sends nothing any more. Rejects when the connection breaks. `isLineBegun`: what follows
   * continues a line.
   */
  async read(isLineBegun: boolean): Promise<string | null> {
    const ahead = this.#ahead
    this.#ahead = null
    const { done, value } = await (ahead ?? this.#next())
    if (done === true) return null
    // As in HAProxy: an empty line ends an answer that has no end, and is no command.
    return ahead !== null && !isLineBegun && value.trim() === '' ? this.read(false) : value
  }

  /** Calls `arrived` when the client sends something, or nothing any more. It is read next all the same. */
  watch(arrived: () => void): void {
    this.#ahead ??= this.#next()
    // What breaks the connection rejects the next `read`.
    void this.#ahead.catch(() => undefined).then(arrived)
  }

  #next(): Promise<IteratorResult<string, undefined>> {
    return this.#chunks.next() as Promise<IteratorResult<string, undefined>>
  }
}
