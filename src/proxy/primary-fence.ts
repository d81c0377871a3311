/**
 * Brings the listeners in line with the primary: hold, then fence, then open. A member is opened, to whichever listeners may
 * use it, only after every session of older epochs is closed, everywhere. A listener that does not acknowledge its fence has
 * its sockets destroyed; while even that fails nobody is let through to the primary.
 */
import { explain } from '../errors.ts'
import { inSeconds } from '../text/wording.ts'
import type { ClusterView } from '../watcher/view.ts'
import { primaryTarget, type Target } from './route.ts'

/** One listener, whoever serves it. What a call promises is done; it rejects when it is not, or `signal` aborts before. */
export interface FencedListener {
  /** From now on no new connection goes to the primary; `reason` is for those who wait in vain. */
  hold(reason: string): void
  /** Closes the sessions and dials on a primary of another epoch, and those that a former leader took as a replica. */
  fence(epoch: number, reason: string, signal: AbortSignal): Promise<void>
  /** Destroys every socket that leads to a server. */
  destroy(reason: string, signal: AbortSignal): Promise<void>
  /** Lets new connections through to `target` too, whose epoch is the one fenced last. */
  open(target: Target, signal: AbortSignal): Promise<void>
}

export interface FencedListeners<L extends FencedListener> {
  /** Those that there are now. */
  all(): Iterable<L>
  /** Hands the view to all of them. `hold`: they hold from then on because of it; null: whoever was opened stays open. */
  take(view: ClusterView, hold: string | null): void
  /** Called when a listener had its sockets destroyed because of `reason`. */
  forced(listener: L, reason: string): void
  /** Called when a fault of a listener begins, and when it ends. */
  faultBegun(listener: L, fault: FenceFault): void
  faultEnded(listener: L, fault: FenceFault): void
}

export interface FenceFault {
  /** What it cannot do. `fence`: no listener is opened then. `open`: it alone holds. */
  readonly kind: 'fence' | 'open'
  readonly reason: string
}

/** How long a listener may take to do what it is asked for. Milliseconds. */
export const ACKNOWLEDGE_MS = 1000
/** Before another attempt at what has failed. Milliseconds. */
const RETRY_MS = 1000

export class PrimaryFence<L extends FencedListener> {
  readonly #listeners: FencedListeners<L>
  #fenced = 0
  /** Has been handed out, and is not followed yet. */
  #next: ClusterView | null = null
  #view: ClusterView | null = null
  /** null: the listeners hold. */
  #opened: Target | null = null
  #isFollowing = false
  #isClosed = false
  #retry: NodeJS.Timeout | null = null
  readonly #faults = new Map<L, FenceFault>()
  #opens = 0
  /** The last of its openings that a listener has acknowledged. */
  readonly #acknowledged = new WeakMap<L, number>()

  constructor(listeners: FencedListeners<L>) {
    this.#listeners = listeners
  }

  /** What listeners cannot do at present. */
  get faults(): ReadonlyMap<L, FenceFault> {
    return this.#faults
  }

