/**
 * Brings the data plane in line with the primary: hold, then fence, then open. A member is opened, to whichever routes may
 * use it, only after every session of older epochs is closed, everywhere.
 */
import type { ClusterView } from '../watcher/view.ts'
import { primaryTarget, type Target } from './route.ts'

/**
 * What moves the bytes of every session on the primary, whichever route it came by. Today one event loop; threads or a
 * kernel plane can do it too.
 */
export interface DataPlane {
  /** From now on no new connection goes to the primary; `reason` is for those who wait in vain. */
  hold(reason: string): void
  /**
   * Resolves when every session and dial of a primary of another epoch is closed, and every one that a former leader took
   * while it was a replica. Never rejects: a part that does not acknowledge in time is torn down.
   */
  fence(epoch: number, reason: string): Promise<void>
  /** Lets new connections through to `target` too, whose epoch is the one fenced last. */
  open(target: Target): void
}

export class PrimaryFence {
  readonly #plane: DataPlane
  #fenced = 0
  #latest: ClusterView | null = null
  #isFollowing = false

  constructor(plane: DataPlane) {
    this.#plane = plane
  }

  /**
   * Takes the next view. Holding and the start of a fence happen before this returns; only where one is under way, which
   * closes the same sessions, the next waits for it.
   */
  follow(view: ClusterView): void {
    const { primary } = view
    this.#latest = view
    if (primaryTarget(view) === null || primary.epoch !== this.#fenced) {
      this.#plane.hold(primary.member === null ? primary.reason : `leader ${primary.member}: ${primary.reason}`)
    }
    if (!this.#isFollowing) void this.#catchUp()
  }

  /** A view that arrives while a fence is awaited replaces the one that asked for it. */
  async #catchUp(): Promise<void> {
    this.#isFollowing = true
    for (let view = this.#latest; view !== null; view = this.#latest) {
      this.#latest = null
      const { epoch, reason } = view.primary
      if (epoch !== this.#fenced) {
        await this.#plane.fence(epoch, reason)
        this.#fenced = epoch
        if (this.#newer()) continue
      }
      const target = primaryTarget(view)
      if (target !== null) this.#plane.open(target)
    }
    this.#isFollowing = false
  }

  #newer(): boolean {
    return this.#latest !== null
  }
}
