import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { frame, int32, query, readinessOf, rowsOf, SYNC } from '../../../src/demo/postgres/frames.ts'
import { startupMessage } from '../../../src/pgwire.ts'
import { codeOf, sql } from '../../support/clients/sql.ts'
import { until } from '../../support/until.ts'
import { Playing } from './playing.ts'

let demo: Playing
const clients: pg.Client[] = []
const sockets: Socket[] = []

before(async () => {
  demo = await Playing.start()
})
after(async () => {
  for (const socket of sockets) socket.destroy()
  await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
  await demo[Symbol.asyncDispose]()
})

async function client(
  port = demo.primaryPort,
  settings: { application_name?: string; client_encoding?: string } = {},
): Promise<pg.Client> {
  const made = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', ...settings })
  made.on('error', () => undefined)
  await made.connect()
  clients.push(made)
  return made
}

async function show(of: pg.Client, name: string): Promise<unknown> {
  const { rows } = await of.query<{ value: unknown }>('SELECT current_setting($1) AS value', [name])
  return rows[0]?.value
}

/** What psql prints, run with these options and commands. */
async function psql(port: number, commands: readonly string[], input = ''): Promise<string> {
  const where = `host=127.0.0.1 port=${port} user=postgres dbname=postgres connect_timeout=20`
  const asked = promisify(execFile)('psql', [
    '-X',
    '-A',
    '-t',
    '-q',
    ...commands.flatMap((each) => ['-c', each]),
    where,
  ])
  asked.child.stdin?.end(input)
  const { stdout } = await asked
  return stdout
}

test('keeps the prepared statements of several sessions apart', async () => {
  const [one, two] = [await client(), await client()]
  const ask = async (of: pg.Client, text: string): Promise<unknown> =>
    (await of.query<{ value: unknown }>({ name: 'same', text, values: ['x'] })).rows[0]?.value
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all([ask(one, `SELECT $1 || '1' AS value`), ask(two, `SELECT $1 || '2' AS value`)])
    assert.deepEqual(answers, ['x1', 'x2'])
  }
  await two.query('DISCARD ALL')
  assert.equal(await ask(one, `SELECT $1 || '1' AS value`), 'x1')
})

test('keeps the settings of several sessions apart, those of the startup packet included', async () => {
  const [one, two] = [await client(undefined, { application_name: 'one' }), await client()]
  await one.query(`SET work_mem = '8MB'; SET search_path = pg_catalog; SET ROLE pg_monitor`)
  assert.deepEqual([await show(two, 'work_mem'), await show(two, 'role')], ['4MB', 'none'])
  assert.deepEqual([await show(one, 'work_mem'), await show(one, 'search_path')], ['8MB', 'pg_catalog'])
  assert.deepEqual([await show(one, 'role'), await show(one, 'application_name')], ['pg_monitor', 'one'])
  await one.query('RESET ROLE; RESET ALL')
  await show(two, 'work_mem')
  assert.equal(await show(one, 'work_mem'), '4MB')
})

test('stays read-only on a replica after RESET ALL and DISCARD ALL', async () => {
  const replica = await client(demo.replicaPort)
  for (const text of ['RESET ALL', 'DISCARD ALL', 'SET default_transaction_read_only = on']) {
    await replica.query(text)
    await assert.rejects(replica.query('CREATE TABLE never ()'), { code: '25006' })
  }
  assert.equal(await show(replica, 'demo.in_recovery'), 'on')
})

test('keeps sessions out of the transaction of another session', async () => {
  const [one, two] = [await client(), await client()]
  await one.query('CREATE TABLE moves (n int)')
  await one.query('BEGIN')
  await one.query('INSERT INTO moves VALUES (1)')
  const asked = two.query<{ n: number }>('SELECT n FROM moves')
  await assert.rejects(one.query('SELECT nonsense'), { code: '42703' })
  await assert.rejects(one.query('SELECT 1'), { code: '25P02' })
  await one.query('ROLLBACK')
  assert.deepEqual((await asked).rows, [])
})

test('rolls back what a client leaves that breaks off in its transaction', async () => {
  const [one, two] = [await client(), await client()]
  await one.query('BEGIN')
  await one.query('INSERT INTO moves VALUES (2)')
  const asked = two.query('SELECT n FROM moves')
  await one.end()
  assert.deepEqual((await asked).rows, [])
})

test('shows the temporary tables of a session to none that comes after it', async () => {
  const one = await client()
  await one.query('CREATE TEMP TABLE mine (n int)')
  assert.equal((await one.query('SELECT * FROM mine')).rowCount, 0)
  await one.end()
  await until(
    'it has gone',
    async () => (await sql(demo.primaryPort, `SELECT to_regclass('mine') AS t`))[0]?.['t'] === null,
  )
})

