/** The commands of the admin socket that a person drives the router with: overrides of members, holds, sessions. */
import { parseDuration } from '../config/values/units.ts'
import { RouterError } from '../errors.ts'
import { visible, visibleJson } from '../text/terminal.ts'
import { counted } from '../text/wording.ts'
import { now } from '../clock.ts'
import { type Acts, ASKED_BY_SOCKET, SESSION_FILTERS } from './acts.ts'
import type { Command } from './command.ts'
import { sessionsJson } from './status/session-json.ts'
import { renderSessions } from './status/sessions-text.ts'

/** Begins the answer where nothing was done: a script or a client can rely on it. */
export const REFUSED = 'Refused: '

/** How many sessions are listed unless the command says it, and at most. */
const LISTED = 1000
const MAX_LISTED = 10_000

const STATES = ['drain', 'maint', 'ready'] as const

/** Returns `member`, `hold`, `release` and `sessions`. */
export function actCommands(acts: Acts): readonly Command[] {
  return [
    {
      words: ['member'],
      parameters: `<${STATES.join('|')}> <name> [for <time>]`,
      help: 'drain a member, put it in maintenance or end that; [cluster <name>] [by <user>]',
      run: ([state, member, ...words]) =>
        answered(async () => {
          const { cluster, for: time, by } = optionsOf(words, ['cluster', 'for', 'by'])
          const wanted = STATES.find((each) => each === state)
          if (wanted === undefined || member === undefined) throw refused(`expects ${STATES.join(', ')} and a member`)
          return visible(
            await acts.setMember({ cluster: cluster ?? null, member }, wanted, durationOf(time), by ?? ASKED_BY_SOCKET),
          )
        }),
    },
    {
      words: ['hold'],
      parameters: '[listener <name>] [for <time>]',
      help: 'hold new clients (default: for 5m); [cluster <name>] [by <user>]',
      run: (words) =>
        answered(async () => {
          const { cluster, listener, for: time, by } = optionsOf(words, ['cluster', 'listener', 'for', 'by'])
          const where = { cluster: cluster ?? null, listener: listener ?? null }
          return visible(await acts.hold(where, durationOf(time), by ?? ASKED_BY_SOCKET))
        }),
    },
    {
      words: ['release'],
      parameters: '[listener <name>]',
      help: 'let the clients through that are held by request; [cluster <name>] [by <user>]',
      run: (words) =>
        answered(async () => {
          const { cluster, listener, by } = optionsOf(words, ['cluster', 'listener', 'by'])
          const where = { cluster: cluster ?? null, listener: listener ?? null }
          return visible(await acts.release(where, by ?? ASKED_BY_SOCKET))
        }),
    },
    {
      words: ['sessions'],
      parameters: '[json] [max <number>]',
      help: 'list sessions, the oldest first; [member|client|listener|cluster|id <which>]...',
      run: (words) => answered(async () => list(acts, words)),
    },
    {
      words: ['sessions', 'close'],
      parameters: '<member|client|listener|cluster|id> <which>...',
      help: 'close the sessions that match all that is given, or "all"; [by <user>]',
      run: (words) =>
        answered(async () => {
          const isAll = words[0] === 'all'
          const { by, ...filter } = optionsOf(isAll ? words.slice(1) : words, [...SESSION_FILTERS, 'by'])
          if (!isAll && Object.keys(filter).length === 0)
            throw refused(`expects all, or one of ${SESSION_FILTERS.join(', ')}`)
          return `closed ${counted(await acts.closeSessions(filter, by ?? ASKED_BY_SOCKET), 'session')}`
        }),
    },
  ]
}

async function list(acts: Acts, words: readonly string[]): Promise<string> {
  const isJson = words[0] === 'json'
  const { max, ...filter } = optionsOf(isJson ? words.slice(1) : words, [...SESSION_FILTERS, 'max'])
  const most = max === undefined ? LISTED : Number(/^\d{1,5}$/.exec(max)?.[0] ?? NaN)
  if (!(most >= 1 && most <= MAX_LISTED)) throw refused(`max: expects a number from 1 to ${MAX_LISTED}`)
  const json = sessionsJson(await acts.sessions(filter, most), now())
  return isJson ? visibleJson(json) : renderSessions(json)
}

/** Parses `name value ...`. Throws ACT_REFUSED. */
function optionsOf<K extends string>(
  words: readonly string[],
  names: readonly K[],
): Partial<Readonly<Record<K, string>>> {
  const options: Partial<Record<K, string>> = {}
  for (let at = 0; at < words.length; at += 2) {
    const [word = '', value] = words.slice(at)
    const name = names.find((each) => each === word)
    if (name === undefined) throw refused(`${word}: expects ${names.join(', ')}`)
    if (value === undefined || value === '') throw refused(`expects a value after ${word}`)
    if (options[name] !== undefined) throw refused(`${word} is there twice`)
    options[name] = value
  }
  return options
}

function durationOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const parsed = parseDuration(text)
  if (!parsed.ok) throw refused(`for: ${parsed.message}`)
  return parsed.value
}

/** Returns what `act` does, or why it is refused: that is no fault of the router. */
async function answered(act: () => Promise<string>): Promise<string> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof RouterError && error.code === 'ACT_REFUSED') return `${REFUSED}${visible(error.message)}`
    throw error
  }
}

function refused(message: string): RouterError {
  return new RouterError('ACT_REFUSED', message)
}
