/** What Patroni's REST API answers; `reference` is Patroni's api.py (do_GET, get_postgresql_status). Pure. */
import { type Cluster, parseCluster } from '../../watcher/cluster.ts'
import type { Key } from '../key-space.ts'

/** The state of a member's Patroni and of the cluster at the moment of a request. */
export interface RestState {
  readonly name: string
  readonly scope: string
  readonly state: 'running' | 'starting' | 'stopping' | 'stopped'
  readonly role: 'primary' | 'replica'
  readonly timeline: number
  readonly position: number
  readonly serverVersion: number
  readonly systemId: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly dcsLastSeen: number
  readonly keys: ReadonlyMap<string, Key>
}

export interface RestAnswer {
  readonly status: number
  readonly body: unknown
}

/** The version of Patroni whose manners these are. */
export const PATRONI_VERSION = '4.1.4'

/** Returns the answer to a GET, HEAD or OPTIONS of `path`, without its query string. */
export function answerTo(path: string, query: URLSearchParams, state: RestState): RestAnswer {
  const cluster = parseCluster(state.keys)
  switch (path) {
    case '/cluster':
      return { status: 200, body: clusterBody(cluster, state.scope) }
    case '/history':
      return { status: 200, body: JSON.parse(state.keys.get('history')?.value ?? '[]') as unknown }
    case '/config':
      return { status: 200, body: JSON.parse(state.keys.get('config')?.value ?? '{}') as unknown }
    case '/liveness':
      return { status: 200, body: '' }
    case '/failsafe':
      return { status: 502, body: 'failsafe_mode is not enabled' }
    case '/metrics':
      return { status: 404, body: 'the demo has no metrics' }
    default: {
      const status = statusOf(path.slice(1), query, state, cluster)
      return { status, body: memberBody(state, cluster) }
    }
  }
}

function statusOf(path: string, query: URLSearchParams, state: RestState, cluster: Cluster): number {
  const running = state.state === 'running'
  const leads = cluster.leader?.name === state.name
  const replica = running && state.role === 'replica' && hasLittleLag(query.get('lag'), state, cluster)
  const ok = (condition: boolean): number => (condition ? 200 : 503)
  switch (path) {
    case '':
    case 'primary':
    case 'master':
    case 'read-write':
    case 'leader':
      // Neither the role of Postgres nor its state is looked at: the lock is enough.
      return ok(leads)
    case 'replica':
    case 'async':
    case 'asynchronous':
      return ok(replica)
    case 'read-only':
      return ok(leads || replica)
    case 'health':
      return ok(running)
    case 'readiness':
      return ok(running || leads)
    case 'sync':
    case 'synchronous':
    case 'quorum':
    case 'standby-leader':
    case 'standby_leader':
      return 503
    default:
      // Patroni answers `/patroni` with 200 always, and paths that it does not know like `/`.
      return path === 'patroni' ? 200 : ok(leads)
  }
}

function hasLittleLag(lag: string | null, { position }: RestState, { optime }: Cluster): boolean {
  const [, number, unit = ''] = /^(\d+)\s*(kB|MB|GB)?$/.exec(lag ?? '') ?? []
  const factor = { kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }[unit] ?? 1
  return number === undefined || (optime ?? 0) - position <= Number(number) * factor
}

function memberBody(state: RestState, { leader }: Cluster): unknown {
  const { position, name, scope } = state
  const running = state.state === 'running'
  const xlog =
    state.role === 'primary'
      ? { location: position }
      : { received_location: position, replayed_location: position, replayed_timestamp: null, paused: false }
  const follows = state.role === 'replica' && leader !== null && leader.name !== name
  return {
    state: state.state,
    ...(running ? { postmaster_start_time: timestamp(state.startedAt) } : {}),
    role: state.role,
    ...(running ? { server_version: state.serverVersion, xlog, timeline: state.timeline } : {}),
    ...(running && follows ? { replication_state: 'streaming' } : {}),
    ...(leader === null ? { cluster_unlocked: true } : {}),
    dcs_last_seen: Math.floor(state.dcsLastSeen / 1000),
    database_system_identifier: state.systemId,
    patroni: { version: PATRONI_VERSION, scope, name },
  }
}

/** Builds the answer of /cluster, see utils.py, cluster_as_json. */
function clusterBody({ members, leader, optime }: Cluster, scope: string): unknown {
  return {
    members: members.map((member) => {
      const leads = member.name === leader?.name
      const state = member.state === 'running' ? (member.replicationState ?? member.state) : member.state
      const lag = Math.max(0, (optime ?? 0) - (member.position ?? 0))
      return {
        name: member.name,
        role: leads ? 'leader' : 'replica',
        state,
        api_url: `${member.restUrl ?? ''}/patroni`,
        host: member.host,
        port: member.port,
        ...(member.timeline === null ? {} : { timeline: member.timeline }),
        ...(leads ? {} : { lag }),
      }
    }),
    scope,
  }
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '+00:00')
}
