/** The families of HAProxy 2.6's exporter that the router has, with HAProxy's names, types and descriptions, in its order. */
import { COLUMNS, type ColumnName } from './columns.ts'
import { INFO_FIELDS, type InfoName } from './info-fields.ts'

export type FamilyType = 'gauge' | 'counter'

export interface ProcessFamily {
  /** null: `show info` does not have it either, and it is NaN. */
  readonly field: InfoName | null
  readonly name: string
  readonly type: FamilyType
  readonly help: string
}

/** Of frontends, backends and servers: it is there once for each scope that has it. */
export interface StatFamily {
  readonly column: ColumnName
  /** Without `haproxy_` and the scope. */
  readonly name: string
  readonly type: FamilyType
  readonly scopes: readonly StatScope[]
  readonly help: string
}

export const STAT_SCOPES = ['frontend', 'backend', 'server'] as const
export type StatScope = (typeof STAT_SCOPES)[number]

/** As in the exporter's parameter `scope`; `listener` and `sticktable` exist there as well, without any of the router's. */
export const HAPROXY_SCOPES = ['global', ...STAT_SCOPES] as const
export type HaproxyScope = (typeof HAPROXY_SCOPES)[number]

const GAUGE = 'gauge'
const COUNTER = 'counter'

/** Field of `show info`, name, type where it is no gauge, the description where there is no such field. */
const PROCESS: readonly (readonly [field: InfoName | null, name: string, type?: FamilyType, help?: string])[] = [
  ['Nbthread', 'nbthread'],
  ['Nbproc', 'nbproc'],
  ['Process_num', 'relative_process_id'],
  ['Uptime_sec', 'uptime_seconds'],
  ['PoolFailed', 'pool_failures_total', COUNTER],
  ['Ulimit-n', 'max_fds'],
  ['Maxsock', 'max_sockets'],
  ['Maxconn', 'max_connections'],
  ['Hard_maxconn', 'hard_max_connections'],
  ['CurrConns', 'current_connections'],
  ['CumConns', 'connections_total', COUNTER],
  ['CumReq', 'requests_total', COUNTER],
  ['MaxSslConns', 'max_ssl_connections'],
  ['CurrSslConns', 'current_ssl_connections'],
  ['CumSslConns', 'ssl_connections_total', COUNTER],
  ['Maxpipes', 'max_pipes'],
  ['PipesUsed', 'pipes_used_total', COUNTER],
  ['PipesFree', 'pipes_free_total', COUNTER],
  ['ConnRate', 'current_connection_rate'],
  ['ConnRateLimit', 'limit_connection_rate'],
  ['MaxConnRate', 'max_connection_rate'],
  ['SessRate', 'current_session_rate'],
  ['SessRateLimit', 'limit_session_rate'],
  ['MaxSessRate', 'max_session_rate'],
  ['SslRate', 'current_ssl_rate'],
  ['SslRateLimit', 'limit_ssl_rate'],
  ['MaxSslRate', 'max_ssl_rate'],
  ['SslFrontendKeyRate', 'current_frontend_ssl_key_rate'],
  ['SslFrontendMaxKeyRate', 'max_frontend_ssl_key_rate'],
  ['SslFrontendSessionReuse_pct', 'frontend_ssl_reuse'],
  ['SslBackendKeyRate', 'current_backend_ssl_key_rate'],
  ['SslBackendMaxKeyRate', 'max_backend_ssl_key_rate'],
  ['SslCacheLookups', 'ssl_cache_lookups_total', COUNTER],
  ['SslCacheMisses', 'ssl_cache_misses_total', COUNTER],
  ['CompressBpsIn', 'http_comp_bytes_in_total', COUNTER],
  ['CompressBpsOut', 'http_comp_bytes_out_total', COUNTER],
  ['CompressBpsRateLim', 'limit_http_comp'],
  [
    ...([null, 'current_zlib_memory', GAUGE] as const),
    'Amount of memory currently used by HTTP compression on the current worker process (in bytes)',
  ],
  [
    ...([null, 'max_zlib_memory', GAUGE] as const),
    'Limit on the amount of memory used by HTTP compression above which it is automatically disabled (in bytes, see global.maxzlibmem)',
  ],
  ['Tasks', 'current_tasks'],
  ['Run_queue', 'current_run_queue'],
  ['Idle_pct', 'idle_time_percent'],
  ['Stopping', 'stopping'],
  ['Jobs', 'jobs'],
  ['Unstoppable Jobs', 'unstoppable_jobs'],
  ['Listeners', 'listeners'],
  ['ActivePeers', 'active_peers'],
  ['ConnectedPeers', 'connected_peers'],
  ['DroppedLogs', 'dropped_logs_total', COUNTER],
  ['BusyPolling', 'busy_polling_enabled'],
  ['FailedResolutions', 'failed_resolutions', COUNTER],
  ['TotalBytesOut', 'bytes_out_total', COUNTER],
  ['TotalSplicdedBytesOut', 'spliced_bytes_out_total', COUNTER],
  ['CumRecvLogs', 'recv_logs_total', COUNTER],
  ['Build info', 'build_info'],
  ['Memmax_bytes', 'max_memory_bytes'],
  ['PoolAlloc_bytes', 'pool_allocated_bytes'],
  ['PoolUsed_bytes', 'pool_used_bytes'],
  ['Start_time_sec', 'start_time_seconds'],
]

