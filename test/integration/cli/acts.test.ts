/** `member`, `hold`, `release` and `sessions` against a real admin socket: what reaches the router, and what is shown of its answer. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { actCommands } from '../../../src/admin/act-commands.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { TempDir } from '../../support/files/temp.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import { sampleActs } from '../../unit/admin/sample.ts'

let dir: TempDir
let socket: string
let admin: AdminSocket
let asked: string[]

async function start(refusal: string | null = null): Promise<void> {
  asked = []
  const commands = actCommands(sampleActs(asked, refusal))
  admin = new AdminSocket({ path: socket, commands, log: pino({ level: 'silent' }) })
  await admin.start()
}

beforeEach(async () => {
  dir = TempDir.create('acts')
  socket = join(dir.path, 'admin.sock')
  await start()
})
afterEach(async () => {
  await admin.close()
  await dir.remove()
})

async function run(...args: string[]): Promise<FakeIo & { readonly code: number }> {
  const io = new FakeIo({ SUDO_USER: 'alice' }, 80)
  const code = await runProgram([...args, '--socket', socket], io)
  return Object.assign(io, { code })
}

test('each act reaches the router as it was meant, whatever is in a name, with the user', async () => {
  const name = String.raw`a b;c\d#e`
  const calls = [
    [
      ['member', 'drain', name, '--for', '1h30m', '--cluster', 'x'],
      ['setMember', { cluster: 'x', member: name }, 'drain', 5_400_000, 'alice'],
    ],
    [
      ['member', 'ready', 'pg2'],
      ['setMember', { cluster: null, member: 'pg2' }, 'ready', null, 'alice'],
    ],
    [['hold'], ['hold', { cluster: null, listener: null }, null, 'alice']],
    [
      ['hold', 'for', '--for', '90s'],
      ['hold', { cluster: null, listener: 'for' }, 90_000, 'alice'],
    ],
    [
      ['release', 'primary'],
      ['release', { cluster: null, listener: 'primary' }, 'alice'],
    ],
    [
      ['sessions', 'close', '--member', 'pg2', '--client', '::1'],
      ['closeSessions', { member: 'pg2', client: '::1' }, 'alice'],
    ],
    [
      ['sessions', 'close', '--all'],
      ['closeSessions', {}, 'alice'],
    ],
    [
      ['sessions', '--listener', 'replicas'],
      ['sessions', { listener: 'replicas' }, 10_000],
    ],
  ] as const
  for (const [args, expected] of calls) {
    const { code, stderr } = await run(...args)
    assert.deepEqual([code, stderr], [0, ''], args.join(' '))
    assert.deepEqual(JSON.parse(asked.pop() ?? ''), expected)
  }
})

test('sessions are shown as a table of the width of the terminal, or as the JSON of the router', async () => {
  const { stdout } = await run('sessions')
  assert.ok(stdout.split('\n').every((line) => line.length <= 80))
  assert.match(stdout, /^\| 0x1f /m)
  const { stdout: json } = await run('sessions', '--json')
  assert.match(json, /^\{"now":[^\n]+\}\n$/)
  assert.equal((JSON.parse(json) as { total: number }).total, 3)
  assert.equal((await run('sessions', 'close', '--id', '0x1f')).stdout, 'closed 2 sessions\n')
})

test('a refusal goes to standard error, and ends with 1', async () => {
  await admin.close()
  await start('there is no member pg9: there is pg1')
  for (const args of [
    ['member', 'drain', 'pg9'],
    ['sessions', '--member', 'pg9'],
    ['hold'],
    ['sessions', 'close', '--all'],
  ]) {
    const { code, stdout, stderr } = await run(...args)
    assert.deepEqual([code, stdout, stderr], [1, '', 'patroni-router: there is no member pg9: there is pg1\n'])
  }
})

test('a command line that cannot be meant asks the router for nothing, and ends with 2', async () => {
  for (const [args, said] of [
    [['member', 'drain', 'pg2', '--for', '30'], /--for: "30" needs a unit/],
    [['member', 'stop', 'pg2'], /Allowed choices are drain, maint, ready/],
    [['member', 'drain'], /missing required argument 'NAME'/],
    [['member', 'drain', 'a\nb'], /a name is one line/],
    [['sessions', 'close'], /needs --cluster, .*--id or --all/],
    [['sessions', 'close', '--all', '--member', 'pg2'], /--all closes all sessions: it excludes --cluster/],
    [['sessions', '--all'], /--all belongs to: sessions close/],
    [['sessions', 'close', '--all', '--json'], /--json is for the list/],
  ] as const) {
    const { code, stderr } = await run(...args)
    assert.equal(code, 2, stderr)
    assert.match(stderr, said)
  }
  assert.deepEqual(asked, [])
})

test('a router that has no such command yet is said to need a restart', async () => {
  await admin.close()
  admin = new AdminSocket({ path: socket, commands: [], log: pino({ level: 'silent' }) })
  await admin.start()
  const { code, stderr } = await run('hold')
  assert.equal(code, 3)
  assert.equal(
    stderr,
    `patroni-router: the router on ${socket}: it does not have that command: restart it with this version\n`,
  )
})
