import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Bind } from '../../../src/config/config.ts'
import { RouterError } from '../../../src/errors.ts'
import { Child } from '../../support/processes/child.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, errorFields, STARTUP } from './support/messages.ts'
import { Postgres } from './support/postgres.ts'
import { PRIMARY, REPLICAS, type Rig, Scene, tcp } from './support/scene.ts'
import { openView } from './support/views.ts'
import { Wire } from './support/wire.ts'

let scene: Scene
let dir: TempDir
let path: string
beforeEach(() => {
  dir = TempDir.create('binds')
  path = join(dir.path, '.s.PGSQL.5000')
  scene = new Scene()
})
afterEach(async () => {
  await scene.clear()
  await dir.remove()
})

function unix(where = path): Bind {
  return { kind: 'unix', path: where }
}

function rigOn(...binds: Bind[]): Rig {
  return scene.rig({ listeners: [{ ...PRIMARY, binds }] })
}

function bindFailure(reason: RegExp | string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RouterError)
    assert.equal(error.code, 'BIND_FAILED')
    const start = `listener primary cannot bind ${path}: `
    assert.equal(error.message.slice(0, start.length), start)
    assert.match(error.message.slice(start.length), new RegExp(reason))
    return true
  }
}

test('one listener serves all of its addresses and sockets, and says which they are', async () => {
  const server = await scene.postgres()
  const rig = rigOn(tcp('127.0.0.1'), tcp('::1'), unix())
  await rig.proxy.start()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const status = rig.proxy.status().listeners
  const [, ipv4, ipv6] = /^127\.0\.0\.1:(\d+), \[::1\]:(\d+), \S+\.s\.PGSQL\.5000$/.exec(status[0]?.address ?? '') ?? []
  const clients = [await Wire.to(Number(ipv4)), await Wire.to(Number(ipv6), '::1'), await scene.clientAt(path)]
  for (const client of clients) await client.send(STARTUP).got(AUTH_OK)
  assert.equal(rig.proxy.status().listeners[0]?.sessions, 3)
  assert.deepEqual(
    rig.events('listening').map(({ address }) => address),
    [status[0]?.address],
  )
  rig.proxy.close()
  await Promise.all(clients.map((client) => client.over()))
  for (const { socket } of clients) socket.destroy()
})

test('binds all addresses of a listener or none', async () => {
  const other = await scene.server()
  const rig = rigOn(unix(), tcp('127.0.0.1', other.address.port))
  await assert.rejects(rig.proxy.start(), /listener primary cannot bind 127\.0\.0\.1:\d+: the port is in use/)
  await until('the socket is gone', () => !existsSync(path))
})

test('a thousand clients that connect to a frozen router are queued by the kernel', async () => {
  await using router = await RouterProcess.start({
    config: {
      scope: 'demo',
      file: { path: join(dir.path, 'cluster.yml') },
      proxy: { listeners: { socket: { bind: path, route: 'primary' } } },
    },
  })
  await router.waitForLog('that all listeners listen', ({ event }) => event === 'started')
  router.process.freeze()
  for (const where of [{ port: router.primaryPort, host: '127.0.0.1' }, { path }]) {
    const failures: string[] = []
    const clients = Array.from({ length: 1000 }, () =>
      connect(where).on('error', ({ message }) => failures.push(message)),
    )
    await until('all of them are connected', () => clients.every(({ connecting }) => !connecting))
    for (const client of clients) client.destroy()
    assert.deepEqual(failures, [])
  }
})

test('a Unix socket passes bytes both ways with back-pressure, and each end of the session', async () => {
  const server = await scene.postgres()
  const rig = rigOn(unix())
  await rig.proxy.start()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = (await scene.clientAt(path)).send(STARTUP)
  await client.got(AUTH_OK)
  const backend = await server.connection()
  const large = Buffer.alloc(4 * 1024 * 1024, 'x')
  backend.send(large)
  client.send(large)
  await client.got(Buffer.concat([AUTH_OK, large]))
  await backend.got(Buffer.concat([STARTUP, large]))
  client.socket.end()
  await backend.over()
  backend.send('bye').socket.end()
  await client.got(Buffer.concat([AUTH_OK, large, Buffer.from('bye')]))
  await until('the session is over', () => rig.sessions === 0)
})

