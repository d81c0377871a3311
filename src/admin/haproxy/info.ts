/** `show info`: the process in the fields of HAProxy (management guide, 9.3). Pure. */
import type { RouterStatus } from '../status.ts'
import { INFO_FIELDS, type InfoField, type InfoName } from './info-fields.ts'
import type { ProcessFigures } from './process-figures.ts'
import { plain } from './value.ts'

export interface InfoValue {
  readonly field: InfoField
  readonly value: string | number
}

/** Returns the fields that the router has a value of, in HAProxy's order. Fields without a measurement are left out. */
export function infoValues(status: RouterStatus, figures: ProcessFigures): readonly InfoValue[] {
  const values: Partial<Record<InfoName, string | number | null>> = { ...NOTHING, ...figuresOf(status, figures) }
  return INFO_FIELDS.flatMap((field) => {
    const value = values[field.name] ?? null
    return value === null ? [] : [{ field, value }]
  })
}

/** Returns the answer to `show info`. */
export function renderInfo(values: readonly InfoValue[], isDescribed: boolean): string {
  return values
    .map(({ field, value }) => `${field.name}: ${plain(value)}${isDescribed ? `:"${field.description}"` : ''}\n`)
    .join('')
}

/** What the router does not do, so that there is nothing of it: TLS, compression, pipes, peers. Tools need some of them. */
const NOTHING: Partial<Record<InfoName, string | number>> = {
  ...{ Name: 'patroni-router', Release_date: '-', Nbthread: 1, Nbproc: 1, Process_num: 1 },
  ...{ Memmax_MB: 0, Memmax_bytes: 0, PoolFailed: 0, ConnRateLimit: 0, SessRateLimit: 0 },
  ...{ MaxSslConns: 0, CurrSslConns: 0, CumSslConns: 0, SslRate: 0, SslRateLimit: 0, MaxSslRate: 0 },
  ...{ SslFrontendKeyRate: 0, SslFrontendMaxKeyRate: 0, SslFrontendSessionReuse_pct: 0 },
  ...{ SslBackendKeyRate: 0, SslBackendMaxKeyRate: 0, SslCacheLookups: 0, SslCacheMisses: 0 },
  ...{ Maxpipes: 0, PipesUsed: 0, PipesFree: 0, CompressBpsIn: 0, CompressBpsOut: 0, CompressBpsRateLim: 0 },
  ...{ Run_queue: 0, 'Unstoppable Jobs': 0, ActivePeers: 0, ConnectedPeers: 0, BusyPolling: 0 },
  ...{ TotalSplicdedBytesOut: 0, DebugCommandsIssued: 0, CumRecvLogs: 0, Tainted: '0' },
}

function figuresOf(status: RouterStatus, figures: ProcessFigures): Partial<Record<InfoName, string | number | null>> {
  const listeners = status.clusters.flatMap(({ proxy }) => proxy?.listeners ?? [])
  const traffic = listeners.map((listener) => listener.traffic)
  const { connections: current, accepted, sessions, bytesIn, bytesOut } = status.totals
  const rate = sum(traffic.map(({ acceptRate }) => acceptRate))
  // Of all together it is not kept: that of the listener with the highest one, which is all there is where there is one.
  const maxRate = Math.max(rate, ...traffic.map(({ maxAcceptRate }) => maxAcceptRate))
  const uptime = Math.max(0, Math.floor((status.now - status.startedAt) / 1000))
  return {
    ...{ Version: status.version, 'Build info': status.version, Pid: status.pid },
    ...{ Uptime: formatUptime(uptime), Uptime_sec: uptime, Start_time_sec: Math.floor(status.startedAt / 1000) },
    ...{ PoolAlloc_MB: inMegabytes(figures.heapBytes), PoolUsed_MB: inMegabytes(figures.usedHeapBytes) },
    ...{ PoolAlloc_bytes: figures.heapBytes, PoolUsed_bytes: figures.usedHeapBytes },
    ...{ 'Ulimit-n': figures.descriptors, Maxsock: figures.descriptors },
    ...{ Maxconn: status.maxConnections, Hard_maxconn: status.maxConnections },
    ...{ CurrConns: current, CumConns: accepted, CumReq: sessions },
    ...{ ConnRate: rate, MaxConnRate: maxRate, SessRate: rate, MaxSessRate: maxRate },
    ...{ Tasks: current, Jobs: current + listeners.length, Listeners: listeners.length },
    ...{ node: status.node === '' ? '-' : status.node, Stopping: status.stopping ? 1 : 0 },
    DroppedLogs: status.log.dropped,
    FailedResolutions: status.lookups.failed,
    // Of the last 30 seconds, where HAProxy has that of one.
    Idle_pct: status.eventLoopDelay && Math.round(status.eventLoopDelay.idlePercent),
    // As HAProxy's: to clients and to servers.
    TotalBytesOut: bytesIn + bytesOut,
  }
}

function inMegabytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2)
}

/** Returns `0d 0h00m05s`. */
function formatUptime(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3600)]
  return `${days}d ${hours}h${two((seconds % 3600) / 60)}m${two(seconds % 60)}s`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
