/** Arbitrary keys, for templates, of every DCS that is read natively: the same of all of them. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { createKeyValueSource } from '../../../src/watcher/dcs/create.ts'
import { DCS_KINDS } from '../../../src/watcher/dcs/kinds.ts'
import { ConsulDcs } from '../../support/consul/consul-dcs.ts'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import { Relay } from '../../support/net/relay.ts'
import type { PatroniDcs } from '../../support/patroni/dcs.ts'
import { type KeyWriter, WRITABLE, writerOf } from '../../support/patroni/key-writer.ts'
import { until } from '../../support/until.ts'
import { configured, type ConfiguredOptions } from './configured.ts'
import { KeySourceObserver, LineLog } from './key-observer.ts'

/** Kubernetes has no keys but those of Patroni. */
const KINDS_WITH_KEYS = DCS_KINDS.filter(({ hasKeys }) => hasKeys).map(({ name }) => name)

type Entries = Readonly<Record<string, string>>

/** An observation of the keys of a root. */
class Keys extends KeySourceObserver {
  readonly log: LineLog

  constructor(dcs: PatroniDcs, root: string, options: ConfiguredOptions = {}) {
    const log = new LineLog()
    const source = createKeyValueSource(configured(dcs, options)[0], new Lookups(), log)
    assert.ok(source)
    super(source, root)
    this.log = log
  }

  async are(entries: Entries): Promise<void> {
    await this.until(JSON.stringify(entries), (keys) => {
      assert.deepEqual(Object.fromEntries(keys), entries)
      return true
    })
  }
}

