import { OutageProbe } from '../../test/support/outage-probe.ts'
import type { Case } from '../case.ts'
import { recordExtra, recordWrites, startWriters, writersReach } from '../writes.ts'

/** A planned switchover while clients connect and write. */
export const switchover: Case = {
  name: 'switchover',
  title: 'planned switchover, a new connection + INSERT every 20 ms',
  figures: [
    { key: 'failed', label: 'failed connections', unit: 'count', must: { max: 0 } },
    { key: 'read-only', label: 'writes sent to a read-only server (`25006`)', unit: 'count', must: { max: 0 } },
    { key: 'extra', label: "outage beyond the cluster's own", unit: 'ms', must: { max: 300 } },
    { key: 'outage', label: 'outage', unit: 'ms' },
  ],
  bed: {},
  waits: false,
  async measure(bed, record, leader) {
    const probe = OutageProbe.start(bed.cluster.members)
    const writers = await startWriters(bed)
    try {
      const answer = await bed.cluster.switchover()
      if (answer.status !== 200) throw new Error(`switchover: ${answer.status} ${answer.text}`)
      const next = await bed.cluster.waitForLeader({ not: leader })
      await writersReach(bed, writers, next)
    } finally {
      await recordWrites(writers, record)
      await probe.stop()
      recordExtra(record, probe.outage(), writers)
    }
  },
}
