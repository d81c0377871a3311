/** What a person can have a running router do, by whichever way: the socket, HTTP, the command line. */
import type { OverrideState } from '../override.ts'
import type { SessionStatus } from '../proxy/status.ts'

/** Is logged in place of a user that a command of the admin socket does not name: the socket does not tell its users apart. */
export const ASKED_BY_SOCKET = 'admin socket'

/** What sessions are selected by; `client`: an IP address without port, or the path of a Unix socket. */
export const SESSION_FILTERS = ['cluster', 'listener', 'member', 'client', 'id'] as const

/** Selects the sessions that match all that is given. */
export type SessionFilter = Readonly<Partial<Record<(typeof SESSION_FILTERS)[number], string>>>

/**
 * Each act takes effect before it resolves, and is logged with `by`, the name of a user. Each rejects with a RouterError `ACT_REFUSED` whose
 * message names what is wrong and what there is instead: no such cluster, member or listener; several clusters and none named.
 */
export interface Acts {
  /** Sets or ends an override. `cluster`: null where there is only one. `forMs`: null: until it is ended. Resolves with a line that says what holds now. */
  setMember(
    where: { readonly cluster: string | null; readonly member: string },
    state: OverrideState | 'ready',
    forMs: number | null,
    by: string,
  ): Promise<string>
  /** Holds the new clients of a listener, or of all: `listener` null. `forMs`: null: the usual limit, 5 min. */
  hold(
    where: { readonly cluster: string | null; readonly listener: string | null },
    forMs: number | null,
    by: string,
  ): Promise<string>
  release(where: { readonly cluster: string | null; readonly listener: string | null }, by: string): Promise<string>
  /** Returns at most `max`, the oldest first, and how many match. */
  sessions(
    filter: SessionFilter,
    max: number,
  ): Promise<{ readonly sessions: readonly SessionStatus[]; readonly total: number }>
  /** Resolves with how many were closed. */
  closeSessions(filter: SessionFilter, by: string): Promise<number>
  /** Limits the connections of a listener until a restart; a reload keeps it while the listener stays. 0: no limit. */
  limitListener(
    where: { readonly cluster: string | null; readonly listener: string },
    max: number,
    by: string,
  ): Promise<string>
}
