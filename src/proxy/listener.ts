/** The addresses and Unix sockets of one listener. */
import type { Socket } from 'node:net'
import type { ListenerConfig } from '../config/config.ts'
import { BoundSocket } from './bound-socket.ts'

export interface ListenerEvents {
  /** Owns the socket from then on. */
  readonly accept: (socket: Socket) => void
  /** Connections cannot be accepted, because this machine is out of something; null: they can again. */
  readonly trouble: (error: Error | null) => void
}

export class Listener {
  readonly config: ListenerConfig
  readonly #sockets: readonly BoundSocket[]
  readonly #events: ListenerEvents
  #isInTrouble = false

  constructor(config: ListenerConfig, tcpKeepaliveMs: number, events: ListenerEvents) {
    const { name, binds } = config
    this.config = config
    this.#events = events
    const accept = (socket: Socket): void => {
      this.#inTrouble(null)
      events.accept(socket)
    }
    const trouble = (error: Error): void => this.#inTrouble(error)
    this.#sockets = binds.map((bind) => new BoundSocket({ name, bind, tcpKeepaliveMs, accept, trouble }))
  }

  /** Where it listens: `host:port` as bound and paths, with commas between; as configured before that. */
  get address(): string {
    return this.#sockets.map(({ address }) => address).join(', ')
  }

  /** Binds all, or rejects with BIND_FAILED, naming the address; `close` is due then. */
  async start(): Promise<void> {
    for (const socket of this.#sockets) await socket.start()
  }

  /** Accepts nobody any more; connections that exist are not touched. Idempotent. */
  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  /** Says so once when it begins and once when it ends. */
  #inTrouble(error: Error | null): void {
    if (this.#isInTrouble === (error !== null)) return
    this.#isInTrouble = error !== null
    this.#events.trouble(error)
  }
}
