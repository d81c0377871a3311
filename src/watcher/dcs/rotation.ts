/**
 * Observes through one endpoint after the other: a session with each for as long as nothing is in doubt, and growing pauses
 * where none serves. Which endpoints there are, and what a session is, is a matter of the kind of DCS.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from '../../clock.ts'

/** A connection to one endpoint, whatever its protocol is. */
export interface EndpointConnection {
  readonly endpoint: string
  /** Ends every call under way. Idempotent. */
  close(): void
}

export interface RotationOptions<T, C extends EndpointConnection> {
  /** How many endpoints there are, and which one is next; `name` is shown while `next` rejects, as none is known. */
  readonly endpoints: {
    readonly name: string
    readonly size: number
    next(signal: AbortSignal): string | Promise<string>
  }
  /** Makes a connection, which connects with its first call. @throws where that is not possible. */
  connect(endpoint: string): C
  /** Reads through the connection until anything is in doubt, which it rejects with, or until there is a successor. */
  session(connection: C): AsyncIterable<T>
  /** Gives what is observed of an endpoint that cannot be read; `connection`: null where none could be made. Never rejects. */
  lost(endpoint: string, cause: unknown, connection: C | null, signal: AbortSignal): Promise<T>
  /** Returns whether the endpoint has answered that this user may not read. */
  isRefusal(cause: unknown): boolean
  /** Gives up the connection that is to take over from the one before, as with replaced certificates; null: none. */
  takeSuccessor?(): C | null
  /** Looks at an endpoint that could not be read, before the next one. Never rejects. */
  reconsider?(endpoint: string, signal: AbortSignal): Promise<void>
}

/** Pause between rounds over all endpoints, growing; longer where all refuse the user, which costs a server much. Milliseconds. */
const BACKOFF = { min: 100, max: 1000, refused: 5000 }

/** Observes until `signal` aborts; then it ends, without an error. It tries again by itself, for ever. */
export async function* observeInTurn<T, C extends EndpointConnection>(
  options: RotationOptions<T, C>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const { endpoints } = options
  let successor: C | null = null
  let failures = 0
  let refusals = 0
  const aborted = (): boolean => signal.aborted
  try {
    while (!aborted()) {
      let endpoint = successor?.endpoint ?? endpoints.name
      let connection = successor
      successor = null
      const onAbort = (): void => connection?.close()
      signal.addEventListener('abort', onAbort, { once: true })
      let servedSince: number | null = null
      try {
        if (connection === null) endpoint = await endpoints.next(signal)
        // After the end nothing closes a connection any more.
        if (aborted()) return
        connection ??= options.connect(endpoint)
        for await (const observation of options.session(connection)) {
          servedSince ??= now()
          yield observation
        }
      } catch (cause) {
        refusals = options.isRefusal(cause) ? refusals + 1 : 0
        const lost = await options.lost(endpoint, cause, connection, signal)
        if (aborted()) return
        yield lost
      } finally {
        signal.removeEventListener('abort', onAbort)
        connection?.close()
      }
      successor = options.takeSuccessor?.() ?? null
      if (successor !== null) continue
      await options.reconsider?.(endpoint, signal)
      // An endpoint that serves for a moment each time is no reason to hurry.
      if (servedSince !== null && now() - servedSince >= BACKOFF.max) failures = 0
      const rounds = Math.floor(++failures / endpoints.size)
      const backoffMs = rounds > 0 ? Math.min(BACKOFF.min * 2 ** (rounds - 1), BACKOFF.max) : 0
      await pause(refusals >= endpoints.size ? BACKOFF.refused : backoffMs, signal)
    }
  } finally {
    const left = successor ?? options.takeSuccessor?.() ?? null
    left?.close()
  }
}

/** Waits, or until `signal` aborts; never rejects. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined)
}

/**
 * Connects, and closes the connection afterwards, or when `signal` aborts. Rejects as `question` does, and with the reason of
 * a `signal` that has aborted before.
 */
export async function askOnce<C extends { close(): void }, T>(
  connect: () => C,
  signal: AbortSignal,
  question: (connection: C) => Promise<T>,
): Promise<T> {
  let connection: C | null = null
  const onAbort = (): void => connection?.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    connection = connect()
    return await question(connection)
  } finally {
    signal.removeEventListener('abort', onAbort)
    connection?.close()
  }
}
