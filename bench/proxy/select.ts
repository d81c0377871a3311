import { counted } from '../../src/text/wording.ts'
import type { Case, Figure, Limit } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { selectOnly } from './pgbench.ts'
import { PrimaryTestbed } from './primary.ts'
import { addOfProxy, cpuSeconds, inRounds, type Way } from './sides.ts'

/** Seconds of a slot; what counts begins after the first one. */
const SLOT_S = 4

interface Load {
  readonly clients: number
  readonly tps: Limit
  /** Of the processor time: it decides also where there is no limit of its own. */
  readonly cpu: Limit
  readonly judgesCpu: boolean
  readonly p99?: Limit
}

const LOADS: readonly Load[] = [
  { clients: 1, tps: { min: 1 }, cpu: { max: 1.3 }, judgesCpu: false },
  { clients: 16, tps: { min: 0.92 }, cpu: { max: 1.3 }, judgesCpu: true, p99: { max: 1.15 } },
  { clients: 100, tps: { min: 0.85 }, cpu: { max: 1.45 }, judgesCpu: true },
]

/** Short queries on sessions that stay, in the simple protocol. */
export const select: Case = {
  name: 'select',
  title: '`pgbench -S`: short queries on sessions that stay',
  figures: LOADS.flatMap(figuresOf),
  measure: inOneRun(async (record, rounds) => {
    await using testbed = await PrimaryTestbed.start()
    await inRounds(record, testbed.sides.ways, rounds, async (to, ways) => {
      for (const { clients } of LOADS) for (const way of ways) await slot(to, clients, way)
    })
  }),
}

function figuresOf({ clients, tps, cpu, judgesCpu, p99 }: Load): readonly Figure[] {
  const load = counted(clients, 'client')
  const decider = { name: 'CPU', key: `cpu-${clients}`, ratio: cpu }
  return [
    {
      ...{ key: `tps-${clients}`, label: `${load}: transactions`, unit: '/s', of: 'median' },
      target: { ratio: tps, decider },
    },
    { key: `p50-${clients}`, label: `${load}: latency, p50`, unit: 'ms', of: 'median' },
    {
      ...{ key: `p99-${clients}`, label: `${load}: latency, p99`, unit: 'ms', of: 'median' },
      ...(p99 === undefined ? {} : { target: { ratio: p99 } }),
    },
    {
      ...{
        key: `cpu-${clients}`,
        label: `${load}: CPU of the proxy per million transactions`,
        unit: 's',
        of: 'median',
      },
      ...(judgesCpu ? { target: { ratio: cpu } } : {}),
    },
  ]
}

async function slot(record: Recorder, clients: number, way: Way): Promise<void> {
  const args = ['-c', String(clients), '-T', String(SLOT_S)]
  const { seconds, transactions, cpuSeconds: cpu, latencies } = await selectOnly(way.port, args, () => cpuSeconds(way))
  const add = (key: string, value: number): void => record.add(`${key}-${clients}`, { [way.side]: value })
  add('tps', transactions / seconds)
  add('p50', latencies[Math.floor(latencies.length * 0.5)] ?? NaN)
  add('p99', latencies[Math.floor(latencies.length * 0.99)] ?? NaN)
  addOfProxy(record, `cpu-${clients}`, way, (cpu * 1e6) / transactions)
}
