import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createLoadTable, outage } from '../../support/clients/load.ts'
import { PatroniCluster } from '../../support/patroni/cluster.ts'
import type { DcsServer, PatroniDcs } from '../../support/patroni/dcs.ts'
import type { PatroniMember } from '../../support/patroni/member.ts'
import { RouterProcess, runMainWith } from '../../support/router/process.ts'
import { until } from '../../support/until.ts'
import type { WatchEvent } from '../../support/watch-log.ts'
import { assertNoWayBack, assertOnlyServedFailed, writeUntilMoved } from './moved.ts'
import { assertOnlyServedBeforeHoldFailed } from './nobody-failed.ts'
import { settled } from './settled.ts'
import { unlessDemoted } from './unless-demoted.ts'
import { assertNobodyNotices, lasting, viewOf } from './unnoticed.ts'

const TTL_S = 10

export interface DcsScenario<D extends PatroniDcs> {
  readonly start: () => Promise<D>
  /** Takes the lock from the leader, whose Postgres stays writable. */
  readonly takeLock: (dcs: D, leaderKey: string) => Promise<unknown>
}

/**
 * Registers the tests of what clients notice of the failures of a cluster, and of its DCS, which is of one server: one
 * cluster of two members in failsafe mode for all of them.
 */
export function testDcs<D extends PatroniDcs>({ start: startDcs, takeLock }: DcsScenario<D>): void {
  const stack = new AsyncDisposableStack()
  let dcs: D
  let server: DcsServer
  let cluster: PatroniCluster
  let router: RouterProcess
  let leader: PatroniMember

  before(async () => {
    dcs = stack.use(await startDcs())
    const [only, ...more] = dcs.servers
    assert.ok(only && more.length === 0)
    server = only
    const dynamic = { failsafe_mode: true }
    cluster = stack.use(
      await PatroniCluster.start({ dcs, members: 2, ttl: TTL_S, loopWait: 1, retryTimeout: 3, dynamic }),
    )
    router = stack.use(await RouterProcess.forCluster(cluster))
    await createLoadTable((await cluster.leader()).pgPort)
  })

  after(() => stack.disposeAsync())

  beforeEach(async () => {
    leader = await settled(cluster, router)
  })

  /** The DCS is away for `ms` after the router has missed it: no client notices, and the leader stays. */
  async function assertUnnoticed(leave: () => unknown, ms: number, comeBack: () => unknown): Promise<void> {
    await unlessDemoted(cluster, router, async (present) => {
      await assertNobodyNotices(cluster, router, async () => {
        const from = router.log.length
        await leave()
        const lost = await router.waitForLog('the loss', ({ event }) => event === 'dcs-lost', { from })
        await lasting(router, ms).finally(comeBack)
        const since = { from: router.log.indexOf(lost) }
        await router.waitForLog('that it reads the DCS again', ({ event }) => event === 'dcs-up', since)
      })
      assert.equal(await cluster.waitHealthy(), present)
    })
  }

  test('a planned switchover fails no client that comes once the router holds, and sends no write to a read-only server', async (t) => {
    const from = router.log.length
    const [candidate] = await cluster.replicas()
    const move = await writeUntilMoved(cluster, router.primaryPort, async () => {
      const answer = await cluster.switchover({ candidate: candidate?.name ?? '' })
      assert.equal(answer.status, 200, answer.text)
    })
    assert.equal(move.next, candidate)
    assertOnlyServedBeforeHoldFailed(move.attempts, { router, cluster, from })
    assertNoWayBack(move)
    const { ms } = outage(move.attempts)
    t.diagnostic(`outage ${ms.toFixed(0)} ms, the cluster's own ${move.ownMs.toFixed(0)} ms`)
    assert.ok(ms < move.ownMs + 3000)
  })

  test("a member's own patroni.yml is a valid configuration, and check --online ends with 0", async () => {
    const { code, stdout, stderr } = await runMainWith(cluster.env, 'check', '--online', '-c', leader.configFile)
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, new RegExp(`DCS at .*: 2 members, leader ${leader.name}$`, 'm'))
  })

  test('a restart of the DCS closes no session and fails no connection', async () => {
    await unlessDemoted(cluster, router, async (present) => {
      await assertNobodyNotices(cluster, router, async () => {
        await server.restart()
        await until('the router reads the DCS', async () => (await viewOf(router)).dcs.state === 'up')
      })
      assert.equal(await cluster.waitHealthy(), present)
    })
  })

  test('a lock that is gone while its holder serves closes no session and fails no connection', async () => {
    const key = `${cluster.prefix}leader`
    await unlessDemoted(cluster, router, async (holder) => {
      await using log = await cluster.watch()
      await assertNobodyNotices(cluster, router, async () => {
        await holder.cycled()
        await takeLock(dcs, key)
        const isTaken = ({ type, value }: WatchEvent): boolean => type === 'put' && value === holder.name
        await until('the lock is taken again', () => {
          const gone = log.find((event) => event.key === key && event.type === 'delete')
          return gone !== undefined && log.find((event) => event.key === key && isTaken(event), gone.at) !== undefined
        })
        await until('the router has confirmed it', async () => (await viewOf(router)).primary.state === 'open')
      })
      assert.equal(await cluster.waitHealthy(), holder)
    })
  })

  const stop = () => server.stop()
  const start = () => server.start()

  test('a DCS that is stopped for three seconds closes no session and fails no connection', async () => {
    await assertUnnoticed(stop, 3000, start)
  })

  test('a DCS that is frozen until the router misses it closes no session and fails no connection', async () => {
    const freeze = () => server.freeze()
    await assertUnnoticed(freeze, 1000, () => server.thaw())
  })

  // A lock that has lapsed meanwhile is gone for some milliseconds at its return, for which Patroni answers 503.
  test('in failsafe mode a DCS that is away for longer than ttl closes no session and fails no connection', async () => {
    await assertUnnoticed(stop, TTL_S * 1000 + 2000, start)
  })

  // The last one: the member that crashed stays away.
  test('a crash of the leader fails only the connections that it was serving', async (t) => {
    const move = await writeUntilMoved(cluster, router.primaryPort, (old) => old.crash(), { mayLose: true })
    assertOnlyServedFailed(move.attempts, move.span)
    assertNoWayBack(move)
    const { ms } = outage(move.attempts)
    t.diagnostic(`outage ${ms.toFixed(0)} ms, the cluster's own ${move.ownMs.toFixed(0)} ms`)
    assert.ok(ms < move.ownMs + 3000)
  })
}
