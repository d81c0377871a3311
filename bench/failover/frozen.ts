import { Holders } from '../../test/support/clients/holders.ts'
import { OutageProbe } from '../../test/support/clients/outage-probe.ts'
import type { PatroniMember } from '../../test/support/patroni/member.ts'
import { until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'
import type { Recorder } from '../run.ts'
import { KeptWriters } from './kept-writers.ts'
import { firstWrite, recordWrites, startWriters, writersReach } from './writes.ts'
import type { Writers } from './writes.ts'

const KEPT = 10
const IDLE = 20

type Kept = { readonly writers: KeptWriters; readonly idle: Holders }

/** The leader's Patroni is frozen and its PostgreSQL continues: two members accept writes once the key has expired. */
export const frozen: Case = {
  name: 'frozen',
  title: 'frozen Patroni (SIGSTOP), a split brain',
  figures: [
    {
      ...{ key: 'late', label: 'writes acknowledged by the old leader after the new one accepts writes' },
      ...{ unit: 'count', target: { max: 0 } },
    },
    { key: 'left', label: 'sessions left on the old leader', unit: 'count', target: { max: 0 } },
    {
      key: 'closed',
      label: 'leader key names another member → its last session is closed (below zero: before)',
      unit: 'ms',
      target: { max: 100 },
    },
    { key: 'closed-after-expiry', label: 'leader key expires → its last session is closed', unit: 'ms' },
    {
      key: 'first',
      label: 'new leader accepts writes → first write through the router or HAProxy',
      unit: 'ms',
      target: { max: 1_000 },
    },
    { key: 'outage', label: 'outage', unit: 'ms' },
    { key: 'failed', label: 'failed connections', unit: 'count' },
  ],
  measure: onTestbed({}, async (testbed, record, old) => {
    await using stack = new AsyncDisposableStack()
    const watch = stack.adopt(await testbed.cluster.watch(), (log) => log.close())
    const kept = {
      router: await keep(testbed.router.primaryPort, stack),
      haproxy: await keep(testbed.haproxy.primaryPort, stack),
    }
    const probe = stack.adopt(OutageProbe.start(testbed.cluster.members, { everyMs: 10 }), (started) => started.stop())
    const writers = await startWriters(testbed)
    try {
      old.freeze()
      const next = await testbed.cluster.waitForLeader({ not: old })
      const direct = await until('the new leader accepts writes', () => probe.first(next))
      await writersReach(testbed, writers, next)
      const key = `${testbed.cluster.prefix}leader`
      const event = await until('the event', () => watch.find((one) => one.key === key && one.value === next.name))
      const gone = watch.find((one) => one.key === key && one.type === 'delete')
      const expiredAt = gone?.at ?? event.at
      record.note('new name after the expiry, ms', Math.round(event.at - expiredAt))
      record.note('new leader accepts writes after the event, ms', Math.round(direct - event.at))
      for (const subject of ['router', 'haproxy'] as const) {
        recordSide(record, subject, { kept: kept[subject], writers, old, next, direct, expiredAt, eventAt: event.at })
      }
    } finally {
      await recordWrites(writers, record)
      old.thaw()
    }
  }),
}

async function keep(port: number, stack: AsyncDisposableStack): Promise<Kept> {
  const writers = stack.adopt(await KeptWriters.open(port, KEPT), (opened) => opened.close())
  return { writers, idle: stack.adopt(await Holders.open(port, IDLE), (opened) => opened.close()) }
}

type Side = {
  readonly kept: Kept
  readonly writers: Writers
  readonly old: PatroniMember
  readonly next: PatroniMember
  /** When the new leader first acknowledged a write that went to it directly. */
  readonly direct: number
  /** When the key expired, and when it named the new leader. */
  readonly expiredAt: number
  readonly eventAt: number
}

function recordSide(record: Recorder, subject: 'router' | 'haproxy', side: Side): void {
  const { kept, old, next, direct, expiredAt, eventAt } = side
  const attempts = side.writers[subject].attempts
  const acknowledged = [
    ...attempts.filter(({ ok }) => ok).map(({ doneAt, server }) => ({ at: doneAt, server })),
    ...kept.writers.acknowledgements,
  ].filter(({ server }) => server === old.pgPort)
  const late = acknowledged.filter(({ at }) => at > direct)
  record.add('late', { [subject]: late.length })
  record.note(`${subject} last write on the old before the new accepts, ms`, lead(direct, acknowledged))
  const closed = [...kept.writers.closedAt, ...kept.idle.sessions.map(({ closedAt }) => closedAt ?? NaN)]
  record.add('left', { [subject]: kept.writers.open + kept.idle.open })
  const last = Math.max(...closed.filter((at) => !Number.isNaN(at)))
  if (Number.isFinite(last)) {
    record.add('closed', { [subject]: last - eventAt })
    record.add('closed-after-expiry', { [subject]: last - expiredAt })
  }
  const first = firstWrite(attempts, next)
  if (first !== undefined) record.add('first', { [subject]: first - direct })
}

function lead(direct: number, acknowledged: readonly { readonly at: number }[]): number {
  return Math.round(direct - acknowledged.reduce((last, { at }) => Math.max(last, at), 0))
}
