/** One connection to one Consul agent: whole lists, by blocking queries. */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../../clock.ts'
import { RouterError } from '../../../errors.ts'
import { textOfBytes } from '../../../text/binary-text.ts'
import { asNumber, asObject, asText, listOf, parseJson } from '../../../text/unknown-shape.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import { type HttpAnswer, HttpConnection, type HttpTarget } from '../http/connection.ts'
import { explainHttp, Refusal } from '../http/diagnosis.ts'
import { type ListedKey, type Listing, wentBack } from '../listing.ts'
import type { SessionConnection, SessionWatcher } from '../sessions.ts'
import { type ConsulAccess, failureOfAnswer, missingRight, peerOf } from './diagnosis.ts'

export interface ConsulTarget extends HttpTarget {
  readonly access: ConsulAccess
  /** What the names of the keys begin with that are read: `service/demo/`; empty: everything. */
  readonly prefix: string
  readonly dc: string | null
  /** Of the answers that are waited for. */
  readonly consistency: 'default' | 'consistent' | 'stale'
  /** The longest pause after answers in which nothing has changed: less than an interval, in which a watch has to show what a read has shown. Milliseconds. */
  readonly pauseMs: number
}

/** How long Consul waits for a change: less than firewalls leave a silent connection, and Consul adds a sixteenth. Seconds. */
const WAIT_S = 30

/**
 * Pauses after so many answers in turn that came at once and show no change: below a prefix without keys any write to the
 * store gives one, and a proxy may answer from a cache. Milliseconds.
 */
const PAUSE = { min: 50, after: 3, atOnce: 1000 }

export class ConsulConnection implements SessionConnection {
  readonly #target: ConsulTarget
  readonly #http: HttpConnection
  readonly #path: string
  /** Of the last answer. */
  #keys: Listing['keys'] = new Map()

  /** Connects with the first call. */
  constructor(target: ConsulTarget) {
    this.#target = target
    this.#http = new HttpConnection(target)
    this.#path = pathOf(target.prefix)
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

  /** Reads all keys as the leader of Consul has them, once it has made sure that it is the leader. */
  async list(factor = 1): Promise<Listing> {
    const answer = await this.#http.get(this.#query('recurse', 'consistent'), factor)
    const listing = this.#listing(answer)
    // Without the right to read them no key is there.
    if (answer.status === 404) await this.#checkRight(factor)
    return listing
  }

  /** Reads the names of all keys that begin with `prefix`, with a slash in front. */
  async names(prefix: string): Promise<readonly string[]> {
    const { dc } = this.#target
    const answer = await this.#http.get(`${pathOf(prefix)}${queryOf(dc, 'keys')}`)
    if (answer.status !== 200) return []
    return listOf(parseJson(answer.text)).flatMap((name) => (typeof name === 'string' ? `/${name}` : []))
  }

  /** Watches from a list on. It ends with the connection. */
  watch(from: Listing, { onEvents, onEnd }: SessionWatcher<Listing>): void {
    void this.#follow(from, onEvents).catch(onEnd)
  }

  explain(error: unknown, signal: AbortSignal): Promise<string> {
    return explainHttp(error, peerOf(this.#target.access), this.#target, signal)
  }

  /** Ends every request under way. Idempotent. */
  close(): void {
    this.#http.close()
  }

  /** Rejects when the watch cannot continue. */
  async #follow(from: Listing, onListing: (listing: Listing) => void): Promise<never> {
    const { consistency, timeoutMs, pauseMs } = this.#target
    let last = from
    for (let idle = 0, { index } = from; ;) {
      const since = now()
      const ms = WAIT_S * 1000 * (1 + 1 / 16) + timeoutMs
      const query = this.#query(
        'recurse',
        `index=${index}`,
        `wait=${WAIT_S}s`,
        consistency === 'default' ? '' : consistency,
      )
      const answer = await this.#http.wait(query, { headMs: ms, bodyMs: timeoutMs })
      let listing = this.#listing(answer)
      const isBehind = wentBack(listing, last)
      // A server that is behind, one that was restored, or the index alone: a certain read says which.
      if (isBehind || listing.index < last.index) {
        listing = { ...(await this.list()), isCertain: true }
        if (wentBack(listing, last))
          throw new RouterError('DCS_STALE', `its history went back to index ${listing.index}: it was restored`)
      } else if (answer.status === 404 && last.keys.size > 0) await this.#checkRight(1)
      idle = isSame(listing, last) && now() - since < PAUSE.atOnce ? idle + 1 : 0
      // A lower index says nothing of what comes next, and 0 never waits (Consul, "Blocking Queries").
      index = isBehind || listing.index < index ? 0 : Math.max(1, listing.index)
      last = listing
      onListing(listing)
      if (idle >= PAUSE.after) {
        const ms = Math.min(PAUSE.min * 2 ** (idle - PAUSE.after), pauseMs)
        await sleep(ms, undefined, { signal: this.closed })
      }
    }
  }

  #query(...options: readonly string[]): string {
    return `${this.#path}${queryOf(this.#target.dc, ...options)}`
  }

