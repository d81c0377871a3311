/** The native families about the router as a whole. */
import { type Family, one, seconds, type Taken } from './family.ts'

const RESULTS = [
  ['applied', ({ reloads }) => reloads],
  ['refused', ({ refusals }) => refusals],
] as const satisfies readonly (readonly [string, (configuration: Configuration) => number])[]

type Configuration = NonNullable<Taken['status']['configuration']>

export const ROUTER_FAMILIES: readonly Family[] = [
  {
    name: 'patroni_router_build_info',
    help: 'Always 1, with the versions of the router and of Node.js.',
    ...{ type: 'gauge', labels: ['version', 'node_version'] },
    samples: ({ status: { version, nodeVersion } }) => one(1, { version, node_version: nodeVersion }),
  },
  {
    name: 'patroni_router_start_time_seconds',
    help: 'When the router was started, in seconds since the epoch.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ status: { startedAt } }) => one(seconds(startedAt)),
  },
  {
    name: 'patroni_router_stopping',
    help: '1: it is shutting down, and no new connections are accepted.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ status: { stopping } }) => one(Number(stopping)),
  },
  {
    name: 'patroni_router_max_connections',
    help: 'Limit of connections for all clusters together. 0: unlimited.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ status: { maxConnections } }) => one(maxConnections),
  },
  {
    name: 'patroni_router_config_reloads_total',
    help: 'Reloads of the configuration by result. applied: also those that changed nothing.',
    ...{ type: 'counter', labels: ['result'] },
    *samples({ status: { configuration } }) {
      if (configuration === null) return
      for (const [result, count] of RESULTS) yield { labels: { result }, value: count(configuration) }
    },
  },
  {
    name: 'patroni_router_config_differs',
    help: '1: the configuration file differs from what is in force.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ status: { configuration } }) => one(configuration && Number(configuration.differsSince !== null)),
  },
  {
    name: 'patroni_router_config_loaded_timestamp_seconds',
    help: 'When the configuration in force was loaded, in seconds since the epoch.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ status: { configuration } }) => one(configuration && seconds(configuration.loadedAt)),
  },
  {
    name: 'patroni_router_log_dropped_lines_total',
    help: 'Lines of the log that were dropped because its reader did not keep up.',
    ...{ type: 'counter', labels: [] },
    samples: ({ status: { log } }) => one(log.dropped),
  },
  {
    name: 'patroni_router_failed_lookups_total',
    help: 'Lookups of host names that have failed. The last good answer stays in use.',
    ...{ type: 'counter', labels: [] },
    samples: ({ status: { lookups } }) => one(lookups.failed),
  },
  {
    name: 'patroni_router_http_refused_total',
    help: 'Refused requests and connections of HTTP, by reason.',
    ...{ type: 'counter', labels: ['reason'] },
    *samples({ status: { http } }) {
      for (const [reason, count] of Object.entries(http?.refusals ?? {})) yield { labels: { reason }, value: count }
    },
  },
  {
    name: 'patroni_router_event_loop_delay_seconds',
    help: 'How late turns of the event loop came in the last 30 to 60 seconds. quantile 1: the latest. Only while HTTP is on.',
    ...{ type: 'summary', labels: ['quantile'] },
    *samples({ status: { eventLoopDelay } }) {
      if (eventLoopDelay === null) return
      const { medianMs, p99Ms, maxMs } = eventLoopDelay
      yield { labels: { quantile: '0.5' }, value: seconds(medianMs) }
      yield { labels: { quantile: '0.99' }, value: seconds(p99Ms) }
      yield { labels: { quantile: '1' }, value: seconds(maxMs) }
    },
  },
]

/** Under the names that every client library of Prometheus has. Linux only. */
export const PROCESS_FAMILIES: readonly Family[] = [
  {
    name: 'process_cpu_seconds_total',
    help: 'CPU time in user and kernel mode.',
    ...{ type: 'counter', labels: [] },
    samples: ({ process }) => one(process && process.cpuSeconds),
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ process }) => one(process && process.residentBytes),
  },
  {
    name: 'process_virtual_memory_bytes',
    help: 'Virtual memory.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ process }) => one(process && process.virtualBytes),
  },
  {
    name: 'process_open_fds',
    help: 'Open file descriptors: two of each session, one of each held client.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ process }) => one(process && process.openFiles),
  },
  {
    name: 'process_max_fds',
    help: 'Limit of open file descriptors.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ process }) => one(process && process.maxFiles),
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the process was started, in seconds since the epoch.',
    ...{ type: 'gauge', labels: [] },
    samples: ({ process, status: { startedAt } }) => one(process && seconds(startedAt)),
  },
]
