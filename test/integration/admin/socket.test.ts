import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { ask } from '../../../src/admin/client.ts'
import type { Command } from '../../../src/admin/command.ts'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket, type AdminSocketOptions } from '../../../src/admin/socket.ts'
import { RouterError } from '../../../src/errors.ts'
import { Child } from '../../support/processes/child.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { sampleStatus } from '../../unit/admin/sample.ts'
import { Dialogue } from './dialogue.ts'

const LARGE = 'x'.repeat(8 * 1024 * 1024)
let signals: AbortSignal[] = []
/** Of the event loop: the present one, and those in which a command was run. */
let round = 0
let rounds: number[] = []
const extra: readonly Command[] = [
  {
    words: ['show', 'large'],
    parameters: '',
    help: 'a large answer',
    run: (_, { signal }) => {
      signals.push(signal)
      return LARGE
    },
  },
  { words: ['show', 'round'], parameters: '', help: 'nothing', run: () => String(rounds.push(round)) },
  {
    words: ['show', 'fault'],
    parameters: '',
    help: 'a fault',
    run: () => Promise.reject(new Error('out of \x1b[31mluck')),
  },
]
const log = pino({ level: 'silent' })
let dir: TempDir
let path: string
let sockets: AdminSocket[]

beforeEach(() => {
  dir = TempDir.create('admin')
  path = join(dir.path, 'run', 'admin.sock')
  sockets = []
  signals = []
  rounds = []
})
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()))
  await dir.remove()
})

async function open(options: Partial<AdminSocketOptions> = {}): Promise<AdminSocket> {
  const socket = new AdminSocket({ path, log, commands: [...showCommands(sampleStatus), ...extra], ...options })
  await socket.start()
  sockets.push(socket)
  return socket
}

function show(command: string): Promise<string> {
  return ask(path, command, { timeoutMs: 5000, signal: AbortSignal.timeout(5000) })
}

function bindFailure(...parts: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RouterError)
    assert.equal(error.code, 'BIND_FAILED')
    for (const part of [new RegExp('admin socket /'), ...parts]) assert.match(error.message, part)
    return true
  }
}

test('answers one line and closes', async () => {
  await open()
  using client = new Dialogue(path).send('show version\n')
  assert.equal(await client.toEnd(), '0.1.0\n\n')
})

test('answers each of the commands in a line and each of the lines that came together', async () => {
  await open()
  using client = new Dialogue(path).send('show version;show version\r\n  show   version # why\n')
  assert.equal(await client.toEnd(), '0.1.0\n\n'.repeat(3))
})

test('ends every answer with the prompt in interactive mode, until quit', async () => {
  await open()
  using client = new Dialogue(path)
  assert.equal(await client.send('prompt\n').upTo('> '), '\n> ')
  assert.equal(await client.send('set timeout cli 60\n').upTo('> '), '\n> ')
  assert.equal(await client.send('set timeout cli soon\n').upTo('> '), 'Invalid timeout value.\n\n> ')
  assert.equal(await client.send('set timeout cli\n').upTo('> '), 'Expects an integer value.\n\n> ')
  assert.equal(await client.send('\n').upTo('> '), '\n> ')
  assert.equal(await client.send('show version;show version\n').upTo('> 0.1.0\n\n> '), '0.1.0\n\n> 0.1.0\n\n> ')
  assert.equal(await client.send('quit;show version\n').toEnd(), '')
})

test('leaves interactive mode with a second prompt', async () => {
  await open()
  using client = new Dialogue(path)
  await client.send('prompt\n').upTo('> ')
  assert.equal(await client.send('prompt\n').toEnd(), '\n')
})

test('answers what it does not know with its commands', async () => {
  await open()
  using client = new Dialogue(path).send('show stat\n')
  const answer = await client.toEnd()
  assert.match(answer, /^Unknown command\. Please enter one of the following commands only:\n/)
  assert.match(answer, /^ {2}show info .*: report/m)
  assert.match(answer, /\n\n$/)
})

test('lists in help the commands that begin with the given words', async () => {
  await open()
  using all = new Dialogue(path).send('help\n')
  const text = await all.toEnd()
  for (const command of ['help \\[', 'prompt', 'quit', 'set timeout cli <', 'show info', 'show status json'])
    assert.match(text, new RegExp(`^  ${command}.*: `, 'm'))
  using some = new Dialogue(path).send('help show status\n')
  assert.equal((await some.toEnd()).match(/^ {2}/gm)?.length, 2)
})

