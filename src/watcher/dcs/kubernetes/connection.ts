/**
 * One session's connection to an API server: all keys of a cluster, from two watches and from lists beside them, with the
 * lease of the leader.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_TIMER_MS, now, within } from '../../../clock.ts'
import { codeOf, failureOf, RouterError } from '../../../errors.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import type { Listing } from '../listing.ts'
import { Unanswered, Unfinished } from '../http/connection.ts'
import type { SessionConnection, SessionWatcher } from '../sessions.ts'
import { ApiConnection, type ApiTarget } from './api-connection.ts'
import type { Request } from './diagnosis.ts'
import { keysOf, usualTtlMs } from './keys.ts'
import { afterLoss, afterRead, afterRecord, type Lease, leftMs } from './lease.ts'
import type { ObjectNames } from './names.ts'
import { ObjectCache } from './object-cache.ts'
import { type KubeObject, type ObjectList, parseEvent } from './objects.ts'

export interface ClusterTarget extends ApiTarget {
  /** What the keys are listed below: `/default/demo/`. */
  readonly prefix: string
  readonly names: ObjectNames
  readonly group: number | null
  /** Of the cluster's objects and Pods. */
  readonly selector: string
  /** How often it is read with certainty. Milliseconds. */
  readonly intervalMs: number
}

/** Keeps the lease of a cluster's leader over its sessions. */
export interface LeaseKeeper {
  lease: Lease
}

/** An API server ends a watch after that, and up to a minute more: not all watches of a router at once. Seconds. */
const WATCH_S = 240

/** The Pods are read with certainty so seldom, in intervals: an API server looks at all Pods of the namespace for that. */
const PODS_EVERY = 5

/** Pauses after so many watches in turn that ended at once. Milliseconds. */
const PAUSE = { min: 50, max: 1000, atOnce: 900 }

/** Long enough for the answer that the right to watch is missing. Milliseconds. */
const CONFIRM_MS = 500

/** So many times in turn a token may be refused that is about to be replaced. */
const MAX_REFUSED = 4

/** The watch cannot continue from its version: everything is listed again. */
class Expired extends Error {}

