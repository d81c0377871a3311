/**
 * etcd v3. One session an endpoint: list at revision R, watch from R+1, read linearizably every interval. Any doubt ends
 * the session; the next one, on the next endpoint, lists again. Replaced certificates get a session of their own, on the
 * same endpoint. What the keys mean is not known here.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Etcd3Config, SETTINGS } from './section.ts'
import { explain, RouterError } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import { CertificateLog } from '../../tls/certificate-log.ts'
import type { Log } from '../../../text/log-line.ts'
import { Certificates } from '../../tls/certificates.ts'
import type { DcsNotice } from '../dcs.ts'
import { EtcdConnection, type EtcdReading } from './connection.ts'
import { EtcdDirectory } from './directory.ts'
import { awaitSuccessor } from './certificate-rollover.ts'
import { isRefusal } from './diagnosis.ts'
import type { KeyRange } from './key-range.ts'
import type { KeyEvent } from './keyspace.ts'
import { History, type Order } from '../history.ts'
import { Queue } from '../queue.ts'
import { observeInTurn } from '../rotation.ts'

export interface SessionsOptions<T> {
  readonly config: Etcd3Config
  readonly range: KeyRange
  /** How often it is read linearizably, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Gets the lines about certificates that are replaced; null: no log. */
  readonly log: Log | null
  /** Makes something of what a session has listed. */
  readonly begin: (list: EtcdReading) => SessionKeys<T>
  /** Makes the observation of an endpoint that cannot be read. */
  readonly lost: (endpoint: string, error: RouterError, notices: readonly DcsNotice[]) => T
  /** How often the advertised client URLs are read. Milliseconds. */
  readonly discoverMs: number
  /** See `EtcdTarget`. */
  readonly lookups: Lookups
}

/** The keys of one session. */
export interface SessionKeys<T> {
  /** The highest revision that the watch or the list has reached. */
  readonly revision: bigint
  /** Says whether these cannot wait for the end of the turn of the event loop in which they have arrived. */
  isUrgent(events: readonly KeyEvent[]): boolean
  /** Takes what the watch tells, which is all up to `revision`. Says whether there is news. */
  onEvents(events: readonly KeyEvent[], revision: bigint): boolean
  /** Reads linearizably, beside the watch. */
  read(connection: EtcdConnection): Promise<EtcdReading>
  /** Takes what that has shown. Says whether it confirms, or changes, what is known. @throws RouterError `DCS_STALE`. */
  onRead(reading: EtcdReading): boolean
  /** Looks at what belongs to it before anything is handed over; it takes only a moment. Never rejects. */
  prepare?(connection: EtcdConnection): Promise<void>
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

/** Often enough: etcd members are replaced while a session lasts for months. Milliseconds. */
export const DISCOVER_MS = 60_000

type Position = Pick<EtcdReading, 'clusterId' | 'revision'>

const REVISIONS: Order<Position> = {
  isOlder: (position, seen) => position.clusterId !== seen.clusterId || position.revision < seen.revision,
  isNewer: (position, seen) => position.revision > seen.revision,
  show: ({ revision }) => `revision ${revision}`,
}

type Item =
  | { readonly type: 'events'; readonly events: readonly KeyEvent[]; readonly revision: bigint }
  | { readonly type: 'read'; readonly reading: EtcdReading }
  /** By a successor with other certificates. */
  | { readonly type: 'replaced' }

export class EtcdSessions<T> {
  readonly #options: SessionsOptions<T>
  readonly #directory: EtcdDirectory
  readonly #certificates: Certificates | null
  readonly #news: CertificateLog
  readonly #history = new History(REVISIONS)
  /** Connected already, with certificates that were replaced during the last session. */
  #successor: EtcdConnection | null = null
  #connections = 0

