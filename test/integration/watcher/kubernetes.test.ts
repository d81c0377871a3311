/** A cluster in Kubernetes, as its API server tells of it: Endpoints or ConfigMaps, and Pods. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { KubernetesServer } from '../../support/kubernetes/server.ts'
import { until } from '../../support/until.ts'
import { KubernetesObserver, memberOf, Play, SYSTEM_ID } from './kubernetes-observer.ts'

let server: KubernetesServer
let kubeconfig: string
before(async () => {
  server = await KubernetesServer.start()
  kubeconfig = server.writeKubeconfig()
})
after(async () => server.close())
afterEach(async () => {
  await new Play(server).clear()
})

/** Writes a cluster of two members. */
async function serve(play: Play, lead = true): Promise<void> {
  await play.write('config', { initialize: SYSTEM_ID, config: '{"ttl":30}', history: '[]' })
  await play.member('pg0', memberOf(1, { role: 'master' }))
  await play.member('pg1', memberOf(2))
  if (lead) await play.lead('pg0')
}

for (const kind of ['endpoints', 'configmaps'] as const)
  for (const group of [null, 0])
    describe(`a cluster in ${kind}${group === null ? '' : ', a group of Citus'}`, () => {
      test('has its keys in annotations, and follows each of them', async () => {
        const play = new Play(server, { kind, group })
        await serve(play)
        const other = new Play(server, { kind, scope: 'demo', group: 1 })
        await other.member('other0', memberOf(9))
        await other.lead('other0')
        // A Pod of another program with the labels of the cluster.
        await play.member('backup', null)
        await using observer = new KubernetesObserver(kubeconfig, { config: { objects: kind }, group })
        await observer.leader('pg0')
        const { members, systemId, ttlMs, failover } = observer.cluster
        assert.deepEqual(
          members.map(({ name, host, role }) => [name, host, role]),
          [
            ['pg0', '10.0.0.1', 'master'],
            ['pg1', '10.0.0.2', 'replica'],
          ],
        )
        assert.deepEqual([systemId, ttlMs, failover], [SYSTEM_ID, 30_000, null])
        await play.write('failover', { leader: 'pg0', member: 'pg1' })
        await until('the switchover', () => observer.cluster.failover?.member === 'pg1')
        await play.write('sync', { leader: 'pg0', sync_standby: 'pg1' })
        await until('the synchronous one', () => observer.cluster.syncStandbys[0] === 'pg1')
        await play.write('leader', { optime: '67108999' })
        await until('the position', () => observer.cluster.optime === 67_108_999)
        await play.write('leader', { leader: null })
        await observer.leader(null)
        await play.lead('pg1', { transitions: 1 })
        await observer.leader('pg1')
        await play.write('failover', { leader: null, member: null })
        await until('it is over', () => observer.cluster.failover === null)
        await play.write('config', { config: '{"ttl":20,"pause":true}' })
        await until('the pause', () => observer.cluster.paused && observer.cluster.ttlMs === 20_000)
        await play.remove('pods', 'pg0')
        await until('the member has gone', () => observer.cluster.members.length === 1)
        assert.deepEqual(observer.losses, [])
        assert.deepEqual(observer.leaders, ['pg0', null, 'pg1'])
      })
    })
