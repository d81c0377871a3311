/** What one reader has of a ZooKeeper server: the nodes below a root, read with watches and kept up to date by them. */
import { now } from '../../../clock.ts'
import { RouterError } from '../../../errors.ts'
import type { CertificateSet } from '../../tls/certificates.ts'
import { isWithin } from '../key-values.ts'
import type { Level } from '../levels.ts'
import type { Listing } from '../listing.ts'
import type { SessionConnection, SessionWatcher } from '../sessions.ts'
import type { Share } from '../sharing.ts'
import { ZooKeeperClient } from './client.ts'
import { explainZooKeeper, type AccessWords } from './diagnosis.ts'
import type { Lingering } from './lingering.ts'
import type { LinkTarget, Question } from './link.ts'
import {
  checkReply,
  NO_NODE,
  type Notification,
  OP,
  readChildren,
  readData,
  readRequest,
  type ReplyHeader,
  syncRequest,
} from './protocol.ts'
import { Unread } from './unread.ts'
import { childOf, parentOf, Znodes } from './znodes.ts'

export interface ZooKeeperTarget extends LinkTarget {
  readonly access: AccessWords
  /** What all names begin with on the server, and nowhere else: `/chroot`; empty: nothing. */
  readonly chroot: string
  /** The node that is read with all below it: `/service/demo`; empty: everything. */
  readonly root: string
  /** Returns whether a node has others below it that are wanted. */
  readonly descends: (path: string) => boolean
  /** Members that stay in the list for some time after they have gone; null: none does. */
  readonly lingering: Lingering | null
  /** How long a read may be without an answer. Milliseconds. */
  readonly timeoutMs: number
}

/** Nodes of one directory are read so many at a time, so that a change waits for these only. */
const AT_ONCE = 256

/** However fast its answers are: no read takes longer. Milliseconds. */
const MAX_READ_MS = 30_000

/** So long a list waits at most until it is one of a moment, where nodes change all the time. Milliseconds. */
const MAX_MIXED_MS = 200

/** What ZooKeeper keeps for itself. */
const OWN = '/zookeeper'

/** Nodes of Patroni that have none below them. */
const LEAVES = /\/(?:leader|initialize|config|history|status|sync|failover|failsafe)$/

export class ZooKeeperConnection implements SessionConnection {
  readonly #target: ZooKeeperTarget
  readonly #client: Share<ZooKeeperClient>
  readonly #closing = new AbortController()
  readonly #unlisten: () => void
  readonly #nodes = new Znodes()
  /** The full name of `root` on the server. */
  readonly #top: string
  /** Whether watches last, once they are set. */
  #watching: Promise<boolean> | null = null
  #watcher: SessionWatcher<Listing> | null = null
  readonly #unread = new Unread()
  #hasNews = false
  #isCatchingUp = false
  /** Up to which transaction all that has changed is in `#nodes`, and the last one that the server had applied. */
  #index = 0
  #applied = 0
  #answeredAt = 0
  #lingering: NodeJS.Timeout | null = null
  #failure: { readonly error: unknown } | null = null