test('shows hatop every field it insists on', async () => {
  await open()
  using client = new Dialogue(path).send('show info\n')
  const info = await client.toEnd()
  const needed = [
    /^Name:\s*\S+/m,
    /^Version:\s*\S+/m,
    /^Release_date:\s*\S+/m,
    /^Nbproc:\s*\d+/m,
    /^Process_num:\s*\d+/m,
    /^Pid:\s*4711$/m,
    /^Uptime:\s*1d 3h46m40s$/m,
    /^Maxconn:\s*\d+/m,
    /^CurrConns:\s*16$/m,
    /^CumConns:\s*1234$/m,
    /^Maxpipes:\s*\d+/m,
    /^PipesUsed:\s*\d+/m,
    /^Tasks:\s*\d+/m,
    /^Run_queue:\s*\d+/m,
    /^node:\s*lb1$/m,
  ]
  for (const field of needed) assert.match(info, field)
})

test('answers a client that has stopped sending, as socat does', async () => {
  await open()
  using client = new Dialogue(path)
  client.socket.end('show version\n')
  assert.equal(await client.toEnd(), '0.1.0\n\n')
})

test('does not run half a command of a client that has stopped sending', async () => {
  await open()
  using client = new Dialogue(path)
  client.socket.end('show version')
  assert.equal(await client.toEnd(), '')
})

test('closes a connection with a line of more than 16 KiB', async () => {
  await open()
  using unfinished = new Dialogue(path).send('x'.repeat(16 * 1024 + 1))
  assert.equal(await unfinished.toEnd(), '')
  using finished = new Dialogue(path).send(`show version ${'x'.repeat(16 * 1024)}\n`)
  assert.equal(await finished.toEnd(), '')
})

test('closes an idle connection, and uses the time that the client requests', async () => {
  await open({ idleTimeoutMs: 60_000 })
  using client = new Dialogue(path)
  await client.send('prompt;set timeout cli 50ms\n').upTo('> \n> ')
  assert.equal(await client.toEnd(), '')
})

test('runs no further command for a client that does not read, closes it in time, and serves the others', async () => {
  await open({ idleTimeoutMs: 500 })
  using lazy = new Dialogue(path)
  lazy.socket.pause()
  lazy.send('show large\n'.repeat(100))
  await until('the first command is run', () => signals.length === 1)
  assert.equal(await ask(path, 'show version', { timeoutMs: 5000, signal: AbortSignal.timeout(5000) }), '0.1.0\n')
  await until('it is closed', () => signals.every(({ aborted }) => aborted))
  assert.equal(signals.length, 1, 'answers were made that nobody reads')
})

test('reports a failure, and continues', async () => {
  await open()
  using client = new Dialogue(path)
  await client.send('prompt\n').upTo('> ')
  assert.equal(await client.send('show fault\n').upTo('> '), 'Failed: out of \\x1b[31mluck\n\n> ')
  assert.equal(await client.send('show version\n').upTo('> '), '0.1.0\n\n> ')
})

test('serves many clients and survives those that break off', async () => {
  await open()
  const clients = Array.from({ length: 50 }, () => new Dialogue(path).send('prompt\n'))
  await Promise.all(clients.map((client) => client.upTo('> ')))
  for (const client of clients.slice(0, 25)) client.send('show large\n').socket.destroy()
  const answers = clients.slice(25).map((client) => client.send('show version\n').upTo('> '))
  assert.deepEqual(await Promise.all(answers), Array(25).fill('0.1.0\n\n> '))
  for (const client of clients) client.socket.destroy()
})

test('answers new commands however many connections say nothing, and keeps a person', async () => {
  await open()
  using person = new Dialogue(path)
  await person.send('prompt\n').upTo('> ')
  const silent = Array.from({ length: 400 }, () => new Dialogue(path))
  try {
    await until('all are there, and some have to go', async () => {
      const status = await show('show info')
      assert.match(status, /^Name: patroni-router/)
      return silent.some(({ ended, closed }) => ended || closed)
    })
    // As many again at once: none of them may be lost either.
    const answers = await Promise.all(Array.from({ length: 60 }, () => show('show info')))
    for (const answer of answers) assert.match(answer, /^Name: patroni-router/)
    assert.equal(person.ended || person.closed, false)
    await person.send('show info\n').upTo('> ')
  } finally {
    for (const each of silent) each[Symbol.dispose]()
  }
})

test('runs one command in each round of the event loop, however many are sent, and a new connection has its turn', async () => {
  await open()
  let next: NodeJS.Immediate | undefined
  const count = (): void => {
    round++
    next = setImmediate(count)
  }
  count()
  const many = Array.from({ length: 20 }, () => new Dialogue(path).send(`prompt\n${'show round;'.repeat(1000)}\n`))
  try {
    await until('some are answered', () => rounds.length > 100, { everyMs: 1 })
    assert.equal(await show('show version'), '0.1.0\n')
    assert.ok(rounds.length < 20_000, 'not after all others')
    assert.equal(new Set(rounds).size, rounds.length)
  } finally {
    clearImmediate(next)
    for (const each of many) each[Symbol.dispose]()
  }
})