  /**
   * Takes the next view. Holding and the start of a fence happen before this returns; only where one is under way, which
   * closes the same sessions, the next waits for it.
   */
  follow(view: ClusterView): void {
    if (this.#isClosed) return
    this.#next = view
    this.#view = view
    const hold = this.#holdReason(view)
    if (hold !== null) this.#endOpening()
    this.#listeners.take(view, hold)
    void this.#catchUp()
  }

  /** Hands the last view out again after a while, because something has failed. */
  retryLater(): void {
    if (this.#isClosed) return
    this.#retry ??= setTimeout(() => {
      this.#retry = null
      if (this.#view !== null) this.follow(this.#view)
    }, RETRY_MS)
  }

  /** Forgets a listener that has been closed. */
  forget(listener: L): void {
    this.#end(listener, null)
  }

  /** Follows no view any more. Idempotent. */
  close(): void {
    this.#isClosed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
  }

  #holdReason(view: ClusterView): string | null {
    const { member, reason, epoch } = view.primary
    const isOpen = primaryTarget(view) !== null
    if (isOpen && epoch === this.#fenced) return null
    const unfenced = [...this.#faults.values()].find(({ kind }) => kind === 'fence')
    if (isOpen && unfenced !== undefined) return unfenced.reason
    return member === null ? reason : `leader ${member}: ${reason}`
  }

  /** A view that arrives while a fence is awaited replaces the one that asked for it. Never rejects. */
  async #catchUp(): Promise<void> {
    if (this.#isFollowing) return
    this.#isFollowing = true
    try {
      for (let view = this.#take(); view !== null; view = this.#take()) {
        const { epoch, reason } = view.primary
        if (epoch !== this.#fenced) {
          if (await this.#fence(epoch, reason)) this.#fenced = epoch
          else this.retryLater()
          if (this.#next !== null || epoch !== this.#fenced) continue
        }
        const target = primaryTarget(view)
        if (target !== null) this.#open(target)
      }
    } finally {
      this.#isFollowing = false
    }
  }

  #take(): ClusterView | null {
    const view = this.#isClosed ? null : this.#next
    this.#next = null
    return view
  }

  /** Whether every session of another epoch is closed, everywhere. */
  async #fence(epoch: number, reason: string): Promise<boolean> {
    const fenced = await Promise.all([...this.#listeners.all()].map((each) => this.#fenceOne(each, epoch, reason)))
    if (fenced.every((isFenced) => isFenced)) return true
    const [fault] = [...this.#faults.values()].filter(({ kind }) => kind === 'fence')
    if (fault !== undefined && this.#next === null)
      for (const listener of this.#listeners.all()) this.#hold(listener, fault.reason)
    return false
  }

  async #fenceOne(listener: L, epoch: number, reason: string): Promise<boolean> {
    // What was left half done is not begun anew.
    const isFaulty = this.#faults.get(listener)?.kind === 'fence'
    const failure = isFaulty ? '' : await failureOf((signal) => listener.fence(epoch, reason, signal))
    if (failure === null) return true
    const left = await failureOf((signal) => listener.destroy(reason, signal))
    if (left !== null) {
      this.#begin(listener, { kind: 'fence', reason: `sessions on an earlier primary cannot be closed: ${left}` })
      return false
    }
    if (!isFaulty) this.#listeners.forced(listener, failure)
    this.#end(listener, 'fence')
    return true
  }

  #open(target: Target): void {
    this.#opened = target
    for (const listener of this.#listeners.all()) void this.#openOne(listener, target, ++this.#opens)
  }

  async #openOne(listener: L, target: Target, opening: number): Promise<void> {
    const failure = await failureOf((signal) => listener.open(target, signal))
    // Held since then, or opened all the same.
    if (this.#opened?.epoch !== target.epoch || opening < (this.#acknowledged.get(listener) ?? 0)) return
    if (failure === null) {
      this.#acknowledged.set(listener, opening)
      this.#end(listener, 'open')
      return
    }
    const reason = `the primary ${target.member} cannot be opened: ${failure}`
    this.#begin(listener, { kind: 'open', reason })
    this.#hold(listener, reason)
    this.retryLater()
  }

  /** The listeners hold from now on: what they could not open is no matter. */
  #endOpening(): void {
    this.#opened = null
    for (const listener of this.#faults.keys()) this.#end(listener, 'open')
  }

  #hold(listener: L, reason: string): void {
    try {
      listener.hold(reason)
    } catch {
      // It is at fault already; at worst it lets clients through to a primary whose epoch is fenced.
    }
  }

  #begin(listener: L, fault: FenceFault): void {
    const before = this.#faults.get(listener)
    this.#faults.set(listener, fault)
    if (before?.kind !== fault.kind) this.#listeners.faultBegun(listener, fault)
  }

  /** `kind` null: whatever it is. */
  #end(listener: L, kind: FenceFault['kind'] | null): void {
    const fault = this.#faults.get(listener)
    if (fault === undefined || (kind !== null && fault.kind !== kind)) return
    this.#faults.delete(listener)
    this.#listeners.faultEnded(listener, fault)
  }
}

/** Begins `work` before it returns; resolves with why it is not done in time, or null. Never rejects. */
async function failureOf(work: (signal: AbortSignal) => Promise<void>): Promise<string | null> {
  const deadline = new AbortController()
  const { promise, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(() => {
    resolve(`no acknowledgement within ${inSeconds(ACKNOWLEDGE_MS)}`)
    deadline.abort()
  }, ACKNOWLEDGE_MS)
  const working = (async () => work(deadline.signal))().then(() => null, explain)
  return Promise.race([working, promise]).finally(() => clearTimeout(timer))
}
