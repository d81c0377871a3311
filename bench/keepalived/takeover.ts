import type { Host } from '../../test/support/hosts/host.ts'
import { clock, until } from '../../test/support/until.ts'
import { longestGap } from '../../test/support/clients/load.ts'
import { type Case, type Figure, percentile } from '../figures.ts'
import { LeaderBed, RUNS, logged } from './leader-testbed.ts'

/** All in milliseconds. */
interface Takeover {
  /** From the proof of the new leader to the address on its host, as the kernel has it. */
  readonly openToAddress: number
  /** keepalived's own part of that: from the track file saying 1. */
  readonly fileToAddress: number
  /** From the proof to the answer for the first client that came to the address. */
  readonly openToClient: number
  /** The longest time between two answers for clients. */
  readonly outage: number
}

const SECOND_MS = 1_000

export const planned: Case = {
  name: 'planned',
  title: 'examples/keepalived-leader: planned switchover',
  measure: async (runs, progress) =>
    measure(runs ?? RUNS, progress, async ({ cluster }) => {
      await cluster.switchover()
    }),
}

export const crash: Case = {
  name: 'crash',
  title: 'examples/keepalived-leader: crash of the leader (SIGKILL Patroni + Postgres), ttl 20 s',
  measure: async (runs, progress) =>
    measure(runs ?? RUNS, progress, async ({ cluster }, leader) => cluster.crash(leader)),
}

type Disturb = (bed: LeaderBed, leader: Host) => Promise<void>

async function measure(runs: number, progress: (line: string) => void, disturb: Disturb): Promise<Figure[]> {
  await using bed = await LeaderBed.start()
  const takeovers: Takeover[] = []
  for (let run = 1; run <= runs; run++) {
    const leader = await bed.settle()
    const takeover = await takeOver(bed, leader, disturb)
    progress(
      `run ${run}: ${JSON.stringify(takeover, (_, value: unknown) => (typeof value === 'number' ? Math.round(value) : value))}`,
    )
    takeovers.push(takeover)
    await bed.cluster.restart(leader)
  }
  const part = (key: keyof Takeover) => takeovers.map((takeover) => takeover[key])
  return [
    ...spread('the new leader is proved, to the address on its host', part('openToAddress'), SECOND_MS),
    ...spread('of this keepalived: the track file says 1, to the address', part('fileToAddress')),
    ...spread(
      'the new leader is proved, to the first client served through the address',
      part('openToClient'),
      SECOND_MS,
    ),
    ...spread('clients without an answer', part('outage')),
    { label: 'two hosts have the address, longest', value: bed.watch.longestOverlapMs(), unit: 'ms', must: { max: 0 } },
    {
      label: 'answers "not primary" of a PostgreSQL whose host had the address',
      value: bed.probe.wrong(bed.watch).length,
      unit: 'count',
      must: { max: 0 },
    },
    { label: 'answers asked for', value: bed.probe.roles.length, unit: 'count', must: null },
  ]
}

async function takeOver(bed: LeaderBed, leader: Host, disturb: Disturb): Promise<Takeover> {
  const since = clock()
  await disturb(bed, leader)
  const next = await until(
    'there is another leader',
    async () => {
      const now = await bed.cluster.leader()
      return now !== leader && now
    },
    { timeoutMs: 60_000 },
  )
  const address = await bed.watch.change(next.name, true, since)
  const open = await logged(next, 'primary-open', next.name, since)
  const file = Number(await next.ok('stat --format=%.3Y /run/patroni-router/leader.track')) * 1_000
  const client = await bed.probe.served(next.name, since)
  const answered = bed.probe.clients.filter(
    ({ error, primary, at }) => error === null && primary && at >= since - SECOND_MS,
  )
  return {
    openToAddress: address - open,
    fileToAddress: address - file,
    openToClient: client.at - open,
    outage: longestGap(answered.map(({ at }) => at).sort((a, b) => a - b)).ms,
  }
}

/** Median and worst. */
export function spread(what: string, values: readonly number[], most: number | null = null): Figure[] {
  const must = most === null ? null : { max: most }
  return [
    { label: `${what}, median`, value: percentile(values, 0.5), unit: 'ms', must },
    { label: `${what}, worst`, value: Math.max(...values), unit: 'ms', must },
  ]
}
