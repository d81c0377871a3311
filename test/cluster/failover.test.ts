import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { parseEventJson } from '../../src/events/event.ts'
import { Narrator } from '../../src/events/narration.ts'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { Holders } from '../support/clients/holders.ts'
import { byServer, createLoadTable, failures, outage } from '../support/clients/load.ts'
import { OutageProbe } from '../support/clients/outage-probe.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import type { PatroniMember } from '../support/patroni/member.ts'
import { processesIn } from '../support/processes/signals.ts'
import { RouterProcess } from '../support/router/process.ts'
import { until } from '../support/until.ts'
import { sql } from '../support/clients/sql.ts'
import { Writer } from '../support/clients/writer.ts'
import { assertNoWayBack, assertOnlyServedFailed, spanOf, writeUntilMoved } from './support/moved.ts'
import { assertNobodyFailed } from './support/nobody-failed.ts'
import { settled } from './support/settled.ts'

// The leader changes, as planned or not, while clients write through the router: one real cluster for all cases.

let etcd: EtcdCluster
let cluster: PatroniCluster
let router: RouterProcess

before(async () => {
  etcd = await EtcdCluster.start()
  cluster = await PatroniCluster.start({ dcs: etcd, relays: true, parameters: { max_connections: 1200 } })
  router = await RouterProcess.forCluster(cluster)
  await createLoadTable((await cluster.leader()).pgPort)
})

