import { setTimeout as sleep } from 'node:timers/promises'

type Falsy = false | null | undefined | 0 | ''

/** For twice as long as a condition took, up to this, it is not asked again: what is waited for needs the processor as well. */
const MAX_PAUSE_MS = 2000

/**
 * Waits until `condition` gives a truthy value and returns that value. An error thrown by the condition counts as "not yet".
 * @param what names what is waited for, in the error.
 * @throws when `timeoutMs` (default 60 s, for a machine that others share) have passed; says what was waited for and the last value or error.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, Falsy>> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  let cause: unknown
  for (;;) {
    const askedAt = performance.now()
    try {
      const value = await condition()
      if (value) return value as Exclude<T, Falsy>
      last = value
      cause = undefined
    } catch (error) {
      last = error
      cause = error
    }
    if (performance.now() >= deadline) {
      const seen = last instanceof Error ? last.message : last === undefined ? 'undefined' : JSON.stringify(last)
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}; last: ${seen}`, { cause })
    }
    await sleep(Math.max(everyMs, Math.min(2 * (performance.now() - askedAt), MAX_PAUSE_MS)))
  }
}

/** Milliseconds since the epoch like Date.now(), so that processes can be compared, but with fractions and never back. */
export function clock(): number {
  return performance.timeOrigin + performance.now()
}
