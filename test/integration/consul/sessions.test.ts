// What the fake of Consul claims about sessions and locks; Consul itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { NO_SESSION, consul, keysOf, patroniSession, said, sessionOf } from './consul.ts'

const { ask } = await consul()

const info = async (id: string) => (await ask('GET', `session/info/${id}`)).json as Record<string, unknown>[]
const exists = async (id: string) => (await info(id)).length === 1
const acquire = async (key: string, session: string, body = 'x') =>
  (await ask('PUT', `kv/${key}?acquire=${session}`, { body })).text
const keyAt = async (path: string) => keysOf(await ask('GET', `kv/${path}`))[0]

describe('a session', { concurrency: true }, () => {
  test('is shown as it was made', async () => {
    const id = await sessionOf(ask, patroniSession(10))
    assert.equal(id.length, 36)
    const answer = await ask('GET', `session/info/${id}`)
    const [{ CreateIndex, ModifyIndex, ...session } = {}] = answer.json as Record<string, unknown>[]
    assert.deepEqual(session, {
      ...{ ID: id, Name: 'demo-pg0', Node: 'consul0', LockDelay: 1_000_000, Behavior: 'delete', TTL: '10.0s' },
      ...{ NodeChecks: [], ServiceChecks: null },
    })
    assert.equal(CreateIndex, ModifyIndex)
    assert.ok(answer.index >= Number(CreateIndex) && Number(CreateIndex) > 0)
    assert.equal(answer.headers['x-consul-knownleader'], 'true')
  })

  test('that nothing is said about has the check of its node and 15 s of lock delay, and releases its keys', async () => {
    const [session] = await info(await sessionOf(ask, ''))
    const { Name, LockDelay, Behavior, TTL, NodeChecks } = session ?? {}
    assert.deepEqual([Name, LockDelay, Behavior, TTL, NodeChecks], ['', 15e9, 'release', '', ['serfHealth']])
    const [seconds] = await info(await sessionOf(ask, JSON.stringify({ LockDelay: 2 })))
    assert.equal(seconds?.['LockDelay'], 2e9)
  })

  test('ends when twice its TTL has passed, not before', async () => {
    const from = performance.now()
    const id = await sessionOf(ask, patroniSession(1))
    await until('the session has ended', async () => !(await exists(id)), { everyMs: 5 })
    assert.ok(performance.now() - from >= 1_999, `${performance.now() - from} ms`)
  })

  test('that is renewed outlives one that is not', async () => {
    const renewed = await sessionOf(ask, patroniSession(1))
    const left = await sessionOf(ask, patroniSession(1))
    await until('the one that is not renewed has ended', async () => {
      const { status, json } = await ask('PUT', `session/renew/${renewed}`)
      assert.deepEqual([status, (json as { ID: string }[])[0]?.ID], [200, renewed])
      return !(await exists(left))
    })
    assert.equal(await exists(renewed), true)
    await until('so has the other', async () => !(await exists(renewed)))
  })

  test('that ends takes all its keys along, at one index', async () => {
    const id = await sessionOf(ask, patroniSession(1))
    for (const key of ['leader', 'members/pg0']) assert.equal(await acquire(`gone/demo/${key}`, id), 'true')
    await ask('PUT', 'kv/gone/demo/config')
    const { index } = await ask('GET', 'kv/gone/demo/?recurse')
    const after = await ask('GET', `kv/gone/demo/?recurse&index=${index}&wait=30s`)
    assert.deepEqual(
      keysOf(after).map(({ Key }) => Key),
      ['gone/demo/config'],
    )
    assert.equal((await ask('GET', 'kv/gone/demo/leader?recurse')).index, after.index)
    assert.equal((await ask('GET', 'kv/gone/demo/members/?recurse')).index, after.index)
  })

  test('that releases its keys leaves them where they are', async () => {
    const id = await sessionOf(ask, '{}')
    await acquire('released/a', id, 'kept')
    const before = await keyAt('released/a')
    assert.deepEqual(said(await ask('PUT', `session/destroy/${id}`)), [200, 'true'])
    const { ModifyIndex = 0, ...after } = (await keyAt('released/a')) ?? {}
    const { ModifyIndex: old = 0, Session, ...same } = before ?? {}
    assert.equal(Session, id)
    assert.deepEqual(after, same)
    assert.ok(ModifyIndex > old)
  })

  test('keeps its locks from others until its lock delay is over', async () => {
    const next = await sessionOf(ask, '{}')
    const slow = await sessionOf(ask, '{}')
    const quick = await sessionOf(ask, patroniSession(10))
    await acquire('delay/slow', slow)
    await acquire('delay/quick', quick)
    for (const id of [slow, quick]) await ask('PUT', `session/destroy/${id}`)
    assert.equal(await acquire('delay/slow', next), 'false')
    await until('the lock is free', async () => (await acquire('delay/quick', next)) === 'true')
  })

  test('that does not exist is not renewed, and its destruction is no error', async () => {
    assert.deepEqual(said(await ask('PUT', `session/renew/${NO_SESSION}`)), [
      404,
      `Session id '${NO_SESSION}' not found`,
    ])
    assert.deepEqual(said(await ask('PUT', `session/destroy/${NO_SESSION}`)), [200, 'true'])
    assert.deepEqual(said(await ask('GET', `session/info/${NO_SESSION}`)), [200, '[]'])
    const malformed = 'failed session lookup: index error: UUID must be 36 characters'
    assert.deepEqual(said(await ask('PUT', 'session/renew/x')), [500, malformed])
    assert.deepEqual(said(await ask('PUT', 'kv/a?acquire=x')), [500, malformed])
  })

  test('is not made of wrong settings', async () => {
    const wrong: readonly (readonly [string, number, string])[] = [
      ['{"ttl": "0.5s"}', 500, "Invalid Session TTL '500000000', must be between [1s=24h0m0s]"],
      ['{"ttl": "25h"}', 500, "Invalid Session TTL '90000000000000', must be between [1s=24h0m0s]"],
      ['{"ttl": "soon"}', 500, `Session TTL 'soon' invalid: time: invalid duration "soon"`],
      ['{"behavior": "stay"}', 500, "Invalid Behavior setting 'stay'"],
      ['{', 400, 'Request decode failed: unexpected EOF'],
    ]
    for (const [body, status, text] of wrong) {
      assert.deepEqual(said(await ask('PUT', 'session/create', { body })), [status, text])
    }
    assert.deepEqual(said(await ask('GET', 'session/create')), [405, 'method GET not allowed'])
  })
})