/** Column of `show stat`, name, type, the scopes by their initials, the description where it is not that of the column. */
const STAT: readonly (readonly [column: ColumnName, name: string, type: FamilyType, scopes: string, help?: string])[] =
  [
    ['qcur', 'current_queue', GAUGE, 'bs'],
    ['qmax', 'max_queue', GAUGE, 'bs'],
    ['scur', 'current_sessions', GAUGE, 'fbs'],
    ['smax', 'max_sessions', GAUGE, 'fbs'],
    ['slim', 'limit_sessions', GAUGE, 'fbs'],
    ['stot', 'sessions_total', COUNTER, 'fbs'],
    ['bin', 'bytes_in_total', COUNTER, 'fbs'],
    ['bout', 'bytes_out_total', COUNTER, 'fbs'],
    ['dreq', 'requests_denied_total', COUNTER, 'fb'],
    ['dresp', 'responses_denied_total', COUNTER, 'fbs'],
    ['ereq', 'request_errors_total', COUNTER, 'f'],
    ['econ', 'connection_errors_total', COUNTER, 'bs'],
    ['eresp', 'response_errors_total', COUNTER, 'bs'],
    ['wretr', 'retry_warnings_total', COUNTER, 'bs'],
    ['wredis', 'redispatch_warnings_total', COUNTER, 'bs'],
    ['status', 'status', GAUGE, 'fbs', 'Current status of the service, per state label value.'],
    ['weight', 'weight', GAUGE, 'bs'],
    ['act', 'active_servers', GAUGE, 'b'],
    ['bck', 'backup_servers', GAUGE, 'b'],
    ['chkfail', 'check_failures_total', COUNTER, 's'],
    ['chkdown', 'check_up_down_total', COUNTER, 'bs'],
    ['lastchg', 'check_last_change_seconds', GAUGE, 'bs'],
    ['downtime', 'downtime_seconds_total', COUNTER, 'bs'],
    ['lbtot', 'loadbalanced_total', COUNTER, 'bs'],
    ['rate_lim', 'limit_session_rate', GAUGE, 'f'],
    ['rate_max', 'max_session_rate', GAUGE, 'fbs'],
    ['check_status', 'check_status', GAUGE, 's', 'Status of last health check, per state label value.'],
    ['check_code', 'check_code', GAUGE, 's', 'layer5-7 code, if available of the last health check.'],
    [
      'check_duration',
      'check_duration_seconds',
      GAUGE,
      's',
      'Total duration of the latest server health check, in seconds.',
    ],
    ['cli_abrt', 'client_aborts_total', COUNTER, 'bs'],
    ['srv_abrt', 'server_aborts_total', COUNTER, 'bs'],
    ['lastsess', 'last_session_seconds', GAUGE, 'bs'],
    ['qtime', 'queue_time_average_seconds', GAUGE, 'bs', 'Avg. queue time for last 1024 successful connections.'],
    ['ctime', 'connect_time_average_seconds', GAUGE, 'bs', 'Avg. connect time for last 1024 successful connections.'],
    ['rtime', 'response_time_average_seconds', GAUGE, 'bs', 'Avg. response time for last 1024 successful connections.'],
    ['ttime', 'total_time_average_seconds', GAUGE, 'bs', 'Avg. total time for last 1024 successful connections.'],
    ['conn_rate_max', 'connections_rate_max', GAUGE, 'f'],
    ['conn_tot', 'connections_total', COUNTER, 'f'],
    ['dcon', 'denied_connections_total', COUNTER, 'f'],
    ['dses', 'denied_sessions_total', COUNTER, 'f'],
    ['wrew', 'failed_header_rewriting_total', COUNTER, 'fbs'],
    ['connect', 'connection_attempts_total', COUNTER, 'bs'],
    ['reuse', 'connection_reuses_total', COUNTER, 'bs'],
    ['srv_icur', 'idle_connections_current', GAUGE, 's'],
    ['qtime_max', 'max_queue_time_seconds', GAUGE, 'bs', 'Maximum observed time spent in the queue'],
    [
      'ctime_max',
      'max_connect_time_seconds',
      GAUGE,
      'bs',
      'Maximum observed time spent waiting for a connection to complete',
    ],
    [
      'rtime_max',
      'max_response_time_seconds',
      GAUGE,
      'bs',
      'Maximum observed time spent waiting for a server response',
    ],
    [
      'ttime_max',
      'max_total_time_seconds',
      GAUGE,
      'bs',
      'Maximum observed total request+response time (request+queue+connect+response+processing)',
    ],
    ['eint', 'internal_errors_total', COUNTER, 'fbs'],
    ['idle_conn_cur', 'unsafe_idle_connections_current', GAUGE, 's'],
    ['safe_conn_cur', 'safe_idle_connections_current', GAUGE, 's'],
    ['used_conn_cur', 'used_connections_current', GAUGE, 's'],
    ['need_conn_est', 'need_connections_current', GAUGE, 's'],
    ['uweight', 'uweight', GAUGE, 'bs'],
    ['agg_server_status', 'agg_server_status', GAUGE, 'b'],
    ['agg_server_check_status', 'agg_server_check_status', GAUGE, 'b'],
    ['agg_check_status', 'agg_check_status', GAUGE, 'b'],
  ]

export const PROCESS_FAMILIES: readonly ProcessFamily[] = PROCESS.map(([field, name, type = GAUGE, help]) => ({
  ...{ field, name: `haproxy_process_${name}`, type },
  help: help ?? INFO_FIELDS.find((each) => each.name === field)?.description ?? '',
}))

export const STAT_FAMILIES: readonly StatFamily[] = STAT.map(([column, name, type, initials, help]) => ({
  ...{ column, name, type },
  scopes: STAT_SCOPES.filter(([initial = '']) => initials.includes(initial)),
  help: help ?? COLUMNS.find((each) => each.name === column)?.description ?? '',
}))

/** What HAProxy's exporter has for a proxy of TCP connections and the router leaves out, and why. docs/migrating-from-haproxy.md has it as well. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  haproxy_process_bytes_out_rate: 'not measured; rate(haproxy_process_bytes_out_total) shows it',
  haproxy_server_queue_limit: 'clients wait for a route and not for a server',
  haproxy_server_current_throttle: 'a server that comes back has no slow start',
  haproxy_server_idle_connections_limit: 'a connection is never used again',
}
