import { EXIT, type Io, type Signal } from './io.ts'

interface Interruption {
  readonly signals?: readonly Signal[]
  /** Interrupts it as well. */
  readonly other?: AbortSignal
  /** Written to standard error when it is interrupted, without the name of the program; left out: nothing. */
  readonly note?: string
}

/** Runs `work`, whose result is the exit code; where it rejects because it is interrupted, the exit code is 1. */
export async function interruptible(
  io: Io,
  work: (signal: AbortSignal) => Promise<number>,
  { signals = ['SIGINT', 'SIGTERM'], other, note }: Interruption = {},
): Promise<number> {
  const interrupted = new AbortController()
  const stopListening = io.onSignal(signals, () => interrupted.abort())
  const signal = other === undefined ? interrupted.signal : AbortSignal.any([interrupted.signal, other])
  try {
    return await work(signal)
  } catch (error) {
    if (!signal.aborted) throw error
    if (note !== undefined) io.err(`patroni-router: ${note}\n`)
    return EXIT.failed
  } finally {
    stopListening()
  }
}

/** Returns how a command is interrupted that shows something until it is left: also when its output has no reader any more. */
export function shownBy({ outputLost }: Io): Interruption {
  return { signals: ['SIGINT', 'SIGTERM', 'SIGQUIT'], other: outputLost }
}
