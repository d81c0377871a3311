import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A TCP relay on this machine that can stand for a network partition or a peer that hangs. */
export class Relay implements AsyncDisposable {
  readonly #server: Server
  #targets: readonly number[]
  readonly #sockets = new Set<Socket>()
  /** Each connection with the one that it is relayed to. */
  readonly #pairs = new Map<Socket, Socket>()
  #hanging = false

  private constructor(target: number) {
    this.#targets = [target]
    this.#server = createServer((socket) => this.#accept(socket))
  }

  /** @param target the port that is relayed to. @param port the port to listen on; 0 lets the kernel choose. */
  static async start(target: number, port = 0, host = '127.0.0.1'): Promise<Relay> {
    const relay = new Relay(target)
    await new Promise<void>((resolve, reject) => {
      relay.#server.once('error', reject)
      relay.#server.listen(port, host, resolve)
    })
    relay.#server.unref()
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** From now on nothing gets through, while connections stay open and new ones are accepted. */
  hang(): void {
    this.#hanging = true
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  /** Ends what hung, as after a partition, and relays new connections again. */
  resume(): void {
    this.#hanging = false
    this.#destroyAll()
  }

  /** What clients send on their connections waits, while what they are sent gets through; what this returns lets it through. */
  hold(): () => void {
    const held = [...this.#pairs]
    for (const [client, target] of held) client.unpipe(target).pause()
    return () => {
      for (const [client, target] of held) client.pipe(target)
    }
  }

  /** Ends all connections; new ones are relayed to these ports in turns. */
  retarget(...ports: readonly number[]): void {
    this.#targets = ports
    this.#destroyAll()
  }

  async close(): Promise<void> {
    this.#destroyAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(client: Socket): void {
    this.#track(client)
    if (this.#hanging) {
      client.pause()
      return
    }
    const [port = 0, ...others] = this.#targets
    this.#targets = [...others, port]
    const target = connect({ port, host: '127.0.0.1', allowHalfOpen: false })
    this.#track(target)
    client.pipe(target)
    target.pipe(client)
    this.#pairs.set(client, target)
    client.once('close', () => {
      this.#pairs.delete(client)
      target.destroy()
    })
    target.once('close', () => client.destroy())
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined) // 'close' follows
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
