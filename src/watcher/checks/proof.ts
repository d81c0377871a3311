/** Judges what a member's REST API has answered. Pure; `reference` for each rule is Patroni's api.py. */
import { asNumber, asObject, asText } from '../../text/unknown-shape.ts'
import type { RestAnswer } from '../primary/evidence.ts'
import { isPrimaryRole } from '../view.ts'

type Body = Readonly<Record<string, unknown>>

/** An HTTP answer, or why there was none. */
export type RestReply =
  /** `at`: the IP address at which it was answered. */
  | { readonly kind: 'reply'; readonly status: number; readonly body: unknown; readonly at?: string }
  /** `refused`: nothing listens there. */
  | { readonly kind: 'none'; readonly reason: string; readonly refused?: true }
  /** This machine could not put the question (out of descriptors, ports or memory), which says nothing of the member. */
  | { readonly kind: 'unasked'; readonly reason: string }

/** Whose answer it has to be: a reused address may belong to another cluster or member. */
export interface Expected {
  readonly member: string
  readonly scope: string
  /** null while the cluster is not initialised. */
  readonly systemId: string | null
}

/** Judges the answer to `GET /primary`. */
export function judgePrimary(reply: RestReply, expected: Expected): RestAnswer {
  if (reply.kind !== 'reply') return noAnswer(reply)
  const body = patroniBody(reply)
  if (body === null) return { kind: 'silent', reason: noWord('/primary', reply) }
  const stranger = whoElse(body, expected)
  if (reply.status === 503) {
    const reason = `/primary answers 503 (${describe(body)})`
    if (stranger !== null) return { kind: 'no', reason, ...restarting(body), stranger: true }
    const timeline = primaryTimeline(body)
    const answer = { reason, ...restarting(body) }
    return timeline === null ? { kind: 'no', ...answer } : { kind: 'lockless', timeline, ...answer }
  }
  if (reply.status !== 200) return { kind: 'silent', reason: noWord('/primary', reply) }
  if (stranger !== null) return { kind: 'no', reason: stranger, stranger: true }
  if (body['state'] === 'stopping') return { kind: 'stopping' }
  const timeline = primaryTimeline(body)
  if (timeline !== null) return { kind: 'proof', timeline }
  if (body['state'] === 'running' && PROMOTED.has(body['role'])) {
    return { kind: 'no', reason: `it holds the lock and is being promoted (${describe(body)})`, promoting: true }
  }
  const reason = `it holds the lock but is not running as a primary (${describe(body)})`
  return { kind: 'no', reason, ...restarting(body) }
}

/** What a member that holds the lock is until Postgres has ended its recovery. */
const PROMOTED: ReadonlySet<unknown> = new Set(['replica', 'promoted'])

/**
 * Returns the timeline of a body that shows a live primary. The role alone may be remembered; `location` comes from a
 * live query
 * only (docs/patroni.md, edge 2).
 */
function primaryTimeline(body: Body): number | null {
  const location = asNumber(asObject(body['xlog'])?.['location'])
  return isPrimaryRole(body['role']) && location !== null ? asNumber(body['timeline']) : null
}

/** Patroni restarts its Postgres, which it does on request only; or it takes writes, whether it may or not. */
export type UnfitCause = 'restarting' | 'runs-as-primary'

/** What an answer to `GET /replica` says. */
export type ReplicaAnswer =
  | { readonly kind: 'fit' }
  /** `down`: its Postgres is not running, so its sessions are dead. `stranger`: another member answers there. */
  | {
      readonly kind: 'unfit'
      readonly reason: string
      /** What `reason` says, where more depends on it than words. */
      readonly cause?: UnfitCause
      readonly down: boolean
      readonly stranger: boolean
    }
  | { readonly kind: 'silent'; readonly reason: string }
  /** The question could not be put. */
  | { readonly kind: 'unasked'; readonly reason: string }

