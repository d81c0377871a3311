/** Answers of which there are several kinds: in parts, and that there is no such thing. */
import type { FastifyReply } from 'fastify'
import type { HttpContext } from '../context.ts'
import { takerOf } from './token.ts'

/** Sends parts one after the other, each when the client has taken the one before; or 503 where too many do that. */
export function sendParts(
  reply: FastifyReply,
  { slices, refusals }: HttpContext,
  parts: Iterable<string> | AsyncIterable<string>,
): FastifyReply {
  const answer = slices.answer(parts, takerOf(reply.request))
  if (answer !== null) return reply.send(answer)
  refusals.add('busy', reply.request.ip)
  return reply
    .code(503)
    .header('retry-after', '1')
    .type('application/json; charset=utf-8')
    .send({ error: 'too many large answers at a time' })
}

/** Answers where this router has no such thing. */
export function unavailable(reply: FastifyReply): FastifyReply {
  return reply.code(501).send({ error: 'this router has none' })
}
