/** The addresses and Unix sockets of one listener. */
import type { Socket } from 'node:net'
import type { Bind, ListenerConfig } from '../config/config.ts'
import { BoundSocket } from './bound-socket.ts'

export interface ListenerEvents {
  /** Owns the socket from then on. */
  readonly accept: (socket: Socket) => void
  /** Connections cannot be accepted, because this machine is out of something; null: they can again. */
  readonly trouble: (error: Error | null) => void
}

export class Listener {
  readonly #name: string
  #binds: readonly Bind[]
  #sockets: readonly BoundSocket[]
  readonly #events: ListenerEvents
  #isInTrouble = false

  constructor({ name, binds }: ListenerConfig, events: ListenerEvents) {
    this.#name = name
    this.#binds = binds
    this.#events = events
    this.#sockets = this.#build()
  }

  /** Returns where it listens: `host:port` as bound and paths, with commas between; as configured before that. */
  get address(): string {
    return this.#sockets.map(({ address }) => address).join(', ')
  }

  /** Binds all, or rejects with BIND_FAILED, naming the address; then none is bound, and it can be called again. */
  async start(): Promise<void> {
    const sockets = this.#sockets
    try {
      for (const socket of sockets) await socket.start()
    } catch (error) {
      if (sockets === this.#sockets) this.rebind(this.#binds)
      throw error
    }
  }

  /** Stops listening; `start` listens on `binds`. Connections that exist are not touched. */
  rebind(binds: readonly Bind[]): void {
    this.close()
    this.#binds = binds
    this.#sockets = this.#build()
  }

  /** Stops accepting; connections that exist are not touched. Idempotent. */
  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  #build(): readonly BoundSocket[] {
    const accept = (socket: Socket): void => {
      this.#inTrouble(null)
      this.#events.accept(socket)
    }
    const trouble = (error: Error): void => this.#inTrouble(error)
    return this.#binds.map((bind) => new BoundSocket({ name: this.#name, bind, accept, trouble }))
  }

  /** Reports it once when it begins and once when it ends. */
  #inTrouble(error: Error | null): void {
    if (this.#isInTrouble === (error !== null)) return
    this.#isInTrouble = error !== null
    this.#events.trouble(error)
  }
}
