import { setTimeout as sleep } from 'node:timers/promises'
import { OutageProbe } from '../../test/support/clients/outage-probe.ts'
import { outage } from '../../test/support/clients/load.ts'
import { ConsulDcs } from '../../test/support/consul/consul-dcs.ts'
import { EtcdV2Cluster } from '../../test/support/etcd/v2-cluster.ts'
import { KubernetesDcs } from '../../test/support/kubernetes/kubernetes-dcs.ts'
import type { PatroniDcs } from '../../test/support/patroni/dcs.ts'
import type { PatroniMember } from '../../test/support/patroni/member.ts'
import { ZooKeeperEnsemble } from '../../test/support/zookeeper/ensemble.ts'
import { clock } from '../../test/support/until.ts'
import type { Case, Figure } from '../case.ts'
import { Recorder } from '../run.ts'
import { momentsOf } from './moments.ts'
import { onTestbed } from './on-testbed.ts'
import { remarksOf } from '../sources/remarks.ts'
import type { Testbed } from './testbed.ts'
import { recordExtra, recordWrites, startWriters, writersReach } from './writes.ts'

const figures = (failed: readonly Figure[], extraMs: number): readonly Figure[] => [
  ...failed,
  { key: 'read-only', label: 'writes sent to a read-only server (`25006`)', unit: 'count', target: { max: 0 } },
  { key: 'extra', label: "outage in addition to the cluster's own", unit: 'ms', target: { max: extraMs } },
  { key: 'outage', label: 'outage', unit: 'ms' },
]

const NONE_FAIL: readonly Figure[] = [{ key: 'failed', label: 'failed connections', unit: 'count', target: { max: 0 } }]

/** A planned switchover while clients connect and write. */
export const switchover: Case = {
  name: 'switchover',
  title: 'planned switchover, a new connection and an INSERT every 20 ms',
  figures: figures(NONE_FAIL, 100),
  measure: onTestbed({}, measure),
}

/** The same where each check of the router has a handshake of its own. */
export const switchoverByTls: Case = {
  name: 'switchover-tls',
  title: 'planned switchover, where the REST API uses TLS',
  figures: figures(NONE_FAIL, 150),
  measure: onTestbed({ restTls: true }, measure),
}

/** Returns the same case on another DCS. Each run measures etcd v3 as well, the two in turns first. */
function switchoverOn(name: string, title: string, dcs: () => Promise<PatroniDcs>): Case {
  const label = "outage in addition to the cluster's own, less the same on etcd v3 in the same run"
  return {
    name: `switchover-${name}`,
    title: `planned switchover, where the DCS is ${title}`,
    figures: [...figures(NONE_FAIL, 100), { key: 'beyond', label, unit: 'ms' }],
    measure: onTestbed({ dcs, beside: true }, measureBeside),
  }
}

export const switchoverByEtcd2 = switchoverOn('etcd2', 'etcd v2', () => EtcdV2Cluster.start())
export const switchoverByConsul = switchoverOn('consul', 'Consul', () => ConsulDcs.start())
export const switchoverByZookeeper = switchoverOn('zookeeper', 'ZooKeeper', () => ZooKeeperEnsemble.start())
export const switchoverByEndpoints = switchoverOn('kubernetes-endpoints', 'Kubernetes, with Endpoints', () =>
  KubernetesDcs.start({ useEndpoints: true }),
)
export const switchoverByConfigMaps = switchoverOn('kubernetes-configmaps', 'Kubernetes, with ConfigMaps', () =>
  KubernetesDcs.start({ useEndpoints: false }),
)

/** One interval of the checks, and half a second. */
const REST_EXTRA_MS = 2_500

/**
 * The same where the router cannot reach the DCS. Nothing of a switchover is to be seen in the REST API before Patroni
 * stops Postgres, so clients that are being served at that moment are disconnected (57P01).
 */
export const switchoverByRest: Case = {
  name: 'switchover-rest',
  title: 'planned switchover, where the router has only the REST API of one member (`rest`)',
  figures: figures(
    [
      {
        key: 'unserved',
        label: 'failed connections, except those being served at that moment',
        unit: 'count',
        target: { max: 0 },
      },
      { key: 'served', label: 'failed connections that were being served at that moment', unit: 'count' },
    ],
    REST_EXTRA_MS,
  ),
  measure: onTestbed({ restOnly: true }, measure),
}

async function measureBeside(testbed: Testbed, record: Recorder, leader: PatroniMember): Promise<void> {
  const { beside } = testbed
  if (beside === null) throw new Error('there is no etcd v3 to compare with')
  const reference = new Recorder(record.run)
  const turns = [() => measure(testbed, record, leader), async () => measure(beside, reference, await beside.settle())]
  for (const turn of record.run % 2 === 1 ? turns : turns.reverse()) await turn()
  record.note('etcd v3', reference.samples)
  for (const remark of await remarksOf(testbed.cluster.dcs)) record.remark(remark)
  for (const subject of ['router', 'haproxy'] as const) {
    const [ms = NaN] = record.samples['extra']?.[subject] ?? []
    const [etcd3Ms = NaN] = reference.samples['extra']?.[subject] ?? []
    record.add('beyond', { [subject]: ms - etcd3Ms })
  }
}

async function measure(testbed: Testbed, record: Recorder, leader: PatroniMember): Promise<void> {
  const probe = OutageProbe.start(testbed.cluster.members, { everyMs: 20 })
  const writers = await startWriters(testbed)
  // Clients that have been writing for a while, two loops of Patroni here.
  await sleep(2 * testbed.cluster.settings.loopWait * 1000)
  const line = testbed.router.log.length
  const requested = clock()
  try {
    const answer = await testbed.cluster.switchover()
    if (answer.status !== 200) throw new Error(`switchover: ${answer.status} ${answer.text}`)
    const next = await testbed.cluster.waitForLeader({ not: leader })
    await writersReach(testbed, writers, next)
  } finally {
    await recordWrites(writers, record)
    await probe.stop()
    recordExtra(record, probe.outage(), writers)
    for (const [key, ms] of Object.entries(momentsOf(testbed.router.log.slice(line), requested))) record.add(key, ms)
    const gaps = {
      cluster: probe.outage(),
      router: outage(writers.router.attempts),
      haproxy: outage(writers.haproxy.attempts),
    }
    for (const [subject, { from, to }] of Object.entries(gaps)) {
      record.add('stops', { [subject]: from - requested })
      record.add('resumes', { [subject]: to - requested })
    }
    for (const subject of ['router', 'haproxy'] as const) {
      const failed = writers[subject].attempts.filter(({ ok, code }) => !ok && code !== '25006')
      const served = failed.filter(({ code, connectedAt }) => code === '57P01' && connectedAt !== null)
      record.add('served', { [subject]: served.length })
      record.add('unserved', { [subject]: failed.length - served.length })
    }
  }
}
