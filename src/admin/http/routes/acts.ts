/** The routes that change something: each needs a token, and is logged with its name. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { parseDuration } from '../../../config/values/units.ts'
import type { Acts } from '../../acts.ts'
import type { HttpContext } from '../context.ts'
import { closeAct, holdAct, memberAct, releaseAct } from '../schemas.ts'
import { present } from './filters.ts'
import { unavailable } from './send.ts'
import { whoIs } from './token.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of its token. */
    actor: string
  }
}

/** Adds the routes to `app`. */
export function actRoutes(app: FastifyInstance, context: HttpContext): void {
  app.decorateRequest('actor', '')
  const add = <S extends z.ZodType>(
    url: string,
    schema: S,
    act: (acts: Acts, body: z.infer<S>, request: FastifyRequest) => Promise<object>,
  ): void => {
    app.post(url, {
      // Before its body is read.
      onRequest: async (request, reply) => {
        const name = whoIs(request, reply, context)
        if (name === null) return reply
        request.actor = name
      },
      handler: async (request, reply) => {
        const { acts } = context.sources
        if (acts === null) return unavailable(reply)
        const body = schema.safeParse(request.body ?? {})
        if (!body.success) throw new InvalidBody(problemOf(body.error))
        return reply.send(await act(acts, body.data, request))
      },
    })
  }
  add('/api/v1/members/:member', memberAct, async (acts, { state, cluster = null, for: limit }, { params, actor }) => {
    const { member = '' } = params as { readonly member?: string }
    return { result: await acts.setMember({ cluster, member }, state, durationOf(limit), actor) }
  })
  add('/api/v1/hold', holdAct, async (acts, { listener = null, cluster = null, for: limit }, { actor }) => ({
    result: await acts.hold({ cluster, listener }, durationOf(limit), actor),
  }))
  add('/api/v1/release', releaseAct, async (acts, { listener = null, cluster = null }, { actor }) => ({
    result: await acts.release({ cluster, listener }, actor),
  }))
  add('/api/v1/sessions/close', closeAct, async (acts, { all, ...filter }, { actor }) => {
    const given = present(filter)
    if (Object.keys(given).length === 0 && all !== true)
      throw new InvalidBody('expects cluster, listener, member, client or id, or "all": true')
    return { closed: await acts.closeSessions(given, actor) }
  })
}

class InvalidBody extends Error {
  readonly statusCode = 400
}

function durationOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const parsed = parseDuration(text)
  if (!parsed.ok) throw new InvalidBody(`for: ${parsed.message}`)
  if (parsed.value === 0) throw new InvalidBody('for: must be longer than 0')
  return parsed.value
}

function problemOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.length === 0 ? 'body' : path.join('.')}: ${message}`).join('; ')
}
