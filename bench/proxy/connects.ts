import type { Case } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { firstAnswer } from './first-answer.ts'
import { selectOnly } from './pgbench.ts'
import { PrimaryTestbed } from './primary.ts'
import { addOfProxy, cpuSeconds, inRounds, type Way } from './sides.ts'

const CLIENTS = 4
const SLOT_S = 4
/** Connects, one after the other, whose first answer is timed. */
const PROBES = 200

/** A connection for each query, and the time to the first answer of one. */
export const connects: Case = {
  name: 'connects',
  title: '`pgbench -C -S`: a connection for each query',
  figures: [
    {
      ...{ key: 'rate', label: 'connections', unit: '/s', of: 'median' },
      target: { ratio: { min: 0.95 }, decider: { name: 'CPU', key: 'cpu', ratio: { max: 1.6 } } },
    },
    {
      ...{ key: 'cpu', label: 'CPU of the proxy per connection', unit: 'ms', of: 'median' },
      target: { ratio: { max: 1.6 } },
    },
    { key: 'answer-p50', label: 'connect → first answer, p50', unit: 'ms', of: 'median' },
    { key: 'answer-p99', label: 'connect → first answer, p99', unit: 'ms', of: 'median' },
  ],
  measure: inOneRun(async (record, rounds) => {
    await using testbed = await PrimaryTestbed.start()
    await inRounds(record, testbed.sides.ways, rounds, async (to, ways) => {
      for (const way of ways) await slot(to, way)
      for (const way of ways) await probe(to, way)
    })
  }),
}

async function slot(record: Recorder, way: Way): Promise<void> {
  const args = ['-C', '-c', String(CLIENTS), '-T', String(SLOT_S)]
  const { seconds, transactions, cpuSeconds: cpu } = await selectOnly(way.port, args, () => cpuSeconds(way), false)
  record.add('rate', { [way.side]: transactions / seconds })
  addOfProxy(record, 'cpu', way, (cpu * 1000) / transactions)
}

async function probe(record: Recorder, { side, port }: Way): Promise<void> {
  const times: number[] = []
  for (let count = 0; count < PROBES; count++) times.push(await firstAnswer(port))
  times.sort((a, b) => a - b)
  record.add('answer-p50', { [side]: times[Math.floor(PROBES * 0.5)] ?? NaN })
  record.add('answer-p99', { [side]: times[Math.floor(PROBES * 0.99)] ?? NaN })
}
