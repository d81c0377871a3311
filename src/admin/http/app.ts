/** The routes of the HTTP server, in Fastify: the only module that loads it. */
import fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { explain, RouterError } from '../../errors.ts'
import { visibleJson } from '../../text/terminal.ts'
import type { HttpContext } from './context.ts'
import { MAX_BODY_BYTES, TOO_LARGE } from './gate.ts'
import { actRoutes } from './routes/acts.ts'
import { apiRoutes } from './routes/api.ts'
import { healthRoutes } from './routes/health.ts'
import { routed, showRoutes } from './routes/show.ts'

/** Ajv and the compiler of serializers take as much memory as all the rest: zod, which is loaded already, checks bodies. */
const WITHOUT_COMPILERS = {
  compilersFactory: { buildValidator: (): never => noSchemas(), buildSerializer: (): never => noSchemas() },
}

/** Instead of the words of the library. */
const OWN_WORDS: Readonly<Record<number, string>> = {
  413: TOO_LARGE,
  415: 'the body has to be JSON: Content-Type: application/json',
}

function noSchemas(): never {
  throw new RouterError('INTERNAL', 'a route of HTTP has a schema of Fastify')
}

/** Builds the routes. It listens nowhere: `routing` takes requests. */
export async function buildApp(context: HttpContext, log: Logger): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    schemaController: WITHOUT_COMPILERS,
    routerOptions: { maxParamLength: 255, ignoreTrailingSlash: true },
    rewriteUrl: ({ url }) => routed(url ?? '/'),
  })
  // A page of another site can send no other type than these without a question before.
  app.removeContentTypeParser('text/plain')
  app.setReplySerializer((payload) => `${visibleJson(payload)}\n`)
  app.addHook('onRequest', async (_, reply) => {
    void reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
  })
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'there is nothing here; / is a page' }))
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.code === 'ACT_REFUSED') return reply.code(409).send({ error: explain(error) })
    const status = error.statusCode ?? 500
    // What follows of its body is not read.
    if (status === 413) context.refusals.add('too-large', request.ip)
    if (status >= 400) void reply.header('connection', 'close')
    if (status < 500) return reply.code(status).send({ error: OWN_WORDS[status] ?? explain(error) })
    log.error({ event: 'fault', err: error }, `HTTP: an unexpected error, please report it: ${explain(error)}`)
    return reply.code(500).send({ error: 'an unexpected error of the router, which its log has' })
  })
  healthRoutes(app, context)
  showRoutes(app, context)
  apiRoutes(app, context)
  actRoutes(app, context)
  await app.ready()
  return app
}
