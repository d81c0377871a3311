// What the fake of Consul claims about its failures; Consul itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { type Asking, consul, keysOf, patroniSession, said, sessionOf } from './consul.ts'

const sessionsIn = async (ask: Asking, query = '') =>
  ((await ask('GET', `session/list${query}`)).json as { ID: string }[]).map(({ ID }) => ID)

describe('a server that is stopped and started', async () => {
  const { server, ask } = await consul()

  for (const how of ['stop', 'kill'] as const) {
    test(`has its keys, locks and indexes after a ${how}`, async () => {
      const session = await sessionOf(ask, patroniSession(60))
      await ask('PUT', `kv/${how}/leader?acquire=${session}`, { body: 'pg0' })
      await ask('PUT', `kv/${how}/deleted`)
      await ask('DELETE', `kv/${how}/deleted`)
      const before = await ask('GET', `kv/${how}/?recurse`)
      await server[how]()
      await server.start()
      const after = await ask('GET', `kv/${how}/?recurse`)
      assert.deepEqual([...said(after), after.index], [...said(before), before.index])
      assert.ok((await sessionsIn(ask)).includes(session))
      await ask('PUT', `kv/${how}/new`)
      assert.ok((await ask('GET', `kv/${how}/new`)).index > before.index)
    })
  }

  test('starts the time of its sessions again', async () => {
    const from = performance.now()
    const session = await sessionOf(ask, patroniSession(2))
    await server.stop()
    await until('the session should have ended', () => performance.now() - from > 4_100)
    await server.start()
    assert.ok((await sessionsIn(ask)).includes(session))
    await until('it ends', async () => !(await sessionsIn(ask)).includes(session))
  })

  test('ends its blocking queries when it is stopped', async () => {
    const { index } = await ask('GET', 'kv/?recurse')
    const pending = ask('GET', `kv/?recurse&index=${index}&wait=5m`)
    const ended = Promise.allSettled([pending])
    await server.stop()
    await ended
    await assert.rejects(ask('GET', 'kv/?recurse'))
    await server.start()
  })

  test('answers nothing while it is frozen, and all of it after that', async () => {
    await ask('PUT', 'kv/frozen', { body: 'x' })
    server.freeze()
    await until('it is silent', async () => {
      const [asked] = await Promise.allSettled([ask('GET', 'kv/frozen', { signal: AbortSignal.timeout(300) })])
      return asked.status === 'rejected' && /timeout/.test(String(asked.reason))
    })
    const pending = ask('GET', 'kv/frozen')
    server.thaw()
    assert.equal((await pending).status, 200)
  })
})

describe('a server without a leader', async () => {
  const { server, ask } = await consul({ witness: true, holdMs: 500 })
  await ask('PUT', 'kv/a', { body: 'x' })
  const session = await sessionOf(ask, patroniSession(4))
  // Where the other server leads, this one has it a moment later.
  await until('this server has the session', async () => (await sessionsIn(ask, '?stale')).includes(session))
  const from = performance.now()
  await server.loseLeader()

  test('refuses what needs one, when it has waited for one', async () => {
    const requests: readonly (readonly [string, string])[] = [
      ['GET', 'kv/a'],
      ['GET', 'kv/?recurse'],
      ['GET', 'kv/?recurse&index=1&wait=5m'],
      ['GET', 'kv/?recurse&consistent'],
      ['PUT', 'kv/a'],
      ['DELETE', 'kv/a'],
      ['PUT', 'session/create'],
      ['PUT', `session/renew/${session}`],
    ]
    const answers = await Promise.all(requests.map(([method, path]) => ask(method, path)))
    for (const [number, answer] of answers.entries()) {
      assert.deepEqual([...said(answer), answer.index], [500, 'No cluster leader', 0], requests[number]?.join(' '))
      assert.ok(answer.tookMs >= 499, `${answer.tookMs} ms`)
    }
    assert.deepEqual(said(await ask('GET', 'session/list')), [500, 'No cluster leader'])
    assert.equal((await ask('GET', 'status/leader')).json, '')
  })

  test('answers a stale read with what it had, and says so', async () => {
    const answer = await ask('GET', 'kv/a?stale')
    assert.equal(keysOf(answer)[0]?.Value, 'eA==')
    assert.equal(answer.headers['x-consul-knownleader'], 'false')
    assert.ok(Number(answer.headers['x-consul-lastcontact']) > 0)
    assert.ok(answer.index > 0)
  })

  test('ends no session', async () => {
    await until('the session should have ended', () => performance.now() - from > 8_200)
    assert.ok((await sessionsIn(ask, '?stale')).includes(session))
  })

  test('answers again when it has one, and starts the time of sessions again', async () => {
    await server.regainLeader()
    assert.ok((await sessionsIn(ask)).includes(session))
    const answer = await ask('GET', 'kv/a')
    assert.deepEqual([answer.status, answer.headers['x-consul-knownleader']], [200, 'true'])
    await until('the session ends', async () => !(await sessionsIn(ask)).includes(session))
  })
})

describe('a snapshot that is restored', async () => {
  const { server, ask } = await consul()
  const put = (key: string, body: string) => ask('PUT', `kv/${key}`, { body })
  await put('demo/leader', 'pg0')
  const session = await sessionOf(ask, patroniSession(60))
  const old = await ask('GET', 'kv/demo/?recurse')
  const snapshot = await server.client.snapshot()
  await put('demo/leader', 'pg1')
  await put('demo/history', '[]')
  await ask('PUT', `session/destroy/${session}`)
  const newer = await ask('GET', 'kv/demo/?recurse')
  const pending = ask('GET', `kv/demo/?recurse&index=${newer.index}&wait=5m`)
  // It waits by the time that a later one is answered.
  await ask('GET', 'kv/demo/?recurse')
  await server.client.restore(snapshot)

  test('ends a blocking query, with what there was before it', async () => {
    const answer = await pending
    assert.deepEqual([...said(answer), answer.index], [...said(newer), newer.index])
  })

  test('gives keys and sessions back, with their lower indexes', async () => {
    const answer = await ask('GET', 'kv/demo/?recurse')
    assert.deepEqual([...said(answer), answer.index], [...said(old), old.index])
    assert.ok(old.index < newer.index)
    assert.ok((await sessionsIn(ask)).includes(session))
  })

  test('lets a query with the index of before wait, and answer with a lower one', async () => {
    const answer = await ask('GET', `kv/demo/?recurse&index=${newer.index}&wait=300ms`)
    assert.ok(answer.tookMs >= 299)
    assert.equal(answer.index, old.index)
  })

  test('is followed by writes with higher indexes than any before', async () => {
    const waiting = ask('GET', `kv/demo/?recurse&index=${newer.index}&wait=5m`)
    await put('demo/leader', 'pg2')
    const answer = await waiting
    assert.ok(answer.index > newer.index)
    assert.equal(keysOf(answer)[0]?.Value, Buffer.from('pg2').toString('base64'))
  })

  test('is nothing else than a snapshot', async () => {
    const { status, text } = await ask('PUT', 'snapshot', { body: 'something else' })
    assert.equal(status, 500)
    assert.match(text, /^failed to decompress snapshot: /)
    assert.equal((await ask('GET', 'kv/demo/leader')).status, 200)
  })
})
