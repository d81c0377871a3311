/**
 * One session's connection to an API server: all keys of a cluster, from two watches and from lists beside them, with the
 * lease of the leader.
 */
import { MAX_TIMER_MS, now, within } from '../../../clock.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import type { Listing } from '../listing.ts'
import type { SessionConnection, SessionWatcher } from '../sessions.ts'
import { ApiConnection, type ApiTarget } from './api-connection.ts'
import { keysOf, usualTtlMs } from './keys.ts'
import { afterLoss, afterRead, afterRecord, type Lease, leftMs } from './lease.ts'
import type { ObjectNames } from './names.ts'
import type { KubeObject } from './objects.ts'
import { ResourceWatch } from './resource-watch.ts'

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

/**
 * The Pods are listed beside their watch so seldom, in intervals, and as the API server has them in its cache: a list with certainty makes
 * it look at all Pods of the namespace, some 40 ms for a thousand of them.
 */
const PODS_EVERY = 5

/** That may take so many times the time of a read. */
const PODS_FACTOR = 2

/** Long enough for the answer that the right to watch is missing. Milliseconds. */
const CONFIRM_MS = 500

export class ClusterConnection implements SessionConnection {
  readonly api: ApiConnection
  readonly #target: ClusterTarget
  readonly #keeper: LeaseKeeper
  readonly #objects: ResourceWatch
  readonly #pods: ResourceWatch
  #watcher: SessionWatcher<Listing> | null = null
  #timer: NodeJS.Timeout | null = null
  #soon: NodeJS.Immediate | null = null
  #reads = 0
  #isReadingPods = false
  /** The versions of objects and Pods are of one sequence. */
  #isOneHistory = true
  #usual: { readonly config: KubeObject | undefined; readonly ttlMs: number | null } = {
    config: undefined,
    ttlMs: null,
  }

  /** Connects with the first call. */
  constructor(target: ClusterTarget, keeper: LeaseKeeper) {
    this.api = new ApiConnection(target)
    this.#target = target
    this.#keeper = keeper
    const { selector, intervalMs, objects, names } = target
    const onListed = (at: number): void => {
      this.#sawLeader(at)
      this.#tell()
    }
    const common = { api: this.api, selector, intervalMs, onListed }
    // Very many events may come at once: the keys are listed once for all of a turn of the event loop.
    const tellSoon = (): void => {
      this.#soon ??= setImmediate(() => this.#tell())
    }
    this.#objects = new ResourceWatch({
      ...{ ...common, resource: objects, pages: 'none', isCached: false, factor: 1 },
      onEvent: (event) => {
        if (event.type === 'bookmark') {
          tellSoon()
          return
        }
        if (event.object.name === names.leader) this.#sawLeader(now())
        this.#tell()
      },
    })
    this.#pods = new ResourceWatch({
      ...common,
      resource: 'pods',
      ...{ pages: 'none', isCached: true },
      factor: PODS_FACTOR,
      onEvent: tellSoon,
    })
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
    await this.#pods.begin()
    const at = now()
    await this.#objects.begin()
    // What is listed later, and with certainty, is of no lower version, unless the two are in different etcds.
    this.#isOneHistory = this.#objects.version >= this.#pods.version
    this.#sawLeader(at)
    this.#wasRead(at)
    this.#watcher = watcher
    const watches = Promise.all([this.#watch(this.#objects), this.#watch(this.#pods)])
    await within(watches, CONFIRM_MS, this.closed)
    return this.#listing()
  }

  /**
   * Reads all objects with certainty. Pods are listed each fifth time, beside all else: no read of the lock waits for that.
   */
  async list(): Promise<Listing> {
    const pods = this.#reads++ % PODS_EVERY === 0 ? this.#readPods() : null
    // Where nothing is watched, as by a successor, it has to be part of the result.
    await Promise.all([this.#readObjects(), this.#watcher === null ? pods : null])
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

  /** Resolves once a watch is confirmed, which then continues. */
  async #watch(resource: ResourceWatch): Promise<void> {
    const confirmed = Promise.withResolvers<undefined>()
    void resource
      .follow(() => confirmed.resolve(undefined))
      .catch((error: unknown) => {
        confirmed.reject(error)
        this.#watcher?.onEnd(error)
      })
    await confirmed.promise
  }

  async #readObjects(): Promise<void> {
    const at = now()
    const isPaused = await this.#objects.check()
    this.#sawLeader(now())
    this.#wasRead(at)
    // What the watches have shown before comes first; where they pause, what the read shows is no doubt of them.
    if (this.#soon !== null || isPaused) this.#tell()
  }

  /** Reads the Pods, unless that is under way. Rejects only where nothing is watched. */
  async #readPods(): Promise<void> {
    if (this.#isReadingPods) return
    this.#isReadingPods = true
    const watcher = this.#watcher
    try {
      await this.#pods.check()
      this.#tell()
    } catch (error) {
      if (watcher === null) throw error
      watcher.onEnd(error)
    } finally {
      this.#isReadingPods = false
    }
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
      const at = now()
      await this.#objects.read()
      this.#sawLeader(now())
      this.#wasRead(at)
      this.#tell()
    } catch (error) {
      this.#watcher?.onEnd(error)
    }
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
      // The Pods have a history of their own: lists of them may be of the past.
      index: this.#objects.version,
      latest: Math.max(this.#objects.version, this.#isOneHistory ? this.#pods.version : 0),
      keys: keysOf(prefix, names, group, { objects, pods, lease }),
    }
  }
}