  /** Connects with the first call. */
  constructor(target: ZooKeeperTarget) {
    this.#target = target
    const top = target.chroot + target.root
    this.#top = top === '' ? '/' : top
    // The keys of templates may be very many: those of clusters do not wait for them.
    this.#client = ZooKeeperClient.take(target, target.lingering === null ? 'keys' : 'clusters')
    this.#unlisten = this.#client.value.listen({
      onNotification: (notification) => this.#note(notification),
      onEnd: (error) => this.#end(error),
    })
  }

  get endpoint(): string {
    return this.#target.endpoint
  }

  get certificates(): CertificateSet | null {
    return this.#target.certificates
  }

  /** Aborts when the connection is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** Reads all nodes, once the server has all that the leader of the ensemble has. */
  async list(factor = 1): Promise<Listing> {
    await this.#within(this.#readAll(), factor)
    if (!this.#unread.isMoment) await this.#within(this.#readUntilMoment(), 1)
    return this.#listing()
  }

  /** Reads the names of the nodes that are right below one. */
  async children(path: string): Promise<Level> {
    const full = this.#target.chroot + path
    const names = await this.#within(this.#readChildren(full === '' ? '/' : full, false), 1)
    const nodes = names.map((name) => name.slice(this.#target.chroot.length))
    return { names: nodes, directories: nodes.filter((name) => !LEAVES.test(name)) }
  }

  /** Watches from the first list on. It ends with the connection. */
  watch(watcher: SessionWatcher<Listing>): void {
    this.#watcher = watcher
    if (this.#failure !== null) watcher.onEnd(this.#failure.error)
    else void this.#catchUp()
  }

  explain(error: unknown, signal: AbortSignal): Promise<string> {
    return explainZooKeeper(error, this.#target, signal)
  }

  /** Ends every read under way. Idempotent. */
  close(): void {
    if (this.closed.aborted) return
    this.#closing.abort()
    if (this.#lingering !== null) clearTimeout(this.#lingering)
    this.#unlisten()
    this.#client.leave()
  }

  async #readAll(): Promise<void> {
    this.#watching ??= this.#client.value.watchAll(this.#top)
    const isOnce = !(await this.#watching)
    const top = this.#top
    const zxid = await this.#ask(top, { packet: (xid) => syncRequest(xid, top), take: (header) => header.zxid })
    await this.#visit(top, isOnce)
    this.#index = Math.max(this.#index, zxid)
  }

  /** Reads a node and all below it; `isOnce`: with watches that report one change. */
  async #visit(path: string, isOnce: boolean): Promise<void> {
    const count = await this.#readData(path, isOnce)
    if (count === null) {
      // No other watch reports its creation.
      if (isOnce && path === this.#top && (await this.#exists(path))) await this.#visit(path, isOnce)
      return
    }
    if (!this.#target.descends(path.slice(this.#target.chroot.length)) || (count === 0 && !isOnce)) return
    const children = await this.#readChildren(path, isOnce)
    for (let from = 0; from < children.length && !this.closed.aborted; from += AT_ONCE)
      await Promise.all(children.slice(from, from + AT_ONCE).map((child) => this.#visit(child, isOnce)))
  }

  /** Reads a node; resolves with how many are below it; null: it is not there. */
  #readData(path: string, watch: boolean): Promise<number | null> {
    return this.#ask(path, {
      packet: (xid) => readRequest(xid, OP.getData, path, watch),
      take: (header, reader) => {
        this.#unread.answered(path, watch)
        if (isMissing(header, path)) {
          this.#nodes.remove(path)
          return null
        }
        const { data, stat } = readData(reader)
        this.#nodes.put(path, data, stat)
        if (stat.numChildren === 0) this.#nodes.keepOnly(path, [])
        return stat.numChildren
      },
    })
  }

  #readChildren(path: string, watch: boolean): Promise<readonly string[]> {
    return this.#ask(path, {
      packet: (xid) => readRequest(xid, OP.getChildren2, path, watch),
      take: (header, reader) => {
        if (isMissing(header, path)) return []
        const children = readChildren(reader)
          .map((name) => childOf(path, name))
          .filter((child) => child !== OWN)
        this.#nodes.keepOnly(path, children)
        return children
      },
    })
  }

  #exists(path: string): Promise<boolean> {
    return this.#ask(path, {
      packet: (xid) => readRequest(xid, OP.exists, path, true),
      take: (header) => !isMissing(header, path),
    })
  }

  #ask<T>(path: string, { packet, take }: Question<T>): Promise<T> {
    return this.#client.value.ask(path, {
      packet,
      take: (header, reader) => {
        this.#applied = Math.max(this.#applied, header.zxid)
        this.#answeredAt = now()
        return take(header, reader)
      },
    })
  }

  #note({ type, path }: Notification): void {
    const isMine = path === this.#top || (isBelow(path, this.#top) && this.#descendsTo(path))
    if (!isMine || isWithin(OWN, path)) return
    if (type === 'other') {
      this.#end(new RouterError('DCS_STALE', `its watch of ${path} has ended`))
      return
    }
    if (type === 'deleted') {
      this.#nodes.remove(path)
      this.#unread.gone(path)
    }
    // Where watches report one change, the next creation of the top is reported by a new one only.
    if (type !== 'deleted' || path === this.#top) this.#unread.changed(path)
    this.#hasNews = true
    if (this.#watcher !== null && !this.#isCatchingUp) void this.#catchUp()
  }

  #descendsTo(path: string): boolean {
    return this.#target.descends(parentOf(path).slice(this.#target.chroot.length))
  }

  /** Reads again what has changed, until nothing has, and hands over each list that is one of a moment. Never rejects. */
  async #catchUp(): Promise<void> {
    this.#isCatchingUp = true
    try {
      while (this.#hasNews && !this.closed.aborted) {
        this.#hasNews = false
        await this.#within(this.#readUntilMoment(), 1)
        // The notification of a change comes before any answer that shows it, or a later one.
        if (this.#unread.isEmpty) this.#index = Math.max(this.#index, this.#applied)
        this.#handOver()
      }
    } catch (error) {
      this.#end(error)
    } finally {
      this.#isCatchingUp = false
    }
  }

  /** Reads what has changed, once, and again as long as that is of no moment: of two changes it may show the later one only. */
  async #readUntilMoment(): Promise<void> {
    const isOnce = !(await this.#watching)
    const since = now()
    do {
      await Promise.all(this.#unread.nodes.map((path) => this.#visit(path, isOnce)))
    } while (!this.#unread.isMoment && now() - since < MAX_MIXED_MS && !this.closed.aborted)
  }

  #handOver(): void {
    if (!this.closed.aborted) this.#watcher?.onEvents(this.#listing())
  }

  #end(error: unknown): void {
    if (this.closed.aborted) return
    this.#failure ??= { error }
    this.#watcher?.onEnd(error)
  }

  #listing(): Listing {
    const { chroot, lingering } = this.#target
    const nodes = this.#nodes.keys()
    const keys = chroot === '' ? nodes : new Map([...nodes].map(([path, key]) => [path.slice(chroot.length), key]))
    const listed = lingering?.apply(keys, now()) ?? keys
    const dueAt = lingering?.dueAt ?? null
    if (dueAt !== null && this.#lingering === null)
      this.#lingering = setTimeout(() => {
        this.#lingering = null
        this.#handOver()
      }, dueAt - now())
    return { clusterId: '', index: this.#index, keys: listed }
  }

  /** Waits for as long as answers come within `factor` times the time of one. */
  async #within<T>(reading: Promise<T>, factor: number): Promise<T> {
    const ms = this.#target.timeoutMs * factor
    const { promise, reject } = Promise.withResolvers<never>()
    const since = now()
    const look = (): void => {
      const left = ms - (now() - Math.max(since, this.#answeredAt))
      if (left > 0 && now() - since < MAX_READ_MS) late = setTimeout(look, left)
      else reject(new RouterError('TIMEOUT', `no answer within ${ms} ms`))
    }
    let late = setTimeout(look, ms)
    const onClose = (): void => reject(new RouterError('DCS_UNAVAILABLE', 'the connection is closed'))
    this.closed.addEventListener('abort', onClose, { once: true })
    try {
      if (this.closed.aborted) onClose()
      return await Promise.race([reading, promise])
    } finally {
      clearTimeout(late)
      this.closed.removeEventListener('abort', onClose)
    }
  }
}

function isBelow(path: string, top: string): boolean {
  return path.startsWith(top === '/' ? '/' : `${top}/`)
}

/** Returns whether an answer says that there is no such node. @throws ZooKeeperError where it is another error. */
function isMissing(header: ReplyHeader, path: string): boolean {
  if (header.error === NO_NODE) return true
  checkReply(header, path)
  return false
}
