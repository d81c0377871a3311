import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ClientInput } from './client-input.ts'
import { findCommand, parseLine, unknownCommand, type Command, type CommandSession } from './command.ts'
import type { ClientActivity } from './client-limit.ts'
import { visible } from '../text/terminal.ts'
import { explain } from '../errors.ts'

/** The size of HAProxy's buffer. A client that sends more without a line end is not an admin client. */
const MAX_LINE_LENGTH = 16 * 1024

/** Runs the commands of all connections one after the other, so that the router does its own work in between however many there are. */
export class CommandQueue {
  #last: Promise<void> = Promise.resolve()

  /** Resolves when it is the caller's turn: one in each round of the event loop, in order of arrival. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => setImmediate())
    return this.#last
  }
}

export interface SessionOptions {
  readonly commands: readonly Command[]
  readonly idleTimeoutMs: number
  readonly log: Logger
  /** Kept up to date with the use of the connection. */
  readonly activity: ClientActivity
  /** Shared by all connections. */
  readonly turns: CommandQueue
  /** Returns whether the connection ends with the command that is running. */
  readonly isOver: () => boolean
}

/**
 * Answers the commands of one client, one after the other, and resolves when the connection is closed. Never rejects.
 *
 * As in HAProxy: without `prompt` the connection ends when all lines that have arrived are answered; each answer is
 * followed by an empty line, or with `prompt` by one with `> `. A line that is not complete when the client stops sending
 * is not run: it may be half a command. The next command waits until the client has received the answer to the one before,
 * so a client that does not read costs one answer, or a part of one, and is closed by the idle timeout. A client that waits for
 * the next part of an answer is not idle.
 */
export async function serveClient(socket: Socket, options: SessionOptions): Promise<void> {
  const { commands, idleTimeoutMs, log, activity, turns, isOver } = options
  const closed = new AbortController()
  // Not `socket.closed`, which is true before the events are emitted.
  const close = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void close.then(() => closed.abort())
  let prompt = false
  let quit = false
  let idleMs = idleTimeoutMs
  const input = new ClientInput(socket)
  const session: Omit<CommandSession, 'interrupted'> = {
    togglePrompt: () => {
      prompt = !prompt
      activity.isInteractive = prompt
    },
    setIdleTimeout: (ms) => (idleMs = ms),
    quit: () => (quit = true),
    signal: closed.signal,
  }
  const answer = async (words: readonly string[]): Promise<void> => {
    Object.assign(activity, { isBusy: true, since: performance.now() })
    await turns.next()
    const interruption = new AbortController()
    const interrupted = AbortSignal.any([interruption.signal, closed.signal])
    const send = async (parts: AsyncIterable<string>): Promise<void> => {
      input.watch(() => interruption.abort())
      for await (const part of parts) {
        socket.setTimeout(idleMs)
        if (part !== '') await write(socket, part)
        socket.setTimeout(0)
      }
    }
    // A reload, or the next part of an answer, takes its time.
    socket.setTimeout(0)
    // It continues without its client, which the end of the router does not wait for either.
    const asked = { ...session, interrupted }
    const answered = prompt && words.length === 0 ? '' : run(commands, words, asked, send, log)
    const left = Promise.withResolvers<null>()
    const onClosed = (): void => left.resolve(null)
    if (closed.signal.aborted) onClosed()
    closed.signal.addEventListener('abort', onClosed, { once: true })
    const text = await Promise.race([answered, left.promise])
    closed.signal.removeEventListener('abort', onClosed)
    socket.setTimeout(idleMs)
    if (quit || text === null) return
    const ended = text === '' || text.endsWith('\n') ? text : `${text}\n`
    await write(socket, `${ended}\n${prompt ? '> ' : ''}`)
    Object.assign(activity, { isBusy: false, since: performance.now() })
  }
  const onTimeout = (): unknown => socket.destroy()
  // The loop below gets the error too; without a listener it would end the process.
  const onError = (): void => undefined
  socket.once('timeout', onTimeout).on('error', onError)
  socket.setTimeout(idleTimeoutMs)
  try {
    let pending = ''
    let answered = false
    for (let chunk = await input.read(false); chunk !== null; chunk = await input.read(pending !== '')) {
      pending += chunk
      const lines = pending.split('\n')
      pending = lines.pop() ?? ''
      for (const line of lines) {
        if (line.length > MAX_LINE_LENGTH) return
        for (const words of parseLine(line)) {
          await answer(words)
          if (wasQuit() || isOver()) return
        }
        answered = true
      }
      if (pending.length > MAX_LINE_LENGTH || (answered && !isInteractive())) return
    }
  } catch (error) {
    log.debug({ event: 'admin-client-lost', reason: explain(error) }, 'a client of the admin socket broke off')
  } finally {
    socket.destroy()
    await close
    socket.off('timeout', onTimeout).off('error', onError)
  }

  // The flags change behind the compiler's back, in the session.
  function wasQuit(): boolean {
    return quit
  }
  function isInteractive(): boolean {
    return prompt
  }
}

async function run(
  commands: readonly Command[],
  words: readonly string[],
  session: CommandSession,
  send: (parts: AsyncIterable<string>) => Promise<void>,
  log: Logger,
): Promise<string> {
  const found = findCommand(commands, words)
  if (found === null) return unknownCommand(commands)
  try {
    const answer = found.command.run(found.args, session)
    if (typeof answer === 'string' || 'then' in answer) return await answer
    await send(answer)
    return ''
  } catch (error) {
    if (error instanceof ClientLost) throw error
    const command = found.command.words.join(' ')
    log.error({ event: 'admin-command-failed', err: error, command }, `admin socket: the command ${command} failed`)
    return `Failed: ${visible(explain(error))}`
  }
}

/** The connection broke off while an answer was sent. */
class ClientLost extends Error {}

/** Resolves when the client has received it, as far as the kernel can tell. Rejects with ClientLost. */
function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(text, (error) => (error ? reject(new ClientLost(explain(error), { cause: error })) : resolve()))
  })
}