describe('a lock', { concurrency: true }, () => {
  test('is had by one session, until that releases it', async () => {
    const [first, second] = [await sessionOf(ask, '{}'), await sessionOf(ask, '{}')]
    assert.equal(await acquire('lock/a', first, '1'), 'true')
    assert.equal(await acquire('lock/a', second, '2'), 'false')
    const held = await keyAt('lock/a')
    assert.deepEqual([held?.LockIndex, held?.Session, held?.Value], [1, first, 'MQ=='])
    assert.equal((await ask('PUT', `kv/lock/a?release=${second}`)).text, 'false')
    assert.equal((await ask('PUT', `kv/lock/a?release=${first}`, { body: 'free' })).text, 'true')
    const free = await keyAt('lock/a')
    assert.deepEqual([free?.LockIndex, free?.Session, free?.CreateIndex], [1, undefined, held?.CreateIndex])
    assert.equal(await acquire('lock/a', second, '2'), 'true')
    assert.equal((await keyAt('lock/a'))?.LockIndex, 2)
  })

  test('is kept over a plain write of the key', async () => {
    const id = await sessionOf(ask, '{}')
    await acquire('lock/b', id, '1')
    await ask('PUT', 'kv/lock/b', { body: '2' })
    const key = await keyAt('lock/b')
    assert.deepEqual([key?.Session, key?.Value, key?.LockIndex], [id, 'Mg==', 0])
  })

  test('taken again by its holder is no write, with another value it is one', async () => {
    const id = await sessionOf(ask, '{}')
    await acquire('lock/c', id, '1')
    const first = await keyAt('lock/c')
    assert.equal(await acquire('lock/c', id, '1'), 'true')
    assert.deepEqual(await keyAt('lock/c'), first)
    assert.equal(await acquire('lock/c', id, '2'), 'true')
    const second = await keyAt('lock/c')
    assert.deepEqual([second?.LockIndex, second?.CreateIndex], [1, first?.CreateIndex])
    assert.ok((second?.ModifyIndex ?? 0) > (first?.ModifyIndex ?? 0))
  })

  test('can be taken on a key that was there, and is freed by a deletion', async () => {
    const [first, second] = [await sessionOf(ask, '{}'), await sessionOf(ask, '{}')]
    await ask('PUT', 'kv/lock/d')
    assert.equal(await acquire('lock/d', first), 'true')
    await ask('DELETE', 'kv/lock/d')
    assert.equal(await acquire('lock/d', second), 'true')
    assert.equal((await keyAt('lock/d'))?.LockIndex, 1)
  })

  test('needs a session that exists', async () => {
    const invalid = `invalid session "${NO_SESSION}"`
    assert.deepEqual(said(await ask('PUT', `kv/lock/e?acquire=${NO_SESSION}`)), [500, invalid])
    assert.deepEqual(said(await ask('PUT', 'kv/lock/e?acquire=')), [500, 'missing session'])
    assert.equal((await ask('PUT', `kv/lock/e?release=${NO_SESSION}`)).text, 'false')
    assert.equal((await ask('GET', 'kv/lock/e')).status, 404)
  })
})
