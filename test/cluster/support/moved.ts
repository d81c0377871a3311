import assert from 'node:assert/strict'
import { type Attempt, byServer, failures, lostWrites } from '../../support/clients/load.ts'
import { OutageProbe } from '../../support/clients/outage-probe.ts'
import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { PatroniMember } from '../../support/patroni/member.ts'
import { clock, until } from '../../support/until.ts'
import { Writer } from '../../support/clients/writer.ts'

/** A change of the leader as clients saw it; `ownMs` is the cluster's own outage. */
export interface Move {
  readonly attempts: readonly Attempt[]
  readonly ownMs: number
  /** How long it took to bring the change about. */
  readonly span: Span
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
  await writer.begun()
  const span = await spanOf(() => what(old))
  const next = await cluster.waitForLeader({ not: old })
  const moved = () => writer.attempts.filter(({ server }) => server === next.pgPort).length >= 10
  await until('clients write to the next leader', moved)
  const attempts = await writer.stop()
  await probe.stop()
  const lost = mayLose ? [] : await lostWrites(next.pgPort, writer)
  assert.deepEqual(lost, [], 'acknowledged writes that the next leader does not have')
  return { attempts, ownMs: probe.outage().ms, span, old, next }
}

/** Nobody wrote to the old leader after somebody had written to the new one. */
export function assertNoWayBack({ attempts, old, next }: Pick<Move, 'attempts' | 'old' | 'next'>): void {
  const shares = byServer(attempts)
  assert.deepEqual([...shares.keys()], [old.pgPort, next.pgPort])
  const [before, now] = [shares.get(old.pgPort), shares.get(next.pgPort)]
  assert.ok(before && now && before.last < now.first, 'a write to the old leader after one to the new')
}

/** When a server went away: something in this span ended it. */
export type Span = { readonly from: number; readonly to: number }

/** Runs `what` and returns when it began and ended. */
export async function spanOf(what: () => Promise<unknown>): Promise<Span> {
  const from = clock()
  await what()
  return { from, to: clock() }
}

/** How long one server takes to go away, for those that it serves: a client that comes later than that is not one of them. */
const GOING_MS = 200

/**
 * Those that failed were all served at one moment in the span. No count of them is a limit: on a slow machine more are
 * served at once.
 */
export function assertOnlyServedFailed(attempts: readonly Attempt[], { from, to }: Span): void {
  const failed = attempts.filter(({ ok }) => !ok)
  const firstCut = Math.min(...failed.map(({ doneAt }) => doneAt))
  const unfair = failed.filter(({ at, doneAt }) => doneAt < from || at > Math.min(to, firstCut + GOING_MS))
  assert.deepEqual(unfair, [], JSON.stringify({ from, to, firstCut, ...failures(attempts) }))
}
