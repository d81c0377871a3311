import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { until } from '../../support/until.ts'
import type { CrowdOrder } from './crowd.ts'
import { Watched } from './watched.ts'

/** Far more than a busy machine needs, and far less than a step for each pair of members would take. Milliseconds. */
const MOST_BLOCKED_MS = 2000
const CHECK = { intervalMs: 2000, fastIntervalMs: 500, timeoutMs: 2000, rise: 1, fall: 3 }

for (const size of [200, 1000]) {
  test(`opens the primary of ${size} members, and takes the keys that all of them rewrite in few views`, async () => {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const crowd = fork(join(import.meta.dirname, 'crowd.ts'), [String(size), etcd.client.endpoint])
    stack.defer(() => void crowd.kill('SIGKILL'))
    await once(crowd, 'message')
    const late = monitorEventLoopDelay({ resolution: 10 })
    late.enable()
    const watched = stack.use(new Watched(etcd.hosts, { proxy: { check: CHECK } }))
    await until('the primary is open', () => watched.primary === 'open pg0000')
    const unfit = (): boolean => watched.view.members.some(({ isLeader, replica }) => !isLeader && !replica.fit)
    await until('all replicas are fit', () => !unfit())
    const before = watched.views.length
    await order(crowd, { type: 'beat', position: 5000, singly: true })
    const isRewritten = (): boolean => watched.view.members.every(({ position }) => position === 5000)
    await until('all positions are known', isRewritten)
    assert.ok(watched.views.length - before < size / 4, `${watched.views.length - before} views`)
    await order(crowd, { type: 'lead', member: 1 })
    await until('the next one is open', () => watched.primary === 'open pg0001')
    late.disable()
    assert.ok(late.max / 1e6 < MOST_BLOCKED_MS, `the event loop was blocked for ${late.max / 1e6} ms`)
  })
}

async function order(crowd: ChildProcess, order: CrowdOrder): Promise<void> {
  const done = once(crowd, 'message')
  crowd.send(order)
  await done
}