  /** @throws RouterError unless it is a list, or says that there are no keys. */
  #listing(answer: HttpAnswer): Listing {
    const { status, text } = answer
    if (status !== 200 && status !== 404) throw failureOfAnswer(answer, this.#target.access)
    const index = asNumber(answer.header('x-consul-index'))
    if (index === null) throw failureOfAnswer(answer, this.#target.access)
    if (answer.header('x-consul-knownleader') === 'false')
      throw new RouterError('DCS_STALE', 'the Consul servers have no leader, so that its answer may be old')
    this.#keys = status === 404 ? new Map() : keysOf(text, this.#keys)
    return { clusterId: '', index, keys: this.#keys }
  }

  async #checkRight(factor: number): Promise<void> {
    const { prefix, dc, access } = this.#target
    const below = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    const { status, text } = await this.#http.get(`${pathOf(`${below}leader`)}${queryOf(dc)}`, factor)
    if (status === 403) throw new Refusal(missingRight(text, access))
  }
}

function pathOf(key: string): string {
  return `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`
}

function queryOf(dc: string | null, ...options: readonly string[]): string {
  const all = [...options, dc === null ? '' : `dc=${encodeURIComponent(dc)}`].filter((option) => option !== '')
  return all.length === 0 ? '' : `?${all.join('&')}`
}

/** Parses a list, by full name with a slash in front; `known`: whose values need no decoding. @throws RouterError where it is none. */
function keysOf(text: string, known: Listing['keys']): Listing['keys'] {
  const all = parseJson(text)
  if (!Array.isArray(all)) throw new RouterError('DCS_UNAVAILABLE', 'its answer is no list of keys')
  const keys = new Map<string, ListedKey>()
  for (const one of listOf(all)) {
    const { Key, Value, CreateIndex, ModifyIndex, Session } = asObject(one) ?? {}
    const name = asText(Key)
    // A name that ends with a slash is a folder of the web interface.
    if (name === null || name.endsWith('/')) continue
    const session = `${asNumber(CreateIndex) ?? 0} ${asText(Session) ?? ''}`
    const modified = asNumber(ModifyIndex) ?? 0
    const before = known.get(`/${name}`)
    const isKnown = before?.modified === modified && before.session === session
    const decode = (): string => (typeof Value === 'string' ? textOfBytes(Buffer.from(Value, 'base64')) : '')
    keys.set(`/${name}`, isKnown ? before : { value: decode(), session, modified })
  }
  return keys
}

function isSame(a: Listing, b: Listing): boolean {
  return (
    a.keys.size === b.keys.size && [...a.keys].every(([name, { modified }]) => b.keys.get(name)?.modified === modified)
  )
}
