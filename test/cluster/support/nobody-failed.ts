import assert from 'node:assert/strict'
import { type Attempt, failures } from '../../support/clients/load.ts'
import type { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { RouterProcess } from '../../support/router/process.ts'

/** No client failed; else the message has what the router logged since the line `from`, the members' logs and the failures. */
export function assertNobodyFailed(
  attempts: readonly Attempt[],
  { router, cluster, from }: { router: RouterProcess; cluster: PatroniCluster; from: number },
): void {
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
  const logged = router.log.slice(from).map(({ time, msg }) => `${iso(time)} ${msg}`)
  // Patroni may have ended its Postgres for a reason of its own.
  const members = cluster.members.map((member) => `${member.name}:\n${member.logTail()}`)
  const failed = attempts
    .filter(({ ok }) => !ok)
    .map(
      ({ at, connectedAt, doneAt, code }) => `${code}: began ${iso(at)}, session ${iso(connectedAt)}, ${iso(doneAt)}`,
    )
  assert.deepEqual(failures(attempts), {}, [...logged, ...members, ...failed].join('\n'))
}
