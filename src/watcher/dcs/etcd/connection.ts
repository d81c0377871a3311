/** One connection to one etcd over API v2: list, watch event by event. */
import { setTimeout as sleep } from 'node:timers/promises'
import { now, within } from '../../../clock.ts'
import { failureOf, RouterError } from '../../../errors.ts'
import { asNumber } from '../../../text/unknown-shape.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import type { EtcdEndpoint } from '../etcd-common/directory.ts'
import { type HttpAnswer, HttpConnection, type HttpHead, type HttpTarget, Unanswered } from '../http/connection.ts'
import { explainHttp } from '../http/diagnosis.ts'
import type { Listing } from '../listing.ts'
import type { SessionConnection, SessionWatcher } from '../sessions.ts'
import { applyChange, childrenOf, errorOf, eventOf, nodesOf } from './answers.ts'
import { type EtcdAccess, failureOfAnswer, NO_QUORUM, peerOf } from './diagnosis.ts'

export interface EtcdTarget extends HttpTarget {
  readonly access: EtcdAccess
  /** The key that is read with all below it: `/service/demo`, without a slash at the end; empty: everything. */
  readonly root: string
}

/** `errorCode` of API v2 (etcd's error.go). */
const NOT_FOUND = 100
const EVENTS_CLEARED = 401

const CLUSTER_ID = /^[0-9a-f]{1,16}$/i

/** A watch that ends after that was cut by a proxy or a firewall: it continues from the same index. Milliseconds. */
const LASTED_MS = 1000

/** Between two watches that end at once. Milliseconds. */
const PAUSE_MS = 100

/** A member that is cut off answers what needs no quorum within that, or is not waited for. Milliseconds. */
const EXPLAIN_MS = 200

/** A read through the quorum had no answer in time. */
class QuorumTimeout extends RouterError {}

/** A member has not seen yet what another one, or it itself in an earlier life, has answered before. */
class Behind extends RouterError {}

export class EtcdConnection implements SessionConnection, EtcdEndpoint {
  readonly #target: EtcdTarget
  readonly #http: HttpConnection
  readonly #path: string
  /** Of the first answer. Behind a proxy each answer can come from elsewhere. */
  #clusterId: string | null = null
  #term = 0
  /** When the watch was given to a member that is behind; null: it was not. */
  #behindSince: number | null = null
  /** A watch has been confirmed, and none after it was cut before that. */
  #isWatchable = false

