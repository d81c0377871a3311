import { setTimeout as sleep } from 'node:timers/promises'

/** What a timer can take. Milliseconds. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Returns milliseconds since the epoch as they were when the process started, plus what has passed since: it never
 * jumps when the clock is set, so that no deadline comes late or never.
 */
export function now(): number {
  return Math.round(performance.timeOrigin + performance.now())
}

/** Resolves with what `promise` gives; with null when that takes longer than `ms`, or when `signal` aborts. */
export async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T | null> {
  const done = new AbortController()
  const timeout = sleep(ms, null, { signal: AbortSignal.any([signal, done.signal]) }).catch(() => null)
  return Promise.race([promise, timeout]).finally(() => done.abort())
}
