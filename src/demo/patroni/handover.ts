/** Patroni's POST /switchover and /failover (`reference` is api.py: do_POST_failover, poll_failover_result). */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from '../../watcher/cluster.ts'
import type { KeySpace } from '../key-space.ts'
import type { RestAnswer } from './rest-answer.ts'

export interface HandoverRequest {
  readonly action: 'switchover' | 'failover'
  readonly leader: string | null
  readonly candidate: string | null
  readonly scheduled: boolean
}

/** How long Patroni waits for the outcome. Milliseconds. */
const OUTCOME_MS = 20_000

/** Reads the body of a POST; null: it is no JSON object. */
export function parseHandover(action: HandoverRequest['action'], body: string): HandoverRequest | null {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return null // It is the client's.
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null
  const { leader, candidate, member, scheduled_at: at } = json as Readonly<Record<string, unknown>>
  const name = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  return { action, leader: name(leader), candidate: name(candidate) ?? name(member), scheduled: Boolean(at) }
}

/**
 * Decides to which member the leader hands over, or why it does not. Pure. `canLead`: of a member that is not the
 * leader.
 */
export function decideHandover(
  { action, leader, candidate, scheduled }: HandoverRequest,
  cluster: Cluster,
  canLead: (name: string) => boolean,
): { readonly to: string } | RestAnswer {
  const refused = (status: number, body: string): RestAnswer => ({ status, body })
  if (action === 'failover' && candidate === null)
    return refused(400, 'Failover could be performed only to a specific candidate')
  if (action === 'switchover' && leader === null)
    return refused(400, 'Switchover could be performed only from a specific leader')
  if (scheduled && action === 'failover') return refused(400, `Failover can't be scheduled`)
  if (scheduled) return refused(501, 'the demo has no scheduled switchovers')
  if (leader === candidate) return refused(400, 'Switchover target and source are the same')
  if (leader !== null && cluster.leader?.name !== leader) return refused(412, 'leader name does not match')
  const others = cluster.members.map(({ name }) => name).filter((name) => name !== cluster.leader?.name)
  const known = cluster.members.some(({ name }) => name === candidate)
  if (candidate !== null && !known) return refused(412, 'candidate does not exists')
  const impossible = (reason: string): RestAnswer => refused(412, `${action} is not possible: ${reason}`)
  if (others.length === 0) return impossible('cluster does not have members except leader')
  // Patroni takes the later request, which a person cannot want: the first one may be granted already.
  if (cluster.failover !== null) return impossible(`one to "${cluster.failover.member ?? ''}" is under way`)
  const to = others.find((name) => (candidate === null || name === candidate) && canLead(name))
  return to === undefined ? impossible('no good candidates have been found') : { to }
}

/** Resolves when another than `before` has the lock, when the request is cleared, or when it has taken too long. */
export async function outcomeOf(
  { action, candidate }: HandoverRequest,
  before: string | null,
  keys: KeySpace,
  signal: AbortSignal,
): Promise<RestAnswer> {
  const done = new AbortController()
  const title = action === 'failover' ? 'Failover' : 'Switchover'
  const unknown = `${title} status unknown after ${OUTCOME_MS / 1000} seconds; operation may still be in progress`
  let answer: RestAnswer = { status: 503, body: unknown }
  const look = (): void => {
    const leader = keys.get('leader')
    const isSame = candidate === null || candidate === leader
    if (leader !== null && leader !== before) {
      const verb = action.slice(0, -4)
      const body = isSame
        ? `Successfully ${verb}ed over to "${leader}"`
        : `${title.slice(0, -4)}ed over to "${leader}" instead of "${candidate}"`
      answer = { status: 200, body }
    } else if (keys.get('failover') === '{}') answer = { status: 503, body: `${title} failed` }
    else return
    done.abort()
  }
  const unwatch = keys.watch(look)
  look()
  // Aborted by the outcome, or by the end of the request.
  await sleep(OUTCOME_MS, undefined, { signal: AbortSignal.any([done.signal, signal]) }).catch(() => undefined)
  unwatch()
  return answer
}