after(async () => {
  await router[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
})

let old: PatroniMember
beforeEach(async () => {
  old = await settled(cluster, router)
})

test('a planned switchover fails no connection and sends no write to a read-only server', async (t) => {
  const from = router.log.length
  const since = new Date().toISOString()
  const [candidate] = await cluster.replicas()
  const { attempts, ownMs, next } = await writeUntilMoved(cluster, router.primaryPort, async () => {
    const answer = await cluster.switchover({ candidate: candidate?.name ?? '' })
    assert.equal(answer.status, 200, answer.text)
  })
  assert.equal(next, candidate)
  assertNobodyFailed(attempts, { router, cluster, from })
  assertNoWayBack({ attempts, old, next })
  t.diagnostic(`outage ${outage(attempts).ms.toFixed(0)} ms, the cluster's own ${ownMs.toFixed(0)} ms`)
  assert.ok(outage(attempts).ms < ownMs + 3000)
  await assertTold(old.name, next.name, since)
})

/** The history since then tells the switchover, step by step. */
async function assertTold(before: string, after: string, since: string): Promise<void> {
  const { code, stdout } = await router.command('events', '--json', '--since', since)
  assert.equal(code, 0)
  const events = stdout.split('\n').flatMap((line) => parseEventJson(line) ?? [])
  const narrator = new Narrator({ since: null, cluster: null })
  for (const event of events) narrator.take(event)
  const [story, ...others] = narrator.items(Date.now()).flatMap((item) => (item.kind === 'story' ? [item.story] : []))
  assert.ok(story)
  assert.deepEqual(others, [])
  const { kind, outcome, steps, heldMs, waited, longestWaitMs } = story
  assert.deepEqual([kind, outcome, story.from, story.to], ['switchover', 'done', before, after])
  const order = ['requested', 'held', 'lock gone', 'new leader', 'confirmed', 'released', 'opened']
  const told = steps.map(({ what }) => what)
  assert.deepEqual(
    order.toSorted((a, b) => told.indexOf(a) - told.indexOf(b)),
    order,
    told.join(', '),
  )
  for (const what of order) assert.ok(told.includes(what), `${what} in ${told.join(', ')}`)
  const tookMs = (steps.at(-1)?.at ?? 0) - (steps[0]?.at ?? 0)
  assert.ok(heldMs !== null && heldMs > 0 && heldMs <= tookMs, `held for ${heldMs} of ${tookMs} ms`)
  assert.ok(waited > 0 && longestWaitMs > 0 && longestWaitMs <= heldMs + 100, `${waited} waited ${longestWaitMs} ms`)
}

test('a planned switchover fails no reader of a primary that has written nothing since the last loop of Patroni', async () => {
  await using reader = Writer.start({ port: router.primaryPort, reads: true })
  await sql(old.pgPort, "INSERT INTO load VALUES ('the last one', 0)")
  await until('Patroni has written the last position', async () => {
    const [row] = await sql(old.pgPort, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS position")
    const status = await etcd.client.get(`${cluster.prefix}status`)
    return status?.value.includes(`"optime":${String(row?.['position'])}`)
  })
  const from = router.log.length
  const [candidate] = await cluster.replicas()
  await cluster.switchover({ candidate: candidate?.name ?? '' })
  await until('clients read from the next leader', () =>
    reader.attempts.some(({ server }) => server === candidate?.pgPort),
  )
  assertNobodyFailed(await reader.stop(), { router, cluster, from })
  const [requested, holding] = router.log.slice(from).map(({ msg }) => msg)
  assert.match(requested ?? '', /switchover from \w+ to \w+ requested$/)
  assert.match(holding ?? '', /requested: holding new connections$/)
})

test('a router with nothing but a REST API fails only clients that are served at that moment, and writes to no replica', async (t) => {
  const { scope, namespace } = cluster.settings
  const rest = { urls: [`http://127.0.0.1:${old.restPort}`] }
  await using second = await RouterProcess.start({ config: { scope, namespace, rest } })
  const [candidate] = await cluster.replicas()
  const { attempts, ownMs, span, next } = await writeUntilMoved(cluster, second.primaryPort, async () => {
    const answer = await cluster.switchover({ candidate: candidate?.name ?? '' })
    assert.equal(answer.status, 200, answer.text)
  })
  // A client that is served in the moment when Postgres stops is cut off: there is no failover key to be seen from here.
  assertOnlyServedFailed(attempts, span)
  assert.deepEqual(
    Object.keys(failures(attempts)).filter((code) => code !== '57P01'),
    [],
  )
  assertNoWayBack({ attempts, old, next })
  t.diagnostic(`outage ${outage(attempts).ms.toFixed(0)} ms, the cluster's own ${ownMs.toFixed(0)} ms`)
  assert.ok(outage(attempts).ms < ownMs + 5000)
})

test('a scheduled switchover changes nothing until its time, and then fails no connection', async () => {
  const from = router.log.length
  const [candidate] = await cluster.replicas()
  const scheduledAt = new Date(Date.now() + 6000)
  const { attempts, next } = await writeUntilMoved(cluster, router.primaryPort, async () => {
    const answer = await cluster.switchover({ candidate: candidate?.name ?? '', scheduledAt })
    assert.equal(answer.status, 202, answer.text)
  })
  assert.equal(next, candidate)
  assertNobodyFailed(attempts, { router, cluster, from })
  const changes = router.log
    .slice(from)
    .filter(({ event }) => typeof event === 'string' && event.startsWith('primary-'))
  assert.equal(changes[0]?.['event'], 'primary-switching')
  assert.ok(
    changes[0].time >= scheduledAt.getTime() - 100,
    `held ${scheduledAt.getTime() - changes[0].time} ms too early`,
  )
})

test('a switchover that Patroni refuses closes no session and fails no connection', async () => {
  await using holders = await Holders.open(router.primaryPort, 5)
  await using writer = Writer.start({ port: router.primaryPort })
  const from = router.log.length
  await etcd.client.put(`${cluster.prefix}failover`, JSON.stringify({ leader: old.name, member: 'nobody' }))
  await router.waitForLog('that it holds', ({ event }) => event === 'primary-switching', { from })
  await router.waitForLog('that it is open again', ({ event }) => event === 'primary-open', { from })
  await until(
    'Patroni has cleared the key',
    async () => (await etcd.client.get(`${cluster.prefix}failover`))?.value === '{}',
  )
  assert.deepEqual(failures(await writer.stop()), {})
  assert.equal(await holders.ping(), 5)
  await holders.close()
  assert.equal(await cluster.leader(), old)
})

test('a crash of the leader fails only the connections that it was serving', async (t) => {
  await using writer = Writer.start({ port: router.primaryPort })
  await using probe = OutageProbe.start(cluster.members)
  await writer.begun()
  const crash = await spanOf(() => old.crash())
  assert.deepEqual(processesIn(old.dir), [], 'nothing of it is left')
  const next = await cluster.waitForLeader({ not: old })
  await until('clients write to the next leader', () => writer.attempts.some(({ server }) => server === next.pgPort))
  const attempts = await writer.stop()
  await probe.stop()
  t.diagnostic(
    `outage ${outage(attempts).ms.toFixed(0)} ms, the cluster's own ${probe.outage().ms.toFixed(0)} ms; ${JSON.stringify(failures(attempts))}`,
  )
  assertOnlyServedFailed(attempts, crash)
  assertNoWayBack({ attempts, old, next })
  assert.ok(outage(attempts).ms < probe.outage().ms + 3000)
})

test('a leader whose Patroni is frozen loses its 1,000 sessions before any client is sent to the next one', async (t) => {
  await using holders = await Holders.open(router.primaryPort, 1000)
  assert.equal(holders.open, 1000)
  const from = router.log.length
  const watch = await cluster.watch()
  await using writer = Writer.start({ port: router.primaryPort })
  await writer.begun()
  old.freeze()
  t.after(() => old.thaw())
  const next = await cluster.waitForLeader({ not: old })
  await until('clients write to the next leader', () => writer.attempts.some(({ server }) => server === next.pgPort))
  const attempts = await writer.stop()
  await until('all sessions are closed', () => holders.open === 0)
  const event = watch.find(({ key, value }) => key === `${cluster.prefix}leader` && value === next.name)
  assert.ok(event)
  const lastClosed = Math.max(...holders.sessions.map(({ closedAt }) => closedAt ?? Infinity))
  t.diagnostic(`1,000 sessions closed ${(lastClosed - event.at).toFixed(0)} ms after the event of the new leader`)
  assert.ok(lastClosed - event.at < 2000)
  const fenced = router.log.slice(from).find(({ event: name }) => name === 'fenced')
  assert.ok(fenced)
  const lines = router.log.slice(from).map(({ event: name }) => name)
  assert.ok(lines.indexOf('fenced') >= 0 && lines.indexOf('fenced') < lines.lastIndexOf('primary-open'))
  assertNoWayBack({ attempts, old, next })
  // A thousand ends take this process a while to see.
  assertOnlyServedFailed(attempts, { from: fenced.time, to: lastClosed })
  assert.equal(await old.writable(), true, 'the old leader still takes writes, but not from here')
  await watch.close()
  await holders.close()
})

test('a leader whose Patroni is terminated fails only the connections that it was serving', async () => {
  const { attempts, span, next } = await writeUntilMoved(cluster, router.primaryPort, () => old.terminate())
  assertOnlyServedFailed(attempts, span)
  assertNoWayBack({ attempts, old, next })
})

test('a restart of the leader by patronictl fails only the connections that it was serving', async () => {
  await using writer = Writer.start({ port: router.primaryPort })
  await writer.begun()
  const restart = await spanOf(() => cluster.patronictl('restart', cluster.settings.scope, old.name, '--force'))
  await until('clients write again', () => writer.attempts.some(({ ok, at }) => ok && at > restart.to))
  const attempts = await writer.stop()
  assertOnlyServedFailed(attempts, restart)
  assert.deepEqual([...byServer(attempts).keys()], [old.pgPort])
})

test('a leader that is cut off from etcd gets no more clients once it says no, and the next one gets them', async () => {
  await using writer = Writer.start({ port: router.primaryPort })
  await writer.begun()
  let next = old
  const demotion = await spanOf(async () => {
    old.cutFromDcs()
    next = await cluster.waitForLeader({ not: old })
  })
  await until('clients write to the next leader', () => writer.attempts.some(({ server }) => server === next.pgPort))
  const attempts = await writer.stop()
  old.reconnectToDcs()
  assert.equal(failures(attempts)['25006'], undefined, JSON.stringify(failures(attempts)))
  assertOnlyServedFailed(attempts, demotion)
  assertNoWayBack({ attempts, old, next })
})

test('in pause a leader that loses its key keeps its sessions, unless it says no itself', async () => {
  await cluster.pause()
  try {
    await using holders = await Holders.open(router.primaryPort, 5)
    await using writer = Writer.start({ port: router.primaryPort })
    await writer.begun()
    const from = router.log.length
    await etcd.client.delete(`${cluster.prefix}leader`)
    await router.waitForLog('the deleted key', ({ event, to }) => event === 'leader-changed' && to === null, { from })
    await router.waitForLog('that it is open again', ({ event }) => event === 'primary-open', { from })
    const attempts = await writer.stop()
    // Until Patroni has taken the lock again it answers 503 for some milliseconds: asked just then, its word counts.
    const saidNo = router.log
      .slice(from)
      .some(({ event }) => event === 'primary-none' || event === 'primary-unconfirmed')
    if (!saidNo) assert.deepEqual(failures(attempts), {})
    assert.equal(failures(attempts)['25006'], undefined)
    assert.equal(await holders.ping(), saidNo ? 0 : 5)
    assert.deepEqual([...byServer(attempts).keys()], [old.pgPort])
    await holders.close()
  } finally {
    await cluster.resume()
  }
})
