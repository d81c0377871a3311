import type { AddressInfo, Server, Socket } from 'node:net'

/** A server, of whatever protocol, with what it has accepted. */
export class Api implements AsyncDisposable {
  readonly sockets = new Set<Socket>()
  accepted = 0
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.accepted++
      this.sockets.add(socket)
      socket.on('error', () => undefined) // 'close' follows
      socket.on('close', () => this.sockets.delete(socket))
    })
  }

  static async start(server: Server, host = '127.0.0.1'): Promise<Api> {
    const api = new Api(server)
    await new Promise<void>((resolve) => server.listen(0, host, resolve))
    return api
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
