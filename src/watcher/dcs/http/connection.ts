/** HTTP to one endpoint of a DCS: bounded answers with deadlines, answers that are waited for. */
import { now } from '../../../clock.ts'
import { failureOf, RouterError } from '../../../errors.ts'
import { type PoolTarget, SharedPool } from './pools.ts'

type ServerAnswer = Awaited<ReturnType<SharedPool['pool']['request']>>

export interface HttpTarget extends PoolTarget {
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

/** Times of one request. Milliseconds. */
interface Deadlines {
  readonly headMs: number
  /** Returns how long the body may take once the head is there; null: as long as it likes. */
  readonly bodyMs: (() => number) | null
  /** The time that errors show. */
  readonly shownMs: number
}

/** Not even the head of an answer came in time. */
export class Unanswered extends RouterError {}

export class HttpConnection {
  readonly #target: HttpTarget
  readonly #shared: SharedPool
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
    const bodyMs = (): number => Math.max(0, end - now())
    try {
      return await this.#ask(path, { headMs: shownMs, bodyMs, shownMs })
    } catch (error) {
      // A connection that was kept open may have been closed by the server meanwhile.
      if (failureOf(error) !== 'reset' || this.closed.aborted || !this.#answered) throw error
      return await this.#ask(path, { headMs: bodyMs(), bodyMs, shownMs })
    }
  }

  /** Waits for an answer. Rejects without a whole one. */
  wait(path: string, { headMs, bodyMs, onHead }: WaitOptions): Promise<HttpAnswer> {
    const body = bodyMs === null ? null : () => bodyMs
    return this.#ask(path, { headMs, bodyMs: body, shownMs: bodyMs ?? headMs }, onHead)
  }

  /** Ends every request under way. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    this.#closing.abort()
    this.#shared.leave()
  }

  async #ask(
    path: string,
    { headMs, bodyMs, shownMs }: Deadlines,
    onHead?: (head: HttpHead) => void,
  ): Promise<HttpAnswer> {
    const giveUp = new AbortController()
    const { signal } = giveUp
    const late = (ms: number, error: RouterError): NodeJS.Timeout => setTimeout(() => giveUp.abort(error), ms)
    const end = (): void => giveUp.abort(new RouterError('DCS_UNAVAILABLE', 'the connection is closed'))
    this.closed.addEventListener('abort', end, { once: true })
    let timer = late(headMs, new Unanswered('TIMEOUT', `no answer within ${shownMs} ms`))
    try {
      if (this.closed.aborted) end()
      signal.throwIfAborted()
      const { statusCode, headers, body } = await this.#request(path, signal)
      this.#answered = true
      clearTimeout(timer)
      if (bodyMs !== null) timer = late(bodyMs(), new RouterError('TIMEOUT', `no whole answer within ${shownMs} ms`))
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
    this.#shared.pool.request({ method: 'GET', path, headers: this.#target.headers, signal }).then(resolve, reject)
    return promise
  }
}