test('a client of a Unix socket is held, refused with the reason, and cut off like any other', async () => {
  const server = await scene.postgres()
  const rig = scene.rig({ listeners: [{ ...PRIMARY, binds: [unix()] }], hold: { timeoutMs: 200 } })
  await rig.proxy.start()
  const refused = (await scene.clientAt(path)).send(STARTUP)
  await refused.over()
  assert.equal(errorFields(refused.received)?.['C'], '57P03')
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = (await scene.clientAt(path)).send(STARTUP)
  await client.got(AUTH_OK)
  rig.proxy.apply(openView('pg2', server.address, 2))
  await client.over()
})

test('every user may connect to a Unix socket, as to that of PostgreSQL, and its file goes with the router', async () => {
  const rig = rigOn(unix())
  await rig.proxy.start()
  assert.equal(statSync(path).mode & 0o777, 0o777)
  rig.proxy.close()
  await until('it is gone', () => !existsSync(path))
})

test('psql and node-postgres find the socket by its directory and port', async () => {
  await using postgres = await Postgres.create()
  const rig = rigOn(unix())
  await rig.proxy.start()
  rig.proxy.apply(openView('pg1', postgres.address, 1))
  const asks = ['-X', '-A', '-t', '-h', dir.path, '-p', '5000', '-U', 'postgres', '-c', 'SELECT 41 + 1']
  assert.equal((await promisify(execFile)('psql', asks)).stdout, '42\n')
  const client = new pg.Client({ host: dir.path, port: 5000, user: 'postgres', database: 'postgres' })
  await client.connect()
  const { rows } = await client.query<{ sum: number }>('SELECT 41 + 1 AS sum')
  assert.equal(rows[0]?.sum, 42)
  await client.end()
  await until('the sessions are over', () => rig.sessions === 0)
})

test('a socket that a killed process has left is replaced', async () => {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)})`
  const killed = await Child.start(process.execPath, ['-e', script], {
    cwd: dir.path,
    logFile: join(dir.path, 'killed.log'),
  })
  await killed.until('it listens', () => existsSync(path))
  await killed.stop({ signal: 'SIGKILL' })
  assert.ok(existsSync(path))
  const rig = rigOn(unix())
  await rig.proxy.start()
  await scene.clientAt(path)
})

test('a socket on which another process listens is in use, and is left alone', async () => {
  const first = rigOn(unix())
  await first.proxy.start()
  const second = scene.rig({ listeners: [{ ...REPLICAS, name: 'primary', binds: [unix()] }] })
  await assert.rejects(second.proxy.start(), bindFailure('^another process listens there'))
  await scene.clientAt(path)
  await until('it is accepted', () => first.proxy.status().totals.accepted > 0)
})

test('a socket without a directory, a plain file of its name and a path that is too long are named errors', async () => {
  path = join(dir.path, 'missing', 'db.sock')
  await assert.rejects(rigOn(unix()).proxy.start(), bindFailure('^its directory does not exist$'))
  path = join(dir.path, 'file')
  writeFileSync(path, 'precious')
  await assert.rejects(rigOn(unix()).proxy.start(), bindFailure('something else has that name, and it is not removed'))
  assert.ok(existsSync(path))
  path = join(dir.path, 'file', 'db.sock')
  await assert.rejects(rigOn(unix()).proxy.start(), bindFailure('ENOTDIR'))
  path = join(dir.path, 'x'.repeat(108))
  await assert.rejects(rigOn(unix()).proxy.start(), bindFailure('at most 107'))
})
