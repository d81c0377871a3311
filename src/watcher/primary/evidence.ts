/**
 * What one member has shown of itself: its answers to `GET /primary` and Postgres' answers to startup packets.
 * Pure; the rules are in docs/architecture.md, "The primary, exactly".
 */

/** An answer of a member's REST API to `GET /primary`, already judged by `checks/proof.ts`. */
export type RestAnswer =
  /**
   * Full proof: it holds the lock and a live query has shown a primary on `timeline`. `by`: what shows it, where it is
   * not `/primary`.
   */
  | { readonly kind: 'proof'; readonly timeline: number; readonly by?: string }
  /** Patroni is about to stop this Postgres (a switchover, a shutdown); `/primary` still says 200. */
  | { readonly kind: 'stopping' }
  /**
   * An explicit negative. `promoting`: it holds the lock, and Patroni is promoting it. `restarting`: Patroni restarts
   * its Postgres, which it does on request only. `stranger`: another member or cluster answers there.
   */
  | {
      readonly kind: 'no'
      readonly reason: string
      readonly promoting?: boolean
      readonly restarting?: boolean
      readonly stranger?: true
    }
  /**
   * An explicit negative of a member whose live query shows a primary all the same: it is without the lock at this
   * moment. Patroni says so for some milliseconds when it has found the key gone and is about to take it again.
   */
  | { readonly kind: 'lockless'; readonly timeline: number; readonly reason: string; readonly restarting?: boolean }
  /** No usable answer within the check timeout. */
  | { readonly kind: 'silent'; readonly reason: string }
  /** The question could not be put: no silence of the member. */
  | { readonly kind: 'unasked'; readonly reason: string }

/** What Postgres did with a startup packet or a dial: `down` is refused, unreachable, or 57P03. */
export type PostgresAnswer =
  { readonly kind: 'up' } | { readonly kind: 'down'; readonly reason: string } | { readonly kind: 'unknown' }

export interface Proof {
  /** What the proof was given for: see `basisOf`. Under another basis it is stale. */
  readonly basis: string
  readonly timeline: number
  /** Where its WAL was then; null: it did not tell. Bytes. */
  readonly position: number | null
  /** When the check that gave it began. */
  readonly askedAt: number
  /** When the member itself answered last, and not against it. */
  readonly answeredAt: number
}

/** Postgres was seen down at `at`; both a startup answer and a proof younger than that end it. */
export interface Down {
  readonly at: number
  readonly reason: string
  readonly postgresBack: boolean
  readonly proofBack: boolean
}

export interface Evidence {
  readonly proof: Proof | null
  readonly stopping: boolean
  readonly down: Down | null
  /** Consecutive silences of the REST API. */
  readonly silences: number
  /** It has answered at least once, so silence is an outage rather than a firewall. */
  readonly usable: boolean
  /** How often the basis of its proof has changed; part of the basis. */
  readonly renewals: number
  /** Its last answer said that it is being promoted. */
  readonly promoting: boolean
  /** Why there is no proof, what is wrong with it, or what confirms it; for people. */
  readonly reason: string
  /** What `reason` says, where more depends on it than words. */
  readonly cause: EvidenceCause | null
}

export type EvidenceCause = 'not-asked' | 'restarting'

/** The reason of a member that has not been checked, or not on its present basis. */
export const NOT_ASKED: Pick<Evidence, 'reason' | 'cause'> = { reason: 'not checked yet', cause: 'not-asked' }

export const NO_EVIDENCE: Evidence = {
  proof: null,
  stopping: false,
  down: null,
  silences: 0,
  usable: false,
  renewals: 0,
  promoting: false,
  ...NOT_ASKED,
}

export interface AnswerContext {
  /** Where the member's WAL is; null: the answer does not tell. Bytes. */
  readonly position: number | null
  /** The basis the question was asked under, and the one that holds now. */
  readonly askedUnder: string
  readonly basis: string
  readonly askedAt: number
  readonly answeredAt: number
  /** The DCS is readable and names this member as the leader. */
  readonly named: boolean
  /** Consecutive silences that end a proof when the DCS does not name the member. */
  readonly fall: number
}

