/** One connection to one API server: lists of a cluster's objects and Pods, and a watch of each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../../clock.ts'
import type { RouterError } from '../../../errors.ts'
import { asNumber } from '../../../text/unknown-shape.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import { type HttpAnswer, HttpConnection, type HttpHead, type HttpTarget } from '../http/connection.ts'
import { explainHttp } from '../http/diagnosis.ts'
import type { AccessOrigin } from './access.ts'
import type { Credentials } from './credentials.ts'
import { failureOfAnswer, peerOf, type Request } from './diagnosis.ts'
import { CITUS_LABEL, type ObjectKind } from './names.ts'
import { ACCEPT, type ObjectList, parseList } from './objects.ts'

export interface ApiTarget extends Omit<HttpTarget, 'headers'> {
  /** What each path begins with; mostly empty. */
  readonly base: string
  readonly credentials: Credentials
  readonly origin: AccessOrigin
  readonly namespace: string
  /** The kind that holds the keys. */
  readonly objects: ObjectKind
  readonly scopeLabel: string
  readonly retriable: readonly number[]
}

export interface ListOptions {
  /** How many times the time of a read it may take. */
  readonly factor?: number
  readonly pages?: Pages
  /** As the API server has it in its cache, which costs it little. */
  readonly isCached?: boolean
}

export interface WatchOptions {
  readonly selector: string
  readonly version: number
  readonly seconds: number
  readonly onOpen: () => void
  readonly onLine: (line: string) => void
}

/**
 * How a list is cut. Pages are of one version, which an API server reads from etcd itself, so that what is a handful has
 * none: its cache may answer.
 */
export type Pages = 'all' | 'first' | 'none'

/** So many objects are requested at once: their metadata is parsed in a few milliseconds. */
const PAGE = 500

/** Much more than an object can have in etcd. UTF-16 units. */
const MAX_LINE = 4 * 1024 * 1024

/** Between two requests of which the first was answered with "try again", growing. Milliseconds. */
const AGAIN_MS = { min: 50, max: 500 }

/** So often a refused token is read again: it may be about to be replaced. */
const MAX_REFUSED = 4

export class ApiConnection {
  readonly #target: ApiTarget
  readonly #http: HttpConnection

  /** Connects with the first call. */
  constructor(target: ApiTarget) {
    this.#target = target
    this.#http = new HttpConnection({ ...target, headers: {} })
  }

  get endpoint(): string {
    return this.#target.endpoint
  }

  get certificates(): CertificateSet | null {
    return this.#target.certificates
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.#http.closed
  }

