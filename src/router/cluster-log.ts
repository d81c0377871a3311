/** The log of the parts of one cluster. */
import type { Logger } from 'pino'
import type { LogLine } from '../text/log-line.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/**
 * Returns a log whose lines name a cluster, in front of the message and as a field, for as long as `name` returns one. No child of
 * pino's: what such a logger adds cannot change any more.
 */
export function clusterLog(log: Logger, name: () => string | null): Logger {
  const write =
    (level: (typeof LEVELS)[number] | 'note') =>
    (fields: LogLine['fields'], message: string): void => {
      const cluster = name()
      const to = log as unknown as Readonly<Record<typeof level, (fields: LogLine['fields'], message: string) => void>>
      if (cluster === null) to[level](fields, message)
      else to[level]({ cluster, ...fields }, `${cluster}: ${message}`)
    }
  const levels = 'note' in log ? [...LEVELS, 'note' as const] : LEVELS
  return Object.assign(Object.create(log) as Logger, Object.fromEntries(levels.map((level) => [level, write(level)])))
}
