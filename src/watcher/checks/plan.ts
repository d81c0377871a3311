/** Which member is checked how, and how often: follows from the state alone. Pure. */
import type { PrimaryState, ProxyConfig } from '../../config/config.ts'
import { type Ranking, pausedFor } from './ranking.ts'
import { askedAs, type Fitness } from '../members/fitness.ts'
import { basisOf, evidenceOf, heldUntil, isStandby, memberOf, type PrimaryMachine } from '../primary/machine.ts'
import type { KnownMember } from '../members/known-members.ts'
import { takesNew } from '../view.ts'

/** Milliseconds from one question to the next; null: not asked. */
export interface CheckPlan {
  /** `GET /primary`. */
  readonly primary: number | null
  /** `GET /replica`, or `GET /standby-leader`. */
  readonly replica: number | null
  /** A startup packet to its Postgres. */
  readonly startup: number | null
  /** Clients wait for its first answer to `GET /primary` on this basis: a burst is worth it. */
  readonly isAwaited: boolean
}

/** Returns the checks of one member in the present state. */
export function planChecks(
  name: string,
  known: KnownMember,
  machine: PrimaryMachine,
  fitness: Fitness,
  { check, trust }: Pick<ProxyConfig, 'check' | 'trust'>,
  ranking: Ranking,
): CheckPlan {
  const normal = pausedFor(ranking, name, known, check.intervalMs)
  const fast = ranking.likely.has(name) ? check.fastIntervalMs : normal
  const { link, facts, phase } = machine
  const leader = facts.leader?.name ?? null
  const evidence = evidenceOf(machine, name)
  const concerned = memberOf(phase) === name
  // Without a lock to watch, the members' answers are the only news there is.
  const isSearch = link === 'up' && !facts.hasLock && !takesNew(phase.state)
  const isHeld = concerned && heldUntil(machine) !== null
  const urgent = isSearch || isHeld || (concerned && (IN_DOUBT.has(phase.state) || evidence.silences > 0))
  const candidate = link === 'up' && leader !== null ? leader === name : true
  // A member that is not asked itself stays `running` in the DCS until its ttl (docs/patroni.md, edge 16).
  const isProbed = trust === 'dcs' || fitness.postgresDown !== null || fitness.restDown || known.goneSince !== null
  // With `trust: dcs` its key is looked at, whose changes are events.
  const mayAnswer =
    trust === 'proof' && known.member.restUrl !== null && (facts.members.get(name)?.address ?? null) !== null
  const isNamed = link === 'up' && leader === name && !isStandby(facts)
  const isReader = askedAs(name, known, facts) !== null
  return {
    primary: isStandby(facts) || !candidate ? null : urgent ? fast : normal,
    replica: isReader ? (fitness.rest === 'fit' && fitness.silences > 0 ? fast : normal) : null,
    startup: concerned && (evidence.down !== null || evidence.silences > 0) ? fast : isProbed ? normal : null,
    isAwaited: mayAnswer && ((isNamed && evidence.proof?.basis !== basisOf(machine, name)) || isHeld),
  }
}

/** States in which new connections wait for an answer. */
const IN_DOUBT: ReadonlySet<PrimaryState> = new Set([
  'switching',
  'promoting',
  'unconfirmed',
  'unreachable',
  'unverified',
])
