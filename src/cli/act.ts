/** `member`, `hold` and `release`: acts that the running router carries out. */
import { userInfo } from 'node:os'
import { REFUSED } from '../admin/act-commands.ts'
import { ask } from '../admin/client.ts'
import { parseDuration } from '../config/values/units.ts'
import { RouterError } from '../errors.ts'
import { adminLine } from './admin-line.ts'
import { configuredSocket } from './admin-socket.ts'
import { interruptible } from './interruptible.ts'
import { EXIT, type Io } from './io.ts'

/** Longer than a file system may take that keeps an override, or the end of thousands of sessions. Milliseconds. */
const TIMEOUT_MS = 20_000

export interface ActOptions {
  readonly config?: string
  readonly socket?: string
  readonly cluster?: string
  /** A duration. */
  readonly for?: string
}

/** Runs `member`. */
export async function member(state: string, name: string, options: ActOptions, io: Io): Promise<number> {
  return act(['member', state, name, ...termsOf(options), ...byWords(io)], options, io)
}

/** Runs `hold`. `listener`: null: all. */
export async function hold(listener: string | null, options: ActOptions, io: Io): Promise<number> {
  return act(['hold', ...listenerWords(listener), ...termsOf(options), ...byWords(io)], options, io)
}

/** Runs `release`. `listener`: null: all. */
export async function release(listener: string | null, options: ActOptions, io: Io): Promise<number> {
  return act(['release', ...listenerWords(listener), ...termsOf(options), ...byWords(io)], options, io)
}

async function act(words: readonly string[], options: ActOptions, io: Io): Promise<number> {
  const work = async (signal: AbortSignal): Promise<number> => {
    const answer = await askAct(words, options, io, signal)
    if (answer === null) return EXIT.usage
    return tell(answer, io)
  }
  return await interruptible(io, work, { note: 'interrupted; the router may have done it all the same' })
}

/**
 * Has the running router carry out a command and returns its answer; null: the configuration does not tell its socket, as standard
 * error says. Rejects with ADMIN_UNAVAILABLE.
 */
export async function askAct(
  words: readonly string[],
  options: Pick<ActOptions, 'config' | 'socket'>,
  io: Io,
  signal: AbortSignal,
): Promise<string | null> {
  if (words.some((word) => word === '' || /[\r\n]/.test(word)))
    throw new RouterError('CONFIG_INVALID', 'a name is one line that is not empty')
  const socket = options.socket ?? (await configuredSocket(options.config ?? null, io))
  if (socket === null) return null
  const answer = await ask(socket, adminLine(words), { timeoutMs: TIMEOUT_MS, signal })
  if (!answer.startsWith('Unknown command')) return answer
  const why = 'it does not have that command: restart it with this version'
  throw new RouterError('ADMIN_UNAVAILABLE', `the router on ${socket}: ${why}`)
}

/** Writes the answer to an act, and returns the exit code. */
export function tell(answer: string, io: Io): number {
  const text = answer.trimEnd()
  const isRefused = text.startsWith(REFUSED)
  if (isRefused || text.startsWith('Failed: ')) {
    io.err(`patroni-router: ${isRefused ? text.slice(REFUSED.length) : text}\n`)
    return EXIT.failed
  }
  io.out(`${text}\n`)
  return EXIT.ok
}

function listenerWords(listener: string | null): readonly string[] {
  return listener === null ? [] : ['listener', listener]
}

/** Returns the words for the options. Throws CONFIG_INVALID where the duration is none. */
function termsOf({ cluster, for: time }: ActOptions): readonly string[] {
  const parsed = time === undefined ? null : parseDuration(time)
  if (parsed?.ok === false) throw new RouterError('CONFIG_INVALID', `--for: ${parsed.message}`)
  return [...(cluster === undefined ? [] : ['cluster', cluster]), ...(time === undefined ? [] : ['for', time.trim()])]
}

/** Returns the words for the user of the command, also where it is run with sudo. */
export function byWords({ env }: Pick<Io, 'env'>): readonly string[] {
  const user = [env['SUDO_USER'], accountName()].find((name) => (name ?? '') !== '')
  return user === undefined ? [] : ['by', user.replaceAll(/[\r\n]/g, ' ')]
}

function accountName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    // A user without an account, as in a container.
    return undefined
  }
}
