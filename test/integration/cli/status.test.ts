import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import type { RouterStatus } from '../../../src/admin/status.ts'
import { statusJson } from '../../../src/admin/status/json.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { sampleStatus, sampleView } from '../../unit/admin/sample.ts'
import { FakeIo } from '../../support/router/fake-io.ts'

const primary = { ...sampleView().primary, state: 'switching' } as const
const switching = sampleStatus({ view: sampleView({ primary }), proxy: null })
let dir: TempDir
let socket: string
let admin: AdminSocket
let status: RouterStatus

beforeEach(async () => {
  dir = TempDir.create('status')
  socket = join(dir.path, 'admin.sock')
  status = sampleStatus()
  admin = new AdminSocket({ path: socket, commands: showCommands(() => status), log: pino({ level: 'silent' }) })
  await admin.start()
})
afterEach(async () => {
  await admin.close()
  await dir.remove()
})

test('shows the table and ends with 0 where there is a primary', async () => {
  const io = new FakeIo()
  assert.equal(await runProgram(['status', '--socket', socket], io), 0)
  assert.match(io.stdout, /^primary: pg1 OPEN for 2m10s/)
  assert.match(io.stdout, /^\| pg2 /m)
  assert.equal(io.stderr, '')
})

test('ends with 1 where there is no primary that accepts connections', async () => {
  status = switching
  const io = new FakeIo()
  assert.equal(await runProgram(['status', '--socket', socket], io), 1)
  assert.match(io.stdout, /^primary: pg1 SWITCHING/)
})

test('ends with 3 where no router answers, and names the socket', async () => {
  await admin.close()
  const io = new FakeIo()
  assert.equal(await runProgram(['status', '--socket', socket], io), 3)
  assert.equal(io.stdout, '')
  assert.match(io.stderr, new RegExp(`^patroni-router: no router answers on ${socket}: `))
})

test('gives everything as one line of JSON', async () => {
  const io = new FakeIo()
  assert.equal(await runProgram(['status', '--socket', socket, '--json'], io), 0)
  assert.deepEqual(JSON.parse(io.stdout), statusJson(status))
  assert.match(io.stdout, /^[^\n]+\n$/)
})

for (const [which, format] of [
  ['an older', 1],
  ['a newer', 3],
] as const)
  test(`ends with 3 where ${which} router answers, and says which, and what to do`, async () => {
    await admin.close()
    const run = () => JSON.stringify({ format, version: '0.9.9', clusters: [{ view: { name: 'demo' } }] })
    const commands = [{ words: ['show', 'status', 'json'], parameters: '', help: '', run }]
    admin = new AdminSocket({ path: socket, commands, log: pino({ level: 'silent' }) })
    await admin.start()
    const io = new FakeIo()
    assert.equal(await runProgram(['status', '--socket', socket], io), 3)
    const speaks = `its status has format ${format}, and this command reads format 2`
    const advice = 'restart it with this version, or use the command of its version'
    assert.equal(io.stderr, `patroni-router: the router on ${socket} is patroni-router 0.9.9 (${speaks}): ${advice}\n`)
  })

test('ends with 3 where no router answers but something else', async () => {
  await admin.close()
  for (const answer of ['Unknown command.', 'null', '[]', '{"clusters": []}']) {
    const commands = [{ words: ['show', 'status', 'json'], parameters: '', help: '', run: () => answer }]
    admin = new AdminSocket({ path: socket, commands, log: pino({ level: 'silent' }) })
    await admin.start()
    const io = new FakeIo()
    assert.equal(await runProgram(['status', '--socket', socket], io), 3)
    assert.match(
      io.stderr,
      new RegExp(
        `^patroni-router: the process that answers on ${socket} is not patroni-router(: .* is not valid JSON)?\n$`,
      ),
    )
    await admin.close()
  }
})

test('shows of one of several clusters what is its own', async () => {
  const hook = { name: 'h', state: 'open', member: 'pg1', running: true, runs: 0, failures: 0, last: null }
  const group = { state: 'in-sync', since: 0, reason: '', templates: [], reload: null, retryAt: null } as const
  const keys = { state: 'up', count: 1, readAt: 0, error: null } as const
  const second = { view: sampleView({ name: 'other', primary }), proxy: null }
  status = {
    ...sampleStatus({ view: sampleView(), proxy: null }, second),
    templates: {
      groups: ['demo', 'other'].map((name) => ({ ...group, name: `/${name}`, clusters: [name] })),
      hooks: ['demo', 'other'].map((cluster) => ({ ...hook, name: `of-${cluster}`, cluster })),
      keys: ['demo', 'other'].map((cluster) => ({ ...keys, root: `/${cluster}`, cluster })),
    },
  }
  const io = new FakeIo()
  assert.equal(await runProgram(['status', '--socket', socket, '--cluster', 'demo'], io), 0)
  for (const line of [/^ Template +\/demo:/m, /^ Hook +of-demo: running/m, /^ Keys +\/demo: 1 key/m])
    assert.match(io.stdout, line)
  assert.doesNotMatch(io.stdout, /other/)
})

test('finds the socket in the configuration', async () => {
  const file = join(dir.path, 'config.yml')
  writeFileSync(file, `scope: demo\netcd3: {hosts: ['127.0.0.1:1']}\nadmin: {socket: '${socket}'}\n`)
  assert.equal(await runProgram(['status', '-c', file], new FakeIo()), 0)
  assert.equal(await runProgram(['status'], new FakeIo({ PATRONI_ROUTER_CONFIG: file })), 0)
})

test('reads no configuration when the socket is named', async () => {
  const unreadable = join(dir.path, 'missing.yml')
  assert.equal(await runProgram(['status', '-c', unreadable, '--socket', socket], new FakeIo()), 0)
  const io = new FakeIo()
  assert.equal(await runProgram(['status', '-c', unreadable], io), 2)
  assert.match(io.stderr, /missing\.yml[^]*--socket PATH/)
})

test('redraws the table on a terminal until it is interrupted', async () => {
  const io = new FakeIo({}, 80)
  const code = runProgram(['status', '--socket', socket, '--watch', '0.1'], io)
  await until('it is drawn', () => io.stdout.split('\x1b[Hprimary: pg1 OPEN').length > 2)
  status = switching
  await until('the change is drawn', () => io.stdout.includes('\x1b[Hprimary: pg1 SWITCHING'))
  assert.equal(io.listening, 3)
  io.send('SIGINT')
  assert.equal(await code, 1)
  assert.equal(io.listening, 0)
})

test('waits for a router that is down, and shows it when it is back', async () => {
  await admin.close()
  const io = new FakeIo()
  const code = runProgram(['status', '--socket', socket, '--watch', '0.1'], io)
  await until('it says so', () => io.stderr.includes('no router answers'))
  admin = new AdminSocket({ path: socket, commands: showCommands(() => status), log: pino({ level: 'silent' }) })
  await admin.start()
  await until('it prints a block', () => io.stdout.includes('primary: pg1 OPEN'))
  assert.ok(!io.stdout.includes('\x1b'))
  io.lost.abort()
  assert.equal(await code, 0)
})
