/** Requests that are refused: counted by reason, logged at once, and summed up where they are many. */
import type { Logger } from 'pino'
import { SummedLines } from '../../summed-lines.ts'
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
  pipelined: 'it came before the answer to the one before',
  malformed: 'it is not HTTP',
  tls: 'no TLS session came about',
  'connection-limit': 'too many connections',
  busy: 'too many large answers or readers of events at a time',
}

export class HttpRefusals {
  readonly #log: Logger
  readonly #counts: Record<HttpRefusal, number>
  readonly #lines: SummedLines

  constructor(log: Logger, sumMs = SUM_MS) {
    this.#log = log
    this.#lines = new SummedLines(sumMs)
    this.#counts = Object.fromEntries(HTTP_REFUSALS.map((reason) => [reason, 0])) as Record<HttpRefusal, number>
  }

  /** Returns the count of every reason, also of one that has not occurred. */
  get counts(): Readonly<Record<HttpRefusal, number>> {
    return { ...this.#counts }
  }

  /** Notes a refusal. `client`: its address, empty where it is not known any more. */
  add(reason: HttpRefusal, client: string): void {
    this.#counts[reason]++
    this.#lines.add(reason, (requests, within) => {
      const fields = { event: 'http-refused', reason, requests, ...(client === '' ? {} : { client }) }
      this.#log.warn(fields, `HTTP: refused ${counted(requests, 'request')}${within}: ${WHY[reason]}`)
    })
  }

  /** Logs what has been summed up. Idempotent. */
  close(): void {
    this.#lines.close()
  }
}
