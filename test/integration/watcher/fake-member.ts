import { createServer as createHttpServer, type Server as HttpServer, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export const SYSTEM_ID = '7268616322854375442'

/** Bytes after which it hangs up, or whatever it does with the connection. */
export type Instead = string | Buffer | ((socket: Socket) => void)

type Mode = 'primary' | 'promoting' | 'replica' | 'hung' | 'stopping'

/** A member of a cluster as the router sees it: a REST API that answers as Patroni's does, and a port of Postgres. */
export class FakeMember implements AsyncDisposable {
  name: string
  mode: Mode
  timeline = 1
  /** Of its WAL: how far it has written as the primary, or replayed as a replica. */
  position = 100
  /** How long an answer takes. Milliseconds. */
  delayMs = 0
  readonly asked: string[] = []
  /** What it tells in `GET /cluster`; null: it breaks off, as Patroni does when its DCS is away. */
  cluster: object | null = null
  /** All the bytes that it sends instead of an answer of Patroni, or what does so; null: it answers as Patroni does. */
  instead: Instead | null = null
  /** What is asked where it does so, and how often. */
  insteadOf = /./
  insteadTimes = Infinity
  scope = 'demo'
  /** null: it has no database yet. */
  systemId: string | null = SYSTEM_ID
  #rest: HttpServer | null = null
  #postgres: Server | null = null
  readonly #sockets = new Set<Socket>()

  constructor(name: string, mode: Mode) {
    this.name = name
    this.mode = mode
  }

  /** `port`: of its REST API. */
  static async start(
    name: string,
    mode: Mode,
    { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
  ): Promise<FakeMember> {
    const member = new FakeMember(name, mode)
    const rest = createHttpServer((request, response) => member.#answer(request.url ?? '', response))
    const postgres = createServer((socket) => socket.once('data', () => socket.end('R\0\0\0\x17\0\0\0\x0a')))
    for (const server of [rest, postgres]) {
      server.on('connection', (socket: Socket) => {
        member.#sockets.add(socket)
        socket.on('error', () => undefined) // 'close' follows
        socket.on('close', () => member.#sockets.delete(socket))
      })
      await new Promise<void>((resolve) => server.listen(server === rest ? port : 0, host, resolve))
    }
    member.#rest = rest
    member.#postgres = postgres
    return member
  }

  get port(): number {
    return (this.#postgres?.address() as AddressInfo).port
  }

  /** Of its REST API. */
  get url(): string {
    return `http://127.0.0.1:${(this.#rest?.address() as AddressInfo).port}`
  }

  /** Somebody is connected to its REST API or its Postgres. */
  get isConnected(): boolean {
    return this.#sockets.size > 0
  }

  /** What others tell of it in `GET /cluster`. */
  entry(role: string, changes: object = {}): object {
    const { name, url, port, timeline } = this
    return { name, role, state: 'running', api_url: `${url}/patroni`, host: '127.0.0.1', port, timeline, ...changes }
  }

  /** The value of its key. */
  key(changes: object = {}): string {
    const api_url = `${this.url}/patroni`
    const conn_url = `postgres://127.0.0.1:${this.port}/postgres`
    return JSON.stringify({
      conn_url,
      api_url,
      state: 'running',
      role: 'replica',
      version: '4.1.4',
      timeline: 1,
      ...changes,
    })
  }

  /** Its Postgres refuses from now on. */
  async refuse(): Promise<void> {
    await new Promise((resolve) => this.#postgres?.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([this.#rest, this.#postgres].map((server) => new Promise((resolve) => server?.close(resolve))))
  }

  #answer(path: string, response: ServerResponse): void {
    this.asked.push(path)
    const { mode, timeline, position, name, scope } = this
    if (mode === 'hung') return
    if (this.instead !== null && response.socket !== null && this.insteadTimes > 0 && this.insteadOf.test(path)) {
      this.insteadTimes--
      if (typeof this.instead === 'function') this.instead(response.socket)
      else response.socket.end(this.instead)
      return
    }
    if (path === '/cluster' && this.cluster === null) {
      response.destroy()
      return
    }
    const holdsLock = mode !== 'replica'
    const isPrimary = mode === 'primary' || mode === 'stopping'
    const isAbout = path === '/patroni' || path === '/cluster'
    const status = isAbout || (path === '/primary' ? holdsLock : !isPrimary)
    const body = {
      state: mode === 'stopping' ? 'stopping' : 'running',
      role: isPrimary ? 'primary' : 'replica',
      timeline,
      xlog: isPrimary ? { location: position } : { replayed_location: position },
      ...(this.systemId === null ? {} : { database_system_identifier: this.systemId }),
      patroni: { version: '4.1.4', scope, name },
    }
    setTimeout(() => {
      response.statusCode = status ? 200 : 503
      response.end(JSON.stringify(path === '/cluster' ? this.cluster : body))
    }, this.delayMs)
  }
}
