import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import type { RouterStatus } from '../../../src/admin/status.ts'
import { runCommandLine } from '../../../src/cli/command-line.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { TempDir } from '../../support/files/temp.ts'
import { sampleStatus, sampleView } from '../../unit/admin/sample.ts'
import { FakeIo } from '../../support/router/fake-io.ts'

const NOBODY = { ...sampleView().primary, state: 'none', member: null, reason: 'nobody' } as const
const UNREAD = { ...sampleView().dcs, state: 'never' } as const

let dir: TempDir
let socket: string
let admin: AdminSocket
let status: RouterStatus = sampleStatus()

before(async () => {
  dir = TempDir.create('track')
  socket = join(dir.path, 'admin.sock')
  admin = new AdminSocket({ path: socket, commands: showCommands(() => status), log: pino({ level: 'silent' }) })
  await admin.start()
})
after(async () => {
  await admin.close()
  await dir.remove()
})

/** The same by both ways: code and all that is said. */
async function track(...args: string[]): Promise<[code: number, said: string]> {
  const [quick, whole] = [new FakeIo(), new FakeIo()]
  const codes = [await runCommandLine(['track', ...args], quick), await runProgram(['track', ...args], whole)]
  assert.deepEqual([codes[0], quick.stdout, quick.stderr], [codes[1], whole.stdout, whole.stderr])
  return [codes[0] ?? -1, quick.stdout + quick.stderr]
}

test('the exit code is the answer, and the output the reason', async () => {
  status = sampleStatus()
  assert.deepEqual(await track('primary', '--socket', socket), [0, 'pg1 is the primary (open)\n'])
  assert.deepEqual(await track('--socket', socket, 'local-leader', '--member', 'pg2'), [
    1,
    'the primary is pg1, not pg2\n',
  ])
  status = sampleStatus({ view: sampleView({ primary: NOBODY, dcs: UNREAD }), proxy: null })
  const unknown = 'not known: the cluster is not known yet: its DCS has not been read\n'
  assert.deepEqual(await track('primary', `--socket=${socket}`), [3, unknown])
})

test('the member on this host is the one of the configuration', async () => {
  status = { ...sampleStatus(), clusters: sampleStatus().clusters.map((one) => ({ ...one, localMember: 'pg1' })) }
  assert.deepEqual(await track('local-leader', '--socket', socket), [0, 'pg1 is the primary (open)\n'])
  status = sampleStatus()
  const [code, said] = await track('local-leader', '--socket', socket)
  assert.equal(code, 2)
  assert.match(said, /names no member on this host/)
})

test('of several clusters one has to be named', async () => {
  const second = { view: sampleView({ name: 'other', primary: NOBODY }), proxy: null }
  status = sampleStatus({ view: sampleView(), proxy: null }, second)
  assert.equal((await track('primary', '--socket', socket))[0], 2)
  assert.equal((await track('primary', '--socket', socket, '--cluster', 'demo'))[0], 0)
  assert.equal((await track('primary', '--socket', socket, '--cluster', 'other'))[0], 1)
  assert.deepEqual(await track('primary', '--socket', socket, '--cluster', 'x'), [
    2,
    'patroni-router: there is no cluster x: there is demo, other\n',
  ])
})

test('a router that ends holds nothing any more', async () => {
  status = { ...sampleStatus(), stopping: true }
  assert.deepEqual(await track('primary', '--socket', socket), [1, 'the router is shutting down\n'])
})

test('mistakes and help are those of every command', async () => {
  assert.equal((await track())[0], 2)
  assert.equal((await track('leader'))[0], 2)
  assert.equal((await track('primary', 'replicas'))[0], 2)
  assert.equal((await track('primary', '--scoket', socket))[0], 2)
  assert.equal((await track('primary', '--timeout', '0'))[0], 2)
  assert.equal((await track('replicas', '--member', 'pg1', '--socket', socket))[0], 2)
  assert.equal((await track('local-leader', '--member', 'a\nb', '--socket', socket))[0], 2)
  const [code, said] = await track('--help')
  assert.equal(code, 0)
  assert.match(said, /Usage: patroni-router track \[options\] <CONDITION>/)
})

test('the socket is the one of the configuration', async () => {
  status = sampleStatus()
  const file = join(dir.path, 'config.yml')
  writeFileSync(file, `scope: demo\nadmin: {socket: '${socket}'}\n`)
  assert.equal((await track('primary', '-c', file))[0], 0)
  const [code, said] = await track('primary', '-c', join(dir.path, 'none.yml'))
  assert.equal(code, 2)
  assert.match(said, /none\.yml/)
  // It would be waited for for ever.
  execFileSync('mkfifo', [join(dir.path, 'fifo')])
  const [fifo, why] = await track('primary', '-c', join(dir.path, 'fifo'))
  assert.equal(fifo, 2)
  assert.match(why, /fifo is not a file[^]*--socket PATH/)
})

test('a process that gives no valid answer counts as no router', async (t) => {
  const answers = [
    '',
    'x',
    'Unknown command. Please enter one of the following commands only:\n  help\n',
    '\n',
    '10 yes\n',
  ]
  for (const answer of answers) {
    const path = join(dir.path, 'other.sock')
    const server: Server = createServer((client) => client.resume().end(answer))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const [code] = await track('primary', '--socket', path)
    await new Promise((resolve) => server.close(resolve))
    assert.equal(code, 3, answer)
  }
  // It drips, and never comes to an end.
  const path = join(dir.path, 'drips.sock')
  const dripping = createServer((client) => {
    const timer = setInterval(() => client.write('1'), 20)
    client
      .resume()
      .on('error', () => undefined)
      .on('close', () => clearInterval(timer)) // The asker breaks off.
  })
  await new Promise<void>((resolve) => dripping.listen(path, resolve))
  t.after(() => dripping.close())
  const io = new FakeIo()
  assert.equal(await runProgram(['track', 'primary', '--socket', path, '--timeout', '0.2'], io), 3)
})
