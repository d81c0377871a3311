import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { unref } from '../processes/unref.ts'

const MAIN = join(import.meta.dirname, 'lan-requests-main.ts')

export type LanRequest = {
  readonly url: string
  readonly method: string
  readonly body: string
  readonly timeoutMs: number
}
export type LanAnswer = { readonly status: number; readonly text: string }

type Sender = ChildProcessByStdio<Writable, Readable, null>
type Waiting = { readonly resolve: (answer: LanAnswer) => void; readonly reject: (error: Error) => void }

/** Sends HTTP requests from within a LAN, all by one process, which starts with the first one and ends with its LAN. */
export class LanRequests {
  readonly #enter: readonly string[]
  readonly #waiting = new Map<number, Waiting>()
  #sender: Sender | null = null
  #last = 0

  /** @param enter the beginning of a command that is to be run in the LAN. */
  constructor(enter: readonly string[]) {
    this.#enter = enter
  }

  /** @throws when there is no answer in time. */
  async send(request: LanRequest): Promise<LanAnswer> {
    const sender = (this.#sender ??= this.#start())
    const id = ++this.#last
    const { promise, resolve, reject } = Promise.withResolvers<LanAnswer>()
    this.#waiting.set(id, { resolve, reject })
    sender.ref()
    sender.stdin.write(`${JSON.stringify({ id, ...request })}\n`)
    try {
      return await promise
    } finally {
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) sender.unref()
    }
  }

  #start(): Sender {
    const [program, ...args] = [...this.#enter, process.execPath, MAIN]
    const sender = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    // The test process need not wait for it: it ends with it.
    unref(sender)
    sender.stdin.on('error', () => undefined) // Its end says what there is to say.
    createInterface({ input: sender.stdout }).on('line', (line) => {
      const { id, error, ...answer } = JSON.parse(line) as LanAnswer & { readonly id: number; readonly error?: string }
      const waiting = this.#waiting.get(id)
      if (error === undefined) waiting?.resolve(answer)
      else waiting?.reject(new Error(error))
    })
    const ended = (why: string): void => {
      this.#sender = null
      for (const { reject } of this.#waiting.values()) reject(new Error(`requests from the LAN: ${why}`))
    }
    sender.once('error', ({ message }) => ended(message))
    sender.once('exit', () => ended('their process has ended'))
    return sender
  }
}
