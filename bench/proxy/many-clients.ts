import { join } from 'node:path'
import { TempDir } from '../../test/support/files/temp.ts'
import { until } from '../../test/support/until.ts'
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** An event of many-clients.py; times in milliseconds since the epoch. */
interface ManyClientsEvent {
  readonly event: 'held' | 'answered' | 'sent' | 'closed' | 'left' | 'failed'
  /** When it was complete, such as when the last one was answered. */
  readonly at: number
  /** How much each client could send at least. */
  readonly least?: number
  readonly message?: string
}

const MAIN = join(import.meta.dirname, 'many-clients.py')
const TIMEOUT_MS = 120_000

/** Thousands of bare clients in a process of their own: see many-clients.py. */
export class ManyClients implements AsyncDisposable {
  readonly #dir: TempDir
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #events: ManyClientsEvent[] = []

  private constructor(dir: TempDir, port: number) {
    this.#dir = dir
    this.#process = spawn('python3', [MAIN, String(port)], { cwd: dir.path, stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      this.#events.push(JSON.parse(line) as ManyClientsEvent)
    })
  }

  /** Returns the process; it has no clients yet. */
  static of(port: number): ManyClients {
    return new ManyClients(TempDir.create('clients'), port)
  }

  /** Opens sessions, some at a time, until each has its first answer. */
  async open(count: number): Promise<void> {
    await this.#done(`open ${count}`, 'answered')
  }

  /** Connects clients that have to wait for their first answer. */
  async hold(count: number): Promise<void> {
    await this.#done(`hold ${count}`, 'held')
  }

  /** Has each client send so many bytes, or as many of these as it can without waiting; returns the least of them. */
  async send(bytes: number): Promise<number> {
    return (await this.#done(`send ${bytes}`, 'sent')).least ?? 0
  }

  /** Returns when the last one has had its first answer. */
  async answered(): Promise<number> {
    return (await this.#wait('answered')).at
  }

  /** Returns when the last one was closed by the other side. */
  async closed(): Promise<number> {
    return (await this.#wait('closed')).at
  }

  /** Closes all. */
  async leave(): Promise<void> {
    await this.#done('close', 'left')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }

  async #done(line: string, event: ManyClientsEvent['event']): Promise<ManyClientsEvent> {
    this.#process.stdin.write(`${line}\n`)
    return this.#wait(event)
  }

  async #wait(event: ManyClientsEvent['event']): Promise<ManyClientsEvent> {
    const fits = (one: ManyClientsEvent): boolean => one.event === event || one.event === 'failed'
    const index = await until(`the clients are ${event}`, () => this.#events.findIndex(fits) + 1, {
      timeoutMs: TIMEOUT_MS,
    })
    const [found] = this.#events.splice(index - 1, 1)
    if (found === undefined || found.event === 'failed') throw new Error(`many clients: ${found?.message ?? ''}`)
    return found
  }
}
