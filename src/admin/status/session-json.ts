/** Sessions for scripts (schema-session.ts). Pure. */
import type { SessionStatus } from '../../proxy/status.ts'
import type { SessionJson, SessionsJson } from './schema-session.ts'

/** Returns one session, as `sessions json` and the API of HTTP show it. */
export function sessionJson(session: SessionStatus): SessionJson {
  const { id, cluster, listener, route, member, server, client, since, bytesIn, bytesOut } = session
  return {
    ...{ id, cluster, listener, route, member, server, client },
    since: new Date(since).toISOString(),
    ...{ bytesIn, bytesOut },
  }
}

/** Returns the answer to `sessions json`. `now`: milliseconds since the epoch. */
export function sessionsJson(
  { sessions, total }: { readonly sessions: readonly SessionStatus[]; readonly total: number },
  now: number,
): SessionsJson {
  return {
    now: new Date(now).toISOString(),
    total,
    sessions: sessions.map(sessionJson),
  }
}
