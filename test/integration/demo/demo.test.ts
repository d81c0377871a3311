import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { ask } from '../../../src/admin/client.ts'
import { parseJson } from '../../../src/text/unknown-shape.ts'
import { type Attempt, byServer, createLoadTable, lostWrites } from '../../support/clients/load.ts'
import { codeOf, sql } from '../../support/clients/sql.ts'
import { until } from '../../support/until.ts'
import { Writer } from '../../support/clients/writer.ts'
import { Playing } from './playing.ts'

let demo: Playing

before(async () => {
  demo = await Playing.start()
})
after(async () => {
  await demo[Symbol.asyncDispose]()
  assert.ok(!existsSync(demo.running.socketPath))
})

/** A session whose end is told. */
async function session(port: number): Promise<{ client: pg.Client; ended: Promise<void> }> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  client.on('error', () => undefined)
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  await client.connect()
  return { client, ended }
}

const WHO = `SELECT current_setting('demo.member') AS member, inet_server_port() AS port, pg_is_in_recovery() AS recovers`
const patient = { timeoutMs: 20_000 }

test('tells which member answers, and who is a replica', async () => {
  const leader = demo.leader
  assert.deepEqual(await sql(demo.primaryPort, WHO), [{ member: leader, port: demo.portOf(leader), recovers: false }])
  const replicas = [await sql(demo.replicaPort, WHO), await sql(demo.replicaPort, WHO)].flat()
  const names = new Set(replicas.map(({ member }) => member))
  assert.equal(names.size, 2)
  assert.ok(!names.has(leader))
  assert.ok(replicas.every(({ recovers }) => recovers === true))
})

test('refuses writes on a replica with 25006', async () => {
  await sql(demo.primaryPort, 'CREATE TABLE seen (n int); INSERT INTO seen VALUES (1)')
  assert.deepEqual(await sql(demo.replicaPort, 'SELECT n FROM seen'), [{ n: 1 }])
  assert.deepEqual(await sql(demo.replicaPort, 'SHOW transaction_read_only'), [{ transaction_read_only: 'on' }])
  for (const text of ['INSERT INTO seen VALUES (2)', 'CREATE TABLE other ()', 'BEGIN READ WRITE'])
    await assert.rejects(sql(demo.replicaPort, text), { code: '25006' })
})

test('answers commands on the admin socket', async () => {
  const { signal } = new AbortController()
  const status = parseJson(await ask(demo.running.socketPath, 'show status json', { timeoutMs: 10_000, signal }))
  assert.ok(JSON.stringify(status).includes(`"leader":"${demo.leader ?? ''}"`))
})

test('keeps every row over a switchover, and no new connection fails', async () => {
  const before = demo.leader
  // It may come back on another port, where another demo has taken its own meanwhile.
  const port = demo.portOf(before)
  await createLoadTable(demo.primaryPort)
  await using writer = Writer.start({ port: demo.primaryPort, everyMs: 40 })
  await until('clients have written', () => writer.attempts.length > 5)
  assert.match(demo.running.cluster.switchover(), /^switchover from pg\d to pg\d requested$/)
  const next = await demo.settled(before)
  const written = writer.attempts.length
  await until('clients have written to the new leader', () => writer.attempts.length > written + 5)
  const attempts = await writer.stop()
  // Who has a session at that moment may be cut off, as by Patroni.
  const wasServed = (attempt: Attempt): boolean => attempt.code === '57P01' && attempt.connectedAt !== null
  assert.deepEqual(
    attempts.filter((attempt) => !attempt.ok && !wasServed(attempt)),
    [],
  )
  assert.deepEqual(new Set(byServer(attempts).keys()), new Set([port, demo.portOf(next)]))
  assert.deepEqual(await lostWrites(demo.primaryPort, writer), [])
  const timelines = demo.running.status().clusters[0]?.view.members.map(({ timeline }) => timeline)
  assert.deepEqual(timelines, [2, 2, 2])
})

test('holds clients after a crash until another member leads, and the dead one comes back as a replica', async () => {
  const before = demo.leader
  const { client, ended } = await session(demo.primaryPort)
  await client.query('BEGIN')
  await client.query('INSERT INTO seen VALUES (3)')
  assert.match(await demo.running.cluster.crashLeader(), /^pg\d has crashed/)
  await ended
  assert.equal(demo.leader, before, 'its key lives on')
  await assert.rejects(sql(demo.portOf(before), 'SELECT 1'), { code: 'ECONNREFUSED' })
  const [row] = await sql(demo.primaryPort, WHO, patient)
  assert.notEqual(row?.['member'], before)
  assert.deepEqual(await sql(demo.primaryPort, 'SELECT n FROM seen'), [{ n: 1 }], 'its transaction was rolled back')
  assert.equal(await demo.running.cluster.bringBack(), `brought back: ${before ?? ''}`)
  await demo.settled(before)
  assert.deepEqual(await sql(demo.portOf(before), WHO), [{ member: before, port: demo.portOf(before), recovers: true }])
})

test('closes the sessions of a frozen leader once another one has the key', async () => {
  const before = demo.leader
  const { client, ended } = await session(demo.primaryPort)
  assert.match(demo.running.cluster.freezeLeader(), /is frozen/)
  // Its PostgreSQL goes on, and while it has the key that is right.
  await client.query('INSERT INTO seen VALUES (4)')
  await ended
  const next = await demo.settled(before, 1)
  assert.deepEqual(await sql(demo.primaryPort, WHO), [{ member: next, port: demo.portOf(next), recovers: false }])
  // The split brain that the router keeps its clients out of.
  await sql(demo.portOf(before), 'INSERT INTO seen VALUES (5)')
  await demo.running.cluster.bringBack()
  await demo.settled(before)
  await until('the old leader is read-only', async () => {
    return sql(demo.portOf(before), 'INSERT INTO seen VALUES (6)').catch((error: unknown) => codeOf(error) === '25006')
  })
})

test('continues when every member has died and come back', async () => {
  for (let alive = 3; alive > 0; alive--) {
    const before = demo.leader
    await demo.running.cluster.crashLeader()
    if (alive > 1) await until('another one leads', () => demo.leader !== null && demo.leader !== before)
  }
  assert.match(demo.running.cluster.switchover(), /^(there is no leader|no replica)/)
  assert.equal(await demo.running.cluster.bringBack(), 'brought back: pg1, pg2, pg3')
  assert.equal(await demo.running.cluster.bringBack(), 'all members are running')
  await demo.settled(null)
  assert.deepEqual(await sql(demo.primaryPort, 'SELECT count(*)::int AS rows FROM seen', patient), [{ rows: 3 }])
})
