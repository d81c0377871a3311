import type { Host } from '../../test/support/hosts/host.ts'
import { clock, until } from '../../test/support/until.ts'
import { longestGap } from '../../test/support/clients/load.ts'
import { type Case, type Figure, medianAndWorst } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { LeaderTestbed, RUNS, logged } from './leader-testbed.ts'

/** All in milliseconds. */
type Takeover = {
  /** From `primary-open` of the new leader to the address on its host, as the kernel has it. */
  readonly openToAddress: number
  /** keepalived's own part of that: from the track file saying 1. */
  readonly fileToAddress: number
  /** From `primary-open` to the answer to the first client that connected to the address. */
  readonly openToClient: number
  /** The longest time between two answers for clients. */
  readonly outage: number
}

const SECOND_MS = 1_000

const FIGURES: readonly Figure[] = [
  ...medianAndWorst('openToAddress', 'new leader confirmed → address on its host', SECOND_MS),
  ...medianAndWorst('fileToAddress', "keepalived's part of that: track file says 1 → address on the host"),
  ...medianAndWorst('openToClient', 'new leader confirmed → first client served through the address', SECOND_MS),
  ...medianAndWorst('outage', 'longest time without an answer to a client'),
  { key: 'overlap', label: 'longest time that two hosts had the address', unit: 'ms', target: { max: 0 } },
  {
    key: 'wrong',
    label: 'answers "not primary" of a PostgreSQL whose host had the address',
    unit: 'count',
    target: { max: 0 },
  },
  { key: 'answers', label: 'answers checked', unit: 'count' },
]

export const planned: Case = {
  name: 'planned',
  title: 'examples/keepalived-leader: planned switchover',
  figures: FIGURES,
  measure: inOneRun(async (record, repeats) =>
    measure(record, repeats ?? RUNS, async ({ cluster }) => {
      await cluster.switchover()
    }),
  ),
}

export const crash: Case = {
  name: 'crash',
  title: 'examples/keepalived-leader: crash of the leader (SIGKILL of Patroni and Postgres), ttl 20 s',
  figures: FIGURES,
  measure: inOneRun(async (record, repeats) =>
    measure(record, repeats ?? RUNS, async ({ cluster }, leader) => cluster.crash(leader)),
  ),
}

type Disturb = (testbed: LeaderTestbed, leader: Host) => Promise<void>

async function measure(record: Recorder, runs: number, disturb: Disturb): Promise<void> {
  await using testbed = await LeaderTestbed.start()
  for (let run = 1; run <= runs; run++) {
    const leader = await testbed.settle()
    const takeover = await takeOver(testbed, leader, disturb)
    record.progress(
      `run ${run}: ${JSON.stringify(takeover, (_, value: unknown) => (typeof value === 'number' ? Math.round(value) : value))}`,
    )
    for (const [key, ms] of Object.entries(takeover)) record.add(key, ms)
    await testbed.cluster.restart(leader)
  }
  record.add('overlap', testbed.watch.longestOverlapMs())
  record.add('wrong', testbed.probe.wrong(testbed.watch).length)
  record.add('answers', testbed.probe.roles.length)
}

async function takeOver(testbed: LeaderTestbed, leader: Host, disturb: Disturb): Promise<Takeover> {
  const since = clock()
  await disturb(testbed, leader)
  const next = await until(
    'there is another leader',
    async () => {
      const now = await testbed.cluster.leader()
      return now !== leader && now
    },
    { timeoutMs: 60_000 },
  )
  const address = await testbed.watch.change(next.name, true, since)
  const open = await logged(next, 'primary-open', next.name, since)
  const file = Number(await next.ok('stat --format=%.3Y /run/patroni-router/leader.track')) * 1_000
  const client = await testbed.probe.served(next.name, since)
  const answered = testbed.probe.clients.filter(
    ({ error, primary, at }) => error === null && primary && at >= since - SECOND_MS,
  )
  return {
    openToAddress: address - open,
    fileToAddress: address - file,
    openToClient: client.at - open,
    outage: longestGap(answered.map(({ at }) => at).sort((a, b) => a - b)).ms,
  }
}
