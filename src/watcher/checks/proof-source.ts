/** The source that decides about a member: the member itself (`trust: proof`), or its key in the DCS (`trust: dcs`). */
import type { RestAnswer } from '../primary/evidence.ts'
import type { KnownMember } from '../members/known-members.ts'
import {
  type Expected,
  isDownState,
  judgePrimary,
  judgeReplica,
  livePosition,
  type ReplicaAnswer,
  replayedPosition,
  type RestReply,
} from './proof.ts'
import type { RestClient } from './rest-client.ts'
import { isPrimaryRole } from '../view.ts'

export interface CheckResult<Answer> {
  readonly answer: Answer
  /** Where the member's WAL is; null where the answer does not say. Bytes. */
  readonly position: number | null
  /** The IP address at which it was given; null: at none. */
  readonly at: string | null
  /** What its REST API did; null: it was not queried. */
  readonly rest: RestOutcome | null
}

/** How a query of a REST API ended, whatever the answer says. `status`: null: no answer. `refused`: no connection either. */
export interface RestOutcome {
  readonly status: number | null
  readonly refused: boolean
}

/** `expected`: the member and cluster that have to answer. Never rejects. */
export interface ProofSource {
  /**
   * Checks whether the member is the primary. `leader`: the leader that the DCS names, null when that is older than the
   * ttl; `at`: the addresses of its name, null where they are not known.
   */
  primary(
    known: KnownMember,
    expected: Expected,
    leader: string | null,
    at: readonly string[] | null,
    signal: AbortSignal,
  ): Promise<CheckResult<RestAnswer>>
  /** Asks whether it serves readers. */
  replica(
    known: KnownMember,
    expected: Expected,
    path: '/replica' | '/standby-leader',
    at: readonly string[] | null,
    signal: AbortSignal,
  ): Promise<CheckResult<ReplicaAnswer>>
}

/** The member itself, by its REST API. */
export class RestProofSource implements ProofSource {
  readonly #rest: RestClient

  constructor(rest: RestClient) {
    this.#rest = rest
  }

  async primary(
    known: KnownMember,
    expected: Expected,
    _leader: string | null,
    at: readonly string[] | null,
    signal: AbortSignal,
  ): Promise<CheckResult<RestAnswer>> {
    const reply = await this.#get(known, '/primary', at, signal)
    const answer = judgePrimary(reply, expected)
    return { answer, position: livePosition(reply), at: addressOf(reply), rest: outcomeOf(known, reply) }
  }

  async replica(
    known: KnownMember,
    expected: Expected,
    path: '/replica' | '/standby-leader',
    at: readonly string[] | null,
    signal: AbortSignal,
  ): Promise<CheckResult<ReplicaAnswer>> {
    const reply = await this.#get(known, path, at, signal)
    const answer = judgeReplica(reply, expected, path)
    return { answer, position: replayedPosition(reply), at: addressOf(reply), rest: outcomeOf(known, reply) }
  }

  async #get(
    { member: { restUrl } }: KnownMember,
    path: string,
    at: readonly string[] | null,
    signal: AbortSignal,
  ): Promise<RestReply> {
    if (restUrl === null) return { kind: 'none', reason: 'it has published no REST API' }
    return await this.#rest.get(restUrl, path, signal, at)
  }
}

function addressOf(reply: RestReply): string | null {
  return reply.kind === 'reply' ? (reply.at ?? null) : null
}

/** Returns null for a query that was not sent: it says nothing of the member. */
function outcomeOf({ member: { restUrl } }: KnownMember, reply: RestReply): RestOutcome | null {
  if (restUrl === null || reply.kind === 'unasked') return null
  if (reply.kind === 'reply') return { status: reply.status, refused: false }
  return { status: null, refused: reply.refused === true }
}

/**
 * The member's key in the DCS. It lags by up to a loop of Patroni, so it counts only for the leader that the DCS names,
 * and only once it says that the promotion is over: until then the new leader may still be read-only.
 */
export class KeyProofSource implements ProofSource {
  async primary(
    known: KnownMember,
    { member: name }: Expected,
    leader: string | null,
  ): Promise<CheckResult<RestAnswer>> {
    const { role, state, timeline, position } = known.member
    const says = `its key says role ${role}, state ${state}`
    const isPrimary = isPrimaryRole(role)
    const answer = (): RestAnswer => {
      if (leader !== name) return { kind: 'no', reason: 'the DCS does not name it, or has not been read for the ttl' }
      if (known.goneSince !== null) return { kind: 'no', reason: 'its key is gone from the DCS' }
      if (state === 'stopping') return { kind: 'stopping' }
      if (isPrimary && state === 'running') return { kind: 'proof', timeline: timeline ?? 0, by: 'its key' }
      return { kind: 'no', reason: says, promoting: state === 'running' && (role === 'replica' || role === 'promoted') }
    }
    return Promise.resolve({ answer: answer(), position, at: null, rest: null })
  }

  async replica(
    known: KnownMember,
    _expected: Expected,
    path: '/replica' | '/standby-leader',
  ): Promise<CheckResult<ReplicaAnswer>> {
    const { role, state, position } = known.member
    const right = path === '/replica' ? role === 'replica' : role === 'standby_leader' || role === 'replica'
    const reason = `its key says role ${role}, state ${state}`
    const answer: ReplicaAnswer =
      right && state === 'running'
        ? { kind: 'fit' }
        : { kind: 'unfit', reason, down: isDownState(state), stranger: false }
    return Promise.resolve({ answer, position, at: null, rest: null })
  }
}
