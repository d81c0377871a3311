import assert from 'node:assert/strict'
import { type Attempt, byServer, failures, lostWrites } from '../../support/clients/load.ts'
import { OutageProbe } from '../../support/clients/outage-probe.ts'
import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { PatroniMember } from '../../support/patroni/member.ts'
import { until } from '../../support/until.ts'
import { Writer } from '../../support/clients/writer.ts'

/** A change of the leader as clients saw it; `ownMs` is the cluster's own outage. */
export interface Move {
  readonly attempts: readonly Attempt[]
  readonly ownMs: number
  readonly old: PatroniMember
  readonly next: PatroniMember
}

/** Clients write to `port`, and a probe to every member, until somebody has written to the next leader. */
export async function writeUntilMoved(
  cluster: PatroniCluster,
  port: number,
  what: (old: PatroniMember) => Promise<unknown>,
  { mayLose = false } = {},
): Promise<Move> {
  const old = await cluster.leader()
  await using probe = OutageProbe.start(cluster.members)
  await using writer = Writer.start({ port })
  await until('writes are acknowledged', () => writer.attempts.length >= 20)
  await what(old)
  const next = await cluster.waitForLeader({ not: old })
  const moved = () => writer.attempts.filter(({ server }) => server === next.pgPort).length >= 20
  await until('clients write to the next leader', moved)
  const attempts = await writer.stop()
  await probe.stop()
  const lost = mayLose ? [] : await lostWrites(next.pgPort, writer)
  assert.deepEqual(lost, [], 'acknowledged writes that the next leader does not have')
  return { attempts, ownMs: probe.outage().ms, old, next }
}

/** Nobody wrote to the old leader after somebody had written to the new one. */
export function assertNoWayBack({ attempts, old, next }: Pick<Move, 'attempts' | 'old' | 'next'>): void {
  const shares = byServer(attempts)
  assert.deepEqual([...shares.keys()], [old.pgPort, next.pgPort])
  const [before, now] = [shares.get(old.pgPort), shares.get(next.pgPort)]
  assert.ok(before && now && before.last < now.first, 'a write to the old leader after one to the new')
}

/** Failures of clients that had a session at `at`, the instant when their server went away; others may not fail. */
export function assertOnlyServedFailed(
  attempts: readonly Attempt[],
  { at, servedMs }: { at: number; servedMs: number },
): void {
  const unfair = attempts.filter(({ ok, at: began }) => !ok && (began < at - 1000 || began > at + servedMs))
  assert.deepEqual(unfair, [])
  assert.ok(attempts.filter(({ ok }) => !ok).length <= 5, JSON.stringify(failures(attempts)))
}
