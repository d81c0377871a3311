import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import type { ListenerConfig, Route } from '../../src/config/config.ts'
import { Proxy } from '../../src/proxy/proxy.ts'
import { counted } from '../../src/text/wording.ts'
import { clusterConfig, Watched } from '../../test/integration/watcher/watched.ts'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { TempDir } from '../../test/support/files/temp.ts'
import { until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'
import type { CrowdOrder } from '../../test/integration/watcher/crowd.ts'

/** Members, and how long the event loop may be blocked at most. Milliseconds. The first start also loads the client of the DCS. */
const SIZES = [
  { size: 3, most: null },
  { size: 200, most: 20 },
  { size: 1000, most: 50 },
]
/** In the steady state. */
const BEATS = 10
const OPEN_MS = 60_000
const RESOLUTION_MS = 1

const PHASES = ['start', 'steady', 'leader', 'leaving'] as const
const LABELS = {
  start: 'start, until the primary is open and every member is checked',
  steady: 'every member key rewritten each second',
  leader: 'another leader',
  leaving: 'a member leaves',
}

/** The watcher and the proxy in this process; etcd, and members that are played by a process of their own. */
export const large: Case = {
  name: 'members',
  title: 'One cluster of many members: how long the event loop is blocked at most',
  figures: SIZES.flatMap(({ size, most }) => [
    ...PHASES.map((phase) => ({
      ...{ key: `${phase}-${size}`, label: `${counted(size, 'member')}, ${LABELS[phase]}`, unit: 'ms' as const },
      ...{ of: 'worst' as const, ...(most === null ? {} : { target: { max: most } }) },
    })),
    { key: `open-${size}`, label: `${counted(size, 'member')}, start → primary open`, unit: 'ms', of: 'worst' },
    {
      key: `cpu-${size}`,
      label: `${counted(size, 'member')}, CPU of a second in which every key is rewritten`,
      unit: 'ms',
    },
  ]),
  measure: inOneRun(async (record, repeats) => {
    for (const { size } of SIZES) await grown(record, size, repeats ?? BEATS)
  }),
}

async function grown(record: Recorder, size: number, beats: number): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const etcd = stack.use(await EtcdCluster.start())
  const crowd = fork(
    join(import.meta.dirname, '../../test/integration/watcher/crowd.ts'),
    [String(size), etcd.client.endpoint],
    { execArgv: [] },
  )
  stack.defer(() => void crowd.kill('SIGKILL'))
  await once(crowd, 'message')
  const dir = stack.use(TempDir.create('large'))
  const log = pino({ level: 'info' }, { write: () => undefined })
  const check = { intervalMs: 2000, fastIntervalMs: 500, timeoutMs: 2000, rise: 1, fall: 3 }
  const listeners = (['primary', 'replica', 'any'] as const).map(listener)
  const watched = stack.use(new Watched(etcd.hosts, { started: false, proxy: { check }, stateDir: dir.path }))
  const proxy = new Proxy({
    config: { ...clusterConfig([], { check }).proxy, listeners },
    log,
    dialFailed: () => undefined,
  })
  stack.defer(() => proxy.close())
  await proxy.start()
  watched.watcher.subscribe('proxy', (view) => proxy.apply(view))
  let began = performance.now()
  const phase = async (name: (typeof PHASES)[number], work: () => Promise<void>): Promise<number> => {
    const late = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    late.enable()
    const cpu = process.cpuUsage()
    began = performance.now()
    await work()
    // So that what it has caused is over.
    await sleep(2 * RESOLUTION_MS)
    late.disable()
    const { user, system } = process.cpuUsage(cpu)
    record.add(`${name}-${size}`, Math.max(0, late.max / 1e6 - RESOLUTION_MS))
    record.progress(
      `${size} ${name}: ${Math.round(late.max / 1e6)} ms, CPU ${Math.round((user + system) / 1000)} ms, ${watched.views.length} views`,
    )
    return (user + system) / 1000
  }
  await phase('start', async () => {
    watched.watcher.start()
    await until('the primary is open', () => watched.primary === 'open pg0000', { timeoutMs: OPEN_MS, everyMs: 5 })
    record.add(`open-${size}`, performance.now() - began)
    await until(
      'all are checked',
      () => watched.view.members.every(({ isLeader, replica }) => isLeader || replica.fit),
      {
        ...{ timeoutMs: OPEN_MS, everyMs: 100 },
      },
    )
  })
  const cpu = await phase('steady', async () => {
    for (let beat = 1; beat <= beats; beat++) {
      const due = began + beat * 1000
      await order(crowd, { type: 'beat', position: 1000 * beat })
      await sleep(Math.max(0, due - performance.now()))
    }
  })
  record.add(`cpu-${size}`, cpu / beats)
  await phase('leader', async () => {
    await order(crowd, { type: 'lead', member: 1 })
    await until('the next one is open', () => watched.primary === 'open pg0001', { timeoutMs: OPEN_MS, everyMs: 5 })
    await sleep(1000)
  })
  await phase('leaving', async () => {
    await order(crowd, { type: 'leave', member: size - 1 })
    await until('it is gone', () => watched.view.members.some(({ gone }) => gone), { timeoutMs: OPEN_MS, everyMs: 5 })
    await sleep(1000)
  })
}

async function order(crowd: ChildProcess, order: CrowdOrder): Promise<void> {
  const done = once(crowd, 'message')
  crowd.send(order)
  await done
}

function listener(route: Route): ListenerConfig {
  return {
    ...{ name: route, route, binds: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }], balance: 'roundrobin', tags: {} },
    ...{ maxLagBytes: 1024 ** 2, fallback: 'none', closeFallback: false },
  }
}
