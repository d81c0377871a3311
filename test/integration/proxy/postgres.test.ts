import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { startupMessage } from '../../../src/pgwire.ts'
import { codeOf } from '../../support/clients/sql.ts'
import { until } from '../../support/until.ts'
import { errorFields, GSSENC_REQUEST, request, SSL_REQUEST } from './support/messages.ts'
import { Postgres } from './support/postgres.ts'
import { type Rig, Scene } from './support/scene.ts'
import { closedView, openView } from './support/views.ts'

const run = promisify(execFile)

let plain: Postgres
let tls: Postgres
let scene: Scene
before(async () => {
  ;[plain, tls] = await Promise.all([
    Postgres.create({ settings: "authentication_timeout = '1s'" }),
    Postgres.create({ tls: true }),
  ])
})
after(async () => {
  await plain[Symbol.asyncDispose]()
  await tls[Symbol.asyncDispose]()
})
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

/** A proxy to `postgres`, whose watcher closes the route at the first failed dial, as the real one does. */
async function rigFor(postgres: Postgres, hold = {}): Promise<Rig> {
  const rig = await scene.proxy({ hold })
  rig.onFailure = ({ reason }) => rig.proxy.apply(closedView(1, { state: 'unreachable', reason }))
  rig.proxy.apply(openView('pg1', postgres.address, 1))
  return rig
}

function clientOf(rig: Rig, options: pg.ClientConfig = {}): pg.Client {
  const where = { host: '127.0.0.1', port: rig.port(), user: 'postgres', database: 'postgres' }
  return new pg.Client({ ...where, ...options }).on('error', () => undefined)
}

/** One session from beginning to end. */
async function query(rig: Rig, text: string, options: pg.ClientConfig = {}): Promise<Record<string, unknown>[]> {
  const client = clientOf(rig, options)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

/** psql with the libpq of this machine. */
async function psql(rig: Rig, options: string, sql: string): Promise<string> {
  const where = `host=localhost hostaddr=127.0.0.1 port=${rig.port()} user=postgres dbname=postgres ${options}`
  return run('psql', ['-X', '-A', '-t', '-c', sql, where]).then(
    ({ stdout }) => stdout.trim(),
    (error: unknown) => (error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)),
  )
}

test('large results arrive whole', async () => {
  const rig = await rigFor(plain)
  const [row] = await query(
    rig,
    "SELECT md5(string_agg(n::text, ',')) AS sum, count(*)::int FROM generate_series(1, 300000) n",
  )
  assert.equal(row?.['count'], 300_000)
  const client = clientOf(rig)
  await client.connect()
  const { rows } = await client.query<{ n: number }>('SELECT n FROM generate_series(1, 300000) n')
  assert.equal(rows.length, 300_000)
  await client.end()
  await until('the session is over', () => rig.sessions === 0)
})