for (const [kind, start] of Object.entries(WRITABLE).filter(([name]) => KINDS_WITH_KEYS.includes(name)))
  describe(`the keys of ${kind}`, () => {
    let dcs: PatroniDcs
    let writer: KeyWriter
    before(async () => {
      const started = await start()
      dcs = started
      writer = writerOf(started)
    })
    after(async () => dcs.close())
    afterEach(async () => {
      for (const key of ['/myapp', '/other']) await writer.deleteBelow(key)
      await writer.delete('/myapp')
    })

    async function write(entries: Entries): Promise<void> {
      for (const [key, value] of Object.entries(entries)) await writer.put(key, value)
    }

    test('are those below the root, by name, after every change of one, and the same object until then', async () => {
      const strange = ['/myapp/dbx', '/myapp/dby/host', '/myapp/db-old/host', '/myapp/d', '/other/myapp/db']
      await write({ '/myapp/db/port': '5432', '/myapp/db/host': 'pg0', '/myapp/db/empty': '' })
      await write(Object.fromEntries(strange.map((key) => [key, 'stranger'])))
      await using keys = new Keys(dcs, '/myapp/db/', { interval: '50ms' })
      await keys.are({ '/myapp/db/empty': '', '/myapp/db/host': 'pg0', '/myapp/db/port': '5432' })
      assert.deepEqual([...(keys.keys?.keys() ?? [])], ['/myapp/db/empty', '/myapp/db/host', '/myapp/db/port'])
      const confirmed = keys.seen.length
      for (const key of strange) await writer.put(key, 'stranger2')
      for (const key of strange) await writer.delete(key)
      await until('they are confirmed', () => keys.seen.length > confirmed + 3)
      assert.deepEqual(
        [...keys.states].map((state) => state.size),
        [3],
      )
      await writer.put('/myapp/db/host', 'pg ü\n🐘')
      await keys.are({ '/myapp/db/empty': '', '/myapp/db/host': 'pg ü\n🐘', '/myapp/db/port': '5432' })
      await writer.put('/myapp/db/name 2?#%41/ü', 'x')
      await keys.until('a new key', (all) => all.get('/myapp/db/name 2?#%41/ü') === 'x')
      await writer.delete('/myapp/db/empty')
      await keys.until('a key less', (all) => !all.has('/myapp/db/empty'))
      await writer.deleteBelow('/myapp/db')
      await keys.are({})
      await write({ '/myapp/db/host': 'pg1' })
      await keys.are({ '/myapp/db/host': 'pg1' })
      // In ZooKeeper what is above a key is made before it, and deleted after it.
      const { length } = keys.states
      assert.ok(kind === 'zookeeper' ? length > 5 : length === 6, `${length} states`)
      await writer.deleteBelow('/myapp')
      await keys.are({})
      assert.deepEqual(keys.losses, [])
    })

    test('are none where the root is absent, which is no error, and a root can be a key itself', async () => {
      await using keys = new Keys(dcs, '/myapp/db', { interval: '50ms' })
      await keys.are({})
      await until('they are confirmed', () => keys.seen.length > 3)
      assert.equal(keys.states.length, 1)
      await writer.put('/myapp/db', 'on')
      await keys.are({ '/myapp/db': 'on' })
      await writer.put('/myapp/db', 'off')
      await keys.are({ '/myapp/db': 'off' })
      await writer.delete('/myapp/db')
      await keys.are({})
      await writer.put('/myapp/db/host', 'pg0')
      await keys.are({ '/myapp/db/host': 'pg0' })
      assert.deepEqual(keys.losses, [])
    })

    test('are all of them with an empty root', async () => {
      await write({ '/myapp/a': '1', '/other/b': '2' })
      await using keys = new Keys(dcs, '/', { interval: '50ms' })
      await keys.are({ '/myapp/a': '1', '/other/b': '2' })
      await writer.put('/myapp/a', '3')
      await keys.are({ '/myapp/a': '3', '/other/b': '2' })
    })

    test('are values of any bytes, or what the DCS makes of them', async () => {
      await writer.put('/myapp/bytes', Buffer.from([0xff, 0x41, 0x00, 0xc3, 0xbc, 0x80]))
      await using keys = new Keys(dcs, '/myapp')
      await keys.are({ '/myapp/bytes': kind === 'etcd' ? '\ufffdA\0ü\ufffd' : '\udcffA\0ü\udc80' })
    })

    test('are lost while a value is too large, which is named, and never shown in part', async () => {
      const limit = kind === 'consul' ? 512 * 1024 : 1024 * 1024
      await write({ '/myapp/small': '1', '/myapp/large': 'x'.repeat(limit) })
      await using keys = new Keys(dcs, '/myapp')
      await keys.until('it is read', (all) => all.get('/myapp/large')?.length === limit)
      await writer.put('/myapp/large', Buffer.alloc(limit, 0xe4))
      // In etcd v2 each of these bytes has become three.
      if (kind === 'etcd')
        assert.match(await keys.lost(), /: the value of \/myapp\/large is longer than 1048576 bytes$/)
      else await keys.until('the bytes are read', (all) => all.get('/myapp/large') === '\udce4'.repeat(limit))
      if (kind === 'consul') return
      const before = keys.losses.length
      await writer.put('/myapp/large', 'x'.repeat(limit + 1))
      assert.match(await keys.lost(before), /: the value of \/myapp\/large is longer than 1048576 bytes$/)
      await writer.put('/myapp/large', 'y')
      await keys.are({ '/myapp/large': 'y', '/myapp/small': '1' })
    })

    test('are lost while the DCS is out of reach, and read again afterwards', async () => {
      const [server] = dcs.servers
      const relay = await Relay.start(server?.port ?? 0)
      await write({ '/myapp/a': '1', '/myapp/b': '1' })
      await using keys = new Keys(dcs, '/myapp', { ports: [relay.port], interval: '100ms', timeout: '500ms' })
      await keys.are({ '/myapp/a': '1', '/myapp/b': '1' })
      relay.hang()
      await writer.put('/myapp/a', '2')
      await writer.delete('/myapp/b')
      assert.match(await keys.lost(), new RegExp(`at 127\\.0\\.0\\.1:${relay.port} cannot be read: no answer`))
      relay.resume()
      await keys.are({ '/myapp/a': '2' })
      await keys.stop()
      await relay.close()
    })
  })

