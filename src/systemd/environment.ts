/** What the service manager has put into the environment of its service: sd_notify(3), sd_watchdog_enabled(3). Pure. */

type Environment = Readonly<Record<string, string | undefined>>

/** Where systemd takes messages, and how often it expects one. */
export interface ServiceManager {
  /** `NOTIFY_SOCKET`, as it is: a path, a name that begins with `@`, or another address that `systemd-notify` understands. */
  readonly socket: string
  /** `WatchdogSec`; null: systemd expects no sign of life, or not from this process. Milliseconds. */
  readonly watchdogMs: number | null
  /** The process whose sign of life is expected, where that is not this one; else null. */
  readonly watchdogOf: string | null
}

/** Returns what systemd expects of the process `pid`; null: it was not started by systemd, or may not send it anything. */
export function serviceManager(env: Environment, pid: number): ServiceManager | null {
  const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: usec = '', WATCHDOG_PID: owner = '' } = env
  if (socket === '') return null
  const watchdogMs = /^\d+$/.test(usec) && Number(usec) > 0 ? Number(usec) / 1000 : null
  const isForeign = watchdogMs !== null && owner !== '' && owner !== String(pid)
  return { socket, watchdogMs: isForeign ? null : watchdogMs, watchdogOf: isForeign ? owner : null }
}