  /** Connects with the first call. */
  constructor(target: EtcdTarget) {
    this.#target = target
    this.#http = new HttpConnection(target)
    this.#path = pathOf(target.root)
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

  /** Reads all keys through the quorum: a node that is cut off answers others with what it had. */
  async list(factor = 1): Promise<Listing> {
    const answer = await this.#http
      .get(`${this.#path}?recursive=true&quorum=true`, factor)
      .catch((error: unknown): never => {
        throw error instanceof Unanswered ? new QuorumTimeout('TIMEOUT', error.message) : error
      })
    const clusterId = this.#checkSource(answer)
    const index = indexOf(answer)
    if (answer.status === 404 && errorOf(answer.text).code === NOT_FOUND) return { clusterId, index, keys: new Map() }
    this.#check(answer)
    return { clusterId, index, keys: nodesOf(answer.text) }
  }

  /** Reads the names of the keys and directories that are right below one, from this node's own state. */
  async children(path: string): Promise<{ names: readonly string[]; directories: readonly string[] }> {
    const answer = await this.#http.get(`${pathOf(path)}?sorted=true`)
    this.#checkSource(answer)
    if (answer.status === 404 && errorOf(answer.text).code === NOT_FOUND) return { names: [], directories: [] }
    this.#check(answer)
    return childrenOf(answer.text)
  }

  /** Watches from a list on; resolves when etcd has confirmed it. It ends with the connection. */
  async watch(from: Listing, { onEvents, onEnd }: SessionWatcher<Listing>): Promise<void> {
    const confirmed = Promise.withResolvers<undefined>()
    void this.#follow(from, onEvents, () => confirmed.resolve(undefined)).catch((error: unknown) => {
      confirmed.reject(error)
      onEnd(error)
    })
    await confirmed.promise
  }

  async clientUrls(): Promise<readonly string[]> {
    const answer = await this.#http.get('/v2/machines')
    this.#checkSource(answer)
    this.#check(answer)
    return answer.text.split(',').map((url) => url.trim())
  }

  /** Reads the ID of its etcd cluster, which needs neither a user nor a quorum. */
  async clusterId(): Promise<string> {
    // Any answer about keys has it, also a refusal; that of `/v2/machines` has not.
    const answer = await this.#http.get(this.#path)
    const id = this.#checkSource(answer)
    if (id === '') throw failureOfAnswer(answer, this.#target.access)
    return id
  }

  async certainClusterId(): Promise<string> {
    return (await this.list()).clusterId
  }

  async explain(error: unknown, signal: AbortSignal): Promise<string> {
    const why = await explainHttp(error, peerOf(this.#target.access), this.#target, signal)
    if (!(error instanceof QuorumTimeout)) return why
    // This connection may be closed already.
    const other = new EtcdConnection(this.#target)
    const id = await within(other.clusterId(), EXPLAIN_MS, signal).catch(() => null)
    other.close()
    return id === null ? why : `${why} to a read through the quorum, though it answers others: ${NO_QUORUM}`
  }

  /** Ends every request under way. Idempotent. */
  close(): void {
    this.#http.close()
  }

  /** Rejects when the watch cannot continue. */
  async #follow(from: Listing, onListing: (listing: Listing) => void, onConfirmed: () => void): Promise<never> {
    for (let last = from; ;) {
      const answer = await this.#next(last.index, onConfirmed)
      if (answer === null) continue
      const { code } = errorOf(answer.text)
      // The store has had a thousand events since: what they were is read at once.
      if (code === EVENTS_CLEARED) {
        const { index } = last
        last = await this.list(2)
        if (last.index <= index) throw noEvent(last.index, index)
      } else {
        this.#check(answer)
        const { modified, change } = eventOf(answer.text)
        if (modified <= last.index) throw noEvent(modified, last.index)
        last = { ...last, index: modified, keys: change === null ? last.keys : applyChange(last.keys, change) }
      }
      onListing(last)
    }
  }

  /** Waits for what comes after an index; null: the wait ended without it. */
  async #next(index: number, onConfirmed: () => void): Promise<HttpAnswer | null> {
    const since = now()
    const watch = { isConfirmed: false }
    try {
      const answer = await this.#http.wait(`${this.#path}?recursive=true&wait=true&waitIndex=${index + 1}`, {
        headMs: this.#target.timeoutMs,
        bodyMs: null,
        onHead: (head) => {
          this.#checkSource(head)
          if (head.status !== 200) return
          // A node that is behind waits in silence until it has caught up.
          if (indexOf(head) < index)
            throw new Behind('DCS_STALE', `it is at index ${indexOf(head)}, behind ${index} that was read before`)
          watch.isConfirmed = true
          this.#behindSince = null
          this.#isWatchable = true
          onConfirmed()
        },
      })
      if (answer.text !== '') return answer
    } catch (error) {
      // A connection that was kept open may have been closed by the server meanwhile.
      const isCut = this.#isWatchable && failureOf(error) === 'reset'
      this.#isWatchable = watch.isConfirmed
      // Behind a proxy it may be another member than before, which catches up in a moment.
      const isLate = error instanceof Behind && now() - (this.#behindSince ??= now()) < this.#target.timeoutMs
      if (!isCut && !isLate) throw error
    }
    if (now() - since < LASTED_MS) await sleep(PAUSE_MS, undefined, { signal: this.closed })
    return null
  }

  /** @throws RouterError unless it is what was requested. */
  #check(answer: HttpAnswer): void {
    if (answer.status !== 200) throw failureOfAnswer(answer, this.#target.access)
  }

  /** Returns the ID of the etcd cluster. @throws RouterError `DCS_STALE` when another one answers, or one that went back. */
  #checkSource(head: HttpHead): string {
    const id = head.header('x-etcd-cluster-id')
    // Answers without it are none of etcd: what they are is said by their status.
    if (id === null || !CLUSTER_ID.test(id)) return this.#clusterId ?? ''
    this.#clusterId ??= id
    if (id !== this.#clusterId) {
      const ids = `ID ${id}, before ${this.#clusterId}`
      throw new RouterError('DCS_STALE', `a different etcd cluster answers there than before (${ids})`)
    }
    const term = asNumber(head.header('x-raft-term')) ?? this.#term
    if (term < this.#term)
      throw new RouterError('DCS_STALE', `it went back to Raft term ${term}, before ${this.#term}: it was restored`)
    this.#term = term
    return id
  }
}

/** Returns the path of a key and what is below it: with the slash, as in Patroni, a role for `KEY/*` has the right. */
function pathOf(key: string): string {
  return `/v2/keys${key.replace(/\/$/, '').split('/').map(encodeURIComponent).join('/')}/`
}

/** Returns the error of what is no news: taken as such it would be requested again at once, without an end. */
function noEvent(index: number, after: number): RouterError {
  return new RouterError('DCS_STALE', `its watch answers with index ${index}, which is not after ${after}`)
}

function indexOf(head: HttpHead): number {
  return asNumber(head.header('x-etcd-index')) ?? 0
}
