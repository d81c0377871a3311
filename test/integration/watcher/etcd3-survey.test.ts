/** What is said of a scope that a real etcd does not have, and of groups of Citus that nobody follows. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import type { ClusterConfig } from '../../../src/config/config.ts'
import { createDcs } from '../../../src/watcher/dcs/create.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { until } from '../../support/until.ts'
import { clusterConfig, Watched } from './watched.ts'

const READER = { username: 'router', password: 'x', prefixes: ['/service/demoo/'], readOnly: true }

describe('a router whose scope is not in etcd', () => {
  let etcd: EtcdCluster
  before(async () => (etcd = await EtcdCluster.start()))
  after(async () => etcd.close())
  beforeEach(async () => etcd.client.deletePrefix('/'))

  const configOf = (changes: Partial<ClusterConfig>): ClusterConfig => {
    const config = clusterConfig(etcd.hosts)
    const proxy = { ...config.proxy, check: { ...config.proxy.check, intervalMs: 50, timeoutMs: 5000 } }
    return { ...config, proxy, ...changes }
  }
  const watch = (config: ClusterConfig, clusters: readonly ClusterConfig[] = [config]): Watched => {
    const rest = new RestClient(config.restApi, 5000, new Lookups())
    return new Watched([], { dcs: createDcs(config, rest, { clusters }) })
  }
  const notices = ({ view }: Watched): string[] => view.dcs.notices.map(({ message }) => message)
  const make = async (...paths: readonly string[]): Promise<void> => {
    for (const path of paths) await etcd.client.put(`${path}/initialize`, '7268616322854375442')
  }

  test('says with the first word which ones there are, and once when it appears', async () => {
    await make('/service/demo', '/service/prod', '/service/citus/0')
    await etcd.client.put('/service/app/config', '{}')
    await using watched = watch(configOf({ scope: 'demoo' }))
    await until('it is read', () => watched.view.dcs.state === 'up')
    const message =
      'this etcd has no cluster "demoo" below /service/: did you mean "demo"? (there are citus, demo, prod)'
    assert.deepEqual(notices(watched), [message])
    assert.equal(watched.view.primary.reason, 'the DCS has no cluster below /service/demoo/')
    await make('/service/demoo')
    await until('it is over', () => watched.view.dcs.notices.length === 0)
    const told = watched.messages().filter((line) => line.includes('cluster') && !line.startsWith('no primary'))
    assert.deepEqual(told, [message, 'there is a cluster below /service/demoo/ now'])
  })

  test('finds others behind any number of keys of strangers', async () => {
    const names = [
      ['registry', 800],
      ['service/aaa', 700],
      ['service/mmm', 1300],
    ] as const
    for (const [name, count] of names) {
      const success = Array.from({ length: count }, (_, index) => {
        const key = Buffer.from(`/${name}/key${index}`).toString('base64')
        return { request_put: { key, value: '' } }
      })
      for (let from = 0; from < success.length; from += 100)
        await etcd.client.call('kv/txn', { success: success.slice(from, from + 100) })
    }
    await make('/service/demo', '/service/prod')
    await using watched = watch(configOf({ scope: 'shop' }))
    await until('it is read', () => watched.view.dcs.state === 'up')
    assert.deepEqual(notices(watched), ['this etcd has no cluster "shop" below /service/: there are demo, prod'])
    await using elsewhere = watch(configOf({ scope: 'demo', namespace: 'db' }))
    await until('it is read', () => elsewhere.view.dcs.state === 'up')
    assert.deepEqual(notices(elsewhere), [
      'this etcd has no cluster below /db/, but /service/demo, /service/prod, and perhaps more: did you mean namespace "/service/"?',
    ])
  })

  test('says of Citus which groups there are', async () => {
    await make('/service/citus/0', '/service/citus/1', '/service/plain')
    for (const [scope, citusGroup, said] of [
      ['citus', null, /is a Citus cluster with groups 0, 1: set citus\.group/],
      ['citus', 7, /has no Citus group 7, but groups 0, 1$/],
      ['plain', 0, /has no Citus groups: remove citus\.group \(0\)/],
    ] as const) {
      await using watched = watch(configOf({ name: scope, scope, citusGroup }))
      await until('it is read', () => watched.view.dcs.state === 'up')
      assert.match(notices(watched).join(), said)
    }
  })

  test('reports a group that no configured cluster follows, once, until it is gone', async () => {
    await make('/service/citus/0', '/service/citus/1')
    const [coordinator, worker] = [0, 1].map((citusGroup) =>
      configOf({ name: `g${citusGroup}`, scope: 'citus', citusGroup }),
    )
    assert.ok(coordinator !== undefined && worker !== undefined)
    await using first = watch(coordinator, [coordinator, worker])
    await using second = watch(worker, [coordinator, worker])
    await until('both are read', () => [first, second].every(({ view }) => view.dcs.state === 'up'))
    await make('/service/citus/2')
    await until('it is reported', () => notices(first).length === 1)
    const message = 'Citus group 2 of scope citus is in the DCS, and no configured cluster follows it'
    assert.deepEqual(notices(first), [message])
    await etcd.client.deletePrefix('/service/citus/2/')
    await until('it is over', () => notices(first).length === 0)
    assert.deepEqual(
      first.messages().filter((line) => line.includes('Citus')),
      [message, 'Citus group 2 of scope citus is no longer in the DCS'],
    )
    assert.ok(!second.messages().some((line) => line.includes('Citus')))
  })

  test('says nothing of others to a role that may read its own keys only', async () => {
    await using closed = await EtcdCluster.start()
    await closed.client.put('/service/demo/initialize', '1')
    await closed.enableAuth(READER)
    const { username, password } = READER
    const dcs = { ...clusterConfig(closed.hosts).dcs, auth: { username, password } } as ClusterConfig['dcs']
    await using watched = watch(configOf({ scope: 'demoo', dcs }))
    await until('it is read', () => watched.view.dcs.state === 'up')
    assert.deepEqual(notices(watched), [])
    await closed.client.put('/service/demoo/leader', 'pg0')
    await until('it is read on', () => watched.view.leader === 'pg0')
    assert.ok(!watched.messages().some((line) => line.includes('lost')))
  })
})