  /** Returns the labels that are kept of an object. */
  get labels(): readonly string[] {
    return [CITUS_LABEL, this.#target.scopeLabel]
  }

  /**
   * Lists with certainty, unless `isCached`: without a version the API server makes sure that it has the newest. `factor`: how many
   * times the time of a read it may take.
   */
  async list(
    resource: Request['resource'],
    selector: string,
    { factor = 1, pages = 'all', isCached = false }: ListOptions = {},
  ): Promise<ObjectList> {
    const end = now() + this.#target.timeoutMs * factor
    const request = this.#request('list', resource)
    for (let parts: ObjectList[] = [], next: string | null = null; ;) {
      const query = new URLSearchParams({
        labelSelector: selector,
        ...(pages === 'none' ? {} : { limit: String(PAGE) }),
        ...(isCached ? { resourceVersion: '0' } : {}),
        ...(next === null ? {} : { continue: next }),
      })
      const answer = await this.#get(`${this.#path(resource)}?${query.toString()}`, factor, end)
      // The pages are of one version, which is not kept for ever.
      if (answer.status === 410 && next !== null) {
        ;[parts, next] = [[], null]
        continue
      }
      if (answer.status !== 200) throw failureOfAnswer(answer, request, this.#target.origin)
      const page = parseList(answer.text, this.labels)
      parts.push(page)
      next = page.next
      if (next === null || pages === 'first')
        return { version: page.version, objects: parts.flatMap(({ objects }) => objects), next }
    }
  }

  /** Reads one object whole, as text; null: it is not there. */
  async read(resource: Request['resource'], namespace: string, name: string): Promise<string | null> {
    const request = { ...this.#request('get', resource), namespace }
    const end = now() + this.#target.timeoutMs
    const answer = await this.#get(`${this.#path(resource, namespace)}/${name}`, 1, end, 'application/json')
    if (answer.status === 404) return null
    if (answer.status !== 200) throw failureOfAnswer(answer, request, this.#target.origin)
    return answer.text
  }

  /** Watches from a version on until the watch ends. Gives the answer where it is none. Rejects where it is cut off. */
  async watch(
    resource: Request['resource'],
    { selector, version, seconds, onOpen, onLine }: WatchOptions,
  ): Promise<HttpAnswer> {
    const { timeoutMs, credentials } = this.#target
    const query = new URLSearchParams({
      ...{ labelSelector: selector, watch: '1', allowWatchBookmarks: 'true' },
      ...{ timeoutSeconds: String(seconds), resourceVersion: String(version) },
    })
    const login = credentials.headers()
    const answer = await this.#http.lines(`${this.#path(resource)}?${query.toString()}`, {
      ...{ headMs: seconds * 1000 + timeoutMs, bodyMs: seconds * 1000 + timeoutMs, maxLine: MAX_LINE, onLine },
      headers: { ...login, accept: ACCEPT.watch },
      onHead: ({ status }) => {
        if (status === 200) onOpen()
      },
    })
    if (answer.status === 401) credentials.renew(login)
    return answer
  }

  /** Returns the error of an answer to a watch that says more than to try again; null: it says that. */
  failureOfWatch(answer: HttpAnswer, resource: Request['resource']): RouterError | null {
    if (answer.status === 410 || this.#isRetriable(answer)) return null
    return failureOfAnswer(answer, this.#request('watch', resource), this.#target.origin)
  }

  explain(error: unknown, signal: AbortSignal): Promise<string> {
    return explainHttp(error, peerOf(this.#target.origin), this.#target, signal)
  }

  /** Ends every request under way. Idempotent. */
  close(): void {
    this.#http.close()
  }

  /** Reads until `end`; repeats a request after a refused token that has been replaced, and after "try again". */
  async #get(path: string, factor: number, end: number, accept: string = ACCEPT.list): Promise<HttpAnswer> {
    const { credentials } = this.#target
    for (let tries = 0, refused = 0; ; tries++) {
      const login = credentials.headers()
      const answer = await this.#http.get(path, factor, { ...login, accept }, end)
      const pauseMs = Math.min(AGAIN_MS.min * 2 ** tries, AGAIN_MS.max)
      if (answer.status === 401 && refused++ < MAX_REFUSED) {
        if (credentials.renew(login)) continue
        // What is not read from a file of its own is not about to be replaced.
        if (!credentials.isFile || now() + pauseMs >= end) return answer
      } else if (!this.#isRetriable(answer) || now() + this.#pauseOf(answer, pauseMs) >= end) return answer
      await sleep(this.#pauseOf(answer, pauseMs), undefined, { signal: this.closed })
    }
  }

  #isRetriable(answer: HttpAnswer): boolean {
    return (
      this.#target.retriable.includes(answer.status) || (answer.status >= 400 && answer.header('retry-after') !== null)
    )
  }

  #pauseOf(answer: HttpAnswer, pauseMs: number): number {
    return Math.max(pauseMs, askedPauseMs(answer))
  }

  #request(verb: Request['verb'], resource: Request['resource']): Request {
    const { namespace, objects } = this.#target
    return { verb, resource, namespace, objects }
  }

  #path(resource: string, namespace = this.#target.namespace): string {
    return `${this.#target.base}/api/v1/namespaces/${namespace}/${resource}`
  }
}

/** Returns how long the server asks to wait before the next request; 0: it does not. Milliseconds. */
export function askedPauseMs(answer: HttpHead): number {
  const seconds = asNumber(answer.header('retry-after'))
  return seconds === null || !(seconds > 0) ? 0 : seconds * 1000
}
