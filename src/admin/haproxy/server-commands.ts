/** Commands about servers and frontends. A state is the member's: it counts for every listener, whichever backend is named. */
import type { OverrideState } from '../../override.ts'
import { type Acts, ASKED_BY_SOCKET } from '../acts.ts'
import type { Command } from '../command.ts'
import type { RouterStatus } from '../status.ts'
import type { Server } from './sections.ts'
import { answerOf, findSection, findServer } from './targets.ts'

const STATES: readonly string[] = ['ready', 'drain', 'maint'] satisfies readonly (OverrideState | 'ready')[]

/** What HAProxy can change of a server besides, and the router follows Patroni in. */
const FOLLOWED: readonly string[] = [
  ...['addr', 'agent', 'agent-addr', 'agent-port', 'agent-send', 'check-addr', 'check-port', 'fqdn', 'health', 'ssl'],
]

const NO_WEIGHTS = 'Weights are not supported: all servers of a backend have the same weight.\n'

/** Returns the commands. `status` is called at each of them. */
export function serverCommands(status: () => RouterStatus, acts: Acts): readonly Command[] {
  const set = ({ section, status: { member } }: Server, state: OverrideState | 'ready'): Promise<string> =>
    answerOf(acts.setMember({ cluster: section.view.name, member }, state, null, ASKED_BY_SOCKET))
  const about =
    (run: (server: Server, args: readonly string[]) => string | Promise<string>) =>
    ([name, ...args]: readonly string[]): string | Promise<string> => {
      const server = findServer(status(), name)
      return typeof server === 'string' ? server : run(server, args)
    }
  return [
    {
      words: ['set', 'server'],
      parameters: '<bk>/<srv> state <state>',
      help: "change a member's state in all backends (ready, drain, maint)",
      run: about((server, [what = '', state]) => {
        if (what === 'weight') return state === undefined ? 'Require <weight> or <weight%>.\n' : NO_WEIGHTS
        if (FOLLOWED.includes(what))
          return `'set server <srv> ${what}' is not supported: the router follows Patroni there.\n`
        if (what !== 'state') return 'usage: set server <backend>/<server> state\n'
        if (state === undefined || !STATES.includes(state))
          return "'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n"
        return set(server, state as OverrideState | 'ready')
      }),
    },
    {
      words: ['enable', 'server'],
      parameters: '<bk>/<srv>',
      help: 'make a member ready in all backends (use "set server" instead)',
      run: about((server) => set(server, 'ready')),
    },
    {
      words: ['disable', 'server'],
      parameters: '<bk>/<srv>',
      help: 'put a member into maintenance in all backends (use "set server" instead)',
      run: about((server) => set(server, 'maint')),
    },
    {
      words: ['get', 'weight'],
      parameters: '<bk>/<srv>',
      help: 'not supported: there are no weights',
      run: about(() => NO_WEIGHTS),
    },
    {
      words: ['set', 'weight'],
      parameters: '<bk>/<srv>',
      help: 'not supported: there are no weights',
      run: about((_, [weight]) => (weight === undefined ? 'Require <weight> or <weight%>.\n' : NO_WEIGHTS)),
    },
    {
      words: ['set', 'maxconn', 'frontend'],
      parameters: '<frontend> <value>',
      help: "change a frontend's limit of connections; 0: none of its own",
      run: ([name, value]) => {
        if (name === undefined) return 'A frontend name is expected.\n'
        const section = findSection(status(), name)
        if (section === null) return 'No such frontend.\n'
        if (value === undefined || !/^[+-]?\d+$/.test(value)) return 'Integer value expected.\n'
        const max = Number(value)
        if (max < 0 || max >= 2 ** 31) return 'Value out of range.\n'
        const where = { cluster: section.view.name, listener: section.listener.name }
        return answerOf(acts.limitListener(where, max, ASKED_BY_SOCKET))
      },
    },
  ]
}
