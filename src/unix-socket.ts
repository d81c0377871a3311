/** Listening on a Unix socket: whose file may be in the way, and who may connect. */
import { once } from 'node:events'
import { chmod, lstat, stat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { explain, failureOf, RouterError } from './errors.ts'

/** `sun_path` of sockaddr_un in Linux: 108 bytes with the final NUL. */
export const MAX_SOCKET_PATH_BYTES = 107

export interface UnixSocketOptions {
  readonly path: string
  /** How an error begins: `cannot open the admin socket /run/admin.sock`. */
  readonly failure: string
  /** The permissions, given those that the umask has left. */
  readonly mode: (umasked: number) => number
  readonly backlog?: number
}

/**
 * Listens on a Unix socket. A socket that a killed process has left is replaced, but only when a connection to it is
 * refused. Rejects with BIND_FAILED, and `server` is closed then. Its close removes the file.
 */
export async function listenOnUnixSocket(server: Server, options: UnixSocketOptions): Promise<void> {
  const { path, mode, backlog } = options
  await claim(options)
  try {
    server.listen({ path, ...(backlog === undefined ? {} : { backlog }) })
    await once(server, 'listening')
    await chmod(path, mode((await stat(path)).mode & 0o777))
  } catch (error) {
    await new Promise<void>((resolve) => server.close(() => resolve()))
    throw failed(options, failureOf(error) === 'in-use' ? IN_USE : explain(error), error)
  }
}

const IN_USE = 'another process listens there: is a router running already?'

/** Makes the path free to listen on. */
async function claim(options: UnixSocketOptions): Promise<void> {
  const { path } = options
  const bytes = Buffer.byteLength(path)
  if (bytes > MAX_SOCKET_PATH_BYTES)
    throw failed(options, `the path has ${bytes} bytes, and a socket's has at most ${MAX_SOCKET_PATH_BYTES}`)
  const stats = await lstat(path).catch((error: unknown) => {
    if (failureOf(error) === 'missing') return null
    throw failed(options, explain(error), error)
  })
  if (stats === null) return requireDirectory(options)
  // Connecting to a plain file is refused as well, and that is no reason to remove it.
  if (!stats.isSocket()) throw failed(options, 'something else has that name, and it is not removed')
  const answer = await knock(path)
  if (answer === null) throw failed(options, IN_USE)
  const failure = failureOf(answer)
  if (failure === 'missing') return
  if (failure !== 'refused') throw failed(options, explain(answer), answer)
  await unlink(path).catch((error: unknown) => {
    if (failureOf(error) !== 'missing')
      throw failed(options, `a stale socket cannot be removed: ${explain(error)}`, error)
  })
}

/** Rejects where the directory does not exist: libuv says EACCES then. */
async function requireDirectory(options: UnixSocketOptions): Promise<void> {
  await stat(dirname(options.path)).catch((error: unknown) => {
    const reason = failureOf(error) === 'missing' ? 'its directory does not exist' : explain(error)
    throw failed(options, reason, error)
  })
}

function failed({ failure }: UnixSocketOptions, reason: string, cause?: unknown): RouterError {
  return new RouterError('BIND_FAILED', `${failure}: ${reason}`, { cause })
}

/** Resolves with null when a process listens there; else with the reason why not. */
function knock(path: string): Promise<Error | null> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('error', resolve)
    socket.once('connect', () => {
      socket.destroy()
      resolve(null)
    })
  })
}