describe('libpq', () => {
  for (const mode of ['disable', 'prefer', 'allow'] as const) {
    test(`sslmode=${mode} to a server without TLS`, async () => {
      const rig = await rigFor(plain)
      assert.equal(await psql(rig, `sslmode=${mode}`, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'), 'f')
    })
  }
  for (const mode of ['prefer', 'require'] as const) {
    test(`sslmode=${mode} to a server with TLS`, async () => {
      const rig = await rigFor(tls)
      assert.equal(await psql(rig, `sslmode=${mode}`, 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'), 't')
      assert.deepEqual(rig.failures, [])
    })
  }
  test('sslmode=require to a server without TLS says so', async () => {
    const rig = await rigFor(plain)
    assert.match(await psql(rig, 'sslmode=require', 'SELECT 1'), /server does not support SSL, but SSL was required/)
    assert.deepEqual(rig.failures, [])
  })
})

test('TLS from end to end, with 100,000 rows', async () => {
  const rig = await rigFor(tls)
  const rows = await query(rig, 'SELECT n FROM generate_series(1, 100000) n', { ssl: { rejectUnauthorized: false } })
  assert.equal(rows.length, 100_000)
})

test('pg_sleep is cancelled through the router, also while no primary is open', async () => {
  const rig = await rigFor(plain)
  const client = clientOf(rig)
  await client.connect()
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  const cancel = Buffer.concat([request(80877102, 16), Buffer.alloc(8)])
  cancel.writeInt32BE(processID, 8)
  cancel.writeInt32BE(secretKey, 12)
  for (const state of ['open', 'switching'] as const) {
    if (state === 'switching') rig.proxy.apply(closedView(1, { state, member: 'pg1', address: plain.address }))
    const sleeping = client.query('SELECT pg_sleep(60)').then(
      () => 'slept',
      (error: unknown) => codeOf(error),
    )
    // Until Postgres runs it, a cancel request has nothing to cancel.
    const canceller = setInterval(() => {
      void scene.client(rig).then((wire) => wire.send(cancel))
    }, 50)
    assert.equal(await sleeping, '57014')
    clearInterval(canceller)
  }
  await client.end()
})

test('a query that psql gives up is cancelled', async () => {
  const rig = await rigFor(plain)
  const watcher = clientOf(rig)
  await watcher.connect()
  const where = `host=127.0.0.1 port=${rig.port()} user=postgres dbname=postgres`
  const child = execFile('psql', ['-X', '-c', 'SELECT pg_sleep(60) /* given up */', where])
  let errors = ''
  child.stderr?.on('data', (text: string) => (errors += text))
  const sleepers =
    "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%given up%' AND pid <> pg_backend_pid() AND state = 'active'"
  await until('it sleeps', async () => (await watcher.query(sleepers)).rowCount === 1)
  child.kill('SIGINT')
  await until('it is cancelled', async () => (await watcher.query(sleepers)).rowCount === 0)
  await until('psql says so', () => errors.includes('canceling statement due to user request'))
  await watcher.end()
})

test('a client of no sense is closed by Postgres, and is no observation', async () => {
  const rig = await rigFor(plain)
  const since = performance.now()
  const fools = [
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    Buffer.from('1603010100010000fc0303', 'hex'),
    request(3 << 16, 10_005),
    Buffer.concat([request(3 << 16, 10_004), Buffer.alloc(9_996, 'x')]),
    Buffer.concat([SSL_REQUEST, startupMessage({ user: 'postgres' })]),
    request(80877103, 5000),
    request(2 << 16),
    startupMessage({}),
    startupMessage({ user: '' }),
    startupMessage({ database: 'x' }),
    Buffer.concat([request(3 << 16, 12), Buffer.from('abcd')]),
    // Says nothing more: Postgres hangs up after its authentication_timeout.
    SSL_REQUEST,
    GSSENC_REQUEST,
  ]
  const wires = await Promise.all(fools.map(async (bytes) => (await scene.client(rig)).send(bytes)))
  await Promise.all(wires.slice(0, -2).map((wire) => wire.over()))
  const hungUp = (): number => plain.log().split('\n').length
  await until('Postgres has hung up on the silent ones', () => hungUp() > 0 && performance.now() - since > 1500)
  assert.deepEqual(rig.failures, [])
  assert.equal(rig.held, 0)
  assert.deepEqual(await query(rig, 'SELECT 1 AS one'), [{ one: 1 }])
})

test('clients are held while PostgreSQL restarts, and served by it afterwards', async () => {
  const rig = await rigFor(plain)
  const session = clientOf(rig)
  await session.connect()
  const ended = new Promise((resolve) => session.once('end', resolve))
  await plain.postmaster.stop({ signal: 'SIGINT' })
  await ended
  // Connects, is refused, held.
  const held = query(rig, 'SELECT 7 AS seven')
  await until('it is held', () => rig.held === 1)
  assert.match(rig.failures[0]?.reason ?? '', /ECONNREFUSED|57P03|closes|ECONNRESET/)
  await plain.start({ wait: false })
  // The watcher would probe; here the views say too early, again and again, that it is there.
  const opening = setInterval(() => rig.proxy.apply(openView('pg1', plain.address, 1)), 20)
  assert.deepEqual(await held.finally(() => clearInterval(opening)), [{ seven: 7 }])
})

test('a shutdown under load costs no new connection: 57P03 and resets are held, the new server serves all', async () => {
  const victim = await Postgres.create()
  try {
    const rig = await rigFor(victim)
    const sleeper = clientOf(rig)
    await sleeper.connect()
    // Keeps the smart shutdown waiting: Postgres then answers everybody with 57P03.
    const sleeping = sleeper.query('SELECT pg_sleep(60)').catch((error: unknown) => codeOf(error))
    const outcomes: string[] = []
    const started: Promise<void>[] = []
    const load = setInterval(() => {
      started.push(
        query(rig, 'SELECT 1').then(
          () => void outcomes.push('ok'),
          (error: unknown) => void outcomes.push(codeOf(error)),
        ),
      )
    }, 5)
    await until('it runs', () => outcomes.length > 10)
    victim.postmaster.signal('SIGTERM')
    await until('it says that it shuts down', () => rig.failures.some(({ reason }) => reason.includes('57P03')))
    await until('clients are held', () => rig.held > 20)
    rig.proxy.apply(openView('pg2', plain.address, 2))
    await until('they are served', () => rig.held === 0)
    clearInterval(load)
    await Promise.all(started)
    // 57P01 or a broken connection is for those that were being served when the fence came.
    const lost = outcomes.filter((outcome) => outcome !== 'ok')
    assert.ok(lost.length <= 2, lost.join())
    assert.notEqual(await sleeping, undefined)
    assert.ok(rig.failures.every(({ basis }) => basis === 'basis of pg1 1'))
    await sleeper.end().catch(() => undefined)
  } finally {
    await victim[Symbol.asyncDispose]()
  }
})

test('57P03 behind a refused SSLRequest holds psql too', async () => {
  const victim = await Postgres.create()
  try {
    const rig = await rigFor(victim)
    const sleeper = clientOf(rig)
    await sleeper.connect()
    victim.postmaster.signal('SIGTERM')
    const answer = psql(rig, 'sslmode=prefer', 'SELECT 5')
    await until('it is held', () => rig.held === 1)
    assert.match(rig.failures[0]?.reason ?? '', /the database system is shutting down \(57P03\)/)
    rig.proxy.apply(openView('pg2', plain.address, 2))
    assert.equal(await answer, '5')
    await sleeper.end().catch(() => undefined)
  } finally {
    await victim[Symbol.asyncDispose]()
  }
})

test('pg reads the FATAL error of a limit', async () => {
  const rig = await scene.proxy({ hold: { timeoutMs: 0 } })
  await assert.rejects(query(rig, 'SELECT 1'), (error) => codeOf(error) === '57P03')
  const wire = (await scene.client(rig)).send(startupMessage({ user: 'postgres' }))
  await wire.over()
  assert.equal(errorFields(wire.received)?.['V'], 'FATAL')
})
