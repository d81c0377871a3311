/** The origin of a request: its token, or this host. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isLoopback } from '../access.ts'
import type { HttpContext } from '../context.ts'
import type { Taker } from '../places.ts'
import { bearerOf } from '../tokens.ts'

/** Returns the name of the token; null: it has none that counts, and has been answered. */
export function whoIs(request: FastifyRequest, reply: FastifyReply, context: HttpContext): string | null {
  const { token, name } = tokenOf(request, context)
  if (name !== null) return name
  const { refusals } = context
  refusals.add(token === null ? 'no-token' : 'wrong-token', request.ip)
  const error = token === null ? 'needs a token: Authorization: Bearer TOKEN' : 'the token is unknown'
  // What else it sends is not waited for.
  void reply.code(401).header('www-authenticate', 'Bearer realm="patroni-router"').header('connection', 'close')
  void reply.send({ error })
  return null
}

/** Returns whether a request may have addresses of clients: it comes from this host, or has a token. */
export function maySeeClients(request: FastifyRequest, context: HttpContext): boolean {
  return isLocal(request) || tokenOf(request, context).name !== null
}

function tokenOf(
  { headers }: FastifyRequest,
  { access }: HttpContext,
): { readonly token: string | null; readonly name: string | null } {
  const token = bearerOf(headers.authorization)
  return { token, name: token === null ? null : access().tokens.nameOf(token) }
}

/** One of these is there where a request comes through a proxy. */
const PROXY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']

/** Returns whether a request comes from this host, and not through a proxy on it. */
function isLocal({ ip, headers }: FastifyRequest): boolean {
  return isLoopback(ip) && PROXY_HEADERS.every((name) => headers[name] === undefined)
}

/** Returns the client that the place of an answer counts for. */
export function takerOf(request: FastifyRequest): Taker {
  return { address: request.ip, isLocal: isLocal(request) }
}
