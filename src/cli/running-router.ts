/** The running router of a configuration, whose file may just have been edited. */
import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { askReload, askStatus } from '../admin/client.ts'
import type { ReloadJson } from '../admin/status/schema.ts'
import { DEFAULT_ADMIN_SOCKET } from '../config/defaults.ts'
import { failureOf, RouterError } from '../errors.ts'

/** Longer than a DCS is verified beside the one in use. Milliseconds. */
const RELOAD_TIMEOUT_MS = 60_000
const STATUS_TIMEOUT_MS = 5000

const MOVED = 'if admin.socket was just changed, name the socket before with --socket PATH'

export interface Request {
  readonly command: 'reload' | 'show reload'
  /** The socket that the configuration names, or an option; null: the configuration does not tell. */
  readonly socket: string | null
  /** Whether no other socket may be tried. */
  readonly isNamed: boolean
  /** What this command reads itself, by name; null: the environment alone. */
  readonly file: string | null
  readonly signal: AbortSignal
  /** The default socket. */
  readonly fallback?: string
}

/**
 * Asks the router of a configuration on its socket and, where no process listens there, on the default one: if the router
 * there reads the same file, that file has just been edited to name another socket. Rejects with ADMIN_UNAVAILABLE.
 */
export async function askRunning(request: Request): Promise<ReloadJson> {
  const { command, socket, isNamed, file, signal, fallback = DEFAULT_ADMIN_SOCKET } = request
  const options = { timeoutMs: RELOAD_TIMEOUT_MS, signal }
  try {
    if (socket !== null) return await askReload(socket, command, options)
    throw new RouterError('ADMIN_UNAVAILABLE', 'the configuration does not name the admin socket')
  } catch (error) {
    const isElsewhere = socket === null || ['missing', 'refused'].includes(failureOf(error))
    if (isNamed || !isElsewhere || !(error instanceof RouterError)) throw error
    const isUntried = socket !== fallback
    if (isUntried && (await reads(fallback, file, signal))) return askReload(fallback, command, options)
    throw new RouterError('ADMIN_UNAVAILABLE', `${error.message}; ${MOVED}`)
  }
}

/** Returns whether the router on a socket reads a file; false: there is no router. */
async function reads(socket: string, file: string | null, signal: AbortSignal): Promise<boolean> {
  try {
    const { status } = await askStatus(socket, { timeoutMs: STATUS_TIMEOUT_MS, signal })
    return await isSameFile(file, status.configuration?.file ?? null)
  } catch {
    signal.throwIfAborted()
    return false
  }
}

/** Returns whether two names are those of one file, or of one directory (`DIRECTORY/*.yml`), links followed. */
export async function isSameFile(one: string | null, other: string | null): Promise<boolean> {
  if (one === null || other === null) return one === other
  const [a, b] = await Promise.all([realName(one), realName(other)])
  return a === b
}

async function realName(name: string): Promise<string> {
  const path = resolve(name.replace(/\/\*\.yml$/, ''))
  // A file that this user may not see has the name that it was given.
  return realpath(path).catch(() => path)
}
