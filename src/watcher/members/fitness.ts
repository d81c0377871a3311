/** Whether a member may serve the replica route: its REST API's word, and what its Postgres has shown. Pure. */
import type { PostgresAnswer } from '../primary/evidence.ts'
import { namedBy } from '../cluster.ts'
import type { DcsFacts } from '../primary/machine.ts'
import type { Member } from './member.ts'
import type { KnownMember, KnownMembers } from './known-members.ts'
import type { ReplicaAnswer, UnfitCause } from '../checks/proof.ts'
import type { ReplicaView } from '../view.ts'

export interface Fitness {
  /** The REST API's latest word, after `rise` and `fall`. */
  readonly rest: 'unknown' | 'fit' | 'unfit'
  /** Consecutive answers of the kind that would change `rest`. */
  readonly passes: number
  readonly silences: number
  /** The REST API says that Postgres is not running, or says nothing any more. */
  readonly restDown: boolean
  /** Why Postgres cannot be used; null: nothing known against it. A startup packet answered ends it. */
  readonly postgresDown: string | null
  readonly reason: string
  /** What `reason` says, where more depends on it than words. */
  readonly cause: UnfitCause | null
  /** What it had still to replay at its last answer; null: not known. Bytes. */
  readonly lagBytes: number | null
}

export const UNKNOWN_FITNESS: Fitness = {
  rest: 'unknown',
  passes: 0,
  silences: 0,
  restDown: false,
  postgresDown: null,
  reason: 'not checked yet',
  cause: null,
  lagBytes: null,
}

/** Returns as what a member is asked whether it may serve readers; null: it is not asked. The leader only leads. */
export function askedAs(
  name: string,
  { goneSince }: KnownMember,
  facts: Pick<DcsFacts, 'leader' | 'claimed' | 'standbyCluster'>,
): '/replica' | '/standby-leader' | null {
  if (goneSince !== null) return null
  if (name !== namedBy(facts)) return '/replica'
  return facts.standbyCluster ? '/standby-leader' : null
}

/**
 * Returns what still counts under a new snapshot: nothing that was found at another address, or in another role. The
 * leader, and a member whose key has gone, are not checked: afterwards they are checked again first, or the replica
 * route would lead to a primary that is being demoted.
 */
export function afterSnapshot(
  fitness: ReadonlyMap<string, Fitness>,
  before: Observed,
  after: Observed,
): Map<string, Fitness> {
  const kept = new Map<string, Fitness>()
  for (const [name, known] of fitness) {
    const old = before.known.get(name)
    const present = after.known.get(name)
    if (old === undefined || present === undefined || !isSameAddress(old.member, present.member)) continue
    const role = askedAs(name, present, after.facts)
    const isSame = role !== null && role === askedAs(name, old, before.facts)
    kept.set(name, isSame ? known : { ...UNKNOWN_FITNESS, postgresDown: known.postgresDown })
  }
  return kept
}

/** The facts that decide what each member is checked for. */
export interface Observed {
  readonly known: KnownMembers
  readonly facts: Pick<DcsFacts, 'leader' | 'claimed' | 'standbyCluster'>
}

function isSameAddress(one: Member, other: Member): boolean {
  return one.host === other.host && one.port === other.port && one.restUrl === other.restUrl
}

/**
 * Returns the fitness after an answer. `rise` passes make it fit. An explicit negative counts at once, silence after
 * `fall` times.
 */
export function afterReplicaAnswer(before: Fitness, answer: ReplicaAnswer, rise: number, fall: number): Fitness {
  switch (answer.kind) {
    case 'fit': {
      const passes = before.passes + 1
      const fit = before.rest === 'fit' || passes >= rise
      return {
        ...before,
        rest: fit ? 'fit' : before.rest,
        passes,
        silences: 0,
        restDown: false,
        reason: fit ? '' : before.reason,
        cause: fit ? null : before.cause,
      }
    }
    case 'unfit':
      // It may have started over since it was behind by so much.
      return {
        ...before,
        rest: 'unfit',
        passes: 0,
        silences: 0,
        restDown: answer.down,
        reason: answer.reason,
        cause: answer.cause ?? null,
        lagBytes: null,
      }
    case 'silent': {
      const silences = before.silences + 1
      const ended = silences >= fall || before.rest !== 'fit'
      if (!ended) return { ...before, passes: 0, silences }
      const restDown = silences >= fall
      return { ...before, rest: 'unfit', passes: 0, silences, restDown, reason: answer.reason, cause: null }
    }
    case 'unasked':
      return before.rest === 'unknown' ? { ...before, reason: answer.reason, cause: null } : before
  }
}

/** Returns the fitness after a dial that failed, or a startup packet that was answered. */
export function afterReplicaPostgres(before: Fitness, answer: PostgresAnswer): Fitness {
  switch (answer.kind) {
    case 'up':
      return { ...before, postgresDown: null }
    case 'down':
      return { ...before, postgresDown: answer.reason }
    case 'unknown':
      return before
  }
}

/** Returns the fitness with what the member had still to replay, given where the leader was when it was asked before. */
export function withLag(before: Fitness, position: number | null, leaderPosition: number | null): Fitness {
  if (position === null || leaderPosition === null) return before
  return { ...before, lagBytes: Math.max(0, leaderPosition - position) }
}

/**
 * Returns what is published of it. `gone`: its key has left the DCS. `isLeader`: and no reader either, as the leader of
 * a standby cluster is. `hasNoLock`:
 * the DCS has said so, of this member.
 */
export function replicaView(
  fitness: Fitness,
  member: { readonly gone: boolean; readonly isLeader: boolean; readonly hasNoLock?: boolean },
): ReplicaView {
  const { rest, restDown, postgresDown } = fitness
  const down = postgresDown !== null && (restDown || member.gone)
  if (member.isLeader) return { fit: false, checked: true, down: false, reason: 'the leader', cause: 'leads' }
  if (member.gone) return { ...UNFIT, down, reason: 'no member key in the DCS (Patroni stopped or cut off)' }
  if (postgresDown !== null) return { ...UNFIT, down, reason: postgresDown }
  if (rest === 'fit') return { fit: true, checked: true, down: false, reason: '' }
  const { reason, cause } = fitness
  const checked = rest === 'unfit'
  if (cause !== 'runs-as-primary' || member.hasNoLock !== true)
    return { ...UNFIT, checked, down, reason, ...(cause === null ? {} : { cause }) }
  const why = reason.replace('it runs as a primary', 'it runs as a primary without the leader lock')
  return { ...UNFIT, checked, down, reason: why, cause: 'second-primary' }
}

const UNFIT = { fit: false, checked: true }
