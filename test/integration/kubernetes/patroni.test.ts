// Patroni on Kubernetes, the fake or the real one (npm run test:real-dcs), and what the tests read and write of its keys.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { KubernetesDcs } from '../../support/kubernetes/kubernetes-dcs.ts'
import { PatroniCluster } from '../../support/patroni/cluster.ts'
import { writerOf } from '../../support/patroni/key-writer.ts'
import { until } from '../../support/until.ts'
import type { WatchEvent, WatchLog } from '../../support/watch-log.ts'

const FLAVOURS = [
  { title: 'Endpoints', useEndpoints: true },
  { title: 'ConfigMaps', useEndpoints: false },
] as const

/** Waits for an event of a key. */
async function seen(log: WatchLog, key: string, fits: (event: WatchEvent) => boolean): Promise<WatchEvent> {
  const isIt = (event: WatchEvent): boolean => event.key === `/default/demo/${key}` && fits(event)
  return until(`${key} is so`, () => log.find(isIt))
}

for (const { title, useEndpoints } of FLAVOURS) {
  const [kind, leaderName] = useEndpoints ? (['endpoints', 'demo'] as const) : (['configmaps', 'demo-leader'] as const)

  describe(`Patroni with ${title}`, () => {
    test('runs, and moves its lock on a switchover', async () => {
      await using stack = new AsyncDisposableStack()
      const dcs = stack.use(await KubernetesDcs.start({ useEndpoints }))
      const cluster = stack.use(await PatroniCluster.start({ dcs, members: 2, loopWait: 1 }))
      const before = await cluster.leader()
      const [candidate] = await cluster.replicas()
      assert.ok(candidate)
      const role = async (name: string): Promise<string | undefined> =>
        (await dcs.client.get('pods', 'default', name))?.metadata.labels?.['role']
      await until('the leader is labelled', async () => (await role(before.name)) === 'master')

      const log = await cluster.watch()
      stack.defer(() => log.close())
      const { status, text } = await cluster.switchover({ candidate: candidate.name })
      assert.equal(status, 200, text)
      const requested = await seen(log, 'failover', ({ type }) => type === 'put')
      assert.deepEqual(JSON.parse(requested.value), { leader: before.name, member: candidate.name })
      const freed = await seen(log, 'leader', ({ type }) => type === 'delete')
      const taken = await seen(log, 'leader', ({ value }) => value === candidate.name)
      const cleared = await seen(log, 'failover', ({ type }) => type === 'delete')
      assert.ok(requested.at <= freed.at && freed.modRevision < taken.modRevision)
      assert.ok(taken.modRevision < cleared.modRevision)
      assert.equal(await cluster.waitHealthy(), candidate)
      await until('the roles have changed', async () => (await role(candidate.name)) === 'master')

      const lease = await dcs.client.get(kind, 'default', leaderName)
      assert.ok(lease)
      assert.partialDeepStrictEqual(lease.metadata.annotations, {
        leader: candidate.name,
        ttl: '20',
        transitions: '1',
      })
      assert.equal(lease.metadata.labels?.['cluster-name'], 'demo')
      if (useEndpoints) {
        const { subsets = [] } = lease as { readonly subsets?: readonly { readonly addresses: readonly object[] }[] }
        assert.partialDeepStrictEqual(subsets[0]?.addresses, [{ targetRef: { name: candidate.name } }])
        assert.ok(await dcs.client.get('services', 'default', 'demo-config'))
      }
      assert.match(await cluster.patronictl('list'), new RegExp(`${candidate.name} .*Leader`))
      // Its watches are in order.
      for (const member of cluster.members) assert.doesNotMatch(member.patroni.log(), /ObjectCache\.run|Traceback/)
    })
  })

  describe(`the keys that tests write with ${title}`, async () => {
    const dcs = await KubernetesDcs.start({ useEndpoints })
    const writer = writerOf(dcs)
    const key = (rest: string): string => `/default/demo/${rest}`
    const lease = async (): Promise<Readonly<Record<string, string>>> =>
      (await dcs.client.get(kind, 'default', leaderName))?.metadata.annotations ?? {}

    test('are read as they were written, and gone when they are deleted', async (t) => {
      const log = await dcs.watch('/default/demo/')
      t.after(() => log.close())
      const values = {
        initialize: '7268616322854375442',
        config: '{"ttl":30}',
        history: '[[1,2,"x"]]',
        leader: 'pg0',
        status: '{"optime":67108864,"slots":{"pg1":1}}',
        failsafe: '{"pg0":"http://pg0:8008/patroni"}',
        failover: '{"leader":"pg0","member":"pg1"}',
        sync: '{"leader":"pg0","sync_standby":"pg1"}',
        'members/pg0': '{"state":"running","role":"master"}',
      }
      for (const [rest, value] of Object.entries(values)) await writer.put(key(rest), value)
      for (const [rest, value] of Object.entries(values)) assert.equal(await dcs.get(key(rest)), value, rest)
      for (const [rest, value] of Object.entries(values)) await seen(log, rest, (event) => event.value === value)
      for (const rest of Object.keys(values)) await writer.delete(key(rest))
      for (const rest of Object.keys(values)) assert.equal(await dcs.get(key(rest)), null, rest)
      for (const rest of Object.keys(values)) await seen(log, rest, ({ type }) => type === 'delete')
      assert.equal((await dcs.client.get(kind, 'default', 'demo-failover'))?.metadata.annotations, undefined)
    })

    test('have a lease as Patroni has it', async () => {
      const [pg0, pg1] = [await writer.lease(30), await writer.lease(30)]
      assert.equal(await pg0.lock(key('leader'), 'pg0'), true)
      assert.equal(await pg1.lock(key('leader'), 'pg1'), false)
      const first = await lease()
      assert.equal(first['ttl'], '30')
      assert.equal(first['acquireTime'], first['renewTime'])
      await until('the lease is renewed', async () => {
        await pg0.renew()
        return (await lease())['renewTime'] !== first['renewTime']
      })
      const { acquireTime, transitions = '' } = await lease()
      assert.deepEqual([acquireTime, transitions], [first['acquireTime'], first['transitions']])
      await pg0.unlock(key('leader'), 'pg0')
      assert.equal(await dcs.get(key('leader')), null)
      assert.equal(await pg1.lock(key('leader'), 'pg1'), true)
      assert.equal((await lease())['transitions'], String(Number(transitions) + 1))
    })

    test('lapse when their holder stops renewing them: nothing vanishes, and the lock is free after its time', async () => {
      await writer.deleteBelow('/default/demo')
      const [pg0, pg1] = [await writer.lease(30), await writer.lease(30)]
      await pg0.touch(key('members/pg0'), '{"state":"running"}')
      await pg0.lock(key('leader'), 'pg0')
      assert.equal(await pg1.lock(key('leader'), 'pg1'), false)
      const since = performance.now()
      await pg0.lapse()
      assert.equal((await lease())['ttl'], '1')
      await until('the lock is free', () => pg1.lock(key('leader'), 'pg1'))
      assert.ok(performance.now() - since >= 1000)
      assert.equal(await dcs.get(key('members/pg0')), '{"state":"running"}')
    })

    test('are as they were when they are put back', async () => {
      await writer.put(key('initialize'), '1')
      const back = await writer.keep()
      await writer.put(key('initialize'), '2')
      await writer.put(key('members/pg9'), '{}')
      await back()
      assert.deepEqual([await dcs.get(key('initialize')), await dcs.get(key('members/pg9'))], ['1', null])
    })

    test('of one cluster, or of all, are deleted at once', async () => {
      await writer.put('/default/other/initialize', '3')
      await writer.put('/default/other/members/other0', '{}')
      await writer.put(key('members/pg0'), '{}')
      await assert.rejects(writer.put('/default/other/members/pg0', '{}'), /Pod pg0 is another cluster's/)
      await writer.deleteBelow('/default/demo/members')
      assert.deepEqual([await dcs.get(key('members/pg0')), await dcs.get(key('initialize'))], [null, '1'])
      await writer.deleteBelow('/default/demo')
      assert.deepEqual([await dcs.get(key('initialize')), await dcs.get('/default/other/initialize')], [null, '3'])
      await writer.deleteBelow('/default')
      assert.equal(await dcs.get('/default/other/members/other0'), null)
    })

    after(() => dcs.close())
  })
}
