/** What is to be asked of whom, and how often: follows from the state alone. Pure. */
import type { CheckConfig } from '../config/config.ts'
import type { Fitness } from './fitness.ts'
import { evidenceOf, memberOf, type PrimaryMachine, type PrimaryState } from './machine.ts'
import type { Known } from './memory.ts'

/** Milliseconds from one question to the next; null: not asked. */
export interface Questions {
  /** `GET /primary`. */
  readonly primary: number | null
  /** `GET /replica`. */
  readonly replica: number | null
  /** A startup packet to its Postgres. */
  readonly startup: number | null
}

/** What one member is asked in the present state. */
export function questionsTo(
  name: string,
  known: Known,
  machine: PrimaryMachine,
  fitness: Fitness,
  check: CheckConfig,
): Questions {
  const { intervalMs: normal, fastIntervalMs: fast } = check
  const { link, facts, phase } = machine
  const leader = facts.leader?.name ?? null
  const evidence = evidenceOf(machine, name)
  const concerned = memberOf(phase) === name
  const urgent = concerned && (IN_DOUBT.has(phase.state) || evidence.silences > 0)
  const candidate = link === 'up' && leader !== null ? leader === name : link !== 'never'
  const doubtful = fitness.postgresDown !== null || fitness.restDown || known.goneSince !== null
  const isReplica = leader !== name && known.goneSince === null
  return {
    primary: facts.standbyCluster || !candidate ? null : urgent ? fast : normal,
    replica: isReplica ? (fitness.rest === 'fit' && fitness.silences > 0 ? fast : normal) : null,
    startup: concerned && (evidence.down !== null || evidence.silences > 0) ? fast : doubtful ? normal : null,
  }
}

/** States in which new connections wait for an answer. */
const IN_DOUBT: ReadonlySet<PrimaryState> = new Set(['switching', 'promoting', 'unreachable', 'unverified'])
