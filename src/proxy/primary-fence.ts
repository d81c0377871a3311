/**
 * Brings the listeners in line with the primary: hold, then fence, then open. A member is opened, to whichever listeners may
 * use it, only after every session of older epochs is closed, everywhere. A listener that does not acknowledge its fence has
 * its sockets destroyed; while even that fails, no client is let through to the primary.
 */
import { now } from '../clock.ts'
import { explain } from '../errors.ts'
import { overriddenText } from '../override.ts'
import { type ClusterView, takesNew } from '../watcher/view.ts'
import { failureOf } from './acknowledgement.ts'
import { primaryTarget, type Target } from './route.ts'

/** One listener. A call resolves when its work is done; it rejects when that fails, or `signal` aborts before. */
export interface FencedListener {
  /** Lets no new connection through to the primary; `reason` is for clients whose wait ends without one. */
  hold(reason: string): void
  /** Closes the sessions and dials on a primary of another epoch, and those that a former leader took as a replica. */
  fence(epoch: number, reason: string, signal: AbortSignal): Promise<void>
  /** Destroys every socket that leads to a server. */
  destroy(reason: string, signal: AbortSignal): Promise<void>
  /** Lets new connections through to `target` too, whose epoch is the one fenced last. */
  open(target: Target, signal: AbortSignal): Promise<void>
}

export interface FencedListeners<L extends FencedListener> {
  /** Returns the listeners that exist now. */
  all(): Iterable<L>
  /** Hands the view to all of them. `hold`: why they hold from then on; null: an opened primary stays open. */
  take(view: ClusterView, hold: string | null): void
  /** Reports that all of them hold, and that a primary was open before. */
  held(view: ClusterView, reason: string): void
  /** Reports that all of them have opened a primary, after they held. `fencedMs`: how long its fence took; null: there was none. */
  opened(target: Target, fencedMs: number | null): void
  /** Reports that a listener had its sockets destroyed because of `reason`. */
  forced(listener: L, reason: string): void
  /** Reports that a fault of a listener has begun, or has ended. */
  faultBegun(listener: L, fault: FenceFault): void
  faultEnded(listener: L, fault: FenceFault): void
}

export interface FenceFault {
  /** What it cannot do. `fence`: no listener is opened then. `open`: it alone holds. */
  readonly kind: 'fence' | 'open'
  readonly reason: string
}

/** Before another attempt at what has failed. Milliseconds. */
const RETRY_MS = 1000

export class PrimaryFence<L extends FencedListener> {
  readonly #listeners: FencedListeners<L>
  #fenced = 0
  /** Whether the listeners have the latest view, and so the latest leader. */
  #isHandedOut = false
  /** Has been handed out, and is not followed yet. */
  #next: ClusterView | null = null
  #view: ClusterView | null = null
  /** null: the listeners hold. */
  #opened: Target | null = null
  #isFollowing = false
  readonly #closing = new AbortController()
  #retry: NodeJS.Timeout | null = null
  readonly #faults = new Map<L, FenceFault>()
  /** How long the last fence took, if nothing has been opened since. Milliseconds. */
  #fencedMs: number | null = null
  /** Whether it was reported that `#opened` is open. */
  #isReported = false
  #opens = 0
  /** The last of its openings that a listener has acknowledged. */
  readonly #acknowledged = new WeakMap<L, number>()

  constructor(listeners: FencedListeners<L>) {
    this.#listeners = listeners
  }

  /** Returns what listeners cannot do at present. */
  get faults(): ReadonlyMap<L, FenceFault> {
    return this.#faults
  }

