/** Bytes both ways through a proxy: what each end sends, and how, comes from a seed; digests say whether all of it arrived. */
import { createCipheriv, createHash } from 'node:crypto'
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { Server, Socket } from 'node:net'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startupMessage } from '../../../../src/pgwire.ts'
import { AUTH_OK } from './messages.ts'
import type { FakeServer, Rig, Scene } from './scene.ts'

export interface Digest {
  readonly bytes: number
  readonly sha256: string
}

/** How one direction is sent and read. */
export interface Manner {
  readonly bytes: number
  /** Of one write. Bytes. */
  readonly largest: number
  /** One pauses for some milliseconds each time that so many bytes have passed; Infinity: never. */
  readonly writerPause: number
  readonly readerPause: number
}

export interface Plan {
  readonly seed: number
  readonly up: Manner
  readonly down: Manner
  /** The client sends before the server has answered. */
  readonly isEager: boolean
}

/** Returns numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const ZEROS = Buffer.alloc(256 * 1024)

/** A stream without an end or a period, from a seed: no bytes that are lost or change places leave the same digest. */
export class Stream {
  readonly #cipher
  readonly #hash = createHash('sha256')
  bytes = 0

  constructor(seed: string) {
    this.#cipher = createCipheriv('aes-128-ctr', createHash('md5').update(seed).digest(), ZEROS.subarray(0, 16))
  }

  next(bytes: number): Buffer {
    const chunk = this.#cipher.update(ZEROS.subarray(0, bytes))
    this.#hash.update(chunk)
    this.bytes += bytes
    return chunk
  }

  digest(): Digest {
    return { bytes: this.bytes, sha256: this.#hash.digest('hex') }
  }
}

/** Returns the digest of the beginning of a stream. */
export function digestOf(seed: string, bytes: number): Digest {
  const stream = new Stream(seed)
  while (stream.bytes < bytes) stream.next(Math.min(ZEROS.length, bytes - stream.bytes))
  return stream.digest()
}

/** Sends and ends its side when it may, unless the connection is closed before. Resolves with what it has sent. */
export async function send(
  socket: Socket,
  seed: string,
  { bytes, largest, writerPause }: Omit<Manner, 'readerPause'>,
  mayEnd: Promise<unknown> = Promise.resolve(),
): Promise<Digest> {
  const stream = new Stream(seed)
  const random = randomOf(Buffer.from(seed).readInt32BE(0) ^ bytes)
  let pauseAt = writerPause
  while (stream.bytes < bytes && socket.writable) {
    const length = Math.min(bytes - stream.bytes, 1 + Math.floor(random() ** 2 * largest))
    if (!socket.write(stream.next(length))) await drained(socket)
    if (stream.bytes < pauseAt) continue
    pauseAt = stream.bytes + writerPause
    await sleep(1 + random() * 5)
  }
  await mayEnd
  socket.end()
  return stream.digest()
}

/** Resolves when the socket takes more, or is closed. */
async function drained(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    socket.on('drain', done).on('close', done)
    if (socket.destroyed) done()
  })
}

/** What arrives at one end behind its first `head` bytes. */
export class Sink {
  readonly #hash = createHash('sha256')
  bytes = 0
  readerPause: number
  readonly head: Promise<Buffer>
  /** Resolves at the end, orderly or not. */
  readonly all: Promise<Digest>

  constructor(socket: Socket, head: number, readerPause = Infinity) {
    this.readerPause = readerPause
    const opened = Promise.withResolvers<Buffer>()
    this.head = opened.promise
    let first = Buffer.alloc(0)
    // The recording of a Wire would keep all of it.
    socket.removeAllListeners('data')
    socket.on('data', (chunk: Buffer) => {
      const missing = head - first.length
      if (missing > 0) first = Buffer.concat([first, chunk.subarray(0, missing)])
      if (first.length === head) opened.resolve(first)
      if (chunk.length > missing) this.#take(socket, chunk.subarray(missing))
    })
    this.all = new Promise((resolve) => {
      const end = (): void => {
        socket.off('end', end).off('close', end)
        resolve({ bytes: this.bytes, sha256: this.#hash.copy().digest('hex') })
      }
      socket.on('end', end).on('close', end)
    })
  }

  #take(socket: Socket, chunk: Buffer): void {
    const before = this.bytes
    this.bytes += chunk.length
    this.#hash.update(chunk)
    if (Math.floor(before / this.readerPause) === Math.floor(this.bytes / this.readerPause)) return
    socket.pause()
    setTimeout(() => socket.resume(), 1 + (this.bytes % 10))
  }
}

/** A session in which both ends send: a client and its server. */
export interface Streaming {
  readonly client: Socket
  readonly backend: Socket
  readonly sinks: { readonly up: Sink; readonly down: Sink }
  readonly sent: { readonly up: Promise<Digest>; readonly down: Promise<Digest> }
}

export function seedOf(direction: 'up' | 'down', { seed }: Plan): string {
  return `${direction} ${seed}`
}

/** What begins the server's side of a session, by its number. */
type Begun = Map<number, (socket: Socket, sink: Sink) => void>

/** Gives each session its own server's side: by the number that its startup packet has. */
export class StreamServer {
  readonly fake: FakeServer
  readonly #begun: Begun

