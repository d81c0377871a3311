/** Commands about sessions: listed and ended. */
import { setImmediate } from 'node:timers/promises'
import type { SessionStatus } from '../../proxy/status.ts'
import { type Acts, ASKED_BY_SOCKET } from '../acts.ts'
import type { Command } from '../command.ts'
import type { RouterStatus } from '../status.ts'
import { sectionName, sectionsOf } from './sections.ts'
import { sessionDetails, sessionLine, type SessionPlace } from './sessions.ts'
import { answerOf, findServer } from './targets.ts'

/** More are not listed; their number is. */
const MAX_LISTED = 100_000
/** Of each part of an answer. */
const SLICE = 200

/** Returns the commands. `status` is called at each of them. */
export function sessionCommands(status: () => RouterStatus, acts: Acts): readonly Command[] {
  return [
    {
      words: ['show', 'sess'],
      parameters: '[id|all]',
      help: 'report the list of current sessions or dump this exact session',
      run: ([which]) => listed(status, acts, which),
    },
    {
      words: ['shutdown', 'session'],
      parameters: '<id>',
      help: 'kill a specific session',
      run: async ([text]) => {
        const id = idOf(text)
        if (id === null) return "Session pointer expected (use 'show sess').\n"
        let closed = 0
        const answer = await answerOf(acts.closeSessions({ id }, ASKED_BY_SOCKET).then((count) => (closed = count)))
        return answer === '' && closed === 0 ? "No such session (use 'show sess').\n" : answer
      },
    },
    {
      words: ['shutdown', 'sessions', 'server'],
      parameters: '<bk>/<srv>',
      help: 'kill sessions on a server',
      run: ([name]) => {
        const server = findServer(status(), name)
        if (typeof server === 'string') return server
        const { section, status: member } = server
        const where = { cluster: section.view.name, listener: section.listener.name, member: member.member }
        return answerOf(acts.closeSessions(where, ASKED_BY_SOCKET))
      },
    },
  ]
}

/** Returns the id as sessions have it; null: it is none. HAProxy takes it in any base of C. */
function idOf(text: string | undefined): string | null {
  if (text === undefined || !/^(?:0x[\da-f]{1,13}|\d{1,15})$/i.test(text)) return null
  return Number(text) === 0 ? null : `0x${Number(text).toString(16)}`
}

async function* listed(status: () => RouterStatus, acts: Acts, which: string | undefined): AsyncGenerator<string> {
  const id = which === undefined ? null : idOf(which)
  const { sessions, total } = await acts.sessions(id === null ? {} : { id }, MAX_LISTED)
  if (id !== null && sessions.length === 0) {
    yield 'Session not found.\n'
    return
  }
  const present = status()
  const placeOf = places(present)
  const isDetailed = id !== null || which === 'all'
  for (let at = 0; at < sessions.length; at += SLICE) {
    const slice = sessions.slice(at, at + SLICE)
    yield slice
      .map((session) => (isDetailed ? sessionDetails : sessionLine)(session, placeOf(session), present.now))
      .join('')
    await setImmediate()
  }
  if (total > sessions.length) yield `# ${total - sessions.length} more sessions are not listed\n`
}

function places(status: RouterStatus): (session: SessionStatus) => SessionPlace {
  const sections = new Map([...sectionsOf(status)].map((section) => [section.name, section]))
  return ({ cluster, listener, member }) => {
    const proxy = sectionName(status.clusters.length, cluster, listener)
    const section = sections.get(proxy)
    const at = section?.listener.members.findIndex((each) => each.member === member) ?? -1
    return { proxy, proxyId: section?.id ?? 0, serverId: at + 1 }
  }
}
