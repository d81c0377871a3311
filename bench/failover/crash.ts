import type { Attempt } from '../../test/support/clients/load.ts'
import { OutageProbe } from '../../test/support/clients/outage-probe.ts'
import { clock } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'
import { recordExtra, recordWrites, startWriters, writersReach } from './writes.ts'

/**
 * The leader loses power. A client was being served at that moment if it had begun before the last process of the
 * leader was gone, and had no answer yet: it has a session, or is about to get one.
 */
export const crash: Case = {
  name: 'crash',
  title: 'crash of the leader (SIGKILL of Patroni and Postgres)',
  figures: [
    {
      key: 'unserved',
      label: 'failed connections, except those being served at that moment',
      unit: 'count',
      target: { max: 0 },
    },
    { key: 'served', label: 'failed connections that were being served at that moment', unit: 'count' },
    { key: 'read-only', label: 'writes sent to a read-only server (`25006`)', unit: 'count', target: { max: 0 } },
    { key: 'extra', label: "outage in addition to the cluster's own", unit: 'ms', target: { max: 500 } },
    { key: 'outage', label: 'outage', unit: 'ms' },
  ],
  measure: onTestbed({}, async (testbed, record, leader) => {
    const probe = OutageProbe.start(testbed.cluster.members, { everyMs: 20 })
    const writers = await startWriters(testbed)
    const from = clock()
    try {
      await leader.crash()
      const to = clock()
      record.note('killed within ms', Math.round(to - from))
      const next = await testbed.cluster.waitForLeader({ not: leader })
      await writersReach(testbed, writers, next)
      for (const subject of ['router', 'haproxy'] as const) {
        const failed = (await writers[subject].stop()).filter(({ ok }) => !ok)
        const served = failed.filter(({ at, doneAt }) => at <= to && doneAt >= from)
        record.add('served', { [subject]: served.length })
        record.add('unserved', { [subject]: failed.filter(({ code }) => code !== '25006').length - served.length })
        record.note(
          `${subject} first failures`,
          failed.slice(0, 5).map((attempt) => since(from, attempt)),
        )
      }
    } finally {
      await recordWrites(writers, record)
      await probe.stop()
      recordExtra(record, probe.outage(), writers)
      await leader.start()
    }
  }),
}

/** Returns the times of an attempt in milliseconds after the kill. */
function since(from: number, { at, connectedAt, doneAt, code }: Attempt): object {
  const after = (time: number | null) => (time === null ? null : Math.round(time - from))
  return { at: after(at), connectedAt: after(connectedAt), doneAt: after(doneAt), code }
}
