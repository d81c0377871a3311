/** The routes of health checks: 200 or 503 to GET, HEAD and OPTIONS, as Patroni's REST API answers. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { RouterStatus } from '../../status.ts'
import { CHECK_PATHS, healthOf, parseWanted } from '../health.ts'
import type { HealthJson } from '../schemas.ts'
import type { HttpContext } from '../context.ts'

/** Checks of the process itself. */
const PROCESS_CHECKS: Readonly<Record<string, (status: RouterStatus) => boolean>> = {
  ...{ live: () => true, liveness: () => true, healthz: () => true },
  ...{ ready: ({ stopping }) => !stopping, readiness: ({ stopping }) => !stopping },
}

const METHODS = ['GET', 'HEAD', 'OPTIONS']

/** Adds the routes to `app`. */
export function healthRoutes(app: FastifyInstance, { sources }: HttpContext): void {
  for (const [path, isOk] of Object.entries(PROCESS_CHECKS))
    app.route({
      ...{ method: METHODS, url: `/${path}`, exposeHeadRoute: false },
      handler: (_, reply) => answer(reply, { ok: isOk(sources.status()), check: path, clusters: [] }),
    })
  for (const [path, check] of Object.entries(CHECK_PATHS))
    for (const url of [`/${path}`, `/:cluster/${path}`])
      app.route<{ Params: { cluster?: string }; Querystring: Record<string, unknown> }>({
        ...{ method: METHODS, url, exposeHeadRoute: false },
        handler: ({ params, query }, reply) => {
          const wanted = parseWanted(query)
          if (typeof wanted === 'string') return reply.code(400).send({ error: wanted })
          const status = sources.status()
          const clusters = healthOf(check, of(status, params.cluster), wanted)
          if (params.cluster !== undefined && clusters.length === 0)
            return reply.code(404).send({ error: `there is no cluster ${JSON.stringify(params.cluster)}` })
          const isThere = clusters.length > 0 || check === 'health'
          const ok = isThere && !status.stopping && clusters.every((each) => each.ok)
          return answer(reply, {
            ok,
            check,
            clusters: clusters.map((each) => ({ ...each, members: [...each.members] })),
          })
        },
      })
}

/** Returns the status of one cluster only; of all without a name. */
function of(status: RouterStatus, name: string | undefined): RouterStatus {
  if (name === undefined) return status
  return { ...status, clusters: status.clusters.filter(({ view }) => view.name === name) }
}

function answer(reply: FastifyReply, health: HealthJson): FastifyReply {
  return reply.code(health.ok ? 200 : 503).send(health)
}
