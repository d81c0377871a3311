/** The cluster as it is now, for a command that looks once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import { now } from '../clock.ts'
import type { ClusterConfig, Config, PrimaryState } from '../config/config.ts'
import { explain, RouterError } from '../errors.ts'
import type { Lookups } from '../names/lookups.ts'
import { whyNotYet } from '../templates/cluster-input.ts'
import { createDcs } from '../watcher/dcs/create.ts'
import { RestClient } from '../watcher/checks/rest-client.ts'
import { type ClusterView, takesNew } from '../watcher/view.ts'
import { Epochs } from '../watcher/primary/running-machine.ts'
import { Watcher } from '../watcher/watcher.ts'

export interface FirstViewLimits {
  /** A DCS that has not answered until then is out of reach. Milliseconds. */
  readonly dcsMs: number
  /** How long it may take, once the DCS is read, to find the open member and the replicas that serve. Milliseconds. */
  readonly settleMs: number
}

const LIMITS: FirstViewLimits = { dcsMs: 10_000, settleMs: 5000 }

/**
 * Watches the cluster until its members, the primary and the usable replicas are known; after a few seconds the view of
 * that moment counts. Rejects with DCS_UNAVAILABLE, or with the reason of `signal`.
 */
export async function firstView(
  config: ClusterConfig,
  lookups: Lookups,
  log: Logger,
  signal: AbortSignal,
  { dcsMs, settleMs }: FirstViewLimits = LIMITS,
): Promise<ClusterView> {
  const rest = new RestClient(config.restApi, config.proxy.check.timeoutMs, lookups, log)
  const watcher = new Watcher({
    config,
    dcs: createDcs(config, rest, { log }),
    rest,
    state: null,
    epochs: new Epochs(),
    log,
  })
  try {
    const read = await seen(watcher, ({ dcs }) => dcs.state === 'up', dcsMs, signal)
    if (read.dcs.state !== 'up') throw unreachable(config, read, dcsMs)
    const readAt = now()
    const settled = (view: ClusterView): boolean => isSettled(view, now() - readAt, config.proxy.check.timeoutMs)
    return await seen(watcher, settled, settleMs, signal)
  } finally {
    await watcher.close()
  }
}

/**
 * Reads each of these clusters once, all at the same time; of one that cannot be read, the error. Rejects with the
 * reason of `signal`.
 */
export async function readClusters(
  { clusters }: Pick<Config, 'clusters'>,
  names: readonly string[],
  lookups: Lookups,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ClusterView | Error>> {
  const log = pino({ level: 'silent' })
  const wanted = clusters.filter(({ name }) => names.includes(name))
  const read = wanted.map(async (cluster) => {
    const view = await firstView(cluster, lookups, log, signal).catch((error: unknown) =>
      error instanceof Error ? error : new Error(explain(error)),
    )
    return [cluster.name, view] as const
  })
  const views = new Map(await Promise.all(read))
  signal.throwIfAborted()
  return views
}

/** Returns the first view that fits; the present one after `timeoutMs`. */
async function seen(
  watcher: Watcher,
  fits: (view: ClusterView) => boolean,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ClusterView> {
  const found = new AbortController()
  const look = (): void => {
    if (fits(watcher.view)) found.abort()
  }
  const unsubscribe = watcher.subscribe('first view', look)
  // Time alone settles some of it, and publishes nothing.
  const ticker = setInterval(look, LOOK_AGAIN_MS)
  try {
    watcher.start()
    look()
    const until = AbortSignal.any([signal, found.signal])
    await sleep(timeoutMs, undefined, { signal: until }).catch(() => undefined) // Found, or interrupted.
    signal.throwIfAborted()
    return watcher.view
  } finally {
    unsubscribe()
    clearInterval(ticker)
  }
}

const LOOK_AGAIN_MS = 100

/** Returns whether the view can be rendered. `readForMs`: since the DCS was read first. */
export function isSettled(view: ClusterView, readForMs: number, checkTimeoutMs: number): boolean {
  const { state } = view.primary
  const isDecided = takesNew(state) || (FINAL.has(state) && readForMs > checkTimeoutMs)
  return isDecided && whyNotYet(view, true) === null
}

/** Once each member has had the time to say otherwise; in the other states a member is about to be opened. */
const FINAL: ReadonlySet<PrimaryState> = new Set(['none', 'unverified'])

function unreachable({ name }: ClusterConfig, { dcs }: ClusterView, limitMs: number): RouterError {
  const why = dcs.error === null ? '' : `: ${dcs.error}`
  const message = `the DCS of ${name} could not be read within ${limitMs / 1000} s${why}`
  return new RouterError('DCS_UNAVAILABLE', message)
}
