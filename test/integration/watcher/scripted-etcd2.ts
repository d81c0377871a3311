import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Node2 = { readonly value: string; readonly modified: number; readonly created?: number }

/** An etcd over API v2 that does what real ones do only in rare moments. Its state is plain data that the test changes. */
export class ScriptedEtcd2 implements AsyncDisposable {
  clusterId = 'c1'
  index = 10
  term = 2
  /** Events up to there are no longer kept. */
  cleared = 0
  /** By full name. */
  keys: Readonly<Record<string, Node2>> = {}
  machines: readonly string[] = []
  /** Kinds of requests that get no answer. */
  readonly mute = new Set<'list' | 'read' | 'watch' | 'machines'>()
  /** Answers the next requests for keys instead of it, each one of them. */
  readonly answers: ((response: ServerResponse) => void)[] = []
  /** The watches, from where, and where it was then. */
  readonly watches: { readonly response: ServerResponse; readonly from: number; readonly index: number }[] = []
  /** Requests for lists; without `quorum` it is but one level. */
  lists = 0
  looks = 0
  machineLists = 0
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  static async start(): Promise<ScriptedEtcd2> {
    const etcd = new ScriptedEtcd2()
    await new Promise<void>((resolve) => etcd.#server.listen(0, '127.0.0.1', resolve))
    return etcd
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Sends an event on the newest watch. */
  tell(key: string, { value, modified, created = modified }: Node2): void {
    this.index = Math.max(this.index, modified)
    this.newest.end(eventOf(key, { value, modified, created }))
  }

  /** The answer that the newest watch waits for. */
  get newest(): ServerResponse {
    const watch = this.watches.at(-1)
    if (watch === undefined) throw new Error('no watch yet')
    return watch.response
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(url, 'http://etcd')
    if (pathname === '/v2/machines') {
      this.machineLists++
      if (!this.mute.has('machines')) response.end(this.machines.join(', '))
      return
    }
    const key = decodeURIComponent(pathname.slice('/v2/keys'.length)).replace(/\/$/, '')
    if (searchParams.get('wait') === 'true') {
      this.#watch(Number(searchParams.get('waitIndex')), response)
      return
    }
    if (searchParams.get('quorum') === 'true') this.lists++
    else this.looks++
    if (this.mute.has(this.watches.length === 0 ? 'list' : 'read')) return
    const instead = this.answers.shift()
    if (instead === undefined) this.#list(key, response)
    else instead(response)
  }

  #list(key: string, response: ServerResponse): void {
    const below = Object.entries(this.keys).filter(([name]) => name.startsWith(`${key}/`))
    if (below.length === 0) this.#refuse(404, 100, 'Key not found', key, response)
    else {
      const nodes = below.map(([name, node]) => nodeOf(name, node))
      this.#begin(200, response).end(JSON.stringify({ action: 'get', node: { key, dir: true, nodes } }))
    }
  }

  #watch(from: number, response: ServerResponse): void {
    this.watches.push({ response, from, index: this.index })
    if (this.mute.has('watch')) return
    if (from <= this.cleared)
      this.#refuse(400, 401, 'The event in requested index is outdated and cleared', '', response)
    else this.#begin(200, response).flushHeaders()
  }

  #refuse(status: number, errorCode: number, message: string, cause: string, response: ServerResponse): void {
    this.#begin(status, response).end(JSON.stringify({ errorCode, message, cause, index: this.index }))
  }

  #begin(status: number, response: ServerResponse): ServerResponse {
    const { index, term, clusterId } = this
    const ids = { 'x-etcd-cluster-id': clusterId, 'x-etcd-index': String(index), 'x-raft-term': String(term) }
    return response.writeHead(status, { 'content-type': 'application/json', ...ids })
  }
}

/** Returns the body of an event. */
export function eventOf(key: string, node: Node2): string {
  return `${JSON.stringify({ action: 'set', node: nodeOf(key, node) })}\n`
}

function nodeOf(key: string, { value, modified, created = modified }: Node2): object {
  return { key, value, modifiedIndex: modified, createdIndex: created }
}
