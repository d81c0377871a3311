/** A server of HTTP under test, and clients of it that send what they like. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import type { Acts } from '../../../src/admin/acts.ts'
import type { ConnectionLimits } from '../../../src/admin/http/connections.ts'
import type { HttpSources } from '../../../src/admin/http/context.ts'
import type { StreamPace } from '../../../src/admin/http/event-stream.ts'
import { HttpServer } from '../../../src/admin/http/server.ts'
import { Tokens } from '../../../src/admin/http/tokens.ts'
import { RouterError } from '../../../src/errors.ts'
import { History } from '../../../src/events/history.ts'
import type { SessionStatus } from '../../../src/proxy/status.ts'
import { NOW, sampleStatus } from '../../unit/admin/sample.ts'

export const TOKEN = '0123456789abcdef-ops'

export const SESSION: SessionStatus = {
  ...{ id: '0x1f', cluster: 'demo', listener: 'primary', route: 'primary', member: 'pg1', server: '10.0.0.1:5432' },
  ...{ client: '10.0.0.9:50123', since: NOW - 1000, bytesIn: 10, bytesOut: 20 },
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Acts that do nothing but note what they were called with. */
export function notedActs(calls: unknown[]): Acts {
  const noted = <T>(name: string, result: T): ((...args: unknown[]) => Promise<T>) => {
    return (...args) => {
      calls.push([name, ...args])
      return Promise.resolve(result)
    }
  }
  return {
    setMember: (where, state, forMs, by) => {
      calls.push(['member', where, state, forMs, by])
      if (where.member !== 'pg9') return Promise.resolve(`${where.member}: ${state}`)
      return Promise.reject(new RouterError('ACT_REFUSED', 'there is no member pg9: pg1, pg2, pg3'))
    },
    hold: noted('hold', 'held'),
    release: noted('release', 'released'),
    sessions: (filter, max) => {
      calls.push(['sessions', filter, max])
      if (filter.member !== 'pg9') return Promise.resolve({ sessions: [SESSION], total: 1 })
      return Promise.reject(new RouterError('ACT_REFUSED', 'there is no member pg9: pg1, pg2, pg3'))
    },
    closeSessions: noted('close', 3),
    limitListener: noted('limit', 'limited'),
  }
}

export class TestServer implements AsyncDisposable {
  readonly history = new History()
  readonly log: Record<string, unknown>[] = []
  readonly calls: unknown[] = []
  readonly server: HttpServer
  readonly #sockets: Socket[] = []
  #port = 0

  private constructor(limits: Partial<ConnectionLimits>, sources: Partial<HttpSources>, pace: Partial<StreamPace>) {
    const log = pino({}, { write: (line: string) => void this.log.push(JSON.parse(line) as Record<string, unknown>) })
    const usual: HttpSources = {
      ...{ status: () => sampleStatus(), acts: notedActs(this.calls), history: this.history },
      ...{ metrics: null, statistics: null },
    }
    this.server = new HttpServer({ log, limits, pace, sources: { ...usual, ...sources } })
  }

  static async start(
    limits: Partial<ConnectionLimits> = {},
    sources: Partial<HttpSources> = {},
    pace: Partial<StreamPace> = {},
  ): Promise<TestServer> {
    const own = new TestServer(limits, sources, pace)
    await own.server.prepare()
    own.server.admit(Tokens.parse(`ops:${TOKEN}\n`), { hosts: ['router.example.com'], binds: [] })
    const address = own.server.address({ kind: 'tcp', host: '127.0.0.1', port: 0 }, null)
    await address.start()
    own.server.use([address])
    own.#port = Number(/\d+$/.exec(address.text)?.[0])
    return own
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`
  }

  get refusals(): Readonly<Record<string, number>> {
    const all = Object.entries(this.server.status(null).refusals)
    return Object.fromEntries(all.filter(([, count]) => count > 0))
  }

  /** The refusals in the log: reason and how many. */
  get logged(): readonly (readonly [unknown, unknown])[] {
    return this.log.flatMap(({ event, reason, requests }) => (event === 'http-refused' ? [[reason, requests]] : []))
  }

  /** A connection that is closed at the end of the test. */
  async connect(): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1')
    this.#sockets.push(socket)
    socket.on('error', () => undefined) // What there is to see of it is how it ends.
    await once(socket, 'connect')
    return socket
  }

  /** Sends a request as it is, and returns all that comes until the server closes. */
  async raw(text: string): Promise<string> {
    const socket = await this.connect()
    socket.write(text)
    return received(socket)
  }

  /** Sends a request with a Host and whatever else; `body` is JSON. */
  async send(
    line: string,
    { headers = {}, body }: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown } = {},
  ): Promise<Answer> {
    const text = body === undefined ? '' : JSON.stringify(body)
    const typed =
      body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(text.length) }
    const all = { Host: this.host, Connection: 'close', ...typed, ...headers }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    return parsed(await this.raw(`${line} HTTP/1.1\r\n${lines.join('')}\r\n${text}`))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await this.server.close()
  }
}

/** Returns all that comes until a connection is closed. */
export async function received(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (data) => (text += data.toString()))
  // An error comes before it, and is no matter of the test.
  await new Promise((resolve) => socket.once('close', resolve))
  return text
}

/** Takes an answer apart; one in chunks is put together. */
export function parsed(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 2)] as const),
  )
  const body = rest.join('\r\n\r\n')
  const isChunked = headers['transfer-encoding'] === 'chunked'
  return { status: Number(/ (\d{3}) /.exec(line)?.[1]), headers, body: isChunked ? unchunked(body) : body }
}

function unchunked(body: string): string {
  const bytes = Buffer.from(body)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at)
    const size = parseInt(bytes.toString('latin1', at, end), 16)
    if (!(size > 0)) break
    chunks.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return Buffer.concat(chunks).toString()
}
