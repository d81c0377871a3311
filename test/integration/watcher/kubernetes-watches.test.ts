/** The watches of a cluster in Kubernetes that end, cannot continue, are silent or are refused, and hostile values. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { KubernetesServer } from '../../support/kubernetes/server.ts'
import { until } from '../../support/until.ts'
import { HeldServer } from './kubernetes-held-server.ts'
import { KubernetesObserver, memberOf, Play, SYSTEM_ID } from './kubernetes-observer.ts'

let server: KubernetesServer
let kubeconfig: string
let play: Play
before(async () => {
  server = await KubernetesServer.start({ real: false })
  kubeconfig = server.writeKubeconfig()
  play = new Play(server)
})
after(async () => server.close())
afterEach(async () => {
  await server.fake.fail({})
  await play.clear()
})

async function serve(): Promise<void> {
  await play.write('config', { initialize: SYSTEM_ID, config: '{"ttl":30}' })
  await play.member('pg0', memberOf(1, { role: 'master' }))
  await play.lead('pg0')
}

/** Hands the lock on some times; each holder has to be published, and none has to be lost. */
async function handOn(observer: KubernetesObserver, times: number): Promise<void> {
  for (let n = 1; n <= times; n++) {
    const name = `pg${n % 3}`
    await play.lead(name, { transitions: n })
    await play.member('pg0', memberOf(1, { role: 'master', xlog_location: n }))
    await until(`${name} and its position`, () => {
      const { leader, members } = observer.cluster
      return leader?.name === name && members[0]?.position === n
    })
  }
}

