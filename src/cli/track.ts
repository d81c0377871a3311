import { ask } from '../admin/client.ts'
import { visible } from '../admin/terminal.ts'
import { explain, RouterError } from '../errors.ts'
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
 * `track`: whether a condition holds, for keepalived's `vrrp_script` and shells. It is asked of the running router, which
 * has to answer in time: one that hangs is as good as none. Loads no more than it needs: it is run every second.
 */
export async function track(what: string, options: TrackOptions, io: Io): Promise<number> {
  const socket = options.socket ?? (await configuredSocket(options.config ?? null, io))
  if (socket === null) return EXIT.usage
  const { member, cluster, timeout = TIMEOUT_SECONDS } = options
  const words = [
    ...['show', 'track', what],
    ...(member === undefined ? [] : ['member', member]),
    ...(cluster === undefined ? [] : ['cluster', cluster]),
  ]
  try {
    const line = words.map(escaped).join(' ')
    return tell(await ask(socket, line, { timeoutMs: timeout * 1000, signal: new AbortController().signal }), io)
  } catch (error) {
    if (!(error instanceof RouterError) || error.code !== 'ADMIN_UNAVAILABLE') throw error
    io.err(`patroni-router: ${visible(explain(error))}\n`)
    return EXIT.noRouter
  }
}

/** As the admin socket's language takes a word (admin/command.ts). */
function escaped(word: string): string {
  return word.replace(/[\s\\#;]/g, '\\$&')
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
      io.err('patroni-router: what answers there is no patroni-router of this version\n')
      return EXIT.noRouter
  }
}
