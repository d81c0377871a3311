/** Requests that are refused: counted by reason, logged at once, and summed up where they are many. */
import type { Logger } from 'pino'
import { counted } from '../../text/wording.ts'
import { HTTP_REFUSALS, type HttpRefusal } from './status.ts'

/** After a line has been logged, others for the same reason are summed up for this long. Milliseconds. */
const SUM_MS = 60_000

const WHY: Readonly<Record<HttpRefusal, string>> = {
  host: 'its Host is not a name of this router (admin.hosts)',
  origin: 'a page of another site has sent it',
  'no-token': 'it has no token (admin.token_file)',
  'wrong-token': 'its token is unknown',
  'too-large': 'its body is too large',
  slow: 'it was not complete in time',
  'slow-reader': 'it has not read its answer',
  malformed: 'it is not HTTP',
  tls: 'no TLS session came about',
  'connection-limit': 'too many connections',
  busy: 'too many large answers or readers of events at a time',
}

interface Sum {
  requests: number
  client: string
  timer: NodeJS.Timeout
}

export class HttpRefusals {
  readonly #log: Logger
  readonly #counts: Record<HttpRefusal, number>
  readonly #sums = new Map<HttpRefusal, Sum>()
  readonly #sumMs: number

  constructor(log: Logger, sumMs = SUM_MS) {
    this.#log = log
    this.#sumMs = sumMs
    this.#counts = Object.fromEntries(HTTP_REFUSALS.map((reason) => [reason, 0])) as Record<HttpRefusal, number>
  }

  /** Returns the count of every reason, also of one that has not occurred. */
  get counts(): Readonly<Record<HttpRefusal, number>> {
    return { ...this.#counts }
  }

  /** Notes a refusal. `client`: its address, empty where it is not known any more. */
  add(reason: HttpRefusal, client: string): void {
    this.#counts[reason]++
    const sum = this.#sums.get(reason)
    if (sum !== undefined) {
      sum.requests++
      sum.client = client
      return
    }
    this.#write(reason, 1, client, '')
    this.#sums.set(reason, { requests: 0, client, timer: this.#later(reason) })
  }

  /** Logs what has been summed up. Idempotent. */
  close(): void {
    for (const [reason, { requests, client, timer }] of this.#sums) {
      clearTimeout(timer)
      if (requests > 0) this.#write(reason, requests, client, ` in ${this.#sumMs / 1000} s`)
    }
    this.#sums.clear()
  }

  #later(reason: HttpRefusal): NodeJS.Timeout {
    return setTimeout(() => this.#settle(reason), this.#sumMs).unref()
  }

  #settle(reason: HttpRefusal): void {
    const sum = this.#sums.get(reason)
    if (sum === undefined) return
    if (sum.requests === 0) {
      this.#sums.delete(reason)
      return
    }
    this.#write(reason, sum.requests, sum.client, ` in ${this.#sumMs / 1000} s`)
    Object.assign(sum, { requests: 0, timer: this.#later(reason) })
  }

  #write(reason: HttpRefusal, requests: number, client: string, within: string): void {
    const fields = { event: 'http-refused', reason, requests, ...(client === '' ? {} : { client }) }
    this.#log.warn(fields, `HTTP: refused ${counted(requests, 'request')}${within}: ${WHY[reason]}`)
  }
}