describe('the watches of a cluster in Kubernetes', () => {
  for (const [what, faults] of [
    ['end at once, again and again', { watchEndsAfterMs: 1 }],
    ['end every second', { watchEndsAfterMs: 1000 }],
    ['cannot be resumed: status 410', { watchEndsAfterMs: 200, gone: 'status' }],
    ['cannot be resumed: an ERROR event', { watchEndsAfterMs: 200, gone: 'event' }],
  ] as const)
    test(`that ${what} cost no session, and no busy loop`, async () => {
      await serve()
      await using observer = new KubernetesObserver(kubeconfig)
      await observer.leader('pg0')
      await server.fake.fail(faults)
      await server.fake.endWatches()
      await handOn(observer, 4)
      const [from, since] = [process.cpuUsage(), performance.now()]
      await until('five more confirmations', () => observer.snapshots.filter(({ at }) => at > since).length > 5)
      const { user, system } = process.cpuUsage(from)
      assert.ok((user + system) / 1000 < (performance.now() - since) / 2, `${user + system} us`)
      assert.deepEqual(observer.losses, [])
      assert.ok(observer.snapshots.every(({ restored }) => !restored))
    })

  test('that are refused for a moment, with "try again", cost no session', async () => {
    await serve()
    await using observer = new KubernetesObserver(kubeconfig, { timeoutMs: 3000 })
    await observer.leader('pg0')
    for (const refuse of [
      { status: 429, retryAfter: 0, times: 3 },
      { status: 503, times: 3 },
      { status: 500, times: 2 },
    ]) {
      await server.fake.fail({ refuse })
      await server.fake.endWatches()
      await server.fake.fail({ refuse })
      const from = observer.seen.length
      await observer.until('it is confirmed', ({ type }) => type === 'snapshot', { from: from + 3 })
    }
    await server.fake.fail({})
    await handOn(observer, 2)
    assert.deepEqual(observer.losses, [])
  })

  test('that are mute are found out by the reads, which show the change at once', async () => {
    await serve()
    await using observer = new KubernetesObserver(kubeconfig)
    await observer.leader('pg0')
    await server.fake.fail({ muteWatches: true })
    await play.lead('pg1', { transitions: 1 })
    await observer.leader('pg1')
    await until('the silence', () => observer.reasons.some((reason) => reason.includes('the watch misses a change')))
    await server.fake.fail({})
    await handOn(observer, 2)
    assert.ok(observer.snapshots.every(({ restored }) => !restored))
  })

  test('that are mute about the Pods, too', async () => {
    await serve()
    await using observer = new KubernetesObserver(kubeconfig, { intervalMs: 100 })
    await observer.leader('pg0')
    await server.fake.fail({ muteWatches: true })
    await play.member('pg2', memberOf(3))
    await until('the member', () => observer.cluster.members.length === 2)
    await play.remove('pods', 'pg0')
    await until('the member has gone', () => observer.cluster.members.length === 1)
    await until('the silence', () => observer.reasons.some((reason) => reason.includes('the watch misses a change')))
  })

  test('bring nothing that is published where the lock is renewed', async () => {
    await serve()
    await using observer = new KubernetesObserver(kubeconfig, { intervalMs: 60_000 })
    await observer.leader('pg0')
    const from = observer.seen.length
    for (let n = 0; n < 30; n++) {
      await play.renew()
      await play.member('pg0', memberOf(1, { role: 'master' }))
    }
    await play.write('config', { history: '[[1,2,"x"]]' })
    await observer.until('what comes after the renewals', ({ type }) => type === 'snapshot', { from })
    assert.equal(observer.seen.length, from + 1)
  })

  test('may bring hostile values, which harm nothing else', async () => {
    await serve()
    const { client } = server
    const labels = { application: 'patroni', 'cluster-name': 'demo' }
    const spec = { containers: [{ name: 'postgres', image: 'postgres' }] }
    for (const [name, status] of [
      ['broken', '{"conn_url":'],
      ['huge', JSON.stringify({ conn_url: 'x'.repeat(200_000) })],
      ['deep', '['.repeat(50_000)],
      ['proto', '{"__proto__":{"role":"master"},"conn_url":"postgres://10.0.0.7:5432/postgres"}'],
    ] as const)
      await client.create('pods', 'default', {
        metadata: { name, labels, annotations: { status, constructor: 'x' } },
        spec,
      })
    await using observer = new KubernetesObserver(kubeconfig)
    await observer.leader('pg0')
    assert.deepEqual(
      observer.cluster.members.map(({ name }) => name),
      ['pg0', 'proto'],
    )
    assert.equal(observer.cluster.ignoredKeys.length, 3)
    for (const ttl of ['-5', '1e400', '999999999999', 'never', '']) {
      await play.write('leader', { ttl, transitions: '\u0000', acquireTime: '' })
      await play.lead('pg0')
    }
    await handOn(observer, 2)
    assert.deepEqual(observer.losses, [])
  })

  test('have lists of Pods beside them that may take longer than a read, and delay none of the lock', async () => {
    await serve()
    await using observer = new KubernetesObserver(kubeconfig, { intervalMs: 50, timeoutMs: 2000 })
    await observer.leader('pg0')
    await server.fake.fail({ podsDelayMs: 3000, muteWatches: true })
    // A list of Pods is under way from here on.
    await observer.until('five reads', ({ type }) => type === 'snapshot', { from: observer.seen.length + 5 })
    const since = performance.now()
    for (let n = 1; n <= 3; n++)
      await observer.until('five more', ({ type }) => type === 'snapshot', { from: observer.seen.length + 5 })
    assert.ok(performance.now() - since < 3000, `${performance.now() - since} ms`)
    await play.member('pg2', memberOf(3))
    await until('the member', () => observer.cluster.members.length === 2)
    assert.deepEqual(observer.reasons, [])
  })

  test('are as many as two, whatever else is in the namespace', async () => {
    await serve()
    for (let n = 0; n < 20; n++)
      await server.client.create('pods', 'default', {
        metadata: { name: `other${n}`, labels: { app: 'other' }, annotations: { status: '{}' } },
        spec: { containers: [{ name: 'x', image: 'x' }] },
      })
    await using observer = new KubernetesObserver(kubeconfig)
    await observer.leader('pg0')
    assert.equal(observer.cluster.members.length, 1)
    assert.deepEqual(observer.cluster.ignoredKeys, [])
  })

  test('begin again when the store is restored, which is reported once', async () => {
    await serve()
    await using observer = new KubernetesObserver(kubeconfig)
    await observer.leader('pg0')
    const restore = await server.keep()
    await play.lead('pg1', { transitions: 1 })
    await observer.leader('pg1')
    const from = observer.seen.length
    await restore()
    await observer.leader('pg0', from)
    const confirmed = observer.seen.length
    await observer.until('it is confirmed', ({ type }) => type === 'snapshot', { from: confirmed + 3 })
    assert.equal(observer.snapshots.filter(({ restored }) => restored).length, 1)
  })

  test('are not waited for where their answers are held back, and objects may be whole', async () => {
    await using held = await HeldServer.start(server.path)

    const observer = held.observe()
    await observer.leader('pg0')
    const from = observer.seen.length
    await observer.until('it is confirmed', ({ type }) => type === 'snapshot', { from: from + 5 })
    assert.equal(observer.cluster.members[0]?.host, '10.0.0.1')
    assert.deepEqual(observer.reasons, [])
    // A page is read from etcd itself, and a list without a version, too.
    const limits = (path: string) =>
      held.lists
        .slice(-6)
        .flatMap(({ pathname, searchParams }) => (pathname.endsWith(path) ? searchParams.get('limit') : []))
    assert.deepEqual([new Set(limits('/endpoints')), new Set(limits('/pods'))], [new Set([null]), new Set([null])])
    const versions = (path: string) =>
      held.lists.flatMap(({ pathname, searchParams }) =>
        pathname.endsWith(path) ? searchParams.get('resourceVersion') : [],
      )
    assert.deepEqual([new Set(versions('/endpoints')), new Set(versions('/pods'))], [new Set([null]), new Set(['0'])])
  })

  test('are not there, and the read at the end of a lease shows that the store was restored', async () => {
    await using held = await HeldServer.start(server.path)
    held.ttl = 1
    const observer = held.observe({ intervalMs: 60_000 })
    await observer.leader('pg0')
    held.version--
    await observer.until('the loss', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /its history went back to version 6: it was restored/)
    assert.deepEqual(observer.leaders, ['pg0'])
  })

  test('pause as long as the server sets by Retry-After, while the reads show each change and cost no session', async () => {
    await using held = await HeldServer.start(server.path)
    const watches: number[] = []
    held.onWatch = ({ pathname }, response) => {
      if (pathname.endsWith('/endpoints')) watches.push(performance.now())
      response.writeHead(429, { 'retry-after': '2' }).end()
    }
    const observer = held.observe({ intervalMs: 50, timeoutMs: 3000 })
    await observer.leader('pg0')
    for (const name of ['pg1', 'pg2', 'pg0']) {
      held.lead(name)
      await observer.leader(name, observer.seen.length)
      await observer.until('it is confirmed', ({ type }) => type === 'snapshot', { from: observer.seen.length + 3 })
    }
    const [first = 0, second = 0] = await until('the next watch', () => watches.length > 1 && watches)
    assert.ok(second - first >= 1990, `${second - first} ms`)
    assert.deepEqual(observer.reasons, [])
  })
})
