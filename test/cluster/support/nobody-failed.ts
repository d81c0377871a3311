import assert from 'node:assert/strict'
import { type Attempt, failures } from '../../support/clients/load.ts'
import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { LogLine, RouterProcess } from '../../support/router/process.ts'
import { assertOnlyServedFailed } from './moved.ts'

export type Scene = {
  readonly router: RouterProcess
  readonly cluster: PatroniCluster
  /** Lines that the router had logged before it. */
  readonly from: number
}

/** No client failed; else the message has what {@link scene} tells, and the failures. */
export function assertNobodyFailed(attempts: readonly Attempt[], where: Scene): void {
  const failed = attempts
    .filter(({ ok }) => !ok)
    .map(
      ({ at, connectedAt, doneAt, code }) => `${code}: began ${iso(at)}, session ${iso(connectedAt)}, ${iso(doneAt)}`,
    )
  assert.deepEqual(failures(attempts), {}, [scene(where), ...failed].join('\n'))
}

const CUT: ReadonlySet<string> = new Set(['57P01', 'Connection terminated unexpectedly'])

/** In a planned switchover nobody failed but, on a busy machine, a few clients that were served before the router held them back. */
export function assertOnlyServedBeforeHoldFailed(attempts: readonly Attempt[], where: Scene): void {
  const serves = / OPEN: | requested$/
  const isHeld = ({ event, msg }: LogLine): boolean =>
    /^primary-(?!silent|answers)/.test(String(event)) && !serves.test(msg)
  const held = where.router.log.slice(where.from).find(isHeld)
  assert.ok(held, scene(where))
  // Patroni stops Postgres some 15 ms after it has begun to act on the request, which ends sessions; what is left of them the
  // router ends once the lock is gone. The log has whole milliseconds.
  const wasCut = ({ at, code }: Attempt): boolean => CUT.has(code ?? '') && at < held.time + 1
  assertNobodyFailed(
    attempts.filter((attempt) => !wasCut(attempt)),
    where,
  )
  assertOnlyServedFailed(attempts.filter(wasCut), { from: 0, to: held.time + 1 })
}

/** What the router has logged since the line `from`, and the members' logs: Patroni may have ended its Postgres for a reason of its own. */
export function scene({ router, cluster, from }: Scene): string {
  const logged = router.log.slice(from).map(({ time, msg }) => `${iso(time)} ${msg}`)
  const members = cluster.members.map((member) => `${member.name}:\n${member.logTail()}`)
  return [...logged, ...members].join('\n')
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