  private constructor(fake: FakeServer, begun: Begun) {
    this.fake = fake
    this.#begun = begun
  }

  static async create(scene: Scene): Promise<StreamServer> {
    const begun: Begun = new Map()
    const fake = await scene.server(({ socket }) => {
      const sink = new Sink(socket, startupOf(0).length)
      void sink.head.then((head) => begun.get(Number(head.subarray(-8, -2).toString()))?.(socket, sink))
    })
    return new StreamServer(fake, begun)
  }

  /** Connects a client, and begins both directions. Resolves when the server has answered. */
  async session(scene: Scene, rig: Rig, n: number, plan: Plan): Promise<Streaming> {
    const { socket: client } = await scene.client(rig)
    const down = new Sink(client, AUTH_OK.length, plan.down.readerPause)
    const served = Promise.withResolvers<Omit<Streaming, 'client'>>()
    // A client that ends before the server has answered is one that leaves.
    const sendUp = (): Promise<Digest> => send(client, seedOf('up', plan), plan.up, down.head)
    this.#begun.set(n, (backend, up) => {
      up.readerPause = plan.up.readerPause
      backend.write(AUTH_OK)
      const sent = { up: sentUp, down: send(backend, seedOf('down', plan), plan.down) }
      served.resolve({ backend, sinks: { up, down }, sent })
    })
    client.write(startupOf(n))
    const sentUp = plan.isEager ? sendUp() : down.head.then(sendUp)
    return { client, ...(await served.promise) }
  }

  /** Runs sessions side by side, and asserts that each side gets what the other one sends. Resolves with the bytes. */
  async exchange(scene: Scene, rig: Rig, plans: readonly Plan[]): Promise<number> {
    let bytes = 0
    const exchange = async (plan: Plan, n: number): Promise<void> => {
      const { sent, sinks } = await this.session(scene, rig, n, plan)
      for (const direction of ['up', 'down'] as const) {
        const digest = await sent[direction]
        assert.equal(digest.bytes, plan[direction].bytes)
        assert.deepEqual(await sinks[direction].all, digest, `${direction} of ${JSON.stringify(plan)}`)
        bytes += digest.bytes
      }
    }
    await Promise.all(plans.map(exchange))
    return bytes
  }
}

/** Hides from all connections that will be accepted that Node can read them into a buffer: as if it could not (`onread`). */
export function hideOnread(): void {
  mock.method(Server.prototype, 'emit', function (this: Server, event: string, ...values: readonly unknown[]) {
    const [socket] = values
    const handle: unknown = event === 'connection' && socket instanceof Socket ? Reflect.get(socket, '_handle') : null
    if (typeof handle === 'object' && handle !== null) Reflect.set(handle, 'useUserBuffer', undefined)
    return EventEmitter.prototype.emit.call(this, event, ...values)
  })
}

/** The startup packet of session `n`; all have the same length. */
export function startupOf(n: number): Buffer {
  return startupMessage({ user: 'alice', database: String(n).padStart(6, '0') })
}

/** Returns the plan of a session: up to `bytes` each way. One side ends before the other, at any point of its stream. */
export function planOf(seed: number, bytes: number): Plan {
  const random = randomOf(seed)
  const pick = <T>(...values: readonly [T, ...T[]]): T => values[Math.floor(random() * values.length)] ?? values[0]
  const pause = Math.min(bytes / 30, 1024 * 1024)
  const manner = (): Manner => ({
    bytes: Math.round(bytes * pick(1, 1, random())),
    largest: pick(700, 10_000, 64 * 1024, 200_000),
    writerPause: pick(Infinity, Infinity, pause),
    readerPause: pick(Infinity, Infinity, pause),
  })
  return { seed, up: manner(), down: manner(), isEager: random() < 0.5 }
}