test('makes its directory and the socket for the owner alone', async () => {
  await open({ path: join(dir.path, 'a', 'b', 'admin.sock') })
  assert.equal(statSync(join(dir.path, 'a', 'b')).mode & 0o777, 0o700)
  assert.notEqual(statSync(join(dir.path, 'a')).mode & 0o777, 0o700)
  assert.equal(statSync(join(dir.path, 'a', 'b', 'admin.sock')).mode & 0o007, 0)
})

test('leaves the mode of a directory that is there', async () => {
  mkdirSync(join(dir.path, 'run'))
  chmodSync(join(dir.path, 'run'), 0o750)
  await open()
  assert.equal(statSync(join(dir.path, 'run')).mode & 0o777, 0o750)
})

test('removes the socket when it is closed, twice as well, and ends the connections', async () => {
  const socket = await open()
  using client = new Dialogue(path)
  await client.send('prompt\n').upTo('> ')
  await Promise.all([socket.close(), socket.close()])
  assert.equal(existsSync(path), false)
  assert.equal(await client.toEnd(), '')
})

test('takes the place of a router that was killed', async () => {
  mkdirSync(join(dir.path, 'run'))
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)})`
  const killed = await Child.start(process.execPath, ['-e', script], {
    cwd: dir.path,
    logFile: join(dir.path, 'killed.log'),
  })
  await until('it listens', () => existsSync(path))
  await killed.stop({ signal: 'SIGKILL' })
  assert.ok(existsSync(path))
  await open()
  assert.equal(await ask(path, 'show version', { timeoutMs: 5000, signal: AbortSignal.timeout(5000) }), '0.1.0\n')
})

test('refuses the socket of a running router, which keeps running', async () => {
  await open()
  const second = new AdminSocket({ path, log, commands: [] })
  await assert.rejects(second.start(), bindFailure(/is a router running already/))
  await second.close()
  assert.equal(await ask(path, 'show version', { timeoutMs: 5000, signal: AbortSignal.timeout(5000) }), '0.1.0\n')
})

test('does not remove what is not a socket', async () => {
  mkdirSync(join(dir.path, 'run'))
  writeFileSync(path, 'precious')
  await assert.rejects(new AdminSocket({ path, log, commands: [] }).start(), bindFailure(/something else/))
  assert.ok(existsSync(path))
})

test('refuses a path that is too long for a socket', async () => {
  const long = `/${'x'.repeat(107)}`
  await assert.rejects(new AdminSocket({ path: long, log, commands: [] }).start(), bindFailure(/108 bytes.*107/))
})

test('names the path when the directory cannot be made', async () => {
  writeFileSync(join(dir.path, 'run'), '')
  await assert.rejects(
    new AdminSocket({ path, log, commands: [] }).start(),
    bindFailure(/cannot create its directory: /),
  )
})

test('reports whether there is no router, it was killed, or it does not answer', async () => {
  const options = { timeoutMs: 200, signal: new AbortController().signal }
  const refusal = (reason: RegExp) => (error: unknown) => {
    assert.ok(error instanceof RouterError)
    assert.equal(error.code, 'ADMIN_UNAVAILABLE')
    assert.match(error.message, new RegExp(`on ${path}: `))
    assert.match(error.message, reason)
    return true
  }
  await assert.rejects(ask(path, 'show version', options), refusal(/no such socket .*--socket/))
  mkdirSync(join(dir.path, 'run'))
  writeFileSync(path, '')
  await assert.rejects(
    ask(path, 'show version', options),
    refusal(/no process listens on it \(is the router running\?\)/),
  )
  const other = join(dir.path, 'mute.sock')
  const mute = createServer().listen(other)
  try {
    await until('it listens', () => mute.listening)
    await assert.rejects(ask(other, 'show version', options), /no answer within 0\.2 s/)
    const reason = new Error('interrupted')
    await assert.rejects(ask(other, 'show version', { timeoutMs: 5000, signal: AbortSignal.abort(reason) }), reason)
  } finally {
    mute.close()
  }
})

test('receives large answers whole', async () => {
  await open()
  const answer = await ask(path, 'show large', { timeoutMs: 10_000, signal: AbortSignal.timeout(10_000) })
  assert.equal(answer, `${LARGE}\n`)
})
