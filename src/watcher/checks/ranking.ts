/** Which members are checked first, and how much less often the others, where there are very many members. Pure. */
import { evidenceOf, memberOf, type PrimaryMachine } from '../primary/machine.ts'
import type { KnownMember, KnownMembers } from '../members/known-members.ts'

/** `likely`: the members whose changes matter soonest; all of a cluster of common size. */
export interface Ranking {
  readonly likely: ReadonlySet<string>
  /** How many members there are with a key, and without one. */
  readonly living: number
  readonly gone: number
}

/** So many are asked as if there were no others. */
const LIKELY = 8

/**
 * Each member that is not likely makes the pause between two questions to one of them longer by so much. Milliseconds.
 */
const LIVING_MS = 10
const GONE_MS = 500

/** Ranks the members by how likely each is the primary, now or next. */
export function rankMembers(machine: PrimaryMachine, memory: KnownMembers): Ranking {
  const gone = [...memory.values()].filter(({ goneSince }) => goneSince !== null).length
  const living = memory.size - gone
  if (memory.size <= LIKELY) return { likely: new Set(memory.keys()), living, gone }
  const ranked = [...memory].map(([name, known]) => ({ name, rank: rankOf(machine, name, known) }))
  const likely = ranked.toSorted((a, b) => compare(b.rank, a.rank)).slice(0, LIKELY)
  return { likely: new Set(likely.map(({ name }) => name)), living, gone }
}

/** Returns the time from one check of `name` to the next. Milliseconds. */
export function pausedFor(ranking: Ranking, name: string, { goneSince }: KnownMember, intervalMs: number): number {
  if (ranking.likely.has(name)) return intervalMs
  return Math.max(intervalMs, goneSince === null ? ranking.living * LIVING_MS : ranking.gone * GONE_MS)
}

type Rank = readonly number[]

function rankOf(machine: PrimaryMachine, name: string, { member, goneSince }: KnownMember): Rank {
  const { facts, phase } = machine
  const named = facts.leader?.name === name || facts.claimed === name || memberOf(phase) === name
  const proved = evidenceOf(machine, name).proof !== null
  const led = LEADERS.has(member.role)
  return [Number(named), Number(proved), Number(led), member.timeline ?? 0, Number(goneSince === null), goneSince ?? 0]
}

const LEADERS: ReadonlySet<string> = new Set(['primary', 'master', 'standby_leader'])

function compare(one: Rank, other: Rank): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
