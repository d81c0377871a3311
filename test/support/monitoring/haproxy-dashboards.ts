/**
 * What the two usual dashboards of HAProxy look at, written down from what they publish: Grafana.com 12693
 * (github.com/rfmoz/grafana-dashboards) and the mixin of Grafana Labs (github.com/grafana/jsonnet-libs, haproxy-mixin).
 */

type Scope = 'frontend' | 'backend' | 'server' | 'process'

/** Families by how they are looked at; the names are without `haproxy_SCOPE_`. */
interface Looks {
  readonly rate: Readonly<Partial<Record<Scope, string>>>
  /** Bits a second. */
  readonly bits?: Readonly<Partial<Record<Scope, string>>>
  readonly value: Readonly<Partial<Record<Scope, string>>>
}

/** The labels by which a dashboard chooses. */
type Selectors = Readonly<Record<Scope, string>>

const FULL: Looks = {
  rate: {
    frontend: `http_requests_total request_errors_total requests_denied_total intercepted_requests_total responses_denied_total
      connections_total denied_connections_total sessions_total denied_sessions_total failed_header_rewriting_total
      http_cache_lookups_total http_cache_hits_total http_comp_responses_total internal_errors_total`,
    backend: `http_requests_total requests_denied_total responses_denied_total redispatch_warnings_total retry_warnings_total
      response_errors_total connection_attempts_total connection_errors_total connection_reuses_total client_aborts_total
      server_aborts_total sessions_total failed_header_rewriting_total check_up_down_total loadbalanced_total
      http_cache_lookups_total http_cache_hits_total http_comp_responses_total internal_errors_total`,
    server: `responses_denied_total redispatch_warnings_total retry_warnings_total response_errors_total
      connection_attempts_total connection_errors_total connection_reuses_total client_aborts_total server_aborts_total
      sessions_total failed_header_rewriting_total check_up_down_total check_failures_total loadbalanced_total
      internal_errors_total`,
    process: `ssl_cache_lookups_total ssl_cache_misses_total ssl_connections_total failed_resolutions pipes_used_total
      pipes_free_total pool_failures_total dropped_logs_total recv_logs_total`,
  },
  bits: {
    frontend:
      'bytes_in_total bytes_out_total http_comp_bytes_in_total http_comp_bytes_out_total http_comp_bytes_bypassed_total',
    backend:
      'bytes_in_total bytes_out_total http_comp_bytes_in_total http_comp_bytes_out_total http_comp_bytes_bypassed_total',
    server: 'bytes_in_total bytes_out_total',
  },
  value: {
    frontend: 'current_sessions max_sessions',
    backend: `current_queue current_sessions max_sessions connect_time_average_seconds total_time_average_seconds
      response_time_average_seconds queue_time_average_seconds weight active_servers backup_servers last_session_seconds`,
    server: `current_queue used_connections_current idle_connections_current need_connections_current
      safe_idle_connections_current unsafe_idle_connections_current max_sessions connect_time_average_seconds
      total_time_average_seconds response_time_average_seconds queue_time_average_seconds weight check_duration_seconds
      last_session_seconds check_last_change_seconds`,
    process: `max_connection_rate limit_connection_rate current_connections hard_max_connections max_session_rate
      limit_session_rate max_ssl_rate limit_ssl_rate current_ssl_connections max_ssl_connections
      current_frontend_ssl_key_rate current_backend_ssl_key_rate frontend_ssl_reuse current_zlib_memory max_zlib_memory
      max_pipes listeners max_memory_bytes pool_allocated_bytes pool_used_bytes jobs unstoppable_jobs nbthread nbproc
      active_peers connected_peers current_tasks current_run_queue idle_time_percent stopping uptime_seconds`,
  },
}

const MIXIN_AVERAGES = `queue_time_average_seconds connect_time_average_seconds response_time_average_seconds
  total_time_average_seconds max_queue_time_seconds max_connect_time_seconds max_response_time_seconds max_total_time_seconds`
const MIXIN_RATES = `connection_attempts_total bytes_in_total bytes_out_total response_errors_total connection_errors_total
  internal_errors_total`

