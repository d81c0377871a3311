/** The log of the parts of one cluster. */
import type { Logger } from 'pino'
import { changed, type LogLine } from '../text/log-line.ts'

/**
 * Returns a log whose lines name a cluster, in front of the message and as a field, for as long as `name` returns one. No child of
 * pino's: what such a logger adds cannot change any more.
 */
export function clusterLog(log: Logger, name: () => string | null): Logger {
  const named = (line: LogLine): LogLine => {
    const cluster = name()
    const { fields, message } = line
    return cluster === null ? line : { ...line, fields: { cluster, ...fields }, message: `${cluster}: ${message}` }
  }
  return Object.assign(Object.create(log) as Logger, changed(log, named))
}
