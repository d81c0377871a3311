/** What Patroni does in one round of its loop (`reference` is ha.py, _run_cycle), and what it writes. Pure. */
import type { Cluster } from '../../watcher/cluster.ts'
import { PATRONI_VERSION, type RestState } from './rest-answer.ts'

export type Step =
  /** The lock is free: take it, unless another member is quicker. */
  | { readonly kind: 'race' }
  /** Another member has it, or is meant to have it. */
  | { readonly kind: 'follow' }
  /** It has the lock, and its PostgreSQL is a replica. */
  | { readonly kind: 'promote' }
  | { readonly kind: 'lead' }
  | { readonly kind: 'hand-over'; readonly to: string }
  /** A request that cannot be granted is cleared. */
  | { readonly kind: 'refuse' }
  /** Its PostgreSQL is a primary, and `leader` has the lock. */
  | { readonly kind: 'demote'; readonly leader: string }

/** Decides the next step of the member `name`. */
export function nextStep({ leader, failover, members }: Cluster, name: string, role: RestState['role']): Step {
  const candidate = members.find((member) => member.name === failover?.member && member.state === 'running')
  if (leader === null) return { kind: candidate === undefined || candidate.name === name ? 'race' : 'follow' }
  if (leader.name !== name) return role === 'primary' ? { kind: 'demote', leader: leader.name } : { kind: 'follow' }
  if (role === 'replica') return { kind: 'promote' }
  const isAsked = failover !== null && failover.scheduledAt === null && (failover.leader ?? name) === name
  if (!isAsked) return { kind: 'lead' }
  return candidate === undefined || candidate.name === name
    ? { kind: 'refuse' }
    : { kind: 'hand-over', to: candidate.name }
}

/** Returns the value of the member key. */
export function memberValue(
  { state, role, position, timeline }: Pick<RestState, 'state' | 'role' | 'position' | 'timeline'>,
  ports: { readonly postgres: number; readonly rest: number },
): string {
  const running = state === 'running'
  return JSON.stringify({
    conn_url: `postgres://127.0.0.1:${ports.postgres}/postgres`,
    api_url: `http://127.0.0.1:${ports.rest}/patroni`,
    state,
    role,
    version: PATRONI_VERSION,
    ...(running ? { xlog_location: position, timeline } : {}),
    ...(running && role === 'replica' ? { replication_state: 'streaming' } : {}),
  })
}

/** Returns the value of the key `history` after a promotion: each entry is the end of a timeline. */
export function extendedHistory(
  history: string | null,
  end: { readonly timeline: number; readonly position: number; readonly at: number; readonly leader: string },
): string {
  const reason = 'no recovery target specified'
  const entry = [end.timeline, end.position, reason, new Date(end.at).toISOString(), end.leader]
  return JSON.stringify([...entriesOf(history), entry])
}

export function latestTimeline(history: string | null): number {
  return entriesOf(history).length + 1
}

function entriesOf(history: string | null): readonly unknown[] {
  return JSON.parse(history ?? '[]') as unknown[]
}