const MIXIN: Looks = {
  rate: {
    frontend: `http_requests_total connections_total bytes_in_total bytes_out_total request_errors_total internal_errors_total`,
    backend: `http_requests_total ${MIXIN_RATES}`,
    server: `http_responses_total ${MIXIN_RATES}`,
  },
  value: {
    backend: MIXIN_AVERAGES,
    server: MIXIN_AVERAGES,
    process: `current_connections pool_allocated_bytes pool_used_bytes nbproc nbthread max_connections max_fds max_sockets
      max_memory_bytes max_pipes limit_connection_rate limit_session_rate limit_ssl_rate`,
  },
}

/** Those of the first one that are more than a family and its labels. */
function composed(range: string, by: Selectors, host: string): readonly string[] {
  const full = (scope: Scope, name: string, more = ''): string => `haproxy_${scope}_${name}{${by[scope]}${more}}`
  const rate = (scope: Scope, name: string, more = ''): string => `rate(${full(scope, name, more)}[${range}])`
  const codes = ',code=~".+"'
  const sums = (['frontend', 'backend'] as const).flatMap((scope) => {
    const connections = scope === 'frontend' ? 'connections_total' : 'connection_attempts_total'
    const used = full(scope, 'current_sessions')
    const limit = full(scope, 'limit_sessions')
    return [
      ...['code', 'proxy'].map((label) => `sum(${rate(scope, 'http_responses_total', codes)}) by (${label})`),
      ...['http_requests_total', 'sessions_total', connections].map(
        (name) => `sum(${rate(scope, name)}) by (instance)`,
      ),
      ...['bytes_in_total', 'bytes_out_total'].map((name) => `sum(${rate(scope, name)}*8) by (instance)`),
      `sum(haproxy_${scope}_status{${host},state="UP"} == 1)`,
      `(${limit} > bool 0) * ((max_over_time(${used}[${range}]) / ${limit}) * 100)`,
      full(scope, 'status', ',state="UP"'),
      rate(scope, 'http_responses_total', codes),
    ]
  })
  return [
    ...sums,
    ...(['backend', 'server'] as const).flatMap((scope) => [
      `${full(scope, 'uweight')} - ${full(scope, 'weight')}`,
      `increase(${full(scope, 'downtime_seconds_total')}[${range}])`,
    ]),
    full('server', 'status', ',state="UP"'),
    full('server', 'status', ',state!~"UP|DOWN"'),
    rate('server', 'http_responses_total', codes),
    `sum(${rate('server', 'http_responses_total', codes)}) by (proxy, server)`,
    `time() - haproxy_process_start_time_seconds{${host}}`,
    ...['size', 'used'].map((name) => `haproxy_sticktable_${name}{name=~".*",${host}}`),
  ]
}

function plain(looks: Looks, range: string, by: Selectors): readonly string[] {
  const each = (table: Looks['value'], write: (series: string) => string): readonly string[] =>
    Object.entries(table).flatMap(([scope, names]) =>
      names.split(/\s+/).map((name) => write(`haproxy_${scope}_${name}{${by[scope as Scope]}}`)),
    )
  return [
    ...each(looks.rate, (series) => `rate(${series}[${range}])`),
    ...each(looks.bits ?? {}, (series) => `rate(${series}[${range}])*8`),
    ...each(looks.value, (series) => series),
  ]
}

export interface Shown {
  readonly job: string
  readonly instance: string
  /** Regular expression; all of them in the sums that no dashboard narrows. */
  readonly proxies: string
}

/** Returns the queries of both, with their variables filled in: one target, all of its servers. */
export function haproxyQueries(
  { job, instance, proxies }: Shown,
  range: string,
): Readonly<Record<string, readonly string[]>> {
  const host = `instance="${instance}"`
  const full = selectors(host, proxies)
  const jobs = `instance=~"${instance}",job=~"${job}"`
  const mixin = selectors(jobs, proxies)
  return {
    'haproxy-2-full': [...plain(FULL, range, full), ...composed(range, full, host)],
    'haproxy-mixin': [
      ...plain(MIXIN, range, mixin),
      `time() - haproxy_process_start_time_seconds{${jobs}}`,
      ...(['frontend', 'backend'] as const).map((scope) => `haproxy_${scope}_status{${jobs}} == 1`),
      `haproxy_server_status{${mixin.backend}} == 1`,
    ],
  }
}

function selectors(target: string, proxies: string): Selectors {
  const proxy = `proxy=~"${proxies}",${target}`
  return { frontend: proxy, backend: proxy, server: `${proxy},server=~".*"`, process: target }
}
