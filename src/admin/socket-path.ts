import { lstat, mkdir, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { explain, failureOf, RouterError } from '../errors.ts'

/** `sun_path` of sockaddr_un in Linux: 108 bytes with the final NUL. */
const MAX_PATH_BYTES = 107

/**
 * Makes `path` free to listen on: its directory is there (made with mode 0700) and a socket that a killed router has
 * left is removed, but only when a connection to it is refused. Rejects with BIND_FAILED.
 */
export async function claimSocketPath(path: string): Promise<void> {
  const bytes = Buffer.byteLength(path)
  if (bytes > MAX_PATH_BYTES)
    throw failed(path, `the path has ${bytes} bytes, and a socket's has at most ${MAX_PATH_BYTES}`)
  await makeDirectory(path)
  const stats = await lstat(path).catch((error: unknown) => {
    if (failureOf(error) === 'missing') return null
    throw failed(path, explain(error), error)
  })
  if (stats === null) return
  // Connecting to a plain file is refused as well, and that is no reason to remove it.
  if (!stats.isSocket()) throw failed(path, 'there is something else of that name, and it is not removed')
  const answer = await knock(path)
  if (answer === null) throw failed(path, 'another process listens there: is a router running already?')
  const failure = failureOf(answer)
  if (failure === 'missing') return
  if (failure !== 'refused') throw failed(path, explain(answer), answer)
  await unlink(path).catch((error: unknown) => {
    if (failureOf(error) !== 'missing') throw failed(path, `a stale one cannot be removed: ${explain(error)}`, error)
  })
}

/** An error that names the socket. */
export function failed(path: string, reason: string, cause?: unknown): RouterError {
  return new RouterError('BIND_FAILED', `cannot open the admin socket ${path}: ${reason}`, { cause })
}

/** Only the innermost directory is the router's own: whoever can enter it can command the router. */
async function makeDirectory(path: string): Promise<void> {
  const directory = dirname(path)
  try {
    await mkdir(dirname(directory), { recursive: true })
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw failed(path, `its directory cannot be made: ${explain(error)}`, error)
  }
}

/** null: somebody listens; else why not. */
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
