import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { usageOf } from '../process.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { requireDescriptors } from './descriptors.ts'
import { FakeCluster } from './fake-cluster.ts'
import { ManyClients } from './many-clients.ts'
import { Sides, startRouter, type Way } from './sides.ts'

const ROUNDS = 3
const SESSIONS = 5_000
const SESSIONS_GONE = 1_000
/** From the start to the memory of a proxy without a session: what the start needed may be given back. */
const SETTLED_MS = 60_000
/** In the rounds after the first one. */
const STARTED_MS = 10_000
/** After sessions were opened, and after they have gone. */
const REST_MS = 5_000
const GONE_MS = 60_000

/** Memory of fresh processes. All of them settle at the same time; sessions are opened through one proxy at a time. */
export const memory: Case = {
  name: 'memory',
  title: `memory (RSS), ${SESSIONS.toLocaleString('en')} idle sessions`,
  figures: [
    { key: 'empty', label: '60 s after the start', unit: 'MiB', of: 'median', target: { max: 100 } },
    { key: 'empty-rest', label: '60 s after the start, without etcd3', unit: 'MiB', of: 'median', target: { max: 85 } },
    {
      ...{ key: 'gone', label: 'after 1,000 sessions have gone', unit: 'MiB', of: 'median' },
      target: { max: 100 },
    },
    { key: 'session', label: 'per idle session', unit: 'KiB', of: 'median', target: { max: 11 } },
  ],
  measure: inOneRun(async (record, rounds) => {
    requireDescriptors(SESSIONS)
    await using cluster = await FakeCluster.start(1)
    await cluster.lead(0)
    const count = rounds ?? ROUNDS
    for (let round = 1; round <= count; round++) {
      await measureOnce(record, cluster, round === 1)
      record.progress(`round ${round} of ${count}`)
    }
  }),
}

async function measureOnce(record: Recorder, cluster: FakeCluster, isFirst: boolean): Promise<void> {
  const start = (): Promise<Sides> => Sides.start(cluster.member(0), cluster.config)
  // What sessions that have gone leave behind is not what others need.
  await using one = await start()
  await using another = await start()
  await using rest = isFirst ? await startRouter(cluster.restConfig) : null
  await sleep(isFirst ? SETTLED_MS : STARTED_MS)
  if (rest !== null) {
    record.add('empty-rest', usageOf(rest.process.pid).mebibytes)
    for (const way of proxiesOf(one)) record.add('empty', { [way.side]: mebibytes(way) })
  }
  for (const way of proxiesOf(one)) await withSessions(way, SESSIONS_GONE, () => Promise.resolve())
  const gone = sleep(GONE_MS)
  for (const way of proxiesOf(another)) {
    const empty = mebibytes(way)
    await withSessions(way, SESSIONS, async () => {
      await sleep(REST_MS)
      record.add('session', { [way.side]: ((mebibytes(way) - empty) * 1024) / SESSIONS })
    })
  }
  await gone
  for (const way of proxiesOf(one)) record.add('gone', { [way.side]: mebibytes(way) })
}

function proxiesOf({ ways }: Sides): readonly Way[] {
  return ways.filter(({ side }) => side !== 'direct')
}

/** Opens sessions, does `work`, and waits until the proxy has closed all of them. */
async function withSessions(way: Way, count: number, work: () => Promise<void>): Promise<void> {
  const before = descriptors(way)
  {
    await using clients = ManyClients.of(way.port)
    await clients.open(count)
    await work()
  }
  await until('the sessions are gone', () => descriptors(way) <= before + 10)
}

function mebibytes({ pid }: Way): number {
  return pid === null ? NaN : usageOf(pid).mebibytes
}

function descriptors({ pid }: Way): number {
  return pid === null ? 0 : usageOf(pid).descriptors
}
