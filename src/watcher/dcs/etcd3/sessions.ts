/**
 * etcd v3. One session an endpoint: list at revision R, watch from R+1, read linearizably every interval. Any doubt ends
 * the session; the next one, on the next endpoint, lists again. Replaced certificates get a session of their own, on the
 * same endpoint. What the keys mean is not known here.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../../clock.ts'
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
import { Queue } from '../queue.ts'

export interface SessionsOptions<T> {
  readonly config: Etcd3Config
  readonly range: KeyRange
  /** How often it is read linearizably, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Told of certificates that are replaced; null: nobody. */
  readonly log: Log | null
  /** Makes something of what a session has listed. */
  readonly begin: (list: EtcdReading) => SessionKeys<T>
  /** What is told of an endpoint that cannot be read. */
  readonly lost: (endpoint: string, error: RouterError, notices: readonly DcsNotice[]) => T
  /** How often the advertised client URLs are asked for. Milliseconds. */
  readonly discoverMs: number
  /** See `EtcdTarget`. */
  readonly lookups: Lookups
}

/** What one session knows of its keys. */
export interface SessionKeys<T> {
  /** The highest revision that the watch or the list has reached. */
  readonly revision: bigint
  /** Takes what the watch tells, which is all up to `revision`. Says whether there is news. */
  onEvents(events: readonly KeyEvent[], revision: bigint): boolean
  /** Reads linearizably, beside the watch. */
  read(connection: EtcdConnection): Promise<EtcdReading>
  /** Takes what that has shown. Says whether it confirms, or changes, what is known. @throws RouterError `DCS_STALE`. */
  onRead(reading: EtcdReading): boolean
  /** Looks at what belongs to it before anything is told, in no more than a moment. Never rejects. */
  prepare?(connection: EtcdConnection): Promise<void>
  /** What is known, for the observer. */
  tell(place: Place): T
}

/** Where in which history, as whom etcd has answered. */
export interface Place {
  readonly endpoint: string
  /** The history is another one, or went back, with this session. */
  readonly restored: boolean
  readonly notices: readonly DcsNotice[]
}

/** Pause between rounds over all endpoints, growing; longer where all refuse the user, which costs etcd much. Milliseconds. */
const BACKOFF = { min: 100, max: 1000, refused: 5000 }

/** Often enough: etcd members are replaced while a session lasts for months. Milliseconds. */
export const DISCOVER_MS = 60_000

/** Where the history was last seen, over all endpoints: an older one is a restored backup. */
type Seen = Pick<EtcdReading, 'clusterId' | 'revision'>

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
  #seen: Seen | null = null
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
  async *observe(signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    try {
      yield* this.#sessions(signal)
    } finally {
      this.#successor?.close()
      this.#successor = null
    }
  }

  async *#sessions(signal: AbortSignal): AsyncGenerator<T, void, undefined> {
    let failures = 0
    let refusals = 0
    const aborted = (): boolean => signal.aborted
    while (!aborted()) {
      const endpoint = this.#successor?.target.endpoint ?? this.#directory.next()
      let connection: EtcdConnection | null = null
      const onAbort = (): void => connection?.close()
      signal.addEventListener('abort', onAbort, { once: true })
      let servedSince: number | null = null
      try {
        connection = this.#successor ?? this.#connect(endpoint)
        this.#successor = null
        for await (const observation of this.#session(connection, endpoint)) {
          servedSince ??= now()
          yield observation
        }
      } catch (cause) {
        refusals = isRefusal(cause) ? refusals + 1 : 0
        const why = connection === null ? explain(cause) : await connection.explain(cause, signal)
        if (aborted()) return
        const trouble = this.#certificates?.trouble ?? null
        const message = `etcd at ${endpoint} cannot be read: ${why}${trouble === null ? '' : ` (and ${trouble.message})`}`
        const error = new RouterError('DCS_UNAVAILABLE', message, { cause })
        yield this.#options.lost(endpoint, error, this.#directory.notices)
      } finally {
        signal.removeEventListener('abort', onAbort)
        connection?.close()
      }
      if (this.#successor !== null) continue
      await this.#directory.reconsider(endpoint, signal)
      // An endpoint that serves for a moment, over and over, is no reason to hurry.
      if (servedSince !== null && now() - servedSince >= BACKOFF.max) failures = 0
      const rounds = Math.floor(++failures / this.#directory.size)
      const backoffMs = rounds > 0 ? Math.min(BACKOFF.min * 2 ** (rounds - 1), BACKOFF.max) : 0
      await pause(refusals >= this.#directory.size ? BACKOFF.refused : backoffMs, signal)
    }
  }

  /** @throws RouterError when the certificate files have never been of use. */
  #connect(endpoint: string): EtcdConnection {
    const { config, range, timeoutMs, lookups } = this.#options
    const certificates = this.#certificates?.read() ?? null
    const target = { endpoint, config, certificates, prefix: range.name, grant: range.grant, timeoutMs, lookups }
    return new EtcdConnection(target, ++this.#connections, range)
  }

  async *#session(connection: EtcdConnection, endpoint: string): AsyncGenerator<T, void, undefined> {
    const list = await connection.list()
    const { clusterId } = list
    this.#directory.admit(endpoint, clusterId)
    const keys = this.#options.begin(list)
    const tell = (restored = false): T => {
      const { notices } = this.#directory
      return keys.tell({ endpoint, restored, notices })
    }
    const queue = new Queue<Item>()
    await connection.watch(list.revision + 1n, {
      onEvents: (events, revision) => queue.push({ type: 'events', events, revision }),
      onEnd: (error) => queue.fail(error),
    })
    this.#news.tell(connection.target.certificates, this.#certificates?.trouble?.message ?? null)
    const restored = isOlder(this.#seen, list)
    this.#seen = list
    const asides = Promise.all([
      this.#keepReading(connection, keys, queue),
      this.#directory.keep(connection, (error) => queue.fail(error)),
      this.#awaitCertificates(connection, keys, queue),
    ])
    try {
      await keys.prepare?.(connection)
      yield tell(restored)
      while (!connection.closed.aborted) {
        const item = await queue.next()
        switch (item.type) {
          case 'events':
            if (keys.onEvents(item.events, item.revision)) yield tell()
            break
          case 'read': {
            const isNews = keys.onRead(item.reading)
            this.#saw(item.reading)
            if (isNews) yield tell()
            break
          }
          case 'replaced':
            return
        }
        this.#saw({ clusterId, revision: keys.revision })
      }
    } finally {
      connection.close()
      await asides
    }
  }

  /** Besides the watch, so that a slow read delays no event. Never rejects. */
  async #keepReading(connection: EtcdConnection, keys: SessionKeys<T>, queue: Queue<Item>): Promise<void> {
    try {
      for (;;) {
        await sleep(this.#options.intervalMs, undefined, { signal: connection.closed })
        const before = this.#seen
        const reading = await keys.read(connection)
        if (isOlder(before, reading)) {
          throw new RouterError('DCS_STALE', `its history went back to revision ${reading.revision}: it was restored`)
        }
        queue.push({ type: 'read', reading })
      }
    } catch (error) {
      queue.fail(error)
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

  #saw({ clusterId, revision }: Seen): void {
    if (this.#seen === null || revision > this.#seen.revision) this.#seen = { clusterId, revision }
  }
}

function isOlder(seen: Seen | null, { clusterId, revision }: Seen): boolean {
  return seen !== null && (clusterId !== seen.clusterId || revision < seen.revision)
}

/** Waits, or until `signal` aborts; never rejects. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined)
}
