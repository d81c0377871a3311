import type { LogLine } from '../../test/support/router/process.ts'

/** The moments of a switchover in the order in which they are expected, as keys of samples. */
export const MOMENTS = ['held', 'stopping', 'lock-gone', 'new-leader', 'open', 'released'] as const

export type Moment = (typeof MOMENTS)[number]

/** Returns when the router logged each moment of a switchover, in milliseconds after `from`, and how many clients it held. */
export function momentsOf(
  log: readonly LogLine[],
  from: number,
): Readonly<Partial<Record<Moment | 'held-clients', number>>> {
  const first = (fits: (line: LogLine) => boolean): LogLine | undefined => log.find(fits)
  const changed = (line: LogLine): boolean => line['event'] === 'leader-changed'
  const released = first(({ event }) => event === 'released')
  const lines: Readonly<Record<Moment, LogLine | undefined>> = {
    held: first(({ event }) => event === 'primary-switching'),
    stopping: first(({ event, reason }) => event === 'primary-reason' && String(reason).includes('stopping')),
    'lock-gone': first((line) => changed(line) && line['to'] === null),
    'new-leader': first((line) => changed(line) && line['to'] !== null),
    open: first(({ event }) => event === 'primary-open'),
    released,
  }
  return Object.fromEntries([
    ...MOMENTS.flatMap((moment) => {
      const line = lines[moment]
      return line === undefined ? [] : [[moment, line.time - from]]
    }),
    ...(released === undefined ? [] : [['held-clients', Number(released['connections'])]]),
  ]) as Readonly<Partial<Record<Moment | 'held-clients', number>>>
}
