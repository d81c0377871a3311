import { failures, outage } from '../../test/support/clients/load.ts'
import type { Attempt, Gap } from '../../test/support/clients/load.ts'
import type { PatroniMember } from '../../test/support/patroni/member.ts'
import { until } from '../../test/support/until.ts'
import { Writer } from '../../test/support/clients/writer.ts'
import type { Testbed } from './testbed.ts'
import type { Recorder } from '../run.ts'

const READ_ONLY = '25006'
const ENOUGH = 20

/** The same stream of clients through the router and through HAProxy: each a new connection and one INSERT. */
export type Writers = { readonly router: Writer; readonly haproxy: Writer }

/** Starts both; resolves when writes are acknowledged. */
export async function startWriters(testbed: Testbed, everyMs = 20): Promise<Writers> {
  const writers = {
    router: Writer.start({ port: testbed.router.primaryPort, everyMs }),
    haproxy: Writer.start({ port: testbed.haproxy.primaryPort, everyMs }),
  }
  const both = [writers.router, writers.haproxy]
  await until('writes are acknowledged', () => both.every((writer) => accepted(writer.attempts) >= ENOUGH))
  return writers
}

/** Waits until clients write to `member`: those of the router, and then those of HAProxy, which sends them nowhere else. */
export async function writersReach(testbed: Testbed, writers: Writers, member: PatroniMember): Promise<void> {
  const options = { timeoutMs: 60_000 }
  const reached = (writer: Writer) => accepted(writer.attempts, member) >= ENOUGH
  await until(`the router's clients write to ${member.name}`, () => reached(writers.router), options)
  await until(`HAProxy serves ${member.name} only`, () => testbed.haproxyServes(member), options)
  await until(`HAProxy's clients write to ${member.name}`, () => reached(writers.haproxy), options)
}

/** Ends both and records the failures, the writes refused as read-only, and the outages. */
export async function recordWrites(writers: Writers, record: Recorder): Promise<void> {
  for (const subject of ['router', 'haproxy'] as const) {
    const attempts = await writers[subject].stop()
    const codes = failures(attempts)
    const readOnly = codes[READ_ONLY] ?? 0
    record.note(`${subject} failures`, codes)
    record.note(`attempts of ${subject}`, attempts.length)
    record.add('failed', { [subject]: attempts.filter(({ ok }) => !ok).length - readOnly })
    record.add('read-only', { [subject]: readOnly })
    record.add('outage', { [subject]: outage(attempts).ms })
  }
}

/** Records the outages beyond the cluster's own, and for the router on which side of it they lie. */
export function recordExtra(record: Recorder, own: Gap, { router }: Writers): void {
  record.add('outage', { cluster: own.ms })
  for (const subject of ['router', 'haproxy'] as const) {
    const ms = record.samples['outage']?.[subject]?.[0]
    if (ms !== undefined) record.add('extra', { [subject]: ms - own.ms })
  }
  const { from, to } = outage(router.attempts)
  record.note('router stops before the cluster by ms', Math.round(own.from - from))
  record.note('router serves after the cluster by ms', Math.round(to - own.to))
}

/** Returns when a client's write was first acknowledged by `member`, in milliseconds since the epoch. */
export function firstWrite(attempts: readonly Attempt[], { pgPort }: PatroniMember): number | undefined {
  const times = attempts.filter(({ ok, server }) => ok && server === pgPort).map(({ doneAt }) => doneAt)
  return times.length === 0 ? undefined : Math.min(...times)
}

/** Counts the writes that were acknowledged, by any member or by `member`. */
export function accepted(attempts: readonly Attempt[], member?: PatroniMember): number {
  return attempts.filter(({ ok, server }) => ok && (member === undefined || server === member.pgPort)).length
}
