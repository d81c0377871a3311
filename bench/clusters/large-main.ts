// The watcher and the proxy of clusters of several sizes: `node large-main.ts BEATS SIZE...`, with IPC.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import type { ListenerConfig, Route } from '../../src/config/config.ts'
import { Proxy } from '../../src/proxy/proxy.ts'
import type { CrowdOrder } from '../../test/integration/watcher/crowd.ts'
import { clusterConfig, Watched } from '../../test/integration/watcher/watched.ts'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { TempDir } from '../../test/support/files/temp.ts'
import { until } from '../../test/support/until.ts'
import type { Found, PHASES } from './large.ts'

const OPEN_MS = 60_000
const RESOLUTION_MS = 1

const [beats = 0, ...sizes] = process.argv.slice(2).map(Number)
process.once('disconnect', () => process.exit())
for (const size of sizes) await grown(size)
process.disconnect()

function found(message: Found): void {
  process.send?.(message)
}

async function grown(size: number): Promise<void> {
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
  let views = 0
  watched.watcher.subscribe('proxy', (view) => {
    proxy.apply(view)
    views++
    // It keeps all of them: memory that no router has.
    watched.views.length = 0
  })
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
    found({ key: `${name}-${size}`, value: Math.max(0, late.max / 1e6 - RESOLUTION_MS) })
    const spent = `CPU ${Math.round((user + system) / 1000)} ms, ${views} views`
    found({ progress: `${size} ${name}: ${Math.round(late.max / 1e6)} ms, ${spent}` })
    return (user + system) / 1000
  }
  await phase('start', async () => {
    watched.watcher.start()
    await until('the primary is open', () => watched.primary === 'open pg0000', { timeoutMs: OPEN_MS, everyMs: 5 })
    found({ key: `open-${size}`, value: performance.now() - began })
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
  found({ key: `cpu-${size}`, value: cpu / beats })
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
