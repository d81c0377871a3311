/** HTTP to one endpoint of a DCS: bounded answers with deadlines, answers that are waited for. */
import { now } from '../../../clock.ts'
import { failureOf, RouterError } from '../../../errors.ts'
import type { DialTarget } from '../dial.ts'
import type { Share } from '../sharing.ts'
import { SharedPool } from './pools.ts'

type ServerAnswer = Awaited<ReturnType<SharedPool['pool']['request']>>

export interface HttpTarget extends DialTarget {
  /** Sent with each request. May hold secrets: never shown. */
  readonly headers: Readonly<Record<string, string>>
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
}

/** How long a part of an answer may take, and the time that its error shows. Milliseconds. */
interface Limit {
  readonly ms: number
  readonly shownMs: number
}

/** Not even the head of an answer came in time. */
export class Unanswered extends RouterError {}

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

  /** Reads within `factor` times the time of a read, however often it connects. Rejects without a whole answer. */
  async get(path: string, factor = 1): Promise<HttpAnswer> {
    const shownMs = this.#target.timeoutMs * factor
    const end = now() + shownMs
    const left = (): Limit => ({ ms: Math.max(0, end - now()), shownMs })
    try {
      return await this.#ask(path, left(), left)
    } catch (error) {
      // A connection that was kept open may have been closed by the server meanwhile.
      if (failureOf(error) !== 'reset' || this.closed.aborted || !this.#answered) throw error
      return await this.#ask(path, left(), left)
    }
  }

  /** Waits for an answer. Rejects without a whole one. */
  wait(path: string, { headMs, bodyMs, onHead }: WaitOptions): Promise<HttpAnswer> {
    const limit = (ms: number): Limit => ({ ms, shownMs: ms })
    return this.#ask(path, limit(headMs), bodyMs === null ? null : () => limit(bodyMs), onHead)
  }

  /** Ends every request under way. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    this.#closing.abort()
    this.#shared.leave()
  }

  async #ask(
    path: string,
    headLimit: Limit,
    bodyLimit: (() => Limit) | null,
    onHead?: (head: HttpHead) => void,
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
      const { statusCode, headers, body } = await this.#request(path, signal)
      this.#answered = true
      clearTimeout(timer)
      if (bodyLimit !== null)
        timer = late(bodyLimit(), (within) => new RouterError('TIMEOUT', `no whole answer ${within}`))
      const head = {
        status: statusCode,
        header: (name: string): string | null => {
          const value = headers[name]
          return (Array.isArray(value) ? value[0] : value) ?? null
        },
      }
      try {
        onHead?.(head)
      } catch (error) {
        // Its end is of no interest.
        body.on('error', () => undefined).destroy()
        throw error
      }
      return { ...head, text: await body.text() }
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      clearTimeout(timer)
      this.closed.removeEventListener('abort', end)
    }
  }

  /** Rejects when `signal` aborts, which undici itself minds only once it is connected. */
  #request(path: string, signal: AbortSignal): Promise<ServerAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerAnswer>()
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    this.#shared.value.pool
      .request({ method: 'GET', path, headers: this.#target.headers, signal })
      .then(resolve, reject)
    return promise
  }
}
