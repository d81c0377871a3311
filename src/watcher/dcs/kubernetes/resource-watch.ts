/** One resource of a cluster as lists and the watch from there on show it: the watch continues for as long as it can. */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../../clock.ts'
import { codeOf, failureOf, RouterError } from '../../../errors.ts'
import { Unanswered, Unfinished } from '../http/connection.ts'
import { type ApiConnection, askedPauseMs, type Pages } from './api-connection.ts'
import type { Request } from './diagnosis.ts'
import { ObjectCache } from './object-cache.ts'
import { type KubeObject, type ObjectList, parseEvent, type WatchEvent } from './objects.ts'

export interface ResourceWatchOptions {
  readonly api: ApiConnection
  readonly resource: Request['resource']
  readonly selector: string
  /** How often it is read with certainty beside the watch. Milliseconds. */
  readonly intervalMs: number
  readonly pages: Pages
  /** Lists are taken as the API server has them in its cache: one of the past is no history that went back. */
  readonly isCached: boolean
  /** How many times the time of a read a list beside the watch may take. */
  readonly factor: number
  /** Comes after each event, which is in `objects` by then. */
  readonly onEvent: (event: Exclude<WatchEvent, { readonly type: 'error' }>) => void
  /** All was listed again, by a read that began at `at`. */
  readonly onListed: (at: number) => void
}

/** An API server ends a watch after that, and up to a minute more: not all watches of a router at once. Seconds. */
const WATCH_S = 240

/** Pauses after so many watches in turn that ended at once; `asked`: at most where the server sets one. Milliseconds. */
const PAUSE = { min: 50, max: 1000, atOnce: 900, asked: 10_000 }

/** So many times in turn a token may be refused that is about to be replaced. */
const MAX_REFUSED = 4

/** Of the first list, and of one after which a watch begins again: times the time of a read. */
const BEGIN_FACTOR = 2

/** The watch cannot continue from its version: everything is listed again. */
class Expired extends Error {}

export class ResourceWatch {
  readonly #options: ResourceWatchOptions
  readonly #cache = new ObjectCache()
  /** The server has set a pause before the next watch. */
  #isPaused = false

  /** Requests nothing yet. */
  constructor(options: ResourceWatchOptions) {
    this.#options = options
  }

  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#cache.objects
  }

  /** Returns the version up to which everything has been seen. */
  get version(): number {
    return this.#cache.version
  }

  /** Lists all, for the watch to begin there. Rejects with `DCS_STALE` where the list is older than what was seen. */
  async begin(): Promise<void> {
    this.#cache.begin(await this.#list(BEGIN_FACTOR))
  }

  /**
   * Lists all beside the watch, which has to show the same until the next time. Resolves with whether nothing can be
   * expected of it meanwhile. Rejects with `DCS_STALE` where the history went back, or the watch was silent.
   */
  async check(): Promise<boolean> {
    const list = await this.#list(this.#options.factor)
    const isPaused = this.#isPaused
    if (isPaused) this.#cache.begin(list)
    else this.#cache.check(list)
    return isPaused
  }

  /** Lists all beside the watch, whatever that shows. Rejects with `DCS_STALE` where the history went back. */
  async read(): Promise<void> {
    this.#cache.take(await this.#list(this.#options.factor))
  }

  /** Watches for as long as that is possible. `onConfirmed`: the server watches, or answers with "try again". Rejects when it cannot continue. */
  async follow(onConfirmed: () => void): Promise<never> {
    const { api, resource, selector, intervalMs, onListed } = this.#options
    let isWatchable = false
    for (let short = 0, refused = 0; ;) {
      const since = now()
      const watch = { isOpen: false }
      let isExpired: boolean
      let askedMs = 0
      try {
        const answer = await api.watch(resource, {
          ...{ selector, version: this.#cache.watched, seconds: WATCH_S + Math.floor(Math.random() * 60) },
          onOpen: () => {
            watch.isOpen = true
            onConfirmed()
          },
          onLine: (line) => this.#take(line),
        })
        refused = answer.status === 401 ? refused + 1 : 0
        isExpired = answer.status === 410
        const failure = answer.status === 200 ? null : api.failureOfWatch(answer, resource)
        if (failure !== null && (refused === 0 || refused > MAX_REFUSED)) throw failure
        askedMs = Math.min(askedPauseMs(answer), PAUSE.asked)
      } catch (error) {
        isExpired = error instanceof Expired
        // A load balancer, or a server that is restarted, may cut a watch: it continues from its version.
        const isCut = isLong(error) || ((watch.isOpen || isWatchable) && failureOf(error) === 'reset')
        if (!isExpired && !isCut) throw error
      }
      isWatchable = watch.isOpen
      if (isExpired) {
        const at = now()
        await this.begin()
        onListed(at)
      }
      // The list is there, and an answer that says more than "try again" would have ended it.
      if (refused === 0) onConfirmed()
      short = now() - since < PAUSE.atOnce ? short + 1 : 0
      const usualMs = short === 0 ? 0 : Math.min(PAUSE.min * 2 ** (short - 1), PAUSE.max, intervalMs / 4)
      this.#isPaused = askedMs > usualMs
      const pauseMs = Math.max(usualMs, askedMs)
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: api.closed })
      this.#isPaused = false
    }
  }

  /** Lists all, with certainty unless a cache will do. `factor`: how many times the time of a read it may take. */
  async #list(factor: number): Promise<ObjectList> {
    const { api, resource, selector, pages, isCached } = this.#options
    // What comes beside it meanwhile may be newer.
    const before = this.version
    const list = await api.list(resource, selector, { factor, pages, isCached })
    if (isCached || list.version >= before) return list
    throw new RouterError('DCS_STALE', `its history went back to version ${list.version}: it was restored`)
  }

  #take(line: string): void {
    const { api, onEvent } = this.#options
    const event = parseEvent(line, api.labels)
    // Whatever it is, what it says of the version is in doubt.
    if (event.type === 'error') throw new Expired(event.message)
    this.#cache.apply(event)
    onEvent(event)
  }
}

/** Returns whether a watch has ended only because it has lasted, or brought, so much; a proxy may hold its head back. */
function isLong(error: unknown): boolean {
  return error instanceof Unanswered || error instanceof Unfinished || codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE'
}
