/** The routes of the API that show: the cluster, templates, sessions and events. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { eventJson } from '../../../events/event.ts'
import { eventsAfter } from '../../../events/follow.ts'
import type { History } from '../../../events/history.ts'
import { isSelected } from '../../../events/narration.ts'
import { parseSince } from '../../../events/since.ts'
import { visibleJson } from '../../../text/terminal.ts'
import { statusJson } from '../../status/json.ts'
import { sessionJson } from '../../status/session-json.ts'
import type { RouterStatus } from '../../status.ts'
import type { HttpContext } from '../context.ts'
import { withoutClient } from '../event-frames.ts'
import { streamEvents } from '../event-stream.ts'
import { type SessionList, sessionQuery } from '../schemas.ts'
import { present } from './filters.ts'
import { sendParts, unavailable } from './send.ts'
import { maySeeClients, takerOf, whoIs } from './token.ts'

const MAX_SESSIONS = 1000

type Query = { readonly Querystring: Record<string, unknown> }

/** Adds the routes to `app`. */
export function apiRoutes(app: FastifyInstance, context: HttpContext): void {
  const { sources } = context
  app.get('/api/v1/cluster', (_, reply) => sendParts(asJson(reply), context, statusParts(sources.status())))
  app.get('/api/v1/templates', (_, reply) =>
    reply.send({ templates: statusJson({ ...sources.status(), clusters: [] }).templates }),
  )
  app.get<Query>('/api/v1/sessions', async (request, reply) => {
    if (!maySeeClients(request, context) && whoIs(request, reply, context) === null) return reply
    const { acts } = sources
    if (acts === null) return unavailable(reply)
    const filter = sessionQuery.safeParse(request.query)
    if (!filter.success) return reply.code(400).send({ error: `expects ${Object.keys(sessionQuery.shape).join(', ')}` })
    const found = await acts.sessions(present(filter.data), MAX_SESSIONS)
    return reply.send({ total: found.total, sessions: found.sessions.map(sessionJson) } satisfies SessionList)
  })
  app.get<Query>('/api/v1/events', (request, reply) => {
    const { history } = sources
    const selection = selectionOf(request.query)
    if (typeof selection === 'string') return reply.code(400).send({ error: selection })
    if (history === null) return unavailable(reply)
    return sendParts(asJson(reply), context, eventParts(history, selection, maySeeClients(request, context)))
  })
  // An answer without a body would not end.
  const only = { exposeHeadRoute: false }
  app.get<Query>('/api/v1/events/stream', only, (request, reply) => stream(request, reply, context))
}

async function stream(
  request: FastifyRequest<Query>,
  reply: FastifyReply,
  context: HttpContext,
): Promise<FastifyReply> {
  const { sources, readers, readerPlaces, refusals, frames, closing, pace } = context
  const { history } = sources
  const last = request.headers['last-event-id']
  const selection = selectionOf(typeof last === 'string' ? { ...request.query, after: last } : request.query)
  if (typeof selection === 'string') return reply.code(400).send({ error: selection })
  if (history === null) return unavailable(reply)
  const giveBack = readerPlaces.take(takerOf(request))
  if (giveBack === null) {
    refusals.add('busy', request.ip)
    return reply.code(503).header('retry-after', '5').send({ error: 'too many readers of events' })
  }
  const { raw } = reply.hijack()
  const { socket } = request.raw
  socket.setTimeout(0)
  readers.add(raw)
  try {
    raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' })
    const after = selection.after ?? history.newest
    const options = { history, frames, after, cluster: selection.cluster, signal: closing, pace }
    const hasRead = await streamEvents(raw, { ...options, version: sources.status().version })
    if (hasRead) raw.end()
    else {
      refusals.add('slow-reader', request.ip)
      socket.destroy()
    }
  } finally {
    readers.delete(raw)
    giveBack()
  }
  return reply
}

interface EventSelection {
  readonly since: number | null
  readonly cluster: string | null
  /** Only what is behind this number; null: it is not given. */
  readonly after: number | null
}

/** Returns which events are requested; a text: what is wrong. */
function selectionOf(query: Readonly<Record<string, unknown>>): EventSelection | string {
  const { since = null, cluster = null, after = null } = query
  const from = typeof since === 'string' ? parseSince(since, Date.now()) : null
  if (from?.ok === false) return `since: ${from.message}`
  if (after !== null && !(typeof after === 'string' && /^\d{1,16}$/.test(after))) return 'after: expects a number'
  return {
    since: from?.value ?? null,
    cluster: typeof cluster === 'string' ? cluster : null,
    after: after === null ? null : Number(after),
  }
}

async function* eventParts(
  history: History,
  { since, cluster, after }: EventSelection,
  hasClients: boolean,
): AsyncGenerator<string> {
  let separator = '{"events":['
  for await (const events of eventsAfter(history, after ?? 0)) {
    const own = events.filter((event) => isSelected(event, { since, cluster }))
    if (own.length === 0) continue
    yield separator + own.map((event) => eventJson(hasClients ? event : withoutClient(event))).join(',\n')
    separator = ',\n'
  }
  yield separator === ',\n' ? ']}\n' : `${separator}]}\n`
}

/** Yields the status as JSON, a cluster at a time. */
function* statusParts(status: RouterStatus): Generator<string> {
  const rest = { ...statusJson({ ...status, clusters: [] }), clusters: undefined }
  yield '{"clusters":['
  for (const [at, cluster] of status.clusters.entries()) {
    const one = statusJson({ ...status, clusters: [cluster], templates: null, track: [], configuration: null })
    yield (at === 0 ? '' : ',\n') + visibleJson(one.clusters[0])
  }
  yield `],${visibleJson(rest).slice(1)}\n`
}

function asJson(reply: FastifyReply): FastifyReply {
  return reply.type('application/json; charset=utf-8')
}
