/** Messages to systemd: sd_notify(3). Pure. */
import { shorten, visible } from '../text/terminal.ts'

/** What the service has begun, or completed. */
export type Phase =
  | { readonly type: 'ready' }
  /** `sinceUsec`: when it began, by the clock that systemd compares it with (CLOCK_MONOTONIC). Microseconds. */
  | { readonly type: 'reloading'; readonly sinceUsec: bigint }
  /** `drainMs`: how long it may take until sessions have ended. */
  | { readonly type: 'stopping'; readonly drainMs: number }

/** One datagram. */
export interface Message {
  readonly phase: Phase | null
  readonly status: string | null
  /** A sign of life. */
  readonly ping: boolean
}

/** Between the assignments of a message; `visible` leaves none in a text. */
export const SEPARATOR = '\t'
/** systemd shows one line of it, and ignores more than 16 KiB. */
const STATUS_COLUMNS = 1000
/** For what follows the drain: running commands are ended, files are closed. Milliseconds. */
const CLOSE_MS = 5000

/** Returns the message as one line for the shell, without its end. */
export function lineOf({ phase, status, ping }: Message): string {
  return [
    ...(phase === null ? [] : assignments(phase)),
    ...(status === null ? [] : [`STATUS=${shorten(visible(status), STATUS_COLUMNS)}`]),
    ...(ping ? ['WATCHDOG=1'] : []),
  ].join(SEPARATOR)
}

function assignments(phase: Phase): readonly string[] {
  switch (phase.type) {
    case 'ready':
      return ['READY=1']
    case 'reloading':
      return ['RELOADING=1', `MONOTONIC_USEC=${phase.sinceUsec}`]
    case 'stopping':
      // A drain that is longer than TimeoutStopSec would end with SIGKILL.
      return ['STOPPING=1', `EXTEND_TIMEOUT_USEC=${Math.ceil((phase.drainMs + CLOSE_MS) * 1000)}`]
  }
}
