import { connect } from 'node:net'
import { explain, failureOf, RouterError, type Failure } from '../errors.ts'
import { STATUS_FORMAT } from './status/json.ts'
import { mappingOf, parseJson } from '../text/unknown-shape.ts'
import type { ReloadJson, StatusJson } from './status/schema.ts'

/** Longer than any answer; it keeps a process that is not a router from filling the memory. */
const MAX_ANSWER_LENGTH = 64 * 1024 * 1024

export interface AskOptions {
  /** For the whole answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Runs one command of the router that listens on `socketPath` and returns its answer, without the empty line that ends
 * it. Rejects with ADMIN_UNAVAILABLE, whose message names the path and says what to do, or with the signal's reason.
 */
export async function ask(socketPath: string, command: string, { timeoutMs, signal }: AskOptions): Promise<string> {
  if (/[\r\n]/.test(command)) throw new RouterError('INTERNAL', 'a command of the admin socket is one line')
  signal.throwIfAborted()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const socket = connect({ path: socketPath, signal: limit })
  try {
    socket.setEncoding('utf8')
    socket.write(`${command}\n`)
    let answer = ''
    for await (const chunk of socket) {
      answer += chunk as string
      if (answer.length > MAX_ANSWER_LENGTH) throw unavailable(socketPath, 'the answer does not end')
    }
    if (answer === '') throw unavailable(socketPath, 'the connection was closed without an answer: too many clients?')
    return answer.endsWith('\n') ? answer.slice(0, -1) : answer
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RouterError) throw error
    const late = `no answer within ${timeoutMs / 1000} s`
    const reason = limit.aborted ? late : (ADVICE[failureOf(error)] ?? explain(error))
    throw unavailable(socketPath, reason, error)
  } finally {
    socket.destroy()
  }
}

/**
 * Runs a command whose answer has no end, and yields its lines as they come, without empty ones, until the router closes the
 * connection. Rejects as `ask` does.
 */
export async function* askLines(socketPath: string, command: string, signal: AbortSignal): AsyncGenerator<string> {
  signal.throwIfAborted()
  const socket = connect({ path: socketPath, signal })
  try {
    socket.setEncoding('utf8')
    socket.write(`${command}\n`)
    let pending = ''
    for await (const chunk of socket) {
      const lines = (pending + (chunk as string)).split('\n')
      pending = lines.pop() ?? ''
      if (pending.length > MAX_ANSWER_LENGTH) throw unavailable(socketPath, 'the answer does not end')
      yield* lines.filter((line) => line !== '')
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RouterError) throw error
    throw unavailable(socketPath, ADVICE[failureOf(error)] ?? explain(error), error)
  } finally {
    socket.destroy()
  }
}

/**
 * Returns the status of the router that listens on `socketPath`, and the text of its answer. Rejects as `ask` does, also where that
 * router has another format: the message names its version then.
 */
export async function askStatus(
  socketPath: string,
  options: AskOptions,
): Promise<{ readonly status: StatusJson; readonly json: string }> {
  const json = await ask(socketPath, 'show status json', options)
  const other = `the process that answers on ${socketPath} is not patroni-router`
  try {
    const status = JSON.parse(json) as StatusJson | null
    if (status?.format === STATUS_FORMAT) return { status, json }
    throw new RouterError('ADMIN_UNAVAILABLE', otherVersion(status, socketPath) ?? other)
  } catch (cause) {
    if (cause instanceof RouterError) throw cause
    throw new RouterError('ADMIN_UNAVAILABLE', other, { cause })
  }
}

/**
 * Has the router that listens on `socketPath` load its configuration again, or with `show reload` report what that would
 * do. Rejects as `ask` does, also where that router cannot do it. A `signal` that aborts ends the wait, and no reload.
 */
export async function askReload(
  socketPath: string,
  command: 'reload' | 'show reload',
  options: AskOptions,
): Promise<ReloadJson> {
  const answer = await ask(socketPath, `${command} json`, options)
  const report = parseJson(answer)
  if (isReport(report)) return report
  const why = /^Unknown command/.test(answer)
    ? 'it does not have that command: restart it with this version'
    : `its answer is not understood: ${answer.trim().slice(0, 200)}`
  throw new RouterError('ADMIN_UNAVAILABLE', `the router on ${socketPath} cannot reload: ${why}`)
}

function isReport(value: unknown): value is ReloadJson {
  const { outcome, problems, warnings, changes } = mappingOf(value)
  return (
    ['applied', 'unchanged', 'refused'].includes(String(outcome)) && [problems, warnings, changes].every(Array.isArray)
  )
}

/** Returns which other version answers, and the remedy; null: no router answers. */
function otherVersion(status: unknown, socketPath: string): string | null {
  if (typeof status !== 'object' || status === null || !('format' in status)) return null
  const version = 'version' in status && typeof status.version === 'string' ? ` ${status.version}` : ''
  const format = `its status has format ${String(status.format)}, and this command reads format ${STATUS_FORMAT}`
  return `the router on ${socketPath} is patroni-router${version} (${format}): restart it with this version, or use the command of its version`
}

const ADVICE: Partial<Record<Failure, string>> = {
  missing: 'there is no such socket (is the router running, and is this its socket? see --socket)',
  refused: 'no process listens on it (is the router running?)',
  denied: 'permission denied (run this as root, as the user that the router runs as, or as a member of admin.group)',
}

function unavailable(path: string, reason: string, cause?: unknown): RouterError {
  return new RouterError('ADMIN_UNAVAILABLE', `no router answers on ${path}: ${reason}`, { cause })
}
