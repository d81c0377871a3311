import type { Logger } from 'pino'
import { codeOf, explain } from '../errors.ts'
import { EventFile } from '../events/event-file.ts'
import { History } from '../events/history.ts'
import { eventPlace } from '../events/kept-events.ts'
import { readLimits } from '../process-limits.ts'
import type { RouterDeps } from '../router.ts'
import { DCS_KINDS } from '../watcher/dcs/kinds.ts'
import { collectWhenIdle } from './idle-collection.ts'
import { EXIT, type Io } from './io.ts'
import { loadOrReport } from './load.ts'
import { openLog } from './log.ts'

export interface RunOptions {
  readonly config?: string
}

/** What `serve` needs of the router. */
export interface Startable {
  start(): Promise<void>
  /** Reads templates again, and looks at every file that they write. */
  resync(): void
  /** Stops accepting and lets sessions end, for as long as the configuration says. */
  drain(): Promise<void>
  /** Closes everything at once. */
  close(): Promise<void>
}

/** Runs `run`: the daemon. */
export async function run({ config: configFlag }: RunOptions, io: Io): Promise<number> {
  const loaded = await loadOrReport(configFlag ?? null, io)
  if (loaded === null) return EXIT.usage
  const { config, warnings } = loaded
  const history = new History()
  const { log, setLevel, close } = openLog(config.logging, io, (line) => history.add(line))
  const events = new EventFile({ history, log })
  let stopCollecting = (): void => undefined
  try {
    for (const warning of warnings) log.warn({ event: 'config-warning' }, warning)
    // Loaded here, so that the other commands do not wait for the DCS clients.
    const { Router } = await import('../router.ts')
    log.info({ event: 'starting', version: io.version, pid: io.pid, config: config.file }, 'patroni-router starts')
    await events.open(eventPlace(config))
    const build = (): Startable => {
      const router = new Router(config, { ...accessOf(io), log, setLogLevel: setLevel, history })
      stopCollecting = collectWhenIdle(() => router.connections)
      return router
    }
    return await serve(build, log, io)
  } finally {
    stopCollecting()
    await events.close()
    await close()
  }
}

function accessOf(io: Io): Omit<RouterDeps, 'log' | 'setLogLevel' | 'history'> {
  const { version, pid, env } = io
  const signalGroup: RouterDeps['signalGroup'] = (group, signal) => io.signalGroup(group, signal)
  const limits = readLimits(io.memoryLimit())
  return { version, pid, env, limits, kinds: DCS_KINDS, signalGroup, isAlive: (other) => io.isAlive(other) }
}

/**
 * Runs a router until a signal ends it: the first SIGTERM, SIGINT or SIGQUIT drains it, the second closes it at once.
 * An unhandled error is logged and ends nothing: the sessions of healthy servers outlive a fault of the
 * router.
 */
export async function serve(build: () => Startable, log: Logger, io: Io): Promise<number> {
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  let signals = 0
  let router: Startable | null = null
  // Signal handlers alone do not keep a process alive.
  const alive = setInterval(() => undefined, 2 ** 31 - 1)
  const undo = [
    io.onSignal(['SIGTERM', 'SIGINT', 'SIGQUIT'], (signal) => {
      if (signals++ === 0) first.resolve(signal)
      else second.resolve(signal)
    }),
    io.onSignal(['SIGHUP'], () => {
      const message = 'SIGHUP: templates are read and rendered again; a changed configuration file needs a restart'
      log.info({ event: 'resync' }, message)
      router?.resync()
    }),
    io.onFault((error) =>
      log.error({ event: 'fault', err: error }, `an unexpected error, please report it: ${explain(error)}`),
    ),
  ]
  try {
    router = build()
    await router.start()
    log.info({ event: 'started' }, 'patroni-router is running')
    log.info({ event: 'draining', signal: await first.promise }, 'stopping: sessions may end until the drain timeout')
    const drained = router
      .drain()
      .catch((error: unknown) => log.error({ event: 'drain-failed', err: error }, 'draining failed'))
    await Promise.race([drained, second.promise])
    await router.close()
    log.info({ event: 'stopped' }, 'patroni-router has stopped')
    return EXIT.ok
  } catch (error) {
    const code = codeOf(error)
    log.fatal({ event: 'failed', ...(code === null ? {} : { code }) }, explain(error))
    return EXIT.failed
  } finally {
    clearInterval(alive)
    for (const each of undo) each()
  }
}
