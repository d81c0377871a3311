/** What a watcher makes of a cluster in Kubernetes: dead Pods, deleted ones, and leases that run out. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { kubernetesDcs } from '../../../src/watcher/dcs/kubernetes/kubernetes-dcs.ts'
import { RETRIABLE } from '../../../src/watcher/dcs/kubernetes/section.ts'
import { KubernetesServer } from '../../support/kubernetes/server.ts'
import { until } from '../../support/until.ts'
import { dcsOf } from './dcs-of.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { LABELS, Play } from './kubernetes-observer.ts'
import { clusterConfig, Watched } from './watched.ts'

let server: KubernetesServer
let play: Play
before(async () => {
  server = await KubernetesServer.start()
  play = new Play(server)
})
after(async () => server.close())
afterEach(async () => play.clear())

function watch(trust: 'proof' | 'dcs'): Watched {
  const source = kubernetesDcs({
    config: {
      ...{ kind: 'kubernetes', objects: 'endpoints', labels: LABELS, scopeLabel: 'cluster-name', service: null },
      ...{ kubeconfig: server.writeKubeconfig(), home: null, context: null, caFile: null, bypassService: false },
      retriable: RETRIABLE,
    },
    place: { namespace: 'default', scope: 'demo', group: null },
    ...{ prefix: '/default/demo/', intervalMs: 200, timeoutMs: 500, log: null, lookups: new Lookups(), followed: [] },
  })
  return new Watched([], { dcs: dcsOf(source), proxy: { ...clusterConfig([]).proxy, trust } })
}

/** Writes a cluster of two members, which are as Pods that do not die in Kubernetes. */
async function serve(pg0: FakeMember, pg1: FakeMember, ttl: number): Promise<void> {
  await play.write('config', { initialize: SYSTEM_ID, config: `{"ttl":${ttl}}` })
  await play.member('pg0', pg0.key({ role: 'master' }))
  await play.member('pg1', pg1.key())
  await play.lead('pg0', { ttl })
}

describe('the primary of a cluster in Kubernetes', () => {
  let pg0: FakeMember
  let pg1: FakeMember
  let stack: AsyncDisposableStack
  afterEach(async () => stack.disposeAsync())

  async function start(): Promise<void> {
    stack = new AsyncDisposableStack()
    pg0 = stack.use(await FakeMember.start('pg0', 'primary'))
    pg1 = stack.use(await FakeMember.start('pg1', 'replica'))
  }

  for (const trust of ['proof', 'dcs'] as const)
    test(`ends with its lease where its Pod is dead and says what it said last, with trust: ${trust}`, async () => {
      await start()
      await serve(pg0, pg1, 2)
      const watched = stack.use(watch(trust))
      await watched.until('open pg0')
      await pg0[Symbol.asyncDispose]()
      await until('its lease has run out', () => watched.view.leader === null)
      await watched.until('none')
      // The Pod is still there, and still says that it is the master.
      assert.equal(watched.member('pg0').gone, false)
      ;[pg1.mode, pg1.timeline] = ['primary', 2]
      await play.lead('pg1', { ttl: 60, transitions: 1 })
      await play.member('pg1', pg1.key({ role: 'master', timeline: 2 }))
      await watched.until('open pg1')
      assert.equal(watched.states().filter((state) => state === 'open pg0').length, 1)
    })

  test('keeps its name in the lock when its Pod is deleted, until the next leader takes it and is opened', async () => {
    await start()
    await serve(pg0, pg1, 60)
    const watched = stack.use(watch('proof'))
    await watched.until('open pg0')
    await pg0[Symbol.asyncDispose]()
    await play.remove('pods', 'pg0')
    await until('the key has gone', () => watched.view.members.find(({ name }) => name === 'pg0')?.gone === true)
    assert.equal(watched.view.leader, 'pg0')
    ;[pg1.mode, pg1.timeline] = ['primary', 2]
    const since = performance.now()
    await play.lead('pg1', { ttl: 60, transitions: 1 })
    await watched.until('open pg1')
    assert.ok(performance.now() - since < 1000, `${performance.now() - since} ms`)
  })

  test('stays while its lease has run out and it confirms itself, but not where only the lease is trusted', async () => {
    await start()
    await serve(pg0, pg1, 1)
    const [proof, dcs] = [stack.use(watch('proof')), stack.use(watch('dcs'))]
    for (const each of [proof, dcs]) await each.until('open pg0')
    await proof.until('unlocked pg0')
    await dcs.until('none')
    await play.lead('pg0', { ttl: 60 })
    for (const each of [proof, dcs]) await each.until('open pg0')
  })
})