/** Returns the evidence after an answer of the REST API. An answer to a question of another basis does not count. */
export function afterAnswer(evidence: Evidence, answer: RestAnswer, context: AnswerContext): Evidence {
  const usable = evidence.usable || (answer.kind !== 'silent' && answer.kind !== 'unasked')
  if (context.askedUnder !== context.basis) return usable === evidence.usable ? evidence : { ...evidence, usable }
  switch (answer.kind) {
    case 'proof':
      return {
        ...evidence,
        proof: {
          basis: context.basis,
          timeline: answer.timeline,
          position: context.position,
          askedAt: context.askedAt,
          answeredAt: context.answeredAt,
        },
        stopping: false,
        down: backFromDown(evidence.down, context.askedAt, { proofBack: true }),
        silences: 0,
        usable,
        promoting: false,
        reason: `${answer.by ?? '/primary'} confirms it`,
        cause: null,
      }
    case 'stopping':
      return {
        ...evidence,
        ...shown(evidence, context),
        ...{ stopping: true, silences: 0, usable, promoting: false },
        ...{ reason: 'Patroni is stopping its Postgres', cause: null },
      }
    case 'no': {
      const { promoting = false } = answer
      return { ...evidence, proof: null, stopping: false, silences: 0, usable, promoting, ...reasonOf(answer) }
    }
    case 'lockless': {
      const { proof, renewals } = evidence
      const stale = proof !== null && proof.basis !== context.basis
      // Its sessions wait for its next answer, and no longer than for any check on a new basis: a Patroni that has
      // found its lock gone either takes it again or stops its Postgres. Cutting them off here cost every session when
      // etcd came back after a failsafe outage. Against its own lock in the DCS, no is no.
      const waits = proof?.timeline === answer.timeline && (stale || !context.named)
      if (!waits) return afterAnswer(evidence, { ...answer, kind: 'no' }, context)
      const waiting = { ...evidence, ...shown(evidence, context), silences: 0, usable, ...reasonOf(answer) }
      return { ...waiting, renewals: stale ? renewals : renewals + 1 }
    }
    case 'silent': {
      const silences = evidence.silences + 1
      const stale = evidence.proof !== null && evidence.proof.basis !== context.basis
      const ended = stale || (!context.named && silences >= context.fall)
      const proof = ended ? null : evidence.proof
      return { ...evidence, proof, silences, usable, promoting: false, ...reasonOf(answer) }
    }
    case 'unasked':
      return evidence.proof === null ? { ...evidence, promoting: false, ...reasonOf(answer) } : evidence
  }
}

function reasonOf({ reason, ...answer }: RestAnswer & { readonly reason: string }): Pick<Evidence, 'reason' | 'cause'> {
  return { reason, cause: 'restarting' in answer && answer.restarting ? 'restarting' : null }
}

/** Notes that the member itself has answered. */
function shown({ proof }: Evidence, { answeredAt }: AnswerContext): Pick<Evidence, 'proof'> {
  return { proof: proof === null ? null : { ...proof, answeredAt } }
}

/** Returns the evidence after a dial or a startup probe that began at `askedAt`. */
export function afterPostgres(evidence: Evidence, answer: PostgresAnswer, askedAt: number, now: number): Evidence {
  switch (answer.kind) {
    case 'up':
      return { ...evidence, down: backFromDown(evidence.down, askedAt, { postgresBack: true }) }
    case 'down':
      return { ...evidence, down: { at: now, reason: answer.reason, postgresBack: false, proofBack: false } }
    case 'unknown':
      return evidence
  }
}

/**
 * Returns what remains of the failure. Postgres may have come back read-only (Patroni restarts a demoted primary while
 * its key lives on, docs/patroni.md, edge 8), so a startup answer alone does not reopen it; and a REST API that answers
 * does not help a client whose connections are refused. Only both together, each requested after the failure, end it.
 */
function backFromDown(down: Down | null, askedAt: number, back: Partial<Down>): Down | null {
  if (down === null || askedAt <= down.at) return down
  const next = { ...down, ...back }
  return next.postgresBack && next.proofBack ? null : next
}
