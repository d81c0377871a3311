/** Sessions for scripts (schema-session.ts). Pure. */
import type { SessionStatus } from '../../proxy/status.ts'
import type { SessionsJson } from './schema-session.ts'

/** Returns the answer to `sessions json`. `now`: milliseconds since the epoch. */
export function sessionsJson(
  { sessions, total }: { readonly sessions: readonly SessionStatus[]; readonly total: number },
  now: number,
): SessionsJson {
  return {
    now: new Date(now).toISOString(),
    total,
    sessions: sessions.map(({ id, cluster, listener, route, member, server, client, since, bytesIn, bytesOut }) => ({
      ...{ id, cluster, listener, route, member, server, client },
      since: new Date(since).toISOString(),
      ...{ bytesIn, bytesOut },
    })),
  }
}
