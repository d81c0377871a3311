/** The columns of HAProxy 2.6's `show stat`, in its order (management guide, 9.1), with its descriptions: tools read them by place and name. */

export type ValueType = 'str' | 'u32' | 's32' | 'u64'

/**
 * Name; then, where a row of the router has a value: origin, nature and scope as `show stat typed` abbreviates them, the type and
 * HAProxy's description. The others are of HTTP, of cookies, of agents and of settings that the router does not have.
 */
type Entry = readonly [name: string] | readonly [name: string, tags: string, type: ValueType, description: string]

const ENTRIES = [
  ['pxname', 'KNS', 'str', 'Proxy name'],
  ['svname', 'KNS', 'str', 'Server name'],
  ['qcur', 'MGP', 'u32', 'Number of current queued connections'],
  ['qmax', 'MMP', 'u32', 'Highest value of queued connections encountered since process started'],
  ['scur', 'MGP', 'u32', 'Number of current sessions on the frontend, backend or server'],
  ['smax', 'MMP', 'u32', 'Highest value of current sessions encountered since process started'],
  ['slim', 'CLP', 'u32', "Frontend/listener/server's maxconn, backend's fullconn"],
  ['stot', 'MCP', 'u64', 'Total number of sessions since process started'],
  ['bin', 'MCP', 'u64', 'Total number of request bytes since process started'],
  ['bout', 'MCP', 'u64', 'Total number of response bytes since process started'],
  ['dreq', 'MCP', 'u64', 'Total number of denied requests since process started'],
  ['dresp', 'MCP', 'u64', 'Total number of denied responses since process started'],
  ['ereq', 'MCP', 'u64', 'Total number of invalid requests since process started'],
  ['econ', 'MCP', 'u64', 'Total number of failed connections to server since the worker process started'],
  ['eresp', 'MCP', 'u64', 'Total number of invalid responses since the worker process started'],
  ['wretr', 'MCP', 'u64', 'Total number of server connection retries since the worker process started'],
  [
    'wredis',
    'MCP',
    'u64',
    'Total number of server redispatches due to connection failures since the worker process started',
  ],
  [
    'status',
    'SGP',
    'str',
    'Frontend/listen status: OPEN/WAITING/FULL/STOP; backend: UP/DOWN; server: last check status',
  ],
  ['weight', 'MaP', 'u32', "Server's effective weight, or sum of active servers' effective weights for a backend"],
  ['act', 'SGP', 'u32', 'Total number of active UP servers with a non-zero weight'],
  ['bck', 'SGP', 'u32', 'Total number of backup UP servers with a non-zero weight'],
  [
    'chkfail',
    'MCP',
    'u64',
    'Total number of failed individual health checks per server/backend, since the worker process started',
  ],
  [
    'chkdown',
    'MCP',
    'u64',
    'Total number of failed checks causing UP to DOWN server transitions, per server/backend, since the worker process started',
  ],
  ['lastchg', 'MAP', 'u32', 'How long ago the last server state changed, in seconds'],
  ['downtime', 'MCP', 'u32', 'Total time spent in DOWN state, for server or backend'],
  ['qlimit'],
  ['pid', 'KGP', 'u32', 'Relative worker process number (1)'],
  ['iid', 'KGS', 'u32', "Frontend or Backend numeric identifier ('id' setting)"],
  ['sid', 'KGS', 'u32', "Server numeric identifier ('id' setting)"],
  ['throttle'],
  [
    'lbtot',
    'MCP',
    'u64',
    'Total number of requests routed by load balancing since the worker process started (ignores queue pop and stickiness)',
  ],
  ['tracked'],
  ['type', 'CGS', 'u32', 'Type of the object (Listener, Frontend, Backend, Server)'],
  [
    'rate',
    'MRP',
    'u32',
    'Total number of sessions processed by this object over the last second (sessions for listeners/frontends, requests for backends/servers)',
  ],
  [
    'rate_lim',
    'CLP',
    'u32',
    "Limit on the number of sessions accepted in a second (frontend only, 'rate-limit sessions' setting)",
  ],
  ['rate_max', 'MMP', 'u32', 'Highest value of sessions per second observed since the worker process started'],
  [
    'check_status',
    'MOP',
    'str',
    "Status report of the server's latest health check, prefixed with '*' if a check is currently in progress",
  ],
  ['check_code', 'MOP', 'u32', 'HTTP/SMTP/LDAP status code reported by the latest server health check'],
  ['check_duration', 'MDP', 'u64', 'Total duration of the latest server health check, in milliseconds'],
  ['hrsp_1xx'],
  ['hrsp_2xx'],
  ['hrsp_3xx'],
  ['hrsp_4xx'],
  ['hrsp_5xx'],
  ['hrsp_other'],
  ['hanafail'],
  ['req_rate', 'MRP', 'u32', 'Number of HTTP requests processed over the last second on this object'],
  ['req_rate_max', 'MMP', 'u32', 'Highest value of http requests observed since the worker process started'],
  ['req_tot', 'MCP', 'u64', 'Total number of HTTP requests processed by this object since the worker process started'],
  [
    'cli_abrt',
    'MCP',
    'u64',
    'Total number of requests or connections aborted by the client since the worker process started',
  ],
  [
    'srv_abrt',
    'MCP',
    'u64',
    'Total number of requests or connections aborted by the server since the worker process started',
  ],
  [
    'comp_in',
    'MCP',
    'u64',
    'Total number of bytes submitted to the HTTP compressor for this object since the worker process started',
  ],
  [
    'comp_out',
    'MCP',
    'u64',
    'Total number of bytes emitted by the HTTP compressor for this object since the worker process started',
  ],
  [
    'comp_byp',
    'MCP',
    'u64',
    'Total number of bytes that bypassed HTTP compression for this object since the worker process started (CPU/memory/bandwidth limitation)',
  ],
  [
    'comp_rsp',
    'MCP',
    'u64',
    'Total number of HTTP responses that were compressed for this object since the worker process started',
  ],
  ['lastsess', 'MAP', 's32', 'How long ago some traffic was seen on this object on this worker process, in seconds'],
  [
    'last_chk',
    'MOP',
    'str',
    'Short description of the latest health check report for this server (see also check_desc)',
  ],
  ['last_agt'],
  [
    'qtime',
    'MaP',
    'u32',
    'Time spent in the queue, in milliseconds, averaged over the 1024 last requests (backend/server)',
  ],
  [
    'ctime',
    'MaP',
    'u32',
    'Time spent waiting for a connection to complete, in milliseconds, averaged over the 1024 last requests (backend/server)',
  ],
  [
    'rtime',
    'MaP',
    'u32',
    'Time spent waiting for a server response, in milliseconds, averaged over the 1024 last requests (backend/server)',
  ],
  [
    'ttime',
    'MaP',
    'u32',
    'Total request+response time (request+queue+connect+response+processing), in milliseconds, averaged over the 1024 last requests (backend/server)',
  ],
  ['agent_status'],
  ['agent_code'],
  ['agent_duration'],
  ['check_desc', 'MOP', 'str', 'Textual description of the latest health check report for this server'],
  ['agent_desc'],
  [
    'check_rise',
    'CGS',
    'u32',
    "Number of successful health checks before declaring a server UP (server 'rise' setting)",
  ],
  ['check_fall', 'CGS', 'u32', "Number of failed health checks before declaring a server DOWN (server 'fall' setting)"],
  ['check_health', 'CGS', 'u32', 'Current server health check level (0..fall-1=DOWN, fall..rise-1=UP)'],
  ['agent_rise'],
  ['agent_fall'],
  ['agent_health'],
  [
    'addr',
    'CGS',
    'str',
    "Server's address:port, shown only if show-legends is set, or at levels oper/admin for the CLI",
  ],
  ['cookie'],
  ['mode', 'CGS', 'str', "'mode' setting (tcp/http/health/cli)"],
  [
    'algo',
    'CGS',
    'str',
    "Backend's load balancing algorithm, shown only if show-legends is set, or at levels oper/admin for the CLI",
  ],
  [
    'conn_rate',
    'MRP',
    'u32',
    'Number of new connections accepted over the last second on the frontend for this worker process',
  ],
  ['conn_rate_max', 'MMP', 'u32', 'Highest value of connections per second observed since the worker process started'],
  [
    'conn_tot',
    'MCP',
    'u64',
    'Total number of new connections accepted on this frontend since the worker process started',
  ],
  ['intercepted'],
  [
    'dcon',
    'MCP',
    'u64',
    'Total number of incoming connections blocked on a listener/frontend by a tcp-request connection rule since the worker process started',
  ],
  [
    'dses',
    'MCP',
    'u64',
    'Total number of incoming sessions blocked on a listener/frontend by a tcp-request connection rule since the worker process started',
  ],
  ['wrew', 'MCP', 'u64', 'Total number of failed HTTP header rewrites since the worker process started'],
  [
    'connect',
    'MCP',
    'u64',
    'Total number of outgoing connection attempts on this backend/server since the worker process started',
  ],
  ['reuse', 'MCP', 'u64', 'Total number of reused connection on this backend/server since the worker process started'],
  ['cache_lookups'],
  ['cache_hits'],
  ['srv_icur', 'MGP', 'u32', 'Current number of idle connections available for reuse on this server'],
  ['src_ilim'],
  ['qtime_max', 'MMP', 'u32', 'Maximum observed time spent in the queue, in milliseconds (backend/server)'],
  [
    'ctime_max',
    'MMP',
    'u32',
    'Maximum observed time spent waiting for a connection to complete, in milliseconds (backend/server)',
  ],
  [
    'rtime_max',
    'MMP',
    'u32',
    'Maximum observed time spent waiting for a server response, in milliseconds (backend/server)',
  ],
  [
    'ttime_max',
    'MMP',
    'u32',
    'Maximum observed total request+response time (request+queue+connect+response+processing), in milliseconds (backend/server)',
  ],
  ['eint', 'MCP', 'u64', 'Total number of internal errors since process started'],
  ['idle_conn_cur', 'MGP', 'u32', 'Current number of unsafe idle connections'],
  ['safe_conn_cur', 'MGP', 'u32', 'Current number of safe idle connections'],
  ['used_conn_cur', 'MGP', 'u32', 'Current number of connections in use'],
  ['need_conn_est', 'MGP', 'u32', 'Estimated needed number of connections'],
  ['uweight', 'MaP', 'u32', "Server's user weight, or sum of active servers' user weights for a backend"],
  ['agg_server_status', 'MGP', 'u32', "Backend's aggregated gauge of servers' status"],
  ['agg_server_check_status', 'MGP', 'u32', "Backend's aggregated gauge of servers' state check status"],
  ['agg_check_status', 'MGP', 'u32', "Backend's aggregated gauge of servers' state check status"],
] as const satisfies readonly Entry[]

