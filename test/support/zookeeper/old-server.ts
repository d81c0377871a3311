import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { JuteWriter } from '../../../src/watcher/dcs/zookeeper-common/jute.ts'

const ADD_WATCH = 106
const MARSHALLINGERROR = -5
const UNIMPLEMENTED = -6

/**
 * Stands before a ZooKeeper and makes it one without addWatch. Those from before 3.6 answer UNIMPLEMENTED and close the connection
 * (UnimplementedRequestProcessor); a newer one with WatchManagerOptimized answers MARSHALLINGERROR and leaves it open.
 */
export class OldServer implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** How often it was asked for addWatch. */
  refused = 0

  private constructor(target: number, isNew: boolean) {
    this.#server = createServer((client) => {
      const server = connect({ port: target, host: '127.0.0.1' })
      for (const socket of [client, server]) {
        this.#sockets.add(socket)
        socket.on('error', () => undefined)
        socket.once('close', () => {
          this.#sockets.delete(socket)
          client.destroy()
          server.destroy()
        })
      }
      server.pipe(client)
      let bytes = Buffer.alloc(0)
      client.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk])
        for (let length = packetOf(bytes); length !== null; length = packetOf(bytes)) {
          const packet = bytes.subarray(0, length)
          bytes = bytes.subarray(length)
          if (length >= 12 && packet.readInt32BE(8) === ADD_WATCH) {
            this.refused++
            const reason = isNew ? MARSHALLINGERROR : UNIMPLEMENTED
            client.write(new JuteWriter().int(packet.readInt32BE(4)).long(1n).int(reason).packet())
            if (isNew) continue
            client.end()
            return
          }
          server.write(packet)
        }
      })
    })
  }

  /** `target`: the port of the ZooKeeper; `isNew`: it is one with WatchManagerOptimized. */
  static async start(target: number, isNew = false): Promise<OldServer> {
    const old = new OldServer(target, isNew)
    await new Promise<void>((resolve) => old.#server.listen(0, '127.0.0.1', resolve))
    return old
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** The length of the first packet with its head, if it is complete. */
function packetOf(bytes: Buffer): number | null {
  if (bytes.length < 4) return null
  const length = 4 + bytes.readInt32BE()
  return bytes.length < length ? null : length
}