  /**
   * Takes the next view. Holding and the start of a fence happen before this returns; only where one is under way, which
   * closes the same sessions, the next waits for it. A step that fails is tried again later.
   */
  follow(view: ClusterView): void {
    if (this.#isClosed) return
    this.#next = view
    this.#view = view
    const hold = this.#holdReason(view)
    const isHeld = hold !== null && this.#opened !== null
    if (hold !== null) this.#opened = null
    this.#isHandedOut = this.#handOut(view, hold)
    if (isHeld) attempt(() => this.#listeners.held(view, hold))
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

  /** Follows no view any more, and waits for no listener. Idempotent. */
  close(): void {
    this.#closing.abort()
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Returns whether every listener has it. If not, all of them hold: nothing is opened by a view that some do not know. */
  #handOut(view: ClusterView, hold: string | null): boolean {
    try {
      this.#listeners.take(view, hold)
    } catch (error) {
      const reason = `the state of the cluster cannot be handed on: ${explain(error)}`
      attempt(() => {
        for (const listener of this.#listeners.all()) this.#cannotOpen(listener, reason)
      })
      this.retryLater()
      return false
    }
    // The listeners hold: what they could not open no longer matters.
    if (hold !== null) for (const listener of this.#faults.keys()) this.#end(listener, 'open')
    return true
  }

  #holdReason(view: ClusterView): string | null {
    const { member, reason, epoch, override } = view.primary
    const isOpen = primaryTarget(view) !== null
    if (isOpen && epoch === this.#fenced) return null
    const unfenced = [...this.#faults.values()].find(({ kind }) => kind === 'fence')
    if (isOpen && unfenced !== undefined) return unfenced.reason
    if (member === null) return reason
    const isOverridden = override !== undefined && takesNew(view.primary.state)
    return `leader ${member}: ${isOverridden ? overriddenText(override.state) : reason}`
  }

  /** Follows the latest view: a view that arrives during a fence replaces the one that began it. Never rejects. */
  async #catchUp(): Promise<void> {
    if (this.#isFollowing) return
    this.#isFollowing = true
    try {
      for (let view = this.#take(); view !== null; view = this.#take()) {
        const { epoch, reason } = view.primary
        if (epoch !== this.#fenced) {
          // Without the latest view a listener may not know yet whose sessions are over: it is fenced again with the next.
          const since = now()
          if ((await this.#fence(epoch, reason)) && this.#isHandedOut) {
            this.#fenced = epoch
            this.#fencedMs = now() - since
          } else this.retryLater()
          if (this.#next !== null || epoch !== this.#fenced) continue
        }
        const target = primaryTarget(view)
        if (target !== null && this.#isHandedOut && !this.#isClosed) this.#open(target)
      }
    } catch {
      // Nothing here should throw; if it does all the same, clients must not wait until another view arrives.
      this.retryLater()
    } finally {
      this.#isFollowing = false
    }
  }

  #take(): ClusterView | null {
    const view = this.#isClosed ? null : this.#next
    this.#next = null
    return view
  }

  /** Closes the sessions of other epochs; returns whether all of them are closed, everywhere. */
  async #fence(epoch: number, reason: string): Promise<boolean> {
    const fenced = await Promise.all([...this.#listeners.all()].map((each) => this.#fenceOne(each, epoch, reason)))
    if (fenced.every((isFenced) => isFenced)) return true
    const [fault] = [...this.#faults.values()].filter(({ kind }) => kind === 'fence')
    if (fault !== undefined && this.#next === null)
      for (const listener of this.#listeners.all()) this.#hold(listener, fault.reason)
    return false
  }

  async #fenceOne(listener: L, epoch: number, reason: string): Promise<boolean> {
    const closing = this.#closing.signal
    // A fence that has failed half-way is not begun again.
    const isFaulty = this.#faults.get(listener)?.kind === 'fence'
    const failure = isFaulty ? '' : await failureOf((signal) => listener.fence(epoch, reason, signal), closing)
    if (failure === null) return true
    const left = await failureOf((signal) => listener.destroy(reason, signal), closing)
    if (this.#isClosed) return false
    if (left !== null) {
      this.#begin(listener, { kind: 'fence', reason: `sessions on an earlier primary cannot be closed: ${left}` })
      return false
    }
    if (!isFaulty) attempt(() => this.#listeners.forced(listener, failure))
    this.#end(listener, 'fence')
    return true
  }

  #open(target: Target): void {
    if (this.#opened === null) this.#isReported = false
    this.#opened = target
    const openings = [...this.#listeners.all()].map((each) => this.#openOne(each, target, ++this.#opens))
    if (!this.#isReported) void Promise.all(openings).then((opened) => this.#reportOpened(target, opened))
  }

  #reportOpened(target: Target, opened: readonly boolean[]): void {
    const isOver = this.#isClosed || this.#isReported || this.#opened?.epoch !== target.epoch
    if (isOver || opened.includes(false)) return
    const fencedMs = this.#fencedMs
    this.#isReported = true
    this.#fencedMs = null
    attempt(() => this.#listeners.opened(target, fencedMs))
  }

  /** Returns whether it has been opened. */
  async #openOne(listener: L, target: Target, opening: number): Promise<boolean> {
    const failure = await failureOf((signal) => listener.open(target, signal), this.#closing.signal)
    // Held since then, or opened all the same.
    if (this.#isClosed || this.#opened?.epoch !== target.epoch || opening < (this.#acknowledged.get(listener) ?? 0))
      return failure === null
    if (failure === null) {
      this.#acknowledged.set(listener, opening)
      this.#end(listener, 'open')
      return true
    }
    this.#cannotOpen(listener, `the primary ${target.member} cannot be opened: ${failure}`)
    return false
  }

  #cannotOpen(listener: L, reason: string): void {
    if (this.#faults.get(listener)?.kind !== 'fence') this.#begin(listener, { kind: 'open', reason })
    this.#hold(listener, reason)
    this.retryLater()
  }

  #hold(listener: L, reason: string): void {
    // It is at fault already; at worst it lets clients through to a primary whose epoch is fenced.
    attempt(() => listener.hold(reason))
  }

  #begin(listener: L, fault: FenceFault): void {
    const before = this.#faults.get(listener)
    this.#faults.set(listener, fault)
    if (before?.kind !== fault.kind) attempt(() => this.#listeners.faultBegun(listener, fault))
  }

  /** Ends the fault of a listener, if it is of this kind; null: of any kind. */
  #end(listener: L, kind: FenceFault['kind'] | null): void {
    const fault = this.#faults.get(listener)
    if (fault === undefined || (kind !== null && fault.kind !== kind)) return
    this.#faults.delete(listener)
    attempt(() => this.#listeners.faultEnded(listener, fault))
  }
}

/** Does it as well as it can: what throws here must keep no session open and no client waiting. */
function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // The fault that it is about is in `faults`, and so in status; what has failed is tried again.
  }
}
