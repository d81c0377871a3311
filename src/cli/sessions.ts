/** `sessions`: lists the sessions of the running router, or closes some of them. */
import { SESSION_FILTERS } from '../admin/acts.ts'
import { renderSessions } from '../admin/status/sessions-text.ts'
import type { SessionsJson } from '../admin/status/schema-session.ts'
import { RouterError } from '../errors.ts'
import { mappingOf, parseJson } from '../text/unknown-shape.ts'
import { visibleJson } from '../text/terminal.ts'
import { askAct, byWords, tell } from './act.ts'
import { interruptible, shownBy } from './interruptible.ts'
import { EXIT, type Io } from './io.ts'

/** The most that the router lists. */
const MAX = '10000'
/** Narrower than this, nothing can be shown. */
const MIN_COLUMNS = 20

export interface SessionsOptions {
  readonly config?: string
  readonly socket?: string
  readonly cluster?: string
  readonly listener?: string
  readonly member?: string
  readonly client?: string
  readonly id?: string
  readonly all?: boolean
  readonly json?: boolean
}

/** Runs `sessions`. `action`: `close`; null: they are listed. */
export async function sessions(action: string | null, options: SessionsOptions, io: Io): Promise<number> {
  const filter = SESSION_FILTERS.flatMap((name) => (options[name] === undefined ? [] : [name, options[name]]))
  return action === null ? await list(filter, options, io) : await close(filter, options, io)
}

async function list(filter: readonly string[], options: SessionsOptions, io: Io): Promise<number> {
  if (options.all === true) throw new RouterError('CONFIG_INVALID', '--all belongs to: sessions close')
  const work = async (signal: AbortSignal): Promise<number> => {
    const answer = await askAct(['sessions', 'json', 'max', MAX, ...filter], options, io, signal)
    if (answer === null) return EXIT.usage
    const json = parseJson(answer)
    if (!isSessions(json)) return tell(answer, io)
    const width = Math.max(MIN_COLUMNS, io.columns() ?? Infinity)
    io.out(options.json === true ? `${visibleJson(json)}\n` : renderSessions(json, width))
    return EXIT.ok
  }
  return await interruptible(io, work, shownBy(io))
}

async function close(filter: readonly string[], options: SessionsOptions, io: Io): Promise<number> {
  const isAll = options.all === true
  if (options.json === true) throw new RouterError('CONFIG_INVALID', '--json is for the list of sessions')
  const given = SESSION_FILTERS.map((name) => `--${name}`).join(', ')
  if (isAll && filter.length > 0)
    throw new RouterError('CONFIG_INVALID', `--all closes all sessions: it excludes ${given}`)
  if (!isAll && filter.length === 0) throw new RouterError('CONFIG_INVALID', `sessions close needs ${given} or --all`)
  const work = async (signal: AbortSignal): Promise<number> => {
    const words = ['sessions', 'close', ...(isAll ? ['all'] : filter), ...byWords(io)]
    const answer = await askAct(words, options, io, signal)
    return answer === null ? EXIT.usage : tell(answer, io)
  }
  return await interruptible(io, work, { note: 'interrupted; sessions may have been closed' })
}

function isSessions(value: unknown): value is SessionsJson {
  return Array.isArray(mappingOf(value)['sessions'])
}
