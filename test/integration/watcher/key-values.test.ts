/** Arbitrary keys of a real etcd, through what happens to one, and of one that does what real ones do in rare moments. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { KeyStore } from '../../../src/templates/key-store.ts'
import { createKeyValueSource } from '../../../src/watcher/dcs/create.ts'
import { EtcdCluster, type EtcdServer } from '../../support/etcd/cluster.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { KeyObserver } from './key-observer.ts'
import { ScriptedEtcd } from './scripted-etcd.ts'
import { clusterConfig } from './watched.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const put = (key: string, value: string) => ({ request_put: { key: base64(key), value: base64(value) } })
const entries = (keys: ReadonlyMap<string, string> | null): Record<string, string> => Object.fromEntries(keys ?? [])

async function leaderFirst(etcd: EtcdCluster): Promise<EtcdServer[]> {
  const isFollower = await Promise.all(
    etcd.servers.map(async ({ client }) => {
      type Status = { readonly header: { readonly member_id: string }; readonly leader: string }
      const { header, leader } = await client.call<Status>('maintenance/status', {})
      return Number(header.member_id !== leader)
    }),
  )
  const rank = (server: EtcdServer): number => isFollower[etcd.servers.indexOf(server)] ?? 0
  return etcd.servers.toSorted((a, b) => rank(a) - rank(b))
}

describe('the keys of one etcd', () => {
  let etcd: EtcdCluster
  before(async () => (etcd = await EtcdCluster.start({ args: ['--max-txn-ops', '2000'] })))
  after(async () => etcd.close())
  beforeEach(async () => {
    await etcd.client.call('kv/deleterange', { key: btoa('\0'), range_end: btoa('\0') })
  })

  test('are reported with every put, delete, transaction and end of a lease, in order', async () => {
    await etcd.client.put('/myapp/db/ends', 'x', await etcd.client.grant(1))
    await using observer = new KeyObserver({ endpoints: etcd.hosts, root: '/myapp/db' })
    await observer.until('the lease ends', (keys) => keys.size === 0)
    await etcd.client.put('/myapp/db/port', '5432')
    await etcd.client.put('/myapp/db/host', 'pg0')
    await etcd.client.put('/myapp/db/host', 'pg1')
    await etcd.client.delete('/myapp/db/port')
    const success = [put('/myapp/db', 'on'), put('/myapp/db/host', 'pg2'), put('/myapp/db/port', '6432')]
    await etcd.client.call('kv/txn', { success })
    await observer.until('the transaction is told', (keys) => keys.size === 3)
    assert.deepEqual(observer.states.map(entries), [
      { '/myapp/db/ends': 'x' },
      {},
      { '/myapp/db/port': '5432' },
      { '/myapp/db/host': 'pg0', '/myapp/db/port': '5432' },
      { '/myapp/db/host': 'pg1', '/myapp/db/port': '5432' },
      { '/myapp/db/host': 'pg1' },
      { '/myapp/db': 'on', '/myapp/db/host': 'pg2', '/myapp/db/port': '6432' },
    ])
    assert.deepEqual([...(observer.keys?.keys() ?? [])], ['/myapp/db', '/myapp/db/host', '/myapp/db/port'])
    const confirmed = observer.seen.length
    await until('it is confirmed', () => observer.seen.length > confirmed + 1)
    assert.equal(observer.states.length, 7)
    assert.deepEqual(observer.losses, [])
  })

  test('are those of the root and below it, not of names that begin alike', async () => {
    const strange = [
      '/myapp/dbx',
      '/myapp/dbx/host',
      '/myapp/db-old/host',
      '/myapp/db.',
      '/myapp/d',
      '/myapp',
      'myapp/db',
    ]
    for (const key of strange) await etcd.client.put(key, 'stranger')
    await etcd.client.put('/myapp/db', 'mine')
    await using observer = new KeyObserver({ endpoints: etcd.hosts, root: '/myapp/db/' })
    await observer.until('it is read', (keys) => keys.size > 0)
    for (const key of strange) await etcd.client.put(key, 'stranger2')
    for (const key of strange) await etcd.client.delete(key)
    await etcd.client.put('/myapp/db/host', 'mine')
    await observer.until('it is read', (keys) => keys.has('/myapp/db/host'))
    assert.deepEqual(observer.states.map(entries), [
      { '/myapp/db': 'mine' },
      { '/myapp/db': 'mine', '/myapp/db/host': 'mine' },
    ])
  })

  test('are all of etcd below a slash, and those whose names are not UTF-8 are left out, with a warning', async () => {
    await etcd.client.call('kv/put', { key: Buffer.from([0x2f, 0x61, 0xff]).toString('base64'), value: base64('1') })
    await etcd.client.call('kv/put', { key: Buffer.from([0x2f, 0x61, 0xfe]).toString('base64'), value: base64('2') })
    await etcd.client.put('without a slash', '')
    await etcd.client.put('/ü\n', 'x')
    await using observer = new KeyObserver({ endpoints: etcd.hosts, root: '/', compareMs: 100 })
    await until('it is confirmed', () => observer.seen.length > 2)
    assert.deepEqual(entries(observer.keys), { '/ü\n': 'x', 'without a slash': '' })
    assert.deepEqual(observer.losses, [])
    assert.deepEqual(observer.lines, Array(2).fill('the key /a\ufffd is left out: its name is not UTF-8'))
  })

  test('are lost while one is longer than 1 MiB, which is named, and never shown in part', async () => {
    await etcd.client.put('/myapp/small', '1')
    await etcd.client.put('/myapp/large', 'x'.repeat(1024 * 1024))
    await using observer = new KeyObserver({ endpoints: etcd.hosts, root: '/myapp', timeoutMs: 2000 })
    await observer.until('it is read', (keys) => keys.get('/myapp/large')?.length === 1024 * 1024)
    await etcd.client.put('/myapp/large', 'x'.repeat(1024 * 1024 + 1))
    assert.match(await observer.lost(), /: the value of \/myapp\/large is longer than 1048576 bytes$/)
    await observer.lost(1)
    await etcd.client.put('/myapp/large', 'y')
    await observer.until('it is read', (keys) => keys.get('/myapp/large') === 'y')
  })

  test('reach a template through the store in the turn of the event, and stay while etcd is down', async () => {
    const relay = await Relay.start(etcd.server.port)
    const source = createKeyValueSource(clusterConfig([`127.0.0.1:${relay.port}`]), new Lookups())
    const store = new KeyStore({ source, roots: ['/myapp/db', '/myapp/db/host', '/none'], log: null })
    const template = { prefix: '/myapp', keys: ['/db', '/db/host'] }
    const told: (Record<string, string> | null)[] = []
    store.subscribe(() => {
      const view = store.view(template)
      told.push(view === null ? null : entries(view.entries))
    })
    await etcd.client.put('/myapp/db/port', '5432')
    store.start()
    await until('all is read', () => told.length === 2)
    await etcd.client.put('/myapp/db/host', 'pg0')
    await until('it is told', () => told.length === 3)
    assert.deepEqual(told.at(-1), { '/db/host': 'pg0', '/db/port': '5432' })
    relay.hang()
    await until('it is lost', () => store.status().every(({ state }) => state === 'lost'))
    assert.equal(store.view(template)?.entries.get('/db/host'), 'pg0')
    await etcd.client.put('/myapp/db/host', 'pg1')
    relay.resume()
    await until('it is read again', () => store.status().every(({ state }) => state === 'up'))
    assert.equal(store.view(template)?.entries.get('/db/host'), 'pg1')
    await store.close()
    await relay.close()
  })

  test('are 10,000 as well, and each change of one is reported', async () => {
    for (let block = 0; block < 10; block++) {
      const success = Array.from({ length: 1000 }, (_, index) => put(`/many/${block}/${index}`, 'x'.repeat(100)))
      await etcd.client.call('kv/txn', { success })
    }
    await using observer = new KeyObserver({ endpoints: etcd.hosts, root: '/many', timeoutMs: 5000, compareMs: 100 })
    await observer.until('they are read', (keys) => keys.size === 10_000)
    for (let change = 0; change < 20; change++) {
      await etcd.client.put('/many/5/500', String(change))
      await observer.until('it is read', (keys) => keys.get('/many/5/500') === String(change))
    }
    assert.equal(observer.states.length, 21)
    await etcd.client.deletePrefix('/many/')
    await observer.until('they are gone', (keys) => keys.size === 0)
    assert.deepEqual(observer.losses, [])
  })

  test('are read again after they were compacted while it could not be seen', async () => {
    const relay = await Relay.start(etcd.server.port)
    await etcd.client.put('/myapp/a', '1')
    await etcd.client.put('/myapp/b', '1')
    await using observer = new KeyObserver({ endpoints: [`127.0.0.1:${relay.port}`], root: '/myapp' })
    await observer.until('it is read', (keys) => keys.size === 2)
    relay.hang()
    await etcd.client.put('/myapp/a', '2')
    await etcd.client.compact(await etcd.client.delete('/myapp/b'))
    assert.match(await observer.lost(), /^etcd at .* cannot be read: no answer in time$/)
    relay.resume()
    await observer.until('it is read again', (keys) => keys.get('/myapp/a') === '2' && keys.size === 1)
    await observer.stop()
    await relay.close()
  })
})

test('keys are read through another endpoint when one is frozen, and when one is killed', async () => {
  await using etcd = await EtcdCluster.start({ members: 3 })
  await etcd.client.put('/myapp/a', '1')
  // The leader goes on, so that no time is lost with elections.
  const [leader, first, second] = await leaderFirst(etcd)
  const endpoints = [first, second].map((server) => `127.0.0.1:${server?.port}`)
  await using observer = new KeyObserver({ endpoints, root: '/myapp', timeoutMs: 500 })
  await observer.until('they are read', (keys) => keys.size === 1)
  first?.freeze()
  const frozenAt = performance.now()
  assert.match(await observer.lost(), new RegExp(`^etcd at ${endpoints[0] ?? ''} cannot be read: `))
  // An interval, a timeout, and the slowness of a busy machine.
  assert.ok(performance.now() - frozenAt < 300 + 500 + 2000, `${performance.now() - frozenAt} ms`)
  await leader?.client.put('/myapp/a', '2')
  await observer.until('the change is told', (keys) => keys.get('/myapp/a') === '2')
  first?.thaw()
  await first?.ready()
  const losses = observer.losses.length
  await second?.kill()
  await observer.lost(losses)
  await leader?.client.put('/myapp/a', '3')
  await observer.until('the change is told', (keys) => keys.get('/myapp/a') === '3')
})

test('keys that the user may not read are lost, with what to do about it, and others are not', async () => {
  await using etcd = await EtcdCluster.start()
  const auth = { username: 'router', password: 'se%cret' }
  await etcd.enableAuth({ ...auth, prefixes: ['/mine/'], readOnly: true })
  await etcd.client.put('/mine/db/host', 'pg0')
  await using mine = new KeyObserver({ endpoints: etcd.hosts, root: '/mine/db', auth })
  await using denied = new KeyObserver({ endpoints: etcd.hosts, root: '/other/db', auth })
  await using all = new KeyObserver({ endpoints: etcd.hosts, root: '', auth })
  const command = 'etcdctl role grant-permission ROLE read'
  const message = await denied.lost()
  assert.ok(message.endsWith(`: user "router" may not read /other/db: ${command} /other/db /other/db0`), message)
  const range = { key: base64('/other/db'), range_end: base64('/other/db0') }
  const why = await all.lost()
  assert.ok(why.endsWith(`: user "router" may not read /: ${command} --prefix=true ''`), why)
  await mine.until('it is read', (keys) => keys.get('/mine/db/host') === 'pg0')
  await etcd.client.call('auth/role/grant', { name: 'router', perm: { permType: 'READ', ...range } })
  await denied.until('it may be read', () => true)
  assert.ok(!JSON.stringify([...denied.losses, ...all.losses]).includes(auth.password))
})

test('there are no keys in a file, nor in the REST API of the members', () => {
  const [config, lookups] = [clusterConfig([]), new Lookups()]
  for (const dcs of [
    { kind: 'file', path: '/cluster.yml' },
    { kind: 'rest', urls: [] },
  ])
    assert.equal(createKeyValueSource({ ...config, dcs }, lookups), null)
})

describe('a watch that does not tell everything', () => {
  const A = { key: '/myapp/a', value: '1', mod: 4 }

  for (const [title, keys] of [
    ['a put', [{ ...A, value: '2', mod: 20 }]],
    ['a new key', [A, { key: '/myapp/b', value: '1', mod: 20 }]],
    ['a deletion', []],
  ] as const)
    test(`is noticed when all keys are read again and ${title} is missing`, async () => {
      await using etcd = await ScriptedEtcd.start()
      etcd.keys = [A]
      await using observer = new KeyObserver({
        endpoints: [etcd.endpoint],
        root: '/myapp',
        intervalMs: 50,
        compareMs: 0,
      })
      await observer.until('it is read', ({ size }) => size === 1)
      etcd.revision = 20
      etcd.keys = keys
      assert.match(await observer.lost(), /the watch misses a change that a list shows of \/myapp\/[ab]$/)
      const now = Object.fromEntries(keys.map(({ key, value }) => [key, value]))
      await until('it is read again', () => JSON.stringify(entries(observer.keys)) === JSON.stringify(now))
    })

  test('is noticed long before that when the number of keys differs', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.keys = [A]
    await using observer = new KeyObserver({ endpoints: [etcd.endpoint], root: '/myapp', intervalMs: 50 })
    await observer.until('it is read', ({ size }) => size === 1)
    await until('it is confirmed', () => observer.seen.length > 2)
    assert.equal(etcd.lists, 1)
    etcd.revision = 20
    etcd.keys = [A, { key: '/myapp/b', value: '1', mod: 20 }]
    assert.match(await observer.lost(), /the watch misses a change that a list shows of \/myapp\/b$/)
    await observer.until('it is read again', ({ size }) => size === 2)
  })

  test('is given time for it', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.keys = [A]
    await using observer = new KeyObserver({ endpoints: [etcd.endpoint], root: '/myapp', compareMs: 0 })
    await observer.until('it is read', ({ size }) => size === 1)
    const { lists } = etcd
    etcd.keys = [{ ...A, value: '2', mod: 20 }]
    etcd.revision = 20
    await until('it is listed', () => etcd.lists > lists)
    etcd.tell({ ...A, value: '2', mod: 20 })
    await observer.until('it is told', (keys) => keys.get('/myapp/a') === '2')
    const confirmed = observer.seen.length
    await until('it is confirmed', () => observer.seen.length > confirmed + 1)
    assert.deepEqual(observer.losses, [])
  })

  test('is left for a list when etcd was restored to an older revision', async () => {
    await using etcd = await ScriptedEtcd.start()
    etcd.keys = [A]
    await using observer = new KeyObserver({ endpoints: [etcd.endpoint], root: '/myapp', intervalMs: 50 })
    await observer.until('it is read', ({ size }) => size === 1)
    etcd.revision = 5
    etcd.keys = [{ ...A, value: 'old' }]
    assert.match(await observer.lost(), /went back to revision 5: it was restored/)
    await observer.until('it is read again', (keys) => keys.get('/myapp/a') === 'old')
  })
})