/** Judges the answer to `GET /replica` or, of the leader of a standby cluster, to `GET /standby-leader`. */
export function judgeReplica(
  reply: RestReply,
  expected: Expected,
  path: '/replica' | '/standby-leader' = '/replica',
): ReplicaAnswer {
  if (reply.kind !== 'reply') return noAnswer(reply)
  const body = patroniBody(reply)
  if (body === null || (reply.status !== 200 && reply.status !== 503))
    return { kind: 'silent', reason: noWord(path, reply) }
  const stranger = whoElse(body, expected)
  if (stranger !== null) return { kind: 'unfit', reason: stranger, down: false, stranger: true }
  // Of a leader Patroni looks at the lock and the role alone: it says 200 until its Postgres has stopped.
  const isUp = path === '/replica' || body['state'] === 'running'
  if ((reply.status === 200 && isUp) || (path === '/replica' && isKeptFromLoad(body))) return { kind: 'fit' }
  const down = isDownState(asText(body['state']) ?? '')
  const timeline = body['state'] === 'running' ? primaryTimeline(body) : null
  if (timeline !== null) {
    const reason = `it runs as a primary (timeline ${timeline})`
    return { kind: 'unfit', reason, cause: 'runs-as-primary', down, stranger: false }
  }
  const cause = body['state'] === 'restarting' ? ({ cause: 'restarting' } as const) : {}
  return {
    kind: 'unfit',
    reason: `${path} answers ${reply.status} (${describe(body)})`,
    ...cause,
    down,
    stranger: false,
  }
}

function restarting(body: Body): { readonly restarting?: true } {
  return body['state'] === 'restarting' ? { restarting: true } : {}
}

/**
 * Returns whether it is a running replica that Patroni rejects because of its tag alone; whether tags matter is for
 * each route to decide.
 */
function isKeptFromLoad(body: Body): boolean {
  const tagged = Boolean(asObject(body['tags'])?.['noloadbalance'])
  return tagged && body['role'] === 'replica' && body['state'] === 'running'
}

/** Returns where the member's WAL is: written on a primary, replayed in recovery. Bytes; null where it does not tell. */
export function livePosition(reply: RestReply): number | null {
  const xlog = asObject(patroniBody(reply)?.['xlog'])
  return asNumber(xlog?.['location']) ?? asNumber(xlog?.['replayed_location'])
}

/** Returns how far a member in recovery has replayed. Bytes; null: it is in none, or does not tell. */
export function replayedPosition(reply: RestReply): number | null {
  return asNumber(asObject(patroniBody(reply)?.['xlog'])?.['replayed_location'])
}

/** Returns whether this state means that Postgres is gone, or that Patroni is about to delete its data. */
export function isDownState(state: string): boolean {
  return DOWN.has(state)
}

const DOWN: ReadonlySet<string> = new Set([
  'stopped',
  'crashed',
  'start failed',
  'creating replica',
  'custom bootstrap failed',
])

/**
 * Returns the body of what Patroni itself has answered. Anything else, cut off or of a proxy in front of it, says
 * nothing of the member,
 * whatever its status; null.
 */
export function patroniBody(reply: RestReply): Body | null {
  const body = reply.kind === 'reply' ? asObject(reply.body) : null
  return asObject(body?.['patroni']) === null ? null : body
}

/** Patroni's states of a member whose database is not there yet. */
const BEING_MADE = /creating|initializing|bootstrap/

function noAnswer({ kind, reason }: Exclude<RestReply, { kind: 'reply' }>): {
  readonly kind: 'silent' | 'unasked'
  readonly reason: string
} {
  return { kind: kind === 'none' ? 'silent' : kind, reason }
}

/** Returns why an answer counts for nothing. */
export function noWord(path: string, reply: RestReply & { kind: 'reply' }): string {
  const what = patroniBody(reply) === null ? ", and the body is not Patroni's" : ''
  return `${path} answers ${reply.status}${what}`
}

function whoElse(body: Body, { member, scope, systemId }: Expected): string | null {
  const patroni = asObject(body['patroni'])
  if (patroni?.['scope'] !== scope) return `it belongs to another cluster (scope ${quote(patroni?.['scope'])})`
  // Patroni tells its name since 3.3.
  if (patroni['name'] !== undefined && patroni['name'] !== member)
    return `another member answers there: ${quote(patroni['name'])}`
  const id = body['database_system_identifier']
  if (systemId === null || id === systemId) return null
  if (id !== undefined && id !== null && id !== '')
    return `it belongs to a different database cluster (system identifier ${quote(id)})`
  const state = quote(body['state'])
  return BEING_MADE.test(state)
    ? `it has no database yet (${state})`
    : `it reports no system identifier (state ${state})`
}

function describe(body: Body): string {
  return `role ${quote(body['role'])}, state ${quote(body['state'])}`
}

/** Returns `value` for a message: short, and nothing that a log or a terminal could stumble over. */
function quote(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : 'unknown'
  return text.slice(0, 64).replace(/[^\w .:-]/g, '?')
}