export class ClusterConnection implements SessionConnection {
  readonly api: ApiConnection
  readonly #target: ClusterTarget
  readonly #keeper: LeaseKeeper
  readonly #objects = new ObjectCache()
  readonly #pods = new ObjectCache()
  #watcher: SessionWatcher<Listing> | null = null
  #timer: NodeJS.Timeout | null = null
  #soon: NodeJS.Immediate | null = null
  #reads = 0
  #usual: { readonly config: KubeObject | undefined; readonly ttlMs: number | null } = {
    config: undefined,
    ttlMs: null,
  }

  /** Connects with the first call. */
  constructor(target: ClusterTarget, keeper: LeaseKeeper) {
    this.api = new ApiConnection(target)
    this.#target = target
    this.#keeper = keeper
  }

  get endpoint(): string {
    return this.api.endpoint
  }

  get certificates(): CertificateSet | null {
    return this.api.certificates
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.api.closed
  }

  /**
   * Lists, and watches from there on. Resolves once both watches are confirmed, or have had a moment for that. They end
   * with the connection.
   */
  async begin(watcher: SessionWatcher<Listing>): Promise<Listing> {
    const { objects } = this.#target
    const at = now()
    await Promise.all([this.#relist(objects, this.#objects), this.#relist('pods', this.#pods)])
    this.#sawLeader(at)
    this.#wasRead(at)
    this.#watcher = watcher
    const watches = Promise.all([this.#watch(objects, this.#objects), this.#watch('pods', this.#pods)])
    await within(watches, CONFIRM_MS, this.closed)
    return this.#listing()
  }

  /** Reads all keys with certainty; of the Pods only each fifth time. */
  async list(): Promise<Listing> {
    const { selector } = this.#target
    const isWhole = this.#reads++ % PODS_EVERY === 0
    const [at, before] = [now(), [this.#objects.version, this.#pods.version] as const]
    const [listed, pods] = await Promise.all([this.#listObjects(), isWhole ? this.api.list('pods', selector) : null])
    if (listed.version < before[0]) throw wentBack(listed.version)
    if (pods !== null && pods.version < before[1]) throw wentBack(pods.version)
    this.#objects.check(listed)
    if (pods !== null) this.#pods.check(pods)
    this.#sawLeader(now())
    this.#wasRead(at)
    // What the watches have shown before comes first.
    if (this.#soon !== null) this.#tell()
    return this.#listing()
  }

  explain(error: unknown, signal: AbortSignal): Promise<string> {
    return this.api.explain(error, signal)
  }

  /** Ends every request under way; the time of the lease stands still. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#soon !== null) clearImmediate(this.#soon)
    this.#keeper.lease = afterLoss(this.#keeper.lease)
    this.api.close()
  }

  /** Resolves once a watch of a resource is confirmed, which then continues. */
  async #watch(resource: Request['resource'], cache: ObjectCache): Promise<void> {
    const confirmed = Promise.withResolvers<undefined>()
    void this.#follow(resource, cache, () => confirmed.resolve(undefined)).catch((error: unknown) => {
      confirmed.reject(error)
      this.#watcher?.onEnd(error)
    })
    await confirmed.promise
  }

  /** Rejects when the watch cannot continue. */
  async #follow(resource: Request['resource'], cache: ObjectCache, onConfirmed: () => void): Promise<never> {
    const { selector, intervalMs } = this.#target
    let isWatchable = false
    for (let short = 0, refused = 0; ;) {
      const since = now()
      const watch = { isOpen: false }
      let isExpired: boolean
      try {
        const answer = await this.api.watch(resource, {
          ...{ selector, version: cache.watched, seconds: WATCH_S + Math.floor(Math.random() * 60) },
          onOpen: () => {
            watch.isOpen = true
            onConfirmed()
          },
          onLine: (line) => this.#take(line, resource, cache),
        })
        refused = answer.status === 401 ? refused + 1 : 0
        isExpired = answer.status === 410
        const failure = answer.status === 200 ? null : this.api.failureOfWatch(answer, resource)
        if (failure !== null && (refused === 0 || refused > MAX_REFUSED)) throw failure
      } catch (error) {
        isExpired = error instanceof Expired
        // A load balancer, or a server that is restarted, may cut a watch: it continues from its version.
        const isCut = isLong(error) || ((watch.isOpen || isWatchable) && failureOf(error) === 'reset')
        if (!isExpired && !isCut) throw error
      }
      isWatchable = watch.isOpen
      if (isExpired) {
        const at = now()
        await this.#relist(resource, cache)
        this.#sawLeader(at)
        this.#tell()
      }
      // The list is there, and an answer that says more than "try again" would have ended it.
      if (refused === 0) onConfirmed()
      short = now() - since < PAUSE.atOnce ? short + 1 : 0
      const pauseMs = Math.min(PAUSE.min * 2 ** (short - 1), PAUSE.max, intervalMs / 4)
      if (short > 0) await sleep(pauseMs, undefined, { signal: this.closed })
    }
  }

  #take(line: string, resource: Request['resource'], cache: ObjectCache): void {
    const event = parseEvent(line, this.api.labels)
    // Whatever it is, what it says of the version is in doubt.
    if (event.type === 'error') throw new Expired(event.message)
    cache.apply(event)
    if (resource === 'pods' || event.type === 'bookmark') {
      // Very many may come at once: the keys are listed once for all of a turn of the event loop.
      this.#soon ??= setImmediate(() => this.#tell())
      return
    }
    if (event.object.name === this.#target.names.leader) this.#sawLeader(now())
    this.#tell()
  }

  async #relist(resource: Request['resource'], cache: ObjectCache): Promise<void> {
    // What is read beside it meanwhile may be newer.
    const before = cache.version
    const list = await (resource === 'pods' ? this.#listPods() : this.#listObjects(2))
    if (list.version < before) throw wentBack(list.version)
    cache.begin(list)
  }

  /** Takes the record of the leader as it is known now. */
  #sawLeader(at: number): void {
    const leader = this.#objects.objects.get(this.#target.names.leader)
    this.#keeper.lease = afterRecord(this.#keeper.lease, leader?.annotations ?? {}, at)
    this.#arm()
  }

  /** Counts the time up to a read that began at `at`. */
  #wasRead(at: number): void {
    const { intervalMs, timeoutMs } = this.#target
    const { lapses } = this.#keeper.lease
    this.#keeper.lease = afterRead(this.#keeper.lease, at, 2 * (intervalMs + timeoutMs), this.#usualTtlMs)
    // Before the read itself is handed over: the watch has missed nothing.
    if (this.#keeper.lease.lapses !== lapses) this.#tell()
    this.#arm()
  }

  /** Has the leader's record read at the moment in which its lease runs out: no sooner, and not without a look. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const left = this.closed.aborted ? null : leftMs(this.#keeper.lease, now(), this.#usualTtlMs)
    if (left === null) return
    this.#timer = setTimeout(() => void this.#lookAtLease(), Math.min(left + 1, MAX_TIMER_MS))
  }

  async #lookAtLease(): Promise<void> {
    try {
      const [at, before] = [now(), this.#objects.version]
      const list = await this.#listObjects()
      if (list.version < before) throw wentBack(list.version)
      this.#objects.take(list)
      this.#sawLeader(now())
      this.#wasRead(at)
      this.#tell()
    } catch (error) {
      this.#watcher?.onEnd(error)
    }
  }

  /** Lists the cluster's objects: a handful. */
  #listObjects(factor = 1): Promise<ObjectList> {
    const { objects, selector } = this.#target
    return this.api.list(objects, selector, { factor, pages: 'none' })
  }

  /** Lists the cluster's Pods, which an API server looks for among all Pods of the namespace: it may take twice as long. */
  #listPods(): Promise<ObjectList> {
    return this.api.list('pods', this.#target.selector, { factor: 2 })
  }

  #tell(): void {
    if (this.#soon !== null) clearImmediate(this.#soon)
    this.#soon = null
    this.#watcher?.onEvents(this.#listing())
  }

  get #usualTtlMs(): number | null {
    const config = this.#objects.objects.get(this.#target.names.config)
    if (this.#usual.config !== config) this.#usual = { config, ttlMs: usualTtlMs(config) }
    return this.#usual.ttlMs
  }

  #listing(): Listing {
    const { prefix, names, group } = this.#target
    const { lease } = this.#keeper
    const [objects, pods] = [this.#objects.objects, this.#pods.objects]
    return {
      clusterId: '',
      // Each watch gets there by itself: up to the lower version everything has been seen.
      index: Math.min(this.#objects.version, this.#pods.version),
      keys: keysOf(prefix, names, group, { objects, pods, lease }),
    }
  }
}

/** Returns whether a watch has ended only because it has lasted, or brought, so much; a proxy may hold its head back. */
function isLong(error: unknown): boolean {
  return error instanceof Unanswered || error instanceof Unfinished || codeOf(error) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE'
}

function wentBack(version: number): RouterError {
  return new RouterError('DCS_STALE', `its history went back to version ${version}: it was restored`)
}
