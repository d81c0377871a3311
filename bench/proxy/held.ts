import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { usageOf } from '../process.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { requireDescriptors } from './descriptors.ts'
import { FakeCluster } from './fake-cluster.ts'
import { ManyClients } from './many-clients.ts'
import { startRouter } from './sides.ts'

const ROUNDS = 3
const SOME = 1_000
const MANY = 5_000
/** How long a busy server takes for its first answer. */
const ANSWER_MS = 50
const SENT_BYTES = 256 * 1024
/** For what is only there while a connection is made to be gone. */
const REST_MS = 3_000

/** Clients that wait for a primary, and are then released: a fresh router each time. */
export const held: Case = {
  name: 'held',
  title: 'clients that wait for a primary',
  figures: [
    { key: 'memory', label: 'memory per client (of 5,000)', unit: 'KiB', of: 'median' },
    {
      ...{ key: 'memory-sent', label: 'memory per client that has sent 256 KiB (of 5,000)', unit: 'KiB', of: 'median' },
      target: { max: 24 },
    },
    { key: 'some', label: `primary is open → last of 1,000 clients is answered`, unit: 'ms', of: 'median' },
    {
      ...{ key: 'many', unit: 'ms', of: 'median', target: { max: 5_000 } },
      label: `primary is open → last of 5,000 clients is answered, where the server takes ${ANSWER_MS} ms for each`,
    },
  ],
  measure: inOneRun(async (record, rounds) => {
    requireDescriptors(MANY)
    await using cluster = await FakeCluster.start(1)
    const count = rounds ?? ROUNDS
    for (let round = 1; round <= count; round++) {
      record.add('some', await release(cluster, SOME, 0))
      record.add('many', await release(cluster, MANY, ANSWER_MS))
      await measureMemory(record, cluster)
      record.progress(`round ${round} of ${count}`)
    }
  }),
}

/** Returns the milliseconds from the line of the log that the primary is open to the first answer of the last client. */
async function release(cluster: FakeCluster, count: number, answerMs: number): Promise<number> {
  await cluster.leaderless()
  await using router = await startRouter(cluster.config)
  await using clients = await hold(router.primaryPort, count, router.process.pid)
  await cluster.lead(0, answerMs)
  const answered = await clients.answered()
  const open = await router.waitForLog('that the primary is open', ({ event }) => event === 'primary-open')
  return answered - open.time
}

async function measureMemory(record: Recorder, cluster: FakeCluster): Promise<void> {
  await cluster.leaderless()
  await using router = await startRouter(cluster.config)
  const mebibytes = (): number => usageOf(router.process.pid).mebibytes
  await sleep(REST_MS)
  const empty = mebibytes()
  await using clients = await hold(router.primaryPort, MANY, router.process.pid)
  await sleep(REST_MS)
  record.add('memory', ((mebibytes() - empty) * 1024) / MANY)
  record.note('bytes that each has sent at least', await clients.send(SENT_BYTES))
  await sleep(REST_MS)
  record.add('memory-sent', ((mebibytes() - empty) * 1024) / MANY)
}

/** Connects clients, and waits until the router has accepted all of them. */
async function hold(port: number, count: number, pid: number): Promise<ManyClients> {
  const before = usageOf(pid).descriptors
  const clients = ManyClients.of(port)
  try {
    await clients.hold(count)
    await until('all are accepted', () => usageOf(pid).descriptors >= before + count)
    return clients
  } catch (error) {
    await clients[Symbol.asyncDispose]()
    throw error
  }
}