test('serves two psql at once, with COPY in both directions', async () => {
  await psql(demo.primaryPort, ['CREATE TABLE copied (n int, t text)'])
  const copyIn = (text: string) => psql(demo.primaryPort, ['\\copy copied from stdin'], text)
  await Promise.all([copyIn('1\tone\n2\ttwo\n'), copyIn('3\tthree\n')])
  assert.equal(await psql(demo.replicaPort, ['\\copy (select n from copied order by n) to stdout']), '1\n2\n3\n')
  await assert.rejects(psql(demo.replicaPort, ['\\copy copied from stdin'], '4\tfour\n'), /read-only transaction/)
  await assert.rejects(psql(demo.primaryPort, ['\\copy nonsense from stdin'], '4\tfour\n'), /"nonsense" does not exist/)
  assert.match(await psql(demo.primaryPort, ['\\d copied']), /n\|integer/)
})

test(`answers the commands of Debian's psql that ask for columns of an older server`, async () => {
  assert.match(await psql(demo.primaryPort, ['\\l']), /^postgres\|postgres\|/)
  assert.match(await psql(demo.primaryPort, ['\\dOS ucs_basic']), /^pg_catalog\|ucs_basic\|/)
})

test('refuses what it cannot do with the reason alone, in a transaction and prepared as well', async () => {
  const where = ['-h', '127.0.0.1', '-p', String(demo.primaryPort), '-U', 'postgres']
  await assert.rejects(
    promisify(execFile)('createdb', [...where, 'shop']),
    /ERROR: {2}the demo has one database, postgres, [^\n]*\nHINT: {2}Use CREATE SCHEMA\.\n$/,
  )
  const one = await client()
  const why = { code: '0A000', message: /^the demo has no files/, where: undefined }
  const prepared = { name: 'prepared', text: `COPY moves TO '/tmp/moves'` }
  await assert.rejects(one.query(prepared), why)
  await one.query('BEGIN')
  await assert.rejects(one.query(`COPY moves TO '/tmp/moves'`), why)
  await assert.rejects(one.query('SELECT 1'), { code: '25P02' })
  await one.query('ROLLBACK')
  await assert.rejects(one.query(prepared), why)
  assert.deepEqual((await one.query('SELECT $1::int AS n', [7])).rows, [{ n: 7 }])
})

test('uses UTF-8 whatever encoding a client requests', async () => {
  const one = await client(undefined, { client_encoding: 'WIN1252' })
  assert.deepEqual(
    [await show(one, 'client_encoding'), (await one.query(`SELECT 'ä' AS a`)).rows],
    ['UTF8', [{ a: 'ä' }]],
  )
  for (const text of [`SET client_encoding = 'latin1'`, `SELECT set_config('client_encoding', 'latin1', false)`])
    await assert.rejects(one.query(text), { code: '0A000' })
  await assert.rejects(one.query(`SELECT convert_to('ä', 'latin1')`), { code: '42883' })
  assert.deepEqual((await one.query(`SELECT 'ä' AS a`)).rows, [{ a: 'ä' }])
})

/** What psql sends at Ctrl-C. */
async function cancel(of: pg.Client): Promise<void> {
  const { processID, secretKey } = of as unknown as { readonly processID: number; readonly secretKey: number }
  const socket = connect(demo.portOf(demo.leader), '127.0.0.1').on('error', () => undefined)
  const closed = once(socket, 'close')
  socket.resume().write(Buffer.concat([16, 80877102, processID, secretKey].map(int32)))
  await closed
}

test('lets others work beside a statement that only sleeps, until it is canceled', async () => {
  const [one, two] = [await client(), await client()]
  const asleep = one.query('SELECT pg_sleep(600)').then(() => 'awake', codeOf)
  assert.equal((await two.query('SELECT 1')).rowCount, 1)
  let end: string | null = null
  void asleep.then((code) => (end = code))
  await until('it is canceled', async () => {
    await cancel(one)
    return end
  })
  assert.equal(await asleep, '57014')
  assert.equal((await one.query('SELECT pg_sleep(0.01)')).rowCount, 1)
})

test('finds the primary by target_session_attrs', async () => {
  const port = [demo.replicaPort, demo.primaryPort].join(',')
  const where = `host=127.0.0.1,127.0.0.1 port=${port} user=postgres target_session_attrs=read-write connect_timeout=20`
  const { stdout } = await promisify(execFile)('psql', ['-X', '-At', '-c', 'SHOW demo.member', where])
  assert.equal(stdout.trim(), demo.leader)
})

