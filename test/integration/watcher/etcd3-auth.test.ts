/** An etcd that asks for user and password: tokens that end, users that change, and what is said when it refuses. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { EtcdConnection } from '../../../src/watcher/dcs/etcd3/connection.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { until } from '../../support/until.ts'
import { Observer } from './observer.ts'

const LEADER = '/service/demo/leader'
const AUTH = { username: 'router', password: 'ho%rse@b:attery' }
const READER = { ...AUTH, prefixes: ['/service/demo/'], readOnly: true }

/** Names new leaders, each once the last one was told, for so long. */
async function changeLeaders(etcd: EtcdCluster, observer: Observer, durationMs: number): Promise<string[]> {
  const names: string[] = []
  for (const since = performance.now(); performance.now() - since < durationMs;) {
    const name = `pg${names.length}`
    names.push(name)
    await etcd.client.put(LEADER, name)
    await observer.leader(name)
  }
  return names
}

describe('an etcd with users', () => {
  let etcd: EtcdCluster
  before(async () => {
    // These tokens name the revision of the users: with the next change of any they are refused.
    etcd = await EtcdCluster.start({ tokenTtlSeconds: 300 })
    await etcd.enableAuth(READER, { username: 'other', password: 'x', prefixes: ['/service/demo2/'] })
  })
  after(async () => etcd.close())

  test('is listed by a user with read access below the prefix only', async () => {
    const config = { auth: AUTH, caFile: null, certFile: null }
    const [endpoint = ''] = etcd.hosts
    const target = {
      endpoint,
      config,
      certificates: null,
      prefix: '/service/demo/',
      timeoutMs: 1000,
      lookups: new Lookups(),
    }
    const connection = new EtcdConnection(target, -1)
    assert.deepEqual(await connection.clientUrls(), etcd.endpoints)
    connection.close()
  })

  test('is observed by a user with read access below the prefix only', async () => {
    await using observer = new Observer({ endpoints: etcd.hosts, access: { auth: AUTH } })
    await etcd.client.put(LEADER, 'pg0')
    await observer.leader('pg0')
    await etcd.client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    assert.deepEqual(observer.losses, [])
  })

  const REFUSALS = [
    [
      'a wrong password',
      { username: 'router', password: 'wrong_one' },
      /rejects user "router" with this password: .* etcd3\.password/,
    ],
    ['an unknown user', { username: 'nobody', password: 'wrong_one' }, /rejects user "nobody" with this password/],
    ['no user', null, /requires a user: set etcd3\.username and etcd3\.password/],
    [
      'a user of another cluster',
      { username: 'other', password: 'x' },
      /user "other" may not read \/service\/demo\/: etcdctl role grant-permission ROLE read --prefix=true \/service\/demo\/$/,
    ],
  ] as const
  for (const [title, auth, message] of REFUSALS)
    test(`says what to do about ${title}, and no password`, async () => {
      await using observer = new Observer({ endpoints: etcd.hosts, access: { auth } })
      const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
      assert.ok(lost.type === 'lost')
      assert.match(lost.error.message, message)
      assert.ok(lost.error.message.startsWith(`etcd at ${etcd.hosts[0] ?? ''} cannot be read: `), lost.error.message)
      assert.ok(!JSON.stringify([lost.error.message, lost.error.cause]).includes('wrong_one'))
    })

  test('is not queried in a hurry by a user that it refuses, and then is observed', async () => {
    const slow = { username: 'slow', password: 'y' }
    await using observer = new Observer({ endpoints: etcd.hosts, access: { auth: slow } })
    await until('it is refused twice', () => observer.losses.length === 2)
    const [first, second] = observer.losses
    assert.ok((second?.at ?? 0) - (first?.at ?? 0) > 4000)
    await etcd.addUser({ ...slow, prefixes: ['/service/demo/'] })
    await observer.until('it is read', ({ type }) => type === 'snapshot')
  })

  test('is observed as soon as the user may', async () => {
    const late = { username: 'late', password: 'y' }
    await using observer = new Observer({ endpoints: etcd.hosts, access: { auth: late } })
    await until('it is refused', () => observer.losses.length > 0)
    await etcd.addUser({ ...late, prefixes: ['/service/demo/'] })
    await observer.until('it is read', ({ type }) => type === 'snapshot')
  })

  test('loses no session when users and roles change', async () => {
    await using observer = new Observer({ endpoints: etcd.hosts, access: { auth: AUTH }, intervalMs: 100 })
    await etcd.client.put(LEADER, 'pg0')
    await observer.leader('pg0')
    for (let round = 0; round < 5; round++) {
      await etcd.addUser({ username: `new${round}`, password: 'z', prefixes: ['/x/'] })
      await etcd.client.call('auth/role/grant', {
        name: AUTH.username,
        perm: { permType: 'READ', key: btoa(`/x${round}`), range_end: '' },
      })
      const from = observer.seen.length
      await until('it is read again', () => observer.seen.length > from + 2)
    }
    await etcd.client.put(LEADER, 'pg9')
    await observer.leader('pg9')
    assert.deepEqual(observer.losses, [])
  })
})

describe('tokens that end', () => {
  test('cost no session and no change while there are many', async () => {
    await using etcd = await EtcdCluster.start({ tokenTtlSeconds: 2 })
    await etcd.enableAuth(READER)
    await using observer = new Observer({ endpoints: etcd.hosts, access: { auth: AUTH }, intervalMs: 200 })
    await observer.leader(null)
    const names = await changeLeaders(etcd, observer, 7000)
    assert.ok(names.length > 20, `${names.length} changes`)
    assert.deepEqual(observer.leaders, [null, ...names])
    assert.deepEqual(observer.losses, [])
  })

  test('before the next read are renewed in that read', async () => {
    await using etcd = await EtcdCluster.start({ args: ['--auth-token-ttl', '1'] })
    await etcd.enableAuth(READER)
    // A simple token ends a second or two after its last use.
    await using observer = new Observer({ endpoints: etcd.hosts, access: { auth: AUTH }, intervalMs: 2500 })
    await observer.leader(null)
    await until('it is read twice', () => observer.seen.length > 2)
    assert.deepEqual(observer.losses, [])
  })
})

test('users that become required, and no longer, in the middle of a session do not end it', async () => {
  await using etcd = await EtcdCluster.start()
  await using observer = new Observer({ endpoints: etcd.hosts, access: { auth: AUTH }, intervalMs: 100 })
  await observer.leader(null)
  await etcd.enableAuth(READER)
  await etcd.client.put(LEADER, 'pg0')
  await observer.leader('pg0')
  const enabled = observer.seen.length
  await until('it is read', () => observer.seen.length > enabled + 3)
  await etcd.disableAuth()
  await etcd.client.put(LEADER, 'pg1')
  await observer.leader('pg1')
  const disabled = observer.seen.length
  await until('it is read', () => observer.seen.length > disabled + 3)
  assert.deepEqual(observer.losses, [])
})
