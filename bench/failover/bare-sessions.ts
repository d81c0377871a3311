import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { clock } from '../../test/support/until.ts'

/** PostgreSQL's startup packet, protocol 3.0. */
export const STARTUP = startup({ user: 'postgres', database: 'postgres' })
/** ReadyForQuery of an idle session. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
const AT_A_TIME = 50

/**
 * Idle sessions that cost next to nothing when they end: a full client takes so long over the end of each that a
 * thousand of them would measure themselves.
 */
export class BareSessions implements Disposable {
  /** When each of those that are closed was closed, in milliseconds since the epoch. */
  readonly closedAt: number[] = []
  readonly #sockets: Socket[] = []

  /** Opens `count` sessions through `port`. @throws when one cannot be opened. */
  static async open(port: number, count: number): Promise<BareSessions> {
    const sessions = new BareSessions()
    try {
      for (let done = 0; done < count; done += AT_A_TIME) {
        await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count - done) }, () => sessions.#open(port)))
      }
    } catch (error) {
      sessions[Symbol.dispose]()
      throw error
    }
    return sessions
  }

  /** Connects `count` clients through `port` that may have to wait for their session; see `open`. */
  static wait(port: number, count: number): BareSessions {
    const sessions = new BareSessions()
    // Clients that still wait at the end are closed without a session.
    for (let index = 0; index < count; index++) sessions.#open(port).catch(() => undefined)
    return sessions
  }

  get open(): number {
    return this.#sockets.length - this.closedAt.length
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async #open(port: number): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port })
    this.#sockets.push(socket)
    let received = Buffer.alloc(0)
    await new Promise<void>((resolve, reject) => {
      socket.on('connect', () => socket.write(STARTUP))
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk])
        if (received.subarray(-READY.length).equals(READY)) resolve()
      })
      socket.on('error', reject)
      socket.on('close', () => {
        this.closedAt.push(clock())
        reject(new Error(`no session: ${received.toString('latin1').slice(0, 200)}`))
      })
    })
  }
}

function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`)
  const body = Buffer.from(`\0\x03\0\0${text.join('')}\0`, 'latin1')
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([length, body])
}
