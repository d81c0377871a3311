/** One listener as the proxy sees it: its configuration, what is sent to the worker for it, and what that has reported. */
import type { Bind, ListenerConfig } from '../config/config.ts'
import type { HeldByRequest } from '../override.ts'
import type { ListenerId, ListenerState } from './messages.ts'
import type { FencedListener } from './primary-fence.ts'
import type { Target } from './route.ts'
import { NO_COUNTS } from './status.ts'
import { NO_TRAFFIC } from './traffic.ts'
import type { WorkerLink } from './worker-link.ts'

export class ControlledListener implements FencedListener {
  readonly id: ListenerId
  readonly #link: WorkerLink
  #config: ListenerConfig
  state: ListenerState = UNREPORTED
  /** Why it does not listen; null: it does, or has not been asked to. */
  listenFault: string | null = null
  #listens = 0
  #heldByRequest: HeldByRequest | null = null

  constructor(id: ListenerId, config: ListenerConfig, link: WorkerLink) {
    this.id = id
    this.#config = config
    this.#link = link
  }

  get config(): ListenerConfig {
    return this.#config
  }

  /**
   * Sends its configuration to the worker: the first one, or the next one of the same name and route. Returns whether the
   * addresses have changed, so that it has to `listen` again.
   */
  configure(next: ListenerConfig): boolean {
    const before = this.#config
    this.#config = next
    this.#link.send({ type: 'listener', id: this.id, config: next })
    return JSON.stringify(next.binds) !== JSON.stringify(before.binds)
  }

  /** Listens; rejects with what is wrong. Resolves with whether no later attempt has taken its place. */
  async listen(): Promise<boolean> {
    const attempt = ++this.#listens
    await this.#link.ask({ type: 'listen', id: this.id })
    return attempt === this.#listens
  }

  /** Listens on addresses of its next configuration too, see the command; rejects with what is wrong, and none is bound then. */
  async stage(binds: readonly Bind[], own: readonly Bind[]): Promise<void> {
    await this.#link.ask({ type: 'stage', id: this.id, binds, own })
  }

  /** Ends what `stage` has begun. */
  unstage(): void {
    this.#link.send({ type: 'unstage', id: this.id })
  }

  /** Refuses connections beyond `max`; 0: it has no limit of its own. Resolves when that is so. */
  async limit(max: number): Promise<void> {
    await this.#link.ask({ type: 'limit', id: this.id, max })
  }

  /** Holds all new clients by request; null: no longer. */
  pause(held: HeldByRequest | null): void {
    const before = this.#heldByRequest
    this.#heldByRequest = held
    if ((held === null) !== (before === null))
      this.#link.send({ type: 'pause', id: this.id, why: held === null ? null : 'new connections are held by request' })
  }

  get heldByRequest(): HeldByRequest | null {
    return this.#heldByRequest
  }

  hold(reason: string): void {
    this.#link.send({ type: 'hold', id: this.id, reason })
  }

  async fence(epoch: number, reason: string, signal: AbortSignal): Promise<void> {
    await this.#link.ask({ type: 'fence', id: this.id, epoch, reason }, signal)
  }

  async destroy(reason: string, signal: AbortSignal): Promise<void> {
    await this.#link.ask({ type: 'destroy', id: this.id, reason }, signal)
  }

  async open(target: Target, signal: AbortSignal): Promise<void> {
    await this.#link.ask({ type: 'open', id: this.id, target }, signal)
  }
}

const UNREPORTED: ListenerState = {
  address: '',
  sessions: [],
  held: 0,
  oldestHeld: null,
  members: [],
  downs: 0,
  fallback: false,
  fault: null,
  traffic: NO_TRAFFIC,
  maxConnections: 0,
  ...NO_COUNTS,
}
