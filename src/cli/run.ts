import type { Logger } from 'pino'
import { fingerprintOf, readConfig } from '../config/read.ts'
import type { Config } from '../config/config.ts'
import { codeOf, explain } from '../errors.ts'
import { EventFile } from '../events/event-file.ts'
import { History } from '../events/history.ts'
import { readLimits } from '../process-limits.ts'
import type { Reloadable } from '../reload.ts'
import type { RouterDeps } from '../router.ts'
import { notifierFor } from '../systemd/notifier.ts'
import { DCS_KINDS } from '../watcher/dcs/kinds.ts'
import { collectWhenIdle } from './idle-collection.ts'
import { EXIT, type Io } from './io.ts'
import { loadOrReport } from './load.ts'
import { openLog } from './log.ts'
import { type Reported, type Reporter, report } from './service-report.ts'
import { routerPlace } from '../state-dir.ts'

export interface RunOptions {
  readonly config?: string
}

/** What `serve` needs of the router. */
export interface Startable extends Reported {
  start(): Promise<void>
  /** Loads the configuration again; null: nothing does. */
  readonly reloading: Reloadable | null
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
  const { log, configure, output, close } = openLog(config.logging, io, (line) => history.add(line))
  const events = new EventFile({ history, log })
  let stopCollecting = (): void => undefined
  try {
    for (const warning of warnings) log.warn({ event: 'config-warning' }, warning)
    // Loaded here, so that the other commands do not wait for the DCS clients.
    const { Router } = await import('../router.ts')
    log.info({ event: 'starting', version: io.version, pid: io.pid, config: config.file }, 'patroni-router starts')
    const notifier = notifierFor({ ...accessOf(io), log, monotonicUsec: () => io.monotonicUsec() })
    await events.open(routerPlace(config))
    const build = (): Startable => {
      const source = { configFlag: configFlag ?? null, env: io.env }
      const loading = {
        loaded,
        read: () => readConfig({ ...source, isAgain: true }, DCS_KINDS),
        fingerprint: () => fingerprintOf(source),
        onBegin: () => notifier?.reloading(),
        onEnd: () => notifier?.ready(),
      }
      const taken = (next: Config): void => events.reopen(routerPlace(next))
      const logged = { log, setLogging: configure, logOutput: output }
      const router = new Router(config, { ...accessOf(io), ...logged, loading, history, taken })
      stopCollecting = collectWhenIdle(() => router.connections)
      return router
    }
    return await serve(build, log, io, notifier)
  } finally {
    stopCollecting()
    await events.close()
    await close()
  }
}

function accessOf(io: Io): Omit<RouterDeps, 'log' | 'setLogging' | 'logOutput' | 'loading' | 'history' | 'taken'> {
  const { version, nodeVersion, pid, env } = io
  const signalGroup: RouterDeps['signalGroup'] = (group, signal) => io.signalGroup(group, signal)
  const limits = readLimits(io.memoryLimit())
  return {
    version,
    nodeVersion,
    pid,
    env,
    limits,
    kinds: DCS_KINDS,
    signalGroup,
    isAlive: (other) => io.isAlive(other),
  }
}

/**
 * Runs a router until a signal ends it: the first SIGTERM, SIGINT or SIGQUIT drains it, the second closes it at once.
 * An unhandled error is logged and ends nothing: the sessions of healthy servers outlive a fault of the
 * router. `notifier`: null where no systemd waits for reports.
 */
export async function serve(
  build: () => Startable,
  log: Logger,
  io: Io,
  notifier: Reporter | null = null,
): Promise<number> {
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  const running = Promise.withResolvers<Startable>()
  let signals = 0
  let stopReport = (): void => undefined
  // Signal handlers alone do not keep a process alive.
  const alive = setInterval(() => undefined, 2 ** 31 - 1)
  const undo = [
    io.onSignal(['SIGTERM', 'SIGINT', 'SIGQUIT'], (signal) => {
      if (signals++ === 0) first.resolve(signal)
      else second.resolve(signal)
    }),
    // A file that is written while it starts may have been read before.
    io.onSignal(['SIGHUP'], () => void running.promise.then(async ({ reloading }) => reloading?.reload())),
    io.onFault((error) =>
      log.error({ event: 'fault', err: error }, `an unexpected error, please report it: ${explain(error)}`),
    ),
  ]
  try {
    notifier?.start()
    const router = build()
    await router.start()
    if (notifier !== null) stopReport = report(router, notifier)
    log.info({ event: 'started' }, 'patroni-router is running')
    running.resolve(router)
    log.info({ event: 'draining', signal: await first.promise }, 'stopping: sessions may end until the drain timeout')
    notifier?.stopping(router.drainTimeoutMs)
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
    stopReport()
    await notifier?.close()
    for (const each of undo) each()
  }
}
