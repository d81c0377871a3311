/** The addresses and Unix sockets of one listener. */
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Bind, ListenerConfig } from '../config/config.ts'
import { failureOf } from '../errors.ts'
import { BoundSocket } from './bound-socket.ts'

export interface ListenerEvents {
  /** Owns the socket from then on. `via`: the path of the Unix socket by which it came; null: by TCP. */
  readonly accept: (socket: Socket, via: string | null) => void
  /** Connections cannot be accepted, because this machine is out of something; null: they can again. */
  readonly trouble: (error: Error | null) => void
}

export class Listener {
  readonly #name: string
  #sockets: readonly BoundSocket[]
  /** For addresses that it may have next. */
  #staged: readonly BoundSocket[] = []
  readonly #events: ListenerEvents
  #isInTrouble = false

  constructor({ name, binds }: ListenerConfig, events: ListenerEvents) {
    this.#name = name
    this.#events = events
    this.#sockets = binds.map((bind) => this.#build(bind))
  }

  /** Returns where it listens: `host:port` as bound and paths, with commas between; as configured before that. */
  get address(): string {
    return this.#sockets.map(({ address }) => address).join(', ')
  }

  /**
   * Binds all that are not bound, or rejects with BIND_FAILED, naming the address; then none of these is bound, and it can be
   * called again.
   */
  async start(): Promise<void> {
    const sockets = this.#sockets
    const begun = sockets.filter((socket) => !socket.isBound)
    try {
      for (const socket of begun) await socket.start()
    } catch (error) {
      for (const socket of begun) socket.close()
      const again = (socket: BoundSocket): BoundSocket => (begun.includes(socket) ? this.#build(socket.bind) : socket)
      if (sockets === this.#sockets) this.#sockets = sockets.map(again)
      throw error
    }
  }

  /**
   * Binds those of `binds` that it has not, too, for the next `rebind`. Rejects with BIND_FAILED: then none of these is bound. `own`:
   * addresses that may be in use by this process; if they are in use they are left for `start`.
   */
  async stage(binds: readonly Bind[], own: readonly Bind[]): Promise<void> {
    this.unstage()
    const staged = binds.filter((bind) => find(this.#sockets, bind) === undefined).map((bind) => this.#build(bind))
    this.#staged = staged
    try {
      for (const socket of staged) {
        const isLater = (error: unknown): boolean => own.includes(socket.bind) && isInUse(socket.bind, error)
        await socket.start().catch((error: unknown) => {
          if (!isLater(error)) throw error
          this.#staged = this.#staged.filter((each) => each !== socket)
        })
      }
    } catch (error) {
      for (const socket of staged) socket.close()
      this.#staged = this.#staged.filter((each) => !staged.includes(each))
      throw error
    }
  }

  /** Ends what `stage` has begun. Idempotent. */
  unstage(): void {
    for (const socket of this.#staged) socket.close()
    this.#staged = []
  }

  /**
   * Stops listening on other addresses than `binds`; `start` listens on those of them that it is not bound to. Connections that
   * exist are not touched.
   */
  rebind(binds: readonly Bind[]): void {
    const before = [...this.#sockets, ...this.#staged]
    this.#sockets = binds.map((bind) => find(before, bind) ?? this.#build(bind))
    this.#staged = []
    for (const socket of before) if (!this.#sockets.includes(socket)) socket.close()
  }

  /** Stops accepting; connections that exist are not touched. Idempotent. */
  close(): void {
    this.unstage()
    for (const socket of this.#sockets) socket.close()
  }

  #build(bind: Bind): BoundSocket {
    const via = bind.kind === 'unix' ? bind.path : null
    const accept = (socket: Socket): void => {
      this.#inTrouble(null)
      this.#events.accept(socket, via)
    }
    const trouble = (error: Error): void => this.#inTrouble(error)
    return new BoundSocket({ name: this.#name, bind, accept, trouble })
  }

  /** Reports it once when it begins and once when it ends. */
  #inTrouble(error: Error | null): void {
    if (this.#isInTrouble === (error !== null)) return
    this.#isInTrouble = error !== null
    this.#events.trouble(error)
  }
}

/** Returns whether an address of this process could not be bound because it is in use. */
function isInUse({ kind }: Bind, error: unknown): boolean {
  return kind === 'unix' || failureOf(error) === 'in-use'
}

function find(sockets: readonly BoundSocket[], bind: Bind): BoundSocket | undefined {
  return sockets.find((socket) => isDeepStrictEqual(socket.bind, bind))
}