  constructor(options: SessionsOptions<T>) {
    this.#options = options
    this.#certificates =
      options.config.protocol === 'https'
        ? new Certificates(options.config, { systemTrust: true, settings: SETTINGS })
        : null
    this.#news = new CertificateLog('etcd', options.log)
    this.#directory = new EtcdDirectory({
      config: options.config,
      connect: (endpoint) => this.#connect(endpoint),
      everyMs: options.discoverMs,
    })
  }

  /** Observes until `signal` aborts; then it ends, without an error. It tries again by itself, for ever. */
  observe(signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    return observeInTurn<T, EtcdConnection>(
      {
        isRefusal,
        endpoints: this.#directory,
        connect: (endpoint) => this.#connect(endpoint),
        session: (connection) => this.#session(connection),
        lost: (endpoint, cause, connection, over) => this.#lost(endpoint, cause, connection, over),
        takeSuccessor: () => {
          const successor = this.#successor
          this.#successor = null
          return successor
        },
        reconsider: (endpoint, over) => this.#directory.reconsider(endpoint, over),
      },
      signal,
    )
  }

  async #lost(endpoint: string, cause: unknown, connection: EtcdConnection | null, signal: AbortSignal): Promise<T> {
    const why = connection === null ? explain(cause) : await connection.explain(cause, signal)
    const trouble = this.#certificates?.trouble ?? null
    const message = `etcd at ${endpoint} cannot be read: ${why}${trouble === null ? '' : ` (and ${trouble.message})`}`
    const error = new RouterError('DCS_UNAVAILABLE', message, { cause })
    return this.#options.lost(endpoint, error, this.#directory.notices)
  }

  /** @throws RouterError when the certificate files have never been of use. */
  #connect(endpoint: string): EtcdConnection {
    const { config, range, timeoutMs, lookups } = this.#options
    const certificates = this.#certificates?.read() ?? null
    const target = { endpoint, config, certificates, prefix: range.name, grant: range.grant, timeoutMs, lookups }
    return new EtcdConnection(target, ++this.#connections, range)
  }

  async *#session(connection: EtcdConnection): AsyncGenerator<T, void, undefined> {
    const { endpoint } = connection
    const list = await connection.list()
    const { clusterId } = list
    this.#directory.admit(endpoint, clusterId)
    const keys = this.#options.begin(list)
    const tell = (restored = false): T => {
      const { notices } = this.#directory
      return keys.tell({ endpoint, restored, notices })
    }
    const queue = new Queue<Item>()
    const canWait = (item: Item): item is Item & { readonly type: 'events' } =>
      item.type === 'events' && !keys.isUrgent(item.events)
    await connection.watch(list.revision + 1n, {
      onEvents: (events, revision) => queue.push({ type: 'events', events, revision }),
      onEnd: (error) => queue.fail(error),
    })
    this.#news.tell(connection.target.certificates, this.#certificates?.trouble?.message ?? null)
    const restored = this.#history.begin(list)
    const asides = Promise.all([
      this.#history.readEvery({
        intervalMs: this.#options.intervalMs,
        closed: connection.closed,
        read: () => keys.read(connection),
        onRead: (reading) => queue.push({ type: 'read', reading }),
        onEnd: (error) => queue.fail(error),
      }),
      this.#directory.keep(connection, (error) => queue.fail(error)),
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
            let isNews = keys.onEvents(item.events, item.revision)
            for (const { events, revision } of queue.takeWhile(canWait)) {
              const isMore = keys.onEvents(events, revision)
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
        this.#history.saw({ clusterId, revision: keys.revision })
      }
    } finally {
      connection.close()
      await asides
    }
  }

  /** Has the session go over to a successor once the certificate files have been replaced. Never rejects. */
  async #awaitCertificates(connection: EtcdConnection, keys: SessionKeys<T>, queue: Queue<Item>): Promise<void> {
    if (this.#certificates === null) return
    this.#successor = await awaitSuccessor(connection, {
      certificates: this.#certificates,
      news: this.#news,
      intervalMs: this.#options.intervalMs,
      connect: () => this.#connect(connection.target.endpoint),
      read: (successor) => keys.read(successor),
    })
    if (this.#successor !== null) queue.push({ type: 'replaced' })
  }
}
