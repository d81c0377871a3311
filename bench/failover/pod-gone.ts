import { OutageProbe } from '../../test/support/clients/outage-probe.ts'
import { KubernetesDcs, makePod } from '../../test/support/kubernetes/kubernetes-dcs.ts'
import { parseKey } from '../../test/support/kubernetes/patroni-objects.ts'
import { clock, until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { remarksOf } from '../sources/remarks.ts'
import { onTestbed } from './on-testbed.ts'
import { firstWrite, recordExtra, recordWrites, startWriters, writersReach } from './writes.ts'

const NEXT = 'MODIFIED with the next holder'

/**
 * The leader's Patroni and Postgres are killed and its Pod is deleted, as with a node that is removed. Its lock names it until
 * another member takes it, once it has not been renewed for `ttl`: nothing releases it before.
 */
export const podGone: Case = {
  name: 'pod-gone',
  title: "the leader's Pod is deleted and its lock is never released (Kubernetes, with Endpoints)",
  figures: [
    { key: 'read-only', label: 'writes sent to a read-only server (`25006`)', unit: 'count', target: { max: 0 } },
    { key: 'extra', label: "outage in addition to the cluster's own", unit: 'ms', target: { max: 500 } },
    { key: 'outage', label: 'outage', unit: 'ms' },
    { key: 'opened', label: `${NEXT} → the router opens it`, unit: 'ms' },
    { key: 'first', label: `${NEXT} → first write through the router or HAProxy`, unit: 'ms' },
    { key: 'failed', label: 'failed connections', unit: 'count' },
  ],
  measure: onTestbed({ dcs: () => KubernetesDcs.start({ useEndpoints: true }) }, async (testbed, record, leader) => {
    const { cluster, router } = testbed
    const { dcs, prefix } = cluster
    if (!(dcs instanceof KubernetesDcs)) throw new Error('the testbed has no Kubernetes')
    for (const remark of await remarksOf(dcs)) record.remark(remark)
    await using stack = new AsyncDisposableStack()
    const watch = stack.adopt(await cluster.watch(), (log) => log.close())
    const probe = OutageProbe.start(cluster.members, { everyMs: 20 })
    const writers = await startWriters(testbed)
    const line = router.log.length
    const from = clock()
    try {
      await leader.crash()
      await dcs.client.delete('pods', parseKey(prefix).namespace, leader.name)
      record.note('killed and deleted within ms', Math.round(clock() - from))
      const next = await cluster.waitForLeader({ not: leader })
      await writersReach(testbed, writers, next)
      const isNext = ({ key, value }: { key: string; value: string }): boolean =>
        key === `${prefix}leader` && value === next.name
      const event = await until('the bare watch has the next holder', () => watch.find(isNext, from))
      const isOpen = ({ event: name, member }: Readonly<Record<string, unknown>>): boolean =>
        name === 'primary-open' && member === next.name
      const open = await router.waitForLog('that the next holder is open', isOpen, { from: line })
      record.add('opened', open.time - event.at)
      record.note('next holder after the kill, ms', Math.round(event.at - from))
      record.note('it accepts writes after that, ms', Math.round((probe.first(next, from) ?? NaN) - event.at))
      for (const subject of ['router', 'haproxy'] as const) {
        const first = firstWrite(writers[subject].attempts, next)
        if (first !== undefined) record.add('first', { [subject]: first - event.at })
      }
    } finally {
      await recordWrites(writers, record)
      await probe.stop()
      recordExtra(record, probe.outage(), writers)
      // As a StatefulSet would.
      await makePod(dcs.client, { ...parseKey(prefix), rest: '' }, leader.name)
      await leader.start()
    }
  }),
}
