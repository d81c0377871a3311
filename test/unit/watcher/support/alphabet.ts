/** The events that an exploration may feed to the primary's machine in any state, grouped into alphabets. */
import type { PostgresAnswer, RestAnswer } from '../../../../src/watcher/primary/evidence.ts'
import {
  basisOf,
  type DcsFacts,
  type MemberFacts,
  nextTickAt,
  type PrimaryEvent,
  type PrimaryMachine,
} from '../../../../src/watcher/primary/machine.ts'
import type { FailoverRequest } from '../../../../src/watcher/cluster.ts'

/** One possibility: an event and when it comes. */
export interface Letter {
  readonly name: string
  /** null: impossible in this state, or the same as another letter. */
  readonly at: (machine: PrimaryMachine, now: number) => { readonly event: PrimaryEvent; readonly now: number } | null
}

export type Alphabet = readonly Letter[]

/** Longer than any wait, and short, so that few times differ. */
export const TTL_MS = 3000

/** What the DCS holds at first. */
export function firstFacts(names: readonly string[]): DcsFacts {
  return {
    leader: null,
    hasLock: true,
    claimed: null,
    systemId: 'X',
    ttlMs: TTL_MS,
    standbyCluster: false,
    paused: false,
    failover: null,
    optime: null,
    members: new Map(names.map((name) => [name, { address: name, timeline: null }])),
  }
}

type Change = (facts: DcsFacts, now: number) => Partial<DcsFacts>

/** A snapshot that differs from the last by `change`; after a loss that is what had happened meanwhile. */
export function snapshot(name: string, first: DcsFacts, change: Change, wasRestored = false): Letter {
  return {
    name,
    at: (machine, now) => {
      const facts = machine.link === 'never' ? first : machine.facts
      return { now, event: { type: 'dcs', facts: { ...facts, ...change(facts, now) }, restored: wasRestored } }
    },
  }
}

export function leaders(first: DcsFacts, ...names: readonly (string | null)[]): Alphabet {
  return names.map((leader) => {
    const [name = '', session = ''] = leader?.split('/') ?? []
    return snapshot(`leader ${leader}`, first, () => ({ leader: leader === null ? null : { name, session } }))
  })
}

export function members(first: DcsFacts, name: string, ...changes: readonly (Partial<MemberFacts> | null)[]): Alphabet {
  return changes.map((change) =>
    snapshot(`member ${name} ${JSON.stringify(change)}`, first, ({ members: known }) => {
      const others = [...known].filter(([other]) => other !== name)
      if (change === null) return { members: new Map(others) }
      return { members: new Map([...others, [name, { address: name, timeline: null, ...known.get(name), ...change }]]) }
    }),
  )
}

/** What the name of `name` leads to, seen by the router itself; null: to no address that is proved. */
export function moves(name: string, ...addresses: readonly (string | null)[]): Alphabet {
  return addresses.map((address) => ({
    name: `${name} moves to ${address}`,
    at: ({ link: state }, now) => (state === 'never' ? null : { now, event: { type: 'moved', member: name, address } }),
  }))
}

export function requests(first: DcsFacts, ...failovers: readonly (FailoverRequest | null)[]): Alphabet {
  return failovers.map((failover) =>
    snapshot(`failover ${JSON.stringify(failover)}`, first, (_, now) => {
      if (failover === null || failover.scheduledAt === null) return { failover }
      return { failover: { ...failover, scheduledAt: failover.scheduledAt + now } }
    }),
  )
}

/** The DCS: lost, seen again as it was, and restored from a backup. */
export function link(first: DcsFacts): Alphabet {
  return [
    { name: 'lost', at: ({ link: state }, now) => (state === 'up' ? { now, event: { type: 'dcs-lost' } } : null) },
    snapshot('same again', first, () => ({})),
    snapshot('restored', first, () => ({}), true),
  ]
}

const REST: Readonly<Record<string, RestAnswer>> = {
  proof1: { kind: 'proof', timeline: 1 },
  proof2: { kind: 'proof', timeline: 2 },
  stopping: { kind: 'stopping' },
  no: { kind: 'no', reason: 'no' },
  promoting: { kind: 'no', reason: 'promoting', promoting: true },
  lockless1: { kind: 'lockless', timeline: 1, reason: 'lockless' },
  silent: { kind: 'silent', reason: 'silent' },
  unasked: { kind: 'unasked', reason: 'unasked' },
}

/** Answers of `member`'s REST API to a question asked now, or, with `old`, before all that has happened. */
export function answers(member: string, ...kinds: readonly string[]): Alphabet {
  return kinds.map((kind) => {
    const answer = REST[kind.replace(/^(old|early) /, '')]
    if (answer === undefined) throw new Error(`no such answer: ${kind}`)
    return {
      name: `${member}: ${kind}`,
      at: (machine, now) => {
        if (machine.link === 'never') return null
        return { now, event: { type: 'rest', member, answer, position: null, ...asking(machine, member, now, kind) } }
      },
    }
  })
}

/** Dials and startup probes of `member`. */
export function dials(member: string, ...kinds: readonly string[]): Alphabet {
  return kinds.map((kind) => {
    const up = kind.endsWith('up')
    const answer: PostgresAnswer = up ? { kind: 'up' } : { kind: 'down', reason: 'refused' }
    return {
      name: `${member}: Postgres ${kind}`,
      at: (machine, now) => {
        if (machine.link === 'never') return null
        return { now, event: { type: 'postgres', member, answer, ...asking(machine, member, now, kind) } }
      },
    }
  })
}

/**
 * `old`: under another basis. `early`: under the present one, but before Postgres was seen down. Otherwise just now;
 * no time passes between the letters, so just after a failure is a millisecond after it.
 */
function asking(
  machine: PrimaryMachine,
  member: string,
  now: number,
  kind: string,
): { askedUnder: string; askedAt: number } {
  const failed = machine.evidence.get(member)?.down?.at ?? null
  const fresh = failed === null ? now : Math.max(now, failed + 1)
  return {
    askedUnder: kind.startsWith('old') ? 'another basis' : basisOf(machine, member),
    askedAt: kind.startsWith('early') ? (failed ?? now) : fresh,
  }
}

/** Time: to the tick that the machine has asked for, half a second, and far beyond. */
export const TIME: Alphabet = [
  {
    name: 'tick',
    at: (machine, now) => {
      const next = nextTickAt(machine, now)
      return next === null ? null : { now: next, event: { type: 'tick' } }
    },
  },
  { name: 'an event half a second later', at: (_, now) => ({ now: now + 500, event: { type: 'tick' } }) },
  { name: 'an event an hour later', at: (_, now) => ({ now: now + 3_600_000, event: { type: 'tick' } }) },
]