export type ColumnName = (typeof ENTRIES)[number][0]

export interface Column {
  readonly name: ColumnName
  /** null: no row has a value. */
  readonly type: ValueType | null
  readonly tags: string
  readonly description: string
}

export const COLUMNS: readonly Column[] = ENTRIES.map(
  ([name, tags = '', type = null, description = '']: readonly [ColumnName, string?, (ValueType | null)?, string?]) => ({
    name,
    type,
    tags,
    description,
  }),
)

/** Columns whose tags differ in the row of a backend, where they are sums. */
const BACKEND_GAUGES: readonly ColumnName[] = ['act', 'bck', 'rate', 'rate_max']

/** Returns origin, nature and scope of a column in a row of this kind. */
export function tagsOf({ name, tags }: Column, kind: RowKind): string {
  return kind === 'backend' && BACKEND_GAUGES.includes(name) ? 'MGP' : tags
}

export type RowKind = 'frontend' | 'backend' | 'server'

/** What HAProxy appends for its modules behind a column `-`: of TLS and HTTP, which a listener of the router does not have. */
export const MODULE_COLUMNS: readonly string[] = [
  'ssl_sess',
  'ssl_reused_sess',
  'ssl_failed_handshake',
  'h2_headers_rcvd',
  'h2_data_rcvd',
  'h2_settings_rcvd',
  'h2_rst_stream_rcvd',
  'h2_goaway_rcvd',
  'h2_detected_conn_protocol_errors',
  'h2_detected_strm_protocol_errors',
  'h2_rst_stream_resp',
  'h2_goaway_resp',
  'h2_open_connections',
  'h2_backend_open_streams',
  'h2_total_connections',
  'h2_backend_total_streams',
  'h1_open_connections',
  'h1_open_streams',
  'h1_total_connections',
  'h1_total_streams',
  'h1_bytes_in',
  'h1_bytes_out',
  'h1_spliced_bytes_in',
  'h1_spliced_bytes_out',
]
