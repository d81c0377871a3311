// What the fake of Consul claims about indexes and blocking queries; Consul itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { consul, keysOf, patroniSession, said, sessionOf } from './consul.ts'

const { server, ask } = await consul()

const put = (key: string, body = 'x') => ask('PUT', `kv/${key}`, { body })
const list = (prefix: string, query = '') => ask('GET', `kv/${prefix}?recurse${query}`)

describe('the index of a prefix', () => {
  test('is that of its newest key, whatever happens elsewhere', async () => {
    await put('newest/a/1')
    await put('newest/a/2')
    const { index } = await ask('GET', 'kv/newest/a/2')
    await put('newest/b')
    assert.equal((await list('newest/a/')).index, index)
    assert.ok((await list('')).index > index)
  })

  test('is that of the newest deletion, also when nothing is left and something is written elsewhere', async () => {
    await put('stones/a/1')
    await put('stones/a/2')
    const before = await list('stones/a/')
    await ask('DELETE', 'kv/stones/a/2')
    const after = await list('stones/a/')
    assert.equal(keysOf(after).length, 1)
    assert.ok(after.index > before.index)
    await ask('DELETE', 'kv/stones/a/1')
    const empty = await list('stones/a/')
    assert.ok(empty.index > after.index)
    await put('stones/b')
    const still = await list('stones/a/')
    assert.deepEqual([empty.status, still.status, still.index], [404, 404, empty.index])
  })

  test('is that of the deletion of a tree', async () => {
    await put('tree/a/1')
    const before = await list('tree/a/')
    await ask('DELETE', 'kv/tree/?recurse')
    await put('elsewhere')
    assert.ok((await list('tree/')).index > before.index)
    // The tombstone is that of the tree: what lies in it has none.
    assert.equal((await list('tree/a/')).index, (await ask('GET', 'kv/elsewhere')).index)
  })

  test('does not move with sessions, that of the sessions does', async () => {
    const indexes = async () => [(await list('nothing/')).index, (await ask('GET', 'session/list')).index] as const
    const [keys, sessions] = await indexes()
    const id = await sessionOf(ask, '{}')
    const [sameKeys, moreSessions] = await indexes()
    assert.equal(sameKeys, keys)
    assert.ok(moreSessions > sessions)
    await ask('PUT', `session/destroy/${id}`)
    assert.ok((await indexes())[1] > moreSessions)
  })

  // Measured once on Consul 1.8.7 as well.
  if (!server.real)
    test('falls when its newest tombstone is deleted, which Consul does after 15 minutes', async () => {
      await put('reaped/1')
      await put('reaped/2')
      await ask('DELETE', 'kv/reaped/2')
      await server.reapTombstones()
      assert.equal((await list('reaped/')).index, (await ask('GET', 'kv/reaped/1')).index)
    })
})

