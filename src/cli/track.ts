import { parseArgs } from 'node:util'
import { ask } from '../admin/client.ts'
import { visible } from '../text/terminal.ts'
import { CONDITIONS } from '../config/conditions.ts'
import { explain, RouterError } from '../errors.ts'
import { adminLine } from './admin-line.ts'
import { configuredSocket } from './admin-socket.ts'
import { EXIT, type Io } from './io.ts'

const TIMEOUT_SECONDS = 1

export interface TrackOptions {
  readonly config?: string
  readonly socket?: string
  readonly member?: string
  readonly cluster?: string
  /** Seconds. */
  readonly timeout?: number
}

/**
 * Runs `track`: whether a condition holds, for keepalived's `vrrp_script` and shells. The running router has to answer
 * in time: a router that hangs counts as not running. Loads only what it needs: it is run every second.
 */
export async function track(what: string, options: TrackOptions, io: Io): Promise<number> {
  if (/[\r\n]/.test(`${options.member ?? ''}${options.cluster ?? ''}`)) {
    io.err('patroni-router: a name is one line\n')
    return EXIT.usage
  }
  const socket = options.socket ?? (await configuredSocket(options.config ?? null, io))
  if (socket === null) return EXIT.usage
  const { member, cluster, timeout = TIMEOUT_SECONDS } = options
  const words = [
    ...['show', 'track', what],
    ...(member === undefined ? [] : ['member', member]),
    ...(cluster === undefined ? [] : ['cluster', cluster]),
  ]
  try {
    return tell(
      await ask(socket, adminLine(words), { timeoutMs: timeout * 1000, signal: new AbortController().signal }),
      io,
    )
  } catch (error) {
    if (!(error instanceof RouterError) || error.code !== 'ADMIN_UNAVAILABLE') throw error
    io.err(`patroni-router: ${visible(explain(error))}\n`)
    return EXIT.noRouter
  }
}

/** Runs `track` for the arguments of a plain call; null: this is none, or a wrong one. */
export async function trackAtOnce(args: readonly string[], io: Io): Promise<number | null> {
  const parsed = parsePlain(args)
  return parsed === null ? null : track(parsed.what, parsed.options, io)
}

const TEXT = { type: 'string' } as const

function parsePlain(args: readonly string[]): { readonly what: string; readonly options: TrackOptions } | null {
  try {
    const options = { config: { ...TEXT, short: 'c' }, socket: TEXT, member: TEXT, cluster: TEXT } as const
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [what = '', ...others] = positionals
    const isPlain = others.length === 0 && CONDITIONS.some((condition) => condition === what)
    return isPlain ? { what, options: values } : null
  } catch {
    // Help, a timeout or a mistake: the program handles them.
    return null
  }
}

/** See `show track`. */
function tell(answer: string, io: Io): number {
  const [, mark = '', text = ''] = /^(.) ([^\n]*)/.exec(answer) ?? []
  switch (mark) {
    case '1':
      io.out(`${text}\n`)
      return EXIT.ok
    case '0':
      io.out(`${text}\n`)
      return EXIT.failed
    case '?':
      io.err(`not known: ${text}\n`)
      return EXIT.noRouter
    case '!':
      io.err(`patroni-router: ${text}\n`)
      return EXIT.usage
    default:
      io.err('patroni-router: the process that answers is not a patroni-router of this version\n')
      return EXIT.noRouter
  }
}
