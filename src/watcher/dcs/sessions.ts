/**
 * Observes a DCS that has a watch. One session an endpoint: list, watch from there on, read with certainty every
 * interval. Any doubt ends the session; the next one, on the next endpoint, lists again. Replaced certificates get a
 * session of their own, on the same endpoint. What the keys mean is not known here.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { explain, RouterError } from '../../errors.ts'
import type { Log } from '../../text/log-line.ts'
import { CertificateLog } from '../tls/certificate-log.ts'
import type { Certificates, CertificateSet } from '../tls/certificates.ts'
import { awaitSuccessor } from './certificate-rollover.ts'
import type { DcsNotice } from './dcs.ts'
import { History, type Order } from './history.ts'
import { Queue } from './queue.ts'
import { type EndpointConnection, observeInTurn } from './rotation.ts'

/** A connection to one endpoint, as a session uses it. */
export interface SessionConnection extends EndpointConnection {
  /** Aborts when the connection is closed. */
  readonly closed: AbortSignal
  /** The certificates that it was made with; null: without TLS. */
  readonly certificates: CertificateSet | null
  /** Explains to a person why it cannot be used, and what to do about it; in time when `signal` aborts. Never rejects. */
  explain(error: unknown, signal: AbortSignal): Promise<string>
}

/** Which endpoints there are. */
export interface SessionEndpoints<C> {
  /** What is shown instead of an endpoint while none is known. */
  readonly name: string
  readonly size: number
  next(signal: AbortSignal): string | Promise<string>
  readonly notices: readonly DcsNotice[]
  /** Looks at an endpoint that could not be read, before the next one. Never rejects. */
  reconsider?(endpoint: string, signal: AbortSignal): Promise<void>
  /** Learns of others until the connection is closed. `onMoved`: the session has to end. Never rejects. */
  keep?(connection: C, onMoved: (error: RouterError) => void): Promise<void>
}

export interface SessionWatcher<E> {
  readonly onEvents: (events: E) => void
  /** Nothing more will come. May be called more than once. */
  readonly onEnd: (error: unknown) => void
}

export interface SessionsOptions<T, C, P, R, E> {
  /** What people call it: `etcd`. */
  readonly name: string
  readonly endpoints: SessionEndpoints<C>
  readonly order: Order<P>
  /** Returns those that connections are made with now; null: without TLS. */
  readonly certificates: () => Certificates | null
  /** How often it is read with certainty. Milliseconds. */
  readonly intervalMs: number
  /** Gets the lines about certificates that are replaced; null: no log. */
  readonly log: Log | null
  /** Makes a connection, which connects with its first call. @throws where that is not possible. */
  readonly connect: (endpoint: string, certificates: CertificateSet | null) => C
  /** Lists, and watches from there on; resolves once the watch is confirmed. */
  readonly begin: (connection: C, watcher: SessionWatcher<E>) => Promise<SessionKeys<T, C, P, R, E>>
  /** Returns whether the endpoint has answered that this user may not read. */
  readonly isRefusal: (cause: unknown) => boolean
  /** Makes the observation of an endpoint that cannot be read. */
  readonly lost: (endpoint: string, error: RouterError, notices: readonly DcsNotice[]) => T
}

/** The keys of one session. */
export interface SessionKeys<T, C, P, R, E> {
  /** Up to where the watch or the list is complete. */
  readonly position: P
  /** Says whether these cannot wait for the end of the turn of the event loop in which they have arrived. */
  isUrgent(events: E): boolean
  /** Takes what the watch tells. Says whether there is news. */
  onEvents(events: E): boolean
  /** Reads with certainty, beside the watch, within a time of its own. */
  read(connection: C): Promise<R>
  /** Takes what that has shown. Says whether it confirms, or changes, what is known. @throws RouterError `DCS_STALE`. */
  onRead(reading: R): boolean
  /** Looks at what belongs to it before anything is handed over; it takes only a moment. Never rejects. */
  prepare?(connection: C): Promise<void>
  /** Returns what is known, for the observer. */
  tell(place: Place): T
}

/** The history and the position in it, and the endpoint that answered. */
export interface Place {
  readonly endpoint: string
  /** The history is a different one, or went back, with this session. */
  readonly restored: boolean
  readonly notices: readonly DcsNotice[]
}

type Item<R, E> =
  | { readonly type: 'events'; readonly events: E }
  | { readonly type: 'read'; readonly reading: R }
  /** By a successor with other certificates. */
  | { readonly type: 'replaced' }

