/** The lease of the leader in Kubernetes: nothing there lets it run out, the router counts its time itself. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubernetesServer } from '../../support/kubernetes/server.ts'
import { Relay } from '../../support/net/relay.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { clock, until } from '../../support/until.ts'
import { KubernetesObserver, LABELS, memberOf, Play, SYSTEM_ID } from './kubernetes-observer.ts'

let server: KubernetesServer
let kubeconfig: string
let play: Play
before(async () => {
  server = await KubernetesServer.start()
  kubeconfig = server.writeKubeconfig()
  play = new Play(server)
})
after(async () => server.close())
afterEach(async () => play.clear())

async function serve(ttl: number): Promise<void> {
  await play.write('config', { initialize: SYSTEM_ID, config: `{"ttl":${ttl}}` })
  await play.member('pg0', memberOf(1, { role: 'master' }))
  await play.lead('pg0', { ttl })
}

/** Renews the lock until it is disposed of, whenever the server is there. */
function renewing(): AsyncDisposable {
  const stop = new AbortController()
  const done = (async () => {
    while (!stop.signal.aborted) {
      await play.renew().catch(() => undefined)
      await sleep(200, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done
    },
  }
}

describe('the lease of a leader in Kubernetes', () => {
  test('runs out when its record has not changed for its ttl, at once and without a loss', async () => {
    await serve(2)
    const since = performance.now()
    // So long that none of its reads can be what publishes it.
    await using observer = new KubernetesObserver(kubeconfig, { intervalMs: 60_000 })
    await observer.leader('pg0')
    const lapsed = await observer.leader(null)
    assert.ok(lapsed.at - since >= 2000, `${lapsed.at - since} ms`)
    // The Pod of a leader that is dead says what it said last.
    assert.equal(observer.cluster.members[0]?.role, 'master')
    assert.deepEqual(observer.losses, [])
  })

  test('of which the holder takes it again is another session, and a renewal is none', async () => {
    await serve(1)
    await using observer = new KubernetesObserver(kubeconfig, { intervalMs: 200 })
    await observer.leader('pg0')
    const first = observer.cluster.leader?.session
    await observer.leader(null)
    const from = observer.seen.length
    await using stack = new AsyncDisposableStack()
    stack.use(renewing())
    await observer.leader('pg0', from)
    const second = observer.cluster.leader?.session
    assert.notEqual(second, first)
    const later = observer.seen.length
    await observer.until('eight intervals', ({ type }) => type === 'snapshot', { from: later + 8 })
    assert.deepEqual(
      new Set(observer.snapshots.slice(-8).map(({ cluster }) => cluster.leader?.session)),
      new Set([second]),
    )
    assert.deepEqual(observer.leaders, ['pg0', null, 'pg0'])
  })

  for (const [what, leave, back] of [
    ['does not answer', (relay: Relay) => relay.hang(), (relay: Relay) => relay.resume()],
    [
      'is frozen',
      () => server.freeze(),
      () => {
        server.thaw()
      },
    ],
  ] as const)
    test(`does not run out while the API server ${what}, and has the rest of its ttl afterwards`, async () => {
      await serve(2)
      await using stack = new AsyncDisposableStack()
      const relay = await Relay.start(server.port)
      stack.defer(() => relay.close())
      const file = server.writeKubeconfig({ port: relay.port })
      await using observer = new KubernetesObserver(file, { intervalMs: 200, timeoutMs: 300 })
      await observer.leader('pg0')
      await until('half of its time', () => observer.snapshots.length > 4)
      leave(relay)
      const lost = await observer.until('the loss', ({ type }) => type === 'lost')
      await until('much longer than its ttl', () => performance.now() - lost.at > 4000, { everyMs: 50 })
      const from = observer.seen.length
      back(relay)
      const again = await observer.leader('pg0', from)
      assert.ok(observer.snapshots.every(({ cluster }) => cluster.leader !== null))
      const lapsed = await observer.leader(null, from)
      // It had used up some of it before.
      assert.ok(lapsed.at - again.at < 1900, `${lapsed.at - again.at} ms`)
    })

  test('does not run out while the server is gone, and continues when it is renewed', async () => {
    await serve(2)
    await using observer = new KubernetesObserver(kubeconfig, { intervalMs: 200 })
    await observer.leader('pg0')
    const session = observer.cluster.leader?.session
    await server.stop()
    const lost = await observer.until('the loss', ({ type }) => type === 'lost')
    await until('longer than its ttl', () => performance.now() - lost.at > 3000, { everyMs: 50 })
    const from = observer.seen.length
    await using stack = new AsyncDisposableStack()
    stack.use(renewing())
    await server.start()
    await observer.leader('pg0', from)
    await observer.until('five intervals', ({ type }) => type === 'snapshot', { from: from + 6 })
    assert.equal(observer.cluster.leader?.session, session)
    assert.deepEqual(observer.leaders, ['pg0'])
  })

  test('lasts as its own record says, else as the configuration of the cluster', async () => {
    await serve(60)
    await play.write('leader', { ttl: null })
    await play.write('config', { config: '{"ttl":1}' })
    await using observer = new KubernetesObserver(kubeconfig)
    await observer.leader('pg0')
    await observer.leader(null)
    await play.lead('pg1', { ttl: 60, transitions: 1 })
    await observer.leader('pg1')
    assert.deepEqual(observer.losses, [])
  })

  test('does not run out while the router itself is stopped, and has the rest of its ttl afterwards', async () => {
    await serve(3)
    await using router = await RouterProcess.start({
      config: {
        ...{ scope: 'demo', kubernetes: { labels: LABELS, use_endpoints: true } },
        proxy: { trust: 'dcs', check: { interval: '200ms', timeout: '500ms' } },
      },
      env: { KUBECONFIG: kubeconfig },
    })
    await router.waitForLog('the primary', ({ event }) => event === 'primary-open')
    router.process.freeze()
    const since = performance.now()
    await until('much longer than its ttl', () => performance.now() - since > 5000, { everyMs: 50 })
    const [continued, from] = [clock(), router.log.length]
    router.process.thaw()
    const { time } = await router.waitForLog('the lapse', ({ event }) => event === 'leader-changed', { from })
    assert.ok(time - continued > 1000, `${time - continued} ms`)
  })
})
