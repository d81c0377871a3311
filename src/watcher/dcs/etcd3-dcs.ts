/**
 * etcd v3. One session an endpoint: list at revision R, watch from R+1, read `leader` linearizably every interval. Any
 * doubt ends the session; the next one, on the next endpoint, lists again. Replaced certificates get a session of their
 * own, on the same endpoint.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../clock.ts'
import type { Etcd3Config } from '../../config/config.ts'
import { explain, RouterError } from '../../errors.ts'
import { CertificateNews, type Log } from '../certificate-news.ts'
import { Certificates } from '../certificates.ts'
import type { Dcs, DcsObservation } from './dcs.ts'
import { allEndpoints, type Endpoints, endpointsOf, nextEndpoint } from './endpoints.ts'
import { EtcdConnection, type EtcdReading } from './etcd3-connection.ts'
import { awaitSuccessor } from './etcd3-succession.ts'
import { ETCD_SETTINGS } from './etcd3-trouble.ts'
import { type KeyEvent, Keyspace } from './keyspace.ts'
import { Queue } from './queue.ts'

export interface Etcd3Options {
  readonly config: Etcd3Config
  /** `/service/demo/`, with the slash at the end. */
  readonly prefix: string
  /** How often the leader key is read linearizably, and how long such a read may take. Milliseconds. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Told of certificates that are replaced; null: nobody. */
  readonly log?: Log | null
}

/** Pause between rounds over all endpoints; grows to the maximum while none serves that long. Milliseconds. */
const BACKOFF = { min: 100, max: 1000 }

/** How often the advertised client URLs are asked for: etcd members are replaced while a session lasts for months. */
const DISCOVER_MS = 60_000

/** Where the history was last seen, over all endpoints: an older one is a restored backup. */
type Seen = Pick<EtcdReading, 'clusterId' | 'revision'>

type Item =
  | { readonly type: 'events'; readonly events: readonly KeyEvent[]; readonly revision: bigint }
  | { readonly type: 'read'; readonly reading: EtcdReading }
  /** By a successor with other certificates. */
  | { readonly type: 'replaced' }

export class Etcd3Dcs implements Dcs {
  readonly kind = 'etcd3'
  readonly #options: Etcd3Options
  #endpoints: Endpoints
  readonly #certificates: Certificates | null
  readonly #news: CertificateNews
  #seen: Seen | null = null
  /** Connected already, with certificates that were replaced during the last session. */
  #successor: EtcdConnection | null = null
  #connections = 0

  constructor(options: Etcd3Options) {
    this.#options = options
    this.#certificates =
      options.config.protocol === 'https'
        ? new Certificates(options.config, { systemTrust: true, settings: ETCD_SETTINGS })
        : null
    this.#news = new CertificateNews('etcd', options.log ?? null)
    this.#endpoints = { seeds: options.config.endpoints, discovered: [], current: null }
  }

  async *observe(signal: AbortSignal): AsyncGenerator<DcsObservation, void, undefined> {
    try {
      yield* this.#sessions(signal)
    } finally {
      this.#successor?.close()
      this.#successor = null
    }
  }

  async *#sessions(signal: AbortSignal): AsyncGenerator<DcsObservation, void, undefined> {
    let failures = 0
    const aborted = (): boolean => signal.aborted
    while (!aborted()) {
      const endpoint = this.#successor?.target.endpoint ?? nextEndpoint(this.#endpoints)
      this.#endpoints = { ...this.#endpoints, current: endpoint }
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
        const why = connection === null ? explain(cause) : await connection.explain(cause, signal)
        if (aborted()) return
        const trouble = this.#certificates?.trouble ?? null
        const message = `etcd at ${endpoint} cannot be read: ${why}${trouble === null ? '' : ` (and ${trouble.message})`}`
        yield { type: 'lost', endpoint, error: new RouterError('DCS_UNAVAILABLE', message, { cause }) }
      } finally {
        signal.removeEventListener('abort', onAbort)
        connection?.close()
      }
      if (this.#successor !== null) continue
      // An endpoint that serves for a moment, over and over, is no reason to hurry.
      if (servedSince !== null && now() - servedSince >= BACKOFF.max) failures = 0
      const rounds = Math.floor(++failures / allEndpoints(this.#endpoints).length)
      if (rounds > 0) await pause(Math.min(BACKOFF.min * 2 ** (rounds - 1), BACKOFF.max), signal)
    }
  }

  /** @throws RouterError when the certificate files have never been of use. */
  #connect(endpoint: string): EtcdConnection {
    const { config, prefix, timeoutMs } = this.#options
    const certificates = this.#certificates?.read() ?? null
    return new EtcdConnection({ endpoint, config, certificates, prefix, timeoutMs }, ++this.#connections)
  }

  async *#session(connection: EtcdConnection, endpoint: string): AsyncGenerator<DcsObservation, void, undefined> {
    const list = await connection.list()
    const { clusterId } = list
    const keyspace = new Keyspace(list.keys, list.revision)
    const snapshot = (restored = false): DcsObservation => {
      const position = `${clusterId}/${keyspace.revision}`
      return { type: 'snapshot', cluster: keyspace.cluster, position, restored, endpoint }
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
      this.#keepReading(connection, queue),
      this.#keepDiscovering(connection),
      this.#awaitCertificates(connection, queue),
    ])
    try {
      yield snapshot(restored)
      let late = false
      while (!connection.closed.aborted) {
        const item = await queue.next()
        switch (item.type) {
          case 'events':
            late = false
            if (keyspace.applyEvents(item.events, item.revision)) yield snapshot()
            break
          case 'read':
            if (late) throw new RouterError('DCS_STALE', 'the watch does not tell what a read shows')
            late = keyspace.applyLeaderRead(item.reading.keys[0] ?? null, item.reading.revision)
            this.#saw(item.reading)
            yield snapshot()
            break
          case 'replaced':
            return
        }
        this.#saw({ clusterId, revision: keyspace.revision })
      }
    } finally {
      connection.close()
      await asides
    }
  }

  /** Besides the watch, so that a slow read delays no event. Never rejects. */
  async #keepReading(connection: EtcdConnection, queue: Queue<Item>): Promise<void> {
    try {
      for (;;) {
        await sleep(this.#options.intervalMs, undefined, { signal: connection.closed })
        const before = this.#seen
        const reading = await connection.readLeader()
        if (isOlder(before, reading)) {
          throw new RouterError('DCS_STALE', `its history went back to revision ${reading.revision}: it was restored`)
        }
        queue.push({ type: 'read', reading })
      }
    } catch (error) {
      queue.fail(error)
    }
  }

  /** Learns the advertised client URLs, as Patroni does. Never rejects. */
  async #keepDiscovering(connection: EtcdConnection): Promise<void> {
    const { useProxies, protocol } = this.#options.config
    const { closed } = connection
    while (!useProxies && !closed.aborted) {
      // Without an answer the seeds and what was discovered before remain; a dead endpoint shows itself in the next read.
      const urls = await connection.clientUrls().catch(() => null)
      if (urls !== null) this.#endpoints = { ...this.#endpoints, discovered: endpointsOf(urls, protocol) }
      await pause(DISCOVER_MS, closed)
    }
  }

  /** Has the session go over to a successor once the certificate files have been replaced. Never rejects. */
  async #awaitCertificates(connection: EtcdConnection, queue: Queue<Item>): Promise<void> {
    if (this.#certificates === null) return
    this.#successor = await awaitSuccessor(connection, {
      certificates: this.#certificates,
      news: this.#news,
      intervalMs: this.#options.intervalMs,
      connect: () => this.#connect(connection.target.endpoint),
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
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