export class Sessions<T, C extends SessionConnection, P, R extends P, E> {
  readonly #options: SessionsOptions<T, C, P, R, E>
  readonly #news: CertificateLog
  readonly #history: History<P>
  /** Connected already, with certificates that were replaced during the last session. */
  #successor: C | null = null

  constructor(options: SessionsOptions<T, C, P, R, E>) {
    this.#options = options
    this.#news = new CertificateLog(options.name, options.log)
    this.#history = new History(options.order)
  }

  /** Observes until `signal` aborts; then it ends, without an error. It tries again by itself, for ever. */
  observe(signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    const { endpoints, isRefusal } = this.#options
    return observeInTurn<T, C>(
      {
        isRefusal,
        endpoints,
        connect: (endpoint) => this.#connect(endpoint),
        session: (connection) => this.#session(connection),
        lost: (endpoint, cause, connection, over) => this.#lost(endpoint, cause, connection, over),
        takeSuccessor: () => {
          const successor = this.#successor
          this.#successor = null
          return successor
        },
        reconsider: async (endpoint, over) => endpoints.reconsider?.(endpoint, over),
      },
      signal,
    )
  }

  async #lost(endpoint: string, cause: unknown, connection: C | null, signal: AbortSignal): Promise<T> {
    const { name, certificates, endpoints, lost } = this.#options
    const why = connection === null ? explain(cause) : await connection.explain(cause, signal)
    const trouble = certificates()?.trouble ?? null
    const message = `${name} at ${endpoint} cannot be read: ${why}${trouble === null ? '' : ` (and ${trouble.message})`}`
    return lost(endpoint, new RouterError('DCS_UNAVAILABLE', message, { cause }), endpoints.notices)
  }

  /** @throws RouterError when the certificate files have never been of use. */
  #connect(endpoint: string): C {
    return this.#options.connect(endpoint, this.#options.certificates()?.read() ?? null)
  }

  async *#session(connection: C): AsyncGenerator<T, void, undefined> {
    const { endpoint } = connection
    const { endpoints, begin, certificates, intervalMs } = this.#options
    const queue = new Queue<Item<R, E>>()
    const keys = await begin(connection, {
      onEvents: (events) => queue.push({ type: 'events', events }),
      onEnd: (error) => queue.fail(error),
    })
    const tell = (restored = false): T => keys.tell({ endpoint, restored, notices: endpoints.notices })
    const canWait = (item: Item<R, E>): item is Item<R, E> & { readonly type: 'events' } =>
      item.type === 'events' && !keys.isUrgent(item.events)
    this.#news.tell(connection.certificates, certificates()?.trouble?.message ?? null)
    const restored = this.#history.begin(keys.position)
    const asides = Promise.all([
      this.#history.readEvery({
        intervalMs,
        closed: connection.closed,
        read: () => keys.read(connection),
        onRead: (reading) => queue.push({ type: 'read', reading }),
        onEnd: (error) => queue.fail(error),
      }),
      endpoints.keep?.(connection, (error) => queue.fail(error)),
      this.#awaitCertificates(connection, keys, queue),
    ])
    try {
      await keys.prepare?.(connection)
      yield tell(restored)
      while (!connection.closed.aborted) {
        const item = await queue.next()
        switch (item.type) {
          case 'events': {
            // Members rewrite their keys all the time: what has arrived in a turn of the event loop is one observation.
            if (canWait(item)) await nextTurn()
            let isNews = keys.onEvents(item.events)
            for (const { events } of queue.takeWhile(canWait)) {
              const isMore = keys.onEvents(events)
              isNews ||= isMore
            }
            if (isNews) yield tell()
            break
          }
          case 'read': {
            const isNews = keys.onRead(item.reading)
            this.#history.saw(item.reading)
            if (isNews) yield tell()
            break
          }
          case 'replaced':
            return
        }
        this.#history.saw(keys.position)
      }
    } finally {
      connection.close()
      await asides
    }
  }

  /** Has the session go over to a successor once the certificate files have been replaced. Never rejects. */
  async #awaitCertificates(connection: C, keys: SessionKeys<T, C, P, R, E>, queue: Queue<Item<R, E>>): Promise<void> {
    const { intervalMs } = this.#options
    const certificates = this.#options.certificates()
    if (certificates === null) return
    this.#successor = await awaitSuccessor(connection, {
      certificates,
      news: this.#news,
      intervalMs,
      connect: () => this.#connect(connection.endpoint),
      read: (successor) => keys.read(successor),
    })
    if (this.#successor !== null) queue.push({ type: 'replaced' })
  }
}