const STARTUP = startupMessage({ user: 'postgres', database: 'postgres' })
const MALFORMED: readonly [what: string, bytes: Buffer][] = [
  ['no PostgreSQL client', Buffer.from('GET / HTTP/1.0\r\n\r\n')],
  ['a message of negative length', Buffer.concat([STARTUP, Buffer.from('Q'), int32(-5)])],
  ['a message of unknown type', Buffer.concat([STARTUP, frame('?')])],
  ['a cancel request', Buffer.from('0000001004d2162e0000000100000000', 'hex')],
]
for (const [what, bytes] of MALFORMED)
  test(`closes the connection of ${what}, and no other`, async () => {
    const other = await client()
    const socket = connect(demo.portOf(demo.leader), '127.0.0.1').on('error', () => undefined)
    const closed = once(socket, 'close')
    socket.resume().write(bytes)
    await closed
    assert.equal((await other.query('SELECT 1')).rowCount, 1)
  })

test('survives statements that PostgreSQL itself refuses', async () => {
  const one = await client()
  await one.query(`CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN deep(n + 1); END'`)
  await assert.rejects(one.query('SELECT deep(1)'), { code: '54001' })
  await one.query('SELECT pg_terminate_backend(pg_backend_pid())')
  for (const text of ['BEGIN; COPY moves FROM STDIN', 'SELECT 1; SELEC', `COPY moves TO PROGRAM 'ls'`]) {
    assert.match(codeOf(await one.query(text).catch((error: unknown) => error)), /^(0A000|42601)$/)
    await one.query('ROLLBACK')
  }
  assert.equal((await one.query('SELECT 1')).rowCount, 1)
})

/** A client that says what drivers of other languages say. */
async function speaking(): Promise<(...messages: readonly Buffer[]) => Promise<Buffer>> {
  const socket = connect(demo.portOf(demo.leader), '127.0.0.1')
  const said = async (...messages: readonly Buffer[]): Promise<Buffer> => {
    socket.write(Buffer.concat(messages))
    let answer: Buffer = Buffer.alloc(0)
    while (readinessOf(answer) === null) answer = Buffer.concat([answer, ...((await once(socket, 'data')) as [Buffer])])
    return answer
  }
  await said(STARTUP)
  sockets.push(socket)
  return said
}

const PARSE = (text: string): Buffer => frame('P', '', text, Buffer.alloc(2))
const EXECUTE = Buffer.concat([frame('B', '', '', Buffer.alloc(6)), frame('E', '', int32(0))])

test('answers the messages of a pipeline in their turn, and what Flush requests before its end', async () => {
  const one = await speaking()
  assert.deepEqual(rowsOf(await one(PARSE('SELECT 7'), frame('H'), EXECUTE, SYNC)), [['7']])
  // After an error all is passed over until Sync.
  assert.deepEqual(rowsOf(await one(PARSE('SELEC'), query('SELECT 1'), SYNC)), [])
  const socket = connect(demo.portOf(demo.leader), '127.0.0.1')
  socket.write(Buffer.concat([STARTUP, query('SELECT 8'), PARSE('SELECT 9'), EXECUTE, SYNC, frame('X')]))
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  assert.deepEqual(rowsOf(Buffer.concat(chunks)), [['8'], ['9']])
})

test('answers a client that has closed its half of the connection', async () => {
  const socket = connect({ port: demo.portOf(demo.leader), host: '127.0.0.1', allowHalfOpen: true })
  socket.end(Buffer.concat([STARTUP, query('SELECT 8')]))
  const chunks: Buffer[] = []
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk)
  assert.deepEqual(rowsOf(Buffer.concat(chunks)), [['8']])
})

test('keeps the unnamed prepared statement of a session that others work beside', async () => {
  const [one, two] = [await speaking(), await speaking()]
  await one(PARSE('SELECT 1'), SYNC)
  assert.deepEqual(rowsOf(await two(PARSE('SELECT 2'), EXECUTE, SYNC)), [['2']])
  assert.deepEqual(rowsOf(await one(EXECUTE, SYNC)), [['1']])
})

// The last one: its statement ends with the demo.
test('tells of a statement that others wait for long, and cancels one that waits', async () => {
  const [one, two] = [await client(), await client()]
  await one.query('BEGIN')
  one.query('SELECT pg_sleep(3600)').catch(() => undefined)
  const waiting = assert.rejects(two.query('SELECT 1'), { code: '57014' })
  const told = `a statement of ${demo.leader ?? ''} occupies the one PostgreSQL of the demo: other sessions wait`
  await until('people are told', () => demo.running.events.all.some(({ text }) => text === told))
  await cancel(two)
  await waiting
})