describe('a blocking query', { concurrency: true }, () => {
  test('is answered at once when there is something newer than its index, or its index is 0', async () => {
    await put('now/1')
    await put('now/2')
    const { index } = await list('now/')
    for (const known of [0, index - 1]) {
      const answer = await list('now/', `&index=${known}&wait=5m`)
      assert.deepEqual([answer.status, answer.index], [200, index])
    }
  })

  test('is answered with all keys when one is written, deleted or lost with its session', async () => {
    await put('wake/1')
    const session = await sessionOf(ask, patroniSession(10))
    const changes: readonly (() => Promise<unknown>)[] = [
      () => put('wake/2'),
      () => put('wake/1', 'changed'),
      () => ask('DELETE', 'kv/wake/1'),
      () => ask('PUT', `kv/wake/3?acquire=${session}`),
      () => ask('PUT', `session/destroy/${session}`),
      () => ask('DELETE', 'kv/wake/?recurse'),
    ]
    const seen: string[] = []
    for (const change of changes) {
      const { index } = await list('wake/')
      const pending = list('wake/', `&index=${index}&wait=5m`)
      await change()
      const answer = await pending
      assert.ok(answer.index > index)
      seen.push(
        keysOf(answer)
          .map(({ Key }) => Key.slice('wake/'.length))
          .join(' '),
      )
    }
    assert.deepEqual(seen, ['1 2', '1 2', '2', '2 3', '2', ''])
  })

  test('is answered as it was when its time is up: not before, and a sixteenth later at most', async () => {
    await put('up/1')
    const { index, text } = await list('up/')
    const pending = list('up/', `&index=${index}&wait=1000ms`)
    await put('up-elsewhere')
    await put('up/1') // The same value.
    const answer = await pending
    assert.deepEqual([...said(answer), answer.index], [200, text, index])
    assert.ok(answer.tookMs >= 999, `${answer.tookMs} ms`)
    assert.ok((await list('up/', `&index=${index}&wait=0.1s`)).tookMs >= 99)
  })

  test('waits, too, when its index is higher than that of the store', async () => {
    await put('future/1')
    const { index } = await list('future/')
    const pending = list('future/', `&index=${index + 1_000_000}&wait=1s`)
    await put('future/2')
    const answer = await pending
    assert.ok(answer.tookMs >= 999, `${answer.tookMs} ms`)
    assert.ok(answer.index > index && answer.index < index + 1_000_000)
    assert.equal(keysOf(answer).length, 2)
  })

  test('of a prefix that has nothing is answered when something is written beside it', async () => {
    await put('beside/other/1')
    const { index } = await list('beside/demo/')
    const pending = list('beside/demo/', `&index=${index}&wait=5m`)
    await put('beside/other/2')
    const answer = await pending
    assert.equal(answer.status, 404)
    assert.ok(answer.index > index)
  })

  test('of one key is answered when it changes or goes, not when others do', async () => {
    await put('single/1')
    const { index } = await ask('GET', 'kv/single/1')
    const idle = await ask('GET', `kv/single/1?index=${index}&wait=100ms`)
    assert.deepEqual([idle.status, idle.index], [200, index])
    const changed = ask('GET', `kv/single/1?index=${index}&wait=5m`)
    await put('single/2')
    await put('single/1', 'y')
    const newer = await changed
    assert.equal(keysOf(newer)[0]?.Value, 'eQ==')
    const gone = ask('GET', `kv/single/1?index=${newer.index}&wait=5m`)
    await ask('DELETE', 'kv/single/1')
    assert.equal((await gone).status, 404)
  })

  test('does not see a lock that its holder takes again, as Patroni does each loop', async () => {
    const session = await sessionOf(ask, patroniSession(10))
    const acquire = () => ask('PUT', `kv/renewed/leader?acquire=${session}`, { body: 'pg0' })
    await acquire()
    const { index } = await list('renewed/')
    const pending = list('renewed/', `&index=${index}&wait=300ms`)
    assert.equal((await acquire()).text, 'true')
    await ask('PUT', `session/renew/${session}`)
    const answer = await pending
    assert.equal(answer.index, index)
    assert.ok(answer.tookMs >= 299)
  })

  test('of the sessions is answered when one is made', async () => {
    const { index } = await ask('GET', 'session/list')
    const pending = ask('GET', `session/list?index=${index}&wait=5m`)
    const id = await sessionOf(ask, '{}')
    assert.ok((await pending).index > index)
    assert.match((await ask('GET', 'session/list')).text, new RegExp(id))
  })

  test('may be one of a hundred, which are all answered', async () => {
    await put('many/1')
    const { index } = await list('many/')
    const pending = Array.from({ length: 100 }, () => list('many/', `&index=${index}&wait=5m&consistent`))
    await put('many/2')
    for (const answer of await Promise.all(pending)) assert.equal(keysOf(answer).length, 2)
  })
})

test('the log of a prefix has its writes and deletions, as that of etcd does', async () => {
  const { client } = server
  await client.put('/log/before', 'x')
  const log = await client.watch('/log/')
  const seen = (type: string, key: string, value: string) =>
    until(`${type} ${key}`, () =>
      log.find((event) => event.type === type && event.key === key && event.value === value),
    )
  await client.put('/log/a', '1')
  await seen('put', '/log/a', '1')
  const revision = await client.put('/log/a', '2')
  assert.equal((await seen('put', '/log/a', '2')).modRevision, revision)
  await client.delete('/log/a')
  assert.ok((await seen('delete', '/log/a', '')).modRevision > revision)
  assert.equal(log.events.length, 3)
  await log.close()
})
