import { Buffer } from 'node:buffer'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { Refusal, type FakeAgent } from './agent.ts'
import { uuid, type Answer, type Call } from './call.ts'
import * as endpoints from './endpoints.ts'
import { keys } from './kv.ts'

type Handler = (agent: FakeAgent, call: Call) => Answer | Promise<Answer>

/** Each endpoint with its methods; a path that ends with a slash stands for all below it. */
const ENDPOINTS: readonly (readonly [string, readonly string[], Handler])[] = [
  ['/v1/kv/', ['GET', 'PUT', 'DELETE'], keys],
  ['/v1/session/create', ['PUT'], endpoints.createSession],
  ['/v1/session/destroy/', ['PUT'], endpoints.destroySession],
  ['/v1/session/renew/', ['PUT'], endpoints.renewSession],
  ['/v1/session/info/', ['GET'], (agent, call) => endpoints.sessions(agent, call, ({ ID }) => ID === uuid(call.rest))],
  ['/v1/session/list', ['GET'], (agent, call) => endpoints.sessions(agent, call, () => true)],
  ['/v1/acl/policy', ['PUT'], endpoints.addPolicy],
  ['/v1/acl/token', ['PUT'], endpoints.addToken],
  ['/v1/agent/self', ['GET'], endpoints.self],
  ['/v1/agent/services', ['GET'], (agent) => ({ json: Object.fromEntries(agent.services) })],
  ['/v1/agent/service/register', ['PUT'], endpoints.registerService],
  ['/v1/agent/service/deregister/', ['PUT'], endpoints.deregisterService],
  ['/v1/snapshot', ['GET', 'PUT'], endpoints.snapshot],
  ['/v1/status/leader', ['GET'], (agent) => ({ json: agent.leads ? `127.0.0.1:${agent.settings.port}` : '' })],
  // For the tests: no cluster leader from now on, or one again; the deletion of tombstones, which takes Consul 15 minutes.
  ['/fake/leader', ['PUT', 'DELETE'], control((agent, { method }) => agent.setLeader(method === 'PUT'))],
  ['/fake/tombstones', ['DELETE'], control((agent) => agent.store.reapTombstones())],
]

/** Consul's HTTP API, as far as Patroni, the router and the tests use it. */
export function httpApi(agent: FakeAgent): RequestListener {
  return (request, response) => {
    void answer(agent, request, response)
  }
}

async function answer(agent: FakeAgent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    const chunks = (await request.toArray()) as Buffer[]
    const { pathname, searchParams: params } = new URL(request.url ?? '/', 'http://consul')
    const path = decodeURIComponent(pathname)
    const { method = 'GET' } = request
    const [pattern = '', methods = [], handler] =
      ENDPOINTS.find(([known]) => (known.endsWith('/') ? path.startsWith(known) : path === known)) ?? []
    if (handler === undefined) throw new Refusal(404, '')
    if (!methods.includes(method)) {
      response.setHeader('Allow', ['OPTIONS', ...methods].join(','))
      throw new Refusal(405, `method ${method} not allowed`)
    }
    const token = params.get('token') ?? request.headers['x-consul-token'] ?? bearer(request)
    const call = { method, rest: path.slice(pattern.length), params, body: Buffer.concat(chunks), token: String(token) }
    send(request, response, await handler(agent, { ...call, signal: gone.signal }))
  } catch (error) {
    const status = error instanceof Refusal ? error.status : 500
    const text = error instanceof Error ? error.message : String(error)
    const headers: Record<string, string> = text === '' ? {} : { 'Content-Type': 'text/plain; charset=utf-8' }
    send(request, response, { status, headers, bytes: Buffer.from(text) })
  }
}

function bearer({ headers }: IncomingMessage): string {
  return /^bearer\s+(\S+)/i.exec(headers.authorization ?? '')?.[1] ?? ''
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status = 200, headers, json, bytes }: Answer,
): void {
  const plain = bytes ?? Buffer.from(json === undefined ? '' : JSON.stringify(json))
  const zip = plain.length > 0 && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  const payload = zip ? gzipSync(plain) : plain
  response.writeHead(status, {
    ...{ Vary: 'Accept-Encoding', ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...{ 'Content-Length': payload.length, ...(zip ? { 'Content-Encoding': 'gzip' } : {}) },
  })
  response.end(payload)
}

function control(act: (agent: FakeAgent, call: Call) => void): Handler {
  return (agent, call) => {
    act(agent, call)
    return {}
  }
}
