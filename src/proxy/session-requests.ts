/** Lists and closes sessions by request: some in each turn of the event loop, however many there are. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Command, Report } from './messages.ts'
import type { ServedListener } from './served-listener.ts'
import { listedSession, matcherOf } from './session-list.ts'

/** Sessions that are shown in one turn. */
const SLICE = 100

export interface SessionRequestDeps {
  /** The listeners that the request names. */
  readonly served: readonly ServedListener[]
  /** Sessions with a greater id began later than the request. */
  readonly last: number
  readonly report: (report: Report) => void
}

/** Answers with those that match, the oldest first. */
export async function listSessions(
  { request, match, max }: Command & { readonly type: 'list-sessions' },
  { served, last, report }: SessionRequestDeps,
): Promise<void> {
  const matches = matcherOf(match)
  const found = []
  for (const { config, sessions } of served)
    for await (const some of sessions.slices(last))
      for (const joined of some) if (matches(joined)) found.push({ config, joined })
  found.sort((one, other) => one.joined.id - other.joined.id)
  const total = found.length
  for (let index = 0; index === 0 || index < Math.min(total, max); index += SLICE) {
    const slice = found.slice(index, Math.min(index + SLICE, max))
    // Some may have ended by now: their addresses cannot be read any more.
    const open = slice.filter(({ joined: { client } }) => !client.socket.destroyed)
    report({
      ...{ type: 'sessions', request, total },
      sessions: open.map(({ config, joined }) => listedSession(config, joined)),
    })
    await nextTurn()
  }
}

/** Closes those that match, and answers with their number. Rejects when some could not be closed. */
export async function closeSessions(
  { request, match, why }: Command & { readonly type: 'close-sessions' },
  { served, last, report }: SessionRequestDeps,
): Promise<void> {
  const matches = matcherOf(match)
  let total = 0
  const errors: unknown[] = []
  for (const each of served) {
    try {
      total += await each.closeSome(matches, last, why)
    } catch (error) {
      errors.push(error)
    }
  }
  report({ type: 'sessions', request, total, sessions: [] })
  if (errors.length > 0) throw new AggregateError(errors, 'some sessions cannot be closed')
}
