/** HTTP to one endpoint of a DCS: bounded answers with deadlines, answers that are waited for, and read line by line. */
import { now } from '../../../clock.ts'
import { failureOf, RouterError } from '../../../errors.ts'
import type { DialTarget } from '../dial.ts'
import type { Share } from '../sharing.ts'
import { eachLine } from './lines.ts'
import { SharedPool } from './pools.ts'

type ServerAnswer = Awaited<ReturnType<SharedPool['pool']['request']>>
type Headers = Readonly<Record<string, string>>

export interface HttpTarget extends DialTarget {
  /** Sent with each request. May hold secrets: never shown. */
  readonly headers: Headers
  /** How long a read may take. Milliseconds. */
  readonly timeoutMs: number
}

/** The head of an answer. */
export interface HttpHead {
  readonly status: number
  /** Returns the value of a header; null: it is not there. */
  header(name: string): string | null
}

export interface HttpAnswer extends HttpHead {
  readonly text: string
}

export interface WaitOptions {
  /** How long the head may take, and then the body; null: as long as it likes. Milliseconds. */
  readonly headMs: number
  readonly bodyMs: number | null
  /** Takes the head as soon as it is there. @throws what the wait then rejects with. */
  readonly onHead?: (head: HttpHead) => void
  /** Sent besides those of the target. */
  readonly headers?: Headers
}

export interface LinesOptions extends WaitOptions {
  /** Takes each line of an answer with status 200. @throws what the reading then rejects with. */
  readonly onLine: (line: string) => void
  /** A longer line ends the reading with an error. UTF-16 units. */
  readonly maxLine: number
}

interface Question {
  readonly path: string
  readonly headers?: Headers
  readonly onHead?: (head: HttpHead) => void
}

/** How long a part of an answer may take, and the time that its error shows. Milliseconds. */
interface Limit {
  readonly ms: number
  readonly shownMs: number
}

/** Reads the body of an answer; gives the text of it that is kept. */
type ReadBody = (body: ServerAnswer['body'], head: HttpHead) => Promise<string>

const textOf: ReadBody = (body) => body.text()

/** Not even the head of an answer came in time. */
export class Unanswered extends RouterError {}

/** The head of an answer came in time, and not all of its body. */
export class Unfinished extends RouterError {}

export class HttpConnection {
  readonly #target: HttpTarget
  readonly #shared: Share<SharedPool>
  readonly #closing = new AbortController()
  /** Anything has answered in HTTP. */
  #answered = false

  /** Connects with the first request. */
  constructor(target: HttpTarget) {
    this.#target = target
    this.#shared = SharedPool.take(target)
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * Reads within `factor` times the time of a read, however often it connects. `headers`: sent besides those of the
   * target; `end`: when that time is over, if it has begun before. Rejects without a whole answer.
   */
  async get(path: string, factor = 1, headers: Headers = {}, end: number | null = null): Promise<HttpAnswer> {
    const shownMs = this.#target.timeoutMs * factor
    const until = end ?? now() + shownMs
    const left = (): Limit => ({ ms: Math.max(0, until - now()), shownMs })
    try {
      return await this.#ask({ path, headers }, left(), left, textOf)
    } catch (error) {
      // A connection that was kept open may have been closed by the server meanwhile.
      if (failureOf(error) !== 'reset' || this.closed.aborted || !this.#answered) throw error
      return await this.#ask({ path, headers }, left(), left, textOf)
    }
  }

  /** Waits for an answer. Rejects without a whole one. */
  wait(path: string, options: WaitOptions): Promise<HttpAnswer> {
    return this.#wait(path, options, textOf)
  }

  /**
   * Reads an answer line by line, as it comes; resolves when it ends, with the text of one whose status is not 200.
   * Rejects where it is cut off.
   */
  lines(path: string, { onLine, maxLine, ...options }: LinesOptions): Promise<HttpAnswer> {
    return this.#wait(path, options, async (body, { status }) => {
      if (status !== 200) return body.text()
      await eachLine(body, onLine, maxLine)
      return ''
    })
  }

  /** Ends every request under way. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    this.#closing.abort()
    this.#shared.leave()
  }

  #wait(path: string, { headMs, bodyMs, ...options }: WaitOptions, read: ReadBody): Promise<HttpAnswer> {
    const limit = (ms: number): Limit => ({ ms, shownMs: ms })
    return this.#ask({ path, ...options }, limit(headMs), bodyMs === null ? null : () => limit(bodyMs), read)
  }

  async #ask(
    question: Question,
    headLimit: Limit,
    bodyLimit: (() => Limit) | null,
    read: ReadBody,
  ): Promise<HttpAnswer> {
    const giveUp = new AbortController()
    const { signal } = giveUp
    const late = ({ ms, shownMs }: Limit, error: (within: string) => RouterError): NodeJS.Timeout =>
      setTimeout(() => giveUp.abort(error(`within ${shownMs} ms`)), ms)
    const end = (): void => giveUp.abort(new RouterError('DCS_UNAVAILABLE', 'the connection is closed'))
    this.closed.addEventListener('abort', end, { once: true })
    let timer = late(headLimit, (within) => new Unanswered('TIMEOUT', `no answer ${within}`))
    try {
      if (this.closed.aborted) end()
      signal.throwIfAborted()
      const { statusCode, headers, body } = await this.#request(question, signal)
      this.#answered = true
      clearTimeout(timer)
      if (bodyLimit !== null)
        timer = late(bodyLimit(), (within) => new Unfinished('TIMEOUT', `no whole answer ${within}`))
      const head = {
        status: statusCode,
        header: (name: string): string | null => {
          const value = headers[name]
          return (Array.isArray(value) ? value[0] : value) ?? null
        },
      }
      try {
        question.onHead?.(head)
      } catch (error) {
        // Its end is of no interest.
        body.on('error', () => undefined).destroy()
        throw error
      }
      return { ...head, text: await read(body, head) }
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      clearTimeout(timer)
      this.closed.removeEventListener('abort', end)
    }
  }

  /** Rejects when `signal` aborts, which undici itself minds only once it is connected. */
  #request({ path, headers: more }: Question, signal: AbortSignal): Promise<ServerAnswer> {
    const headers = { ...this.#target.headers, ...more }
    const { promise, resolve, reject } = Promise.withResolvers<ServerAnswer>()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    this.#shared.value.pool.request({ method: 'GET', path, headers, signal }).then(resolve, reject)
    return promise
  }
}
