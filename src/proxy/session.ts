/** A client and its server, joined: bytes both ways, with back-pressure and half-close. */
import type { Socket } from 'node:net'
import { ClientGoneWatch, type ReadAhead } from './client-gone.ts'

export type OwnEnd = 'client-timeout' | 'server-timeout' | 'client-gone'

export interface SessionOptions {
  readonly client: Socket
  readonly server: Socket
  /** Without a byte from or to the one or the other for this long, the session ends; 0: never. Milliseconds. */
  readonly clientTimeoutMs: number
  readonly serverTimeoutMs: number
  /** Called before the session is ended, where it is for a reason of its own. */
  readonly ending: (reason: OwnEnd) => void
  readonly readAhead: ReadAhead
}

/** Joins the sockets; both are owned from here on. `ended` resolves when both are closed. */
export class Session {
  readonly #client: Socket
  readonly #server: Socket
  readonly ended: Promise<void>

  constructor({ client, server, clientTimeoutMs, serverTimeoutMs, ending, readAhead }: SessionOptions) {
    this.#client = client
    this.#server = server
    this.ended = Promise.all([closed(client), closed(server)]).then(() => undefined)
    const end = (reason: OwnEnd) => (): void => {
      if (!client.destroyed || !server.destroyed) ending(reason)
      this.destroy()
    }
    client.setTimeout(clientTimeoutMs, end('client-timeout'))
    server.setTimeout(serverTimeoutMs, end('server-timeout'))
    const gone = (reason: OwnEnd): void => end(reason)()
    const watch = new ClientGoneWatch({ client, server, clientTimeoutMs, readAhead, gone })
    copy(client, server, {
      blocked: (bytes) => watch.blocked(bytes),
      drained: () => watch.flowing(),
      over: () => watch.ended(),
    })
    copy(server, client, { blocked: () => server.pause(), drained: () => server.resume(), over: () => undefined })
    void this.ended.then(() => watch.close())
    // A side that broke before it was listened to.
    if (client.destroyed || server.destroyed) this.destroy()
  }

  /** Closes the client's side at once: from then on it gets nothing more from the server. `destroy` has to follow. */
  cutOff(): void {
    this.#client.destroy()
  }

  /** Closes both sides at once; unsent bytes are dropped. */
  destroy(): void {
    this.#client.destroy()
    this.#server.destroy()
  }
}

/** The events of one direction. */
interface Flow {
  /** The other side has not taken the last `bytes` yet: no more may be read. */
  readonly blocked: (bytes: number) => void
  readonly drained: () => void
  /** There is nothing more to come. */
  readonly over: () => void
}

/** Copies one direction. The end of `from` becomes the end of `to`; a side that closes altogether takes the other with it. */
function copy(from: Socket, to: Socket, flow: Flow): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) flow.blocked(chunk.length)
  })
  to.on('drain', flow.drained)
  from.once('end', () => {
    to.end()
    flow.over()
  })
  // 'close' follows, and does what there is to do.
  from.on('error', () => undefined)
  // However it went: what was read of it is still on its way to the other side.
  from.once('close', () => {
    to.destroySoon()
    if (!to.destroyed) flow.over()
  })
  from.resume()
}

async function closed(socket: Socket): Promise<void> {
  if (socket.closed) return
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}
