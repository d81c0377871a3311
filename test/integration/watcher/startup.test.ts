/** The startup probe against scripted servers, and against PostgreSQL in every state. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { fatalError } from '../../../src/pgwire.ts'
import { probeStartup } from '../../../src/watcher/checks/startup-probe.ts'
import { Child } from '../../support/processes/child.ts'
import { freePort } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Postgres } from './postgres.ts'

const NEVER = new AbortController().signal
const probe = (port: number, timeoutMs = 1000) => probeStartup({ host: '127.0.0.1', port }, timeoutMs, NEVER)
const open = (): number => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind)).length

/** A server that answers a startup packet with `answer`. */
async function scripted(
  answer: (socket: Socket) => void,
): Promise<{ port: number; server: Server; received: Buffer[] }> {
  const received: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // 'close' follows
    socket.once('data', () => answer(socket))
    socket.on('data', (chunk) => received.push(chunk))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return { port: (server.address() as AddressInfo).port, server, received }
}

describe('the startup probe', () => {
  const SASL = Buffer.from([0x52, 0, 0, 0, 23, 0, 0, 0, 10, ...Buffer.from('SCRAM-SHA-256\0\0')])
  const TRUST = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
  const cases: readonly [string, (socket: Socket) => void, RegExp][] = [
    ['asks for a password', (socket) => socket.write(SASL), /^up /],
    ['trusts', (socket) => socket.write(TRUST), /^up /],
    ['refuses this user', (socket) => socket.end(fatalError('28000', 'no pg_hba.conf entry', '')), /^up /],
    ['has too many clients', (socket) => socket.end(fatalError('53300', 'sorry, too many clients', '')), /^up /],
    [
      'starts up',
      (socket) => socket.end(fatalError('57P03', 'starting', '')),
      /^down Postgres at .* says: starting \(57P03\)$/,
    ],
    ['says so in pieces', (socket) => trickle(socket, fatalError('57P03', 'pieces', '')), /^down .*pieces \(57P03\)/],
    ['ends its sessions', (socket) => socket.end(fatalError('57P01', 'terminating', '')), /^down .*\(57P01\)/],
    [
      'says what deceives a terminal',
      (socket) => socket.end(fatalError('57P03', 'a\u001b[2Jb\u202e', '')),
      /^down .*a[ \ufffd]\[2Jb[ \ufffd] \(57P03\)$/,
    ],
    ['closes at once', (socket) => socket.end(), /^down .* closes the connection at once/],
    ['resets', (socket) => socket.resetAndDestroy(), /^down .*ECONNRESET/],
    ['says nothing', () => undefined, /^down .* does not answer/],
    [
      'says half an error',
      (socket) => socket.write(fatalError('57P03', 'half', '').subarray(0, 12)),
      /^down .* does not answer/,
    ],
  ]
  for (const [title, answer, expected] of cases) {
    test(`of a server that ${title} says ${String(expected)}, and leaves nothing open`, async () => {
      const before = open()
      const { port, server } = await scripted(answer)
      const seen = await probe(port, 300)
      assert.match(`${seen.kind} ${seen.kind === 'down' ? seen.reason : ''}`, expected)
      await new Promise((resolve) => server.close(resolve))
      await until('nothing is open', () => open() <= before, { timeoutMs: 2000 })
    })
  }

  test('says Terminate to a server that trusts it, and nothing to one that waits for a password', async () => {
    const trusting = await scripted((socket) => socket.write(TRUST))
    await probe(trusting.port)
    trusting.server.close()
    assert.equal(Buffer.concat(trusting.received).subarray(-5).toString('hex'), '5800000004')
    const asking = await scripted((socket) => socket.write(SASL))
    await probe(asking.port)
    asking.server.close()
    assert.equal(asking.received.length, 1)
  })

  test('of a port where nothing listens is down; of a name that does not resolve, nothing is known', async () => {
    const refused = await probe(await freePort())
    assert.match(JSON.stringify(refused), /"down".*ECONNREFUSED/)
    const unknown = await probeStartup({ host: 'no-such-host.invalid', port: 5432 }, 2000, NEVER)
    assert.equal(unknown.kind, 'unknown')
  })

  test('is precise above one second', async () => {
    const { port, server } = await scripted(() => undefined)
    const since = performance.now()
    await probe(port, 1700)
    const ms = performance.now() - since
    assert.ok(ms >= 1695 && ms < 1850, `${ms} ms`)
    server.close()
  })

  test('says nothing when it is given up', async () => {
    const { port, server } = await scripted(() => undefined)
    const controller = new AbortController()
    const probing = probeStartup({ host: '127.0.0.1', port }, 60_000, controller.signal)
    setTimeout(() => controller.abort(), 50)
    assert.deepEqual(await probing, { kind: 'unknown' })
    await new Promise((resolve) => server.close(resolve))
    assert.deepEqual(await probeStartup({ host: '127.0.0.1', port }, 1000, controller.signal), { kind: 'unknown' })
  })

  test('holds no socket of a host that drops its packets', async () => {
    await using dir = TempDir.create('backlog')
    const script = join(dir.path, 'full.py')
    // A full accept queue drops SYNs.
    const lines = ['import socket, time', 's = socket.socket()', "s.bind(('127.0.0.1', 0))", 's.listen(0)']
    const fill = [
      'port = s.getsockname()[1]',
      'c = [socket.socket() for _ in range(4)]',
      '[x.setblocking(False) for x in c]',
    ]
    const last = ["[x.connect_ex(('127.0.0.1', port)) for x in c]", 'print(port, flush=True)', 'time.sleep(600)']
    writeFileSync(script, [...lines, ...fill, ...last].join('\n'))
    let port = 0
    const onLine = (line: string): void => void (port = Number(line))
    await Child.start('/usr/bin/python3', [script], { cwd: dir.path, logFile: join(dir.path, 'log'), onLine })
    await until('it listens', () => port > 0)
    const before = open()
    for (let count = 0; count < 5; count++) assert.match(JSON.stringify(await probe(port, 50)), /does not answer/)
    await until('nothing is open', () => open() <= before, { timeoutMs: 500 })
  })
})

function trickle(socket: Socket, bytes: Buffer): void {
  let sent = 0
  const timer = setInterval(() => {
    if (sent < bytes.length) socket.write(bytes.subarray(sent, ++sent))
    else clearInterval(timer)
  }, 1)
  socket.on('close', () => clearInterval(timer))
}

describe('PostgreSQL 15', () => {
  let postgres: Postgres
  before(async () => (postgres = await Postgres.create()))
  after(async () => postgres[Symbol.asyncDispose]())

  const methods: readonly [string, string, RegExp][] = [
    ['trusts everybody', 'host all all all trust', /^$/],
    ['asks for a SCRAM password', 'host all all all scram-sha-256', /^$/],
    ['asks for an MD5 password', 'host all all all md5', /^$/],
    [
      'rejects everybody',
      'host all all all reject',
      /^(FATAL: {2}pg_hba.conf rejects connection for host "127.0.0.1", user "postgres", database "postgres", no encryption\n?)+$/,
    ],
    [
      'knows no rule for it',
      'host nobody nobody 127.0.0.1/32 trust',
      /^(FATAL: {2}no pg_hba.conf entry for host .*\n?)+$/,
    ],
  ]
  for (const [title, hba, logged] of methods) {
    test(`is up when it ${title}; its log says ${String(logged)}`, async () => {
      await postgres.start({ log_line_prefix: '', logging_collector: 'off' }, [hba])
      await postgres.ready()
      for (let count = 0; count < 5; count++) assert.deepEqual(await probe(postgres.port), { kind: 'up' })
      await postgres.stop()
      const lines = postgres.log
        .split('\n')
        .filter(
          (line) =>
            !/^(LOG: {2}(starting|listening|database system|received fast|aborting|background worker|shutting|checkpoint|all server)|$)/.test(
              line,
            ),
        )
      assert.match(lines.join('\n'), logged)
    })
  }

  test('is up when all its connections are taken', async () => {
    const few = { max_connections: '2', superuser_reserved_connections: '0', max_wal_senders: '0' }
    await postgres.start(few, ['host all all all trust'])
    await postgres.ready()
    const connect = { host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'postgres' }
    const clients = [new pg.Client(connect), new pg.Client(connect)]
    for (const client of clients) {
      client.on('error', () => undefined) // the server stops below
      await client.connect()
    }
    assert.deepEqual(await probe(postgres.port), { kind: 'up' })
    await postgres.stop()
    assert.match(postgres.log, /too many clients/)
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
  })

  test('is down while it shuts down and waits for its sessions', async () => {
    await postgres.start({}, ['host all all all trust'])
    await postgres.ready()
    const client = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres', database: 'postgres' })
    await client.connect()
    postgres.signal('SIGTERM')
    const seen = await until('it shuts down', async () => {
      const answer = await probe(postgres.port)
      return answer.kind === 'down' ? answer : null
    })
    assert.match(seen.reason, /shutting down \(57P03\)/)
    await client.end()
    await postgres.stop()
  })

  test('is down while it waits for a recovery without WAL', async () => {
    // No connection is taken before a consistent state is reached, and hot_standby off means never.
    const standby = { hot_standby: 'off', primary_conninfo: 'host=127.0.0.1 port=1' }
    postgres.standby()
    await postgres.start(standby, ['host all all all trust'])
    const seen = await until('it is in recovery', async () => {
      const answer = await probe(postgres.port)
      return answer.kind === 'down' && answer.reason.includes('57P03') ? answer : null
    })
    assert.match(seen.reason, /says: the database system is (starting up|not accepting connections).*\(57P03\)/)
    await postgres.stop()
  })
})
