/**
 * Milliseconds since the epoch as they were when the process started, plus what has passed since: it never jumps when
 * somebody sets the clock, so that no deadline comes late or never.
 */
export function now(): number {
  return Math.round(performance.timeOrigin + performance.now())
}