test('a key of etcd v2 that becomes a directory is no key, and neither is a directory', async () => {
  await using etcd = await EtcdV2Cluster.start()
  await etcd.client.set('/myapp/db', 'on')
  await etcd.client.set('/myapp/dir/key', '1')
  await using keys = new Keys(etcd, '/myapp')
  await keys.are({ '/myapp/db': 'on', '/myapp/dir/key': '1' })
  const directory = async (key: string, fields: Record<string, string>): Promise<void> => {
    const body = new URLSearchParams({ dir: 'true', ...fields })
    const answer = await fetch(`${etcd.client.endpoint}/v2/keys${key}`, { method: 'PUT', body })
    assert.ok(answer.ok, await answer.text())
  }
  await directory('/myapp/db', {})
  await keys.are({ '/myapp/dir/key': '1' })
  await directory('/myapp/dir', { prevExist: 'true', ttl: '1' })
  await etcd.client.set('/myapp/db/host', 'pg0')
  await keys.are({ '/myapp/db/host': 'pg0', '/myapp/dir/key': '1' })
  // The directory ends, with all that is in it.
  await keys.are({ '/myapp/db/host': 'pg0' })
  assert.deepEqual(keys.losses, [])
})

test('a folder of the web interface of Consul is no key', async () => {
  await using consul = await ConsulDcs.start()
  await consul.client.put('myapp/db/', '')
  await consul.client.put('myapp/', '')
  await using keys = new Keys(consul, '/myapp/db')
  await keys.are({})
  await consul.client.put('myapp/db/host', 'pg0')
  await consul.client.put('myapp/db/sub/', 'x')
  await keys.are({ '/myapp/db/host': 'pg0' })
  assert.deepEqual(keys.losses, [])
})

const LOGIN = { username: 'router', password: 'se%cret-of-the-test' }

test('keys of etcd v2 that the user may not read are lost, with what to do about it, and others are not', async () => {
  await using etcd = await EtcdV2Cluster.start()
  await etcd.client.set('/mine/db/host', 'pg0')
  await etcd.enableAuth({ ...LOGIN, prefixes: ['/mine/db/', '/absent/'], readOnly: true })
  await using mine = new Keys(etcd, '/mine/db', { login: LOGIN })
  await using absent = new Keys(etcd, '/absent', { login: LOGIN })
  await using denied = new Keys(etcd, '/other/db', { login: LOGIN })
  await using nobody = new Keys(etcd, '/mine/db')
  await mine.are({ '/mine/db/host': 'pg0' })
  await absent.are({})
  assert.match(
    await denied.lost(),
    /refuses user "router": correct etcd\.username .* a role that may read \/other\/db\/\*/,
  )
  assert.match(await nobody.lost(), /it requires a user: set etcd\.username and etcd\.password/)
  assert.deepEqual([...mine.losses, ...absent.losses], [])
  assert.ok(!JSON.stringify([denied.seen, nobody.seen]).includes(LOGIN.password))
})

test('keys of Consul that the token may not read are lost, with what to do about it, and others are not', async () => {
  await using consul = await ConsulDcs.start({ acl: true })
  await consul.client.put('mine/db/host', 'pg0')
  const token = async (keyPrefix: string): Promise<{ login: typeof LOGIN }> => {
    return { login: { ...LOGIN, password: await consul.server.addToken({ keyPrefix, policy: 'read' }) } }
  }
  await using mine = new Keys(consul, '/mine/db', await token('mine/db'))
  await using absent = new Keys(consul, '/absent/db', await token('absent/db'))
  await using below = new Keys(consul, '/absent/db', await token('absent/db/'))
  await using denied = new Keys(consul, '/other/db', await token('absent/db'))
  await using nobody = new Keys(consul, '/mine/db')
  await mine.are({ '/mine/db/host': 'pg0' })
  await absent.are({})
  await below.are({})
  assert.match(
    await denied.lost(),
    /consul\.token may not read other\/db: .* key_prefix "other\/db" { policy = "read" } \("list" where .*\)$/,
  )
  assert.match(
    await nobody.lost(),
    /it requires a token: set consul\.token to one whose policy has key_prefix "mine\/db"/,
  )
  assert.deepEqual([...mine.losses, ...absent.losses, ...below.losses], [])
})
