/** The lines of the connection log on their way to the output, which they share with the log and nothing else. */
import { type LoggerOptions, pino } from 'pino'

/** What is handed over at a time: each write costs as much as some lines. What a pipe takes. Characters. */
const CHUNK = 64 * 1024

export interface ConnectionLine {
  /** Its time: milliseconds since the epoch. */
  readonly at: number
  readonly fields: Readonly<Record<string, unknown>> & { readonly event: string }
  readonly message: string
}

export class ConnectionLines {
  readonly #handOver: (lines: number, chunk: string) => void
  readonly #log
  #at = 0
  #chunk = ''
  #count = 0

  /** `form`: of the lines of the log; `inForm`: makes of one of them what is written. */
  constructor(form: LoggerOptions, inForm: (line: string) => string, handOver: (lines: number, chunk: string) => void) {
    this.#handOver = handOver
    const timestamp = (): string => `,"time":"${new Date(this.#at).toISOString()}"`
    // A line by itself costs the output as much as the making of it.
    const write = (line: string): void => {
      this.#chunk += inForm(line)
      this.#count++
    }
    this.#log = pino({ ...form, level: 'info', timestamp }, { write })
  }

  write(lines: readonly ConnectionLine[]): void {
    for (const { at, fields, message } of lines) {
      this.#at = at
      this.#log.info(fields, message)
      if (this.#chunk.length >= CHUNK) this.#flush()
    }
    if (this.#count > 0) this.#flush()
  }

  #flush(): void {
    const [count, chunk] = [this.#count, this.#chunk]
    this.#count = 0
    this.#chunk = ''
    this.#handOver(count, chunk)
  }
}
