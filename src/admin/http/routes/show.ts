/** The routes that show the router: the page, HAProxy's statistics, metrics. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { eventOf, type HistoryEvent } from '../../../events/event.ts'
import type { History } from '../../../events/history.ts'
import { STATE_WORDS } from '../../haproxy/chosen-rows.ts'
import { HAPROXY_SCOPES } from '../../haproxy/metric-names.ts'
import type { HttpContext } from '../context.ts'
import { pageParts } from '../page/page.ts'
import { CONTENT_SECURITY_POLICY } from '../page/style.ts'
import { sendParts, unavailable } from './send.ts'

/** The events that the page shows. */
const PAGE_EVENTS = 20

interface Queried {
  Querystring: Record<string, unknown>
}

/** Adds the routes to `app`. */
export function showRoutes(app: FastifyInstance, context: HttpContext): void {
  const { sources } = context
  const page = (reply: FastifyReply, isRefreshed: boolean): FastifyReply => {
    const events = sources.history === null ? [] : newestOf(sources.history)
    void reply.type('text/html; charset=utf-8').header('content-security-policy', CONTENT_SECURITY_POLICY)
    return sendParts(reply, context, pageParts(sources.status(), { isRefreshed, events }))
  }
  app.get('/', (_, reply) => page(reply, true))
  app.get('/;norefresh', (_, reply) => page(reply, false))
  app.get<Queried>('/;csv', ({ query }, reply) => {
    if (sources.statistics === null) return unavailable(reply)
    void reply.type('text/plain; charset=utf-8')
    return sendParts(reply, context, sources.statistics.csv(sources.status(), Object.keys(query)))
  })
  app.get<Queried>('/;json', ({ query }, reply) => {
    if (sources.statistics === null) return unavailable(reply)
    void reply.type('application/json; charset=utf-8')
    return sendParts(reply, context, sources.statistics.json(sources.status(), Object.keys(query)))
  })
  app.get<Queried>('/metrics', ({ query }, reply) => {
    if (sources.metrics === null) return unavailable(reply)
    const scopes = scopesOf(query)
    if (scopes === undefined) return reply.code(400).send({ error: `scope is one of *, ${SCOPES.join(', ')}` })
    void reply.type('text/plain; version=0.0.4; charset=utf-8')
    return sendParts(reply, context, sources.metrics(sources.status(), { scopes, noMaint: 'no-maint' in query }))
  })
}

/** Those of HAProxy, of which the router has none of the last two, and the router's own. */
const SCOPES: readonly string[] = ['native', ...HAPROXY_SCOPES, 'listener', 'sticktable']

/** Returns the scopes that a request for metrics names; null: all; undefined: one of them does not exist. */
export function scopesOf({ scope = [] }: Readonly<Record<string, unknown>>): readonly string[] | null | undefined {
  const named = [scope].flat().map(String)
  if (named.some((each) => each !== '*' && !SCOPES.includes(each))) return undefined
  return named.length === 0 || named.includes('*') ? null : named
}

/**
 * Returns the path of a request. HAProxy reads the words behind semicolons, whatever is before them: `/;csv`,
 * `/stats;csv;norefresh`, `/haproxy?stats;json`. Words that leave out servers become the query: `/;csv?no-maint`.
 */
export function routed(url: string): string {
  const words = /^[^;]*((?:;[a-z-]+)+)$/.exec(url)?.[1]?.split(';') ?? []
  const found = ['csv', 'json', 'norefresh'].find((word) => words.includes(word))
  if (found !== undefined) return [`/;${found}`, ...queryOf(words)].join('?')
  return /^\/(?:haproxy)?(?:stats|\?stats)$/.test(url) ? '/' : url
}

function queryOf(words: readonly string[]): readonly string[] {
  const states = STATE_WORDS.filter((word) => words.includes(word))
  return states.length === 0 ? [] : [states.join('&')]
}

/** Returns the newest events of this run, the newest last. */
function newestOf(history: History): readonly HistoryEvent[] {
  return history
    .after(Math.max(0, history.newest - PAGE_EVENTS), PAGE_EVENTS)
    .events.flatMap((kept) => eventOf(kept) ?? [])
}
