/** `show events`: what is there, what comes, and readers that are slow or go away. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import { ask } from '../../../src/admin/client.ts'
import type { Command } from '../../../src/admin/command.ts'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import { parseEventJson } from '../../../src/events/event.ts'
import { History } from '../../../src/events/history.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { sampleStatus } from '../../unit/admin/sample.ts'
import { PLANNED, recorded } from '../../unit/events/recorded.ts'
import { Dialogue } from './dialogue.ts'

const IDLE_MS = 150
let dir: TempDir
let path: string
let history: History
let socket: AdminSocket
/** How many answers in parts of this test's socket have ended: one of the test before ends after its socket. */
let answers = { ended: 0 }
const faulty: Command = {
  words: ['show', 'fault'],
  parameters: '',
  help: 'fails in the middle',
  async *run() {
    yield 'a\n'
    await Promise.resolve()
    throw new Error('out of luck')
  },
}

before(() => {
  dir = TempDir.create('admin-events')
  path = join(dir.path, 'admin.sock')
})
after(async () => dir.remove())
beforeEach(async () => {
  history = new History({ events: 2000, bytes: 64 * 1024 * 1024 })
  answers = { ended: 0 }
  const commands = showCommands(sampleStatus, history).map((command) => ({ ...command, run: counted(command) }))
  socket = new AdminSocket({
    path,
    commands: [...commands, faulty],
    log: pino({ level: 'silent' }),
    idleTimeoutMs: IDLE_MS,
  })
  await socket.start()
})
afterEach(async () => socket.close())

/** Counts the ends of the answers that have parts. */
function counted(command: Command): Command['run'] {
  const own = answers
  return (args, session) => {
    const answer = command.run(args, session)
    if (typeof answer === 'string' || 'then' in answer) return answer
    return (async function* () {
      try {
        yield* answer
      } finally {
        own.ended++
      }
    })()
  }
}

function add(count: number, text = ''): void {
  for (let n = 0; n < count; n++)
    history.add(
      `${JSON.stringify({ level: 'info', time: new Date(n).toISOString(), event: 'e', cluster: n % 2 ? 'a' : 'b', text, msg: `m${n}` })}\n`,
    )
}

function addPlanned(): void {
  for (const { time, level, event, message, fields } of recorded(PLANNED))
    history.add(`${JSON.stringify({ level, time, event, ...fields, msg: message })}\n`)
}

const show = (command: string): Promise<string> =>
  ask(path, command, { timeoutMs: 5000, signal: AbortSignal.timeout(5000) })
const messagesIn = (text: string): (string | undefined)[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseEventJson(line)?.message)

test('answers with all events as lines of JSON, or with the requested ones', async () => {
  add(450)
  assert.deepEqual(
    messagesIn(await show('show events json')),
    Array.from({ length: 450 }, (_, n) => `m${n}`),
  )
  assert.equal(messagesIn(await show('show events json cluster a')).length, 225)
  assert.deepEqual(messagesIn(await show(`show events json after ${history.newest - 2}`)), ['m448', 'm449'])
  assert.deepEqual(messagesIn(await show('show events json since 1970-01-01T00:00:00.448')), ['m448', 'm449'])
  assert.deepEqual(messagesIn(await show('show events json -n')), [])
  assert.deepEqual(messagesIn(await show('show events json since 1h')), [])
})

test('answers with a timeline for a switchover, and a line for everything else', async () => {
  assert.equal(await show('show events'), 'No events.\n')
  addPlanned()
  const text = await show('show events')
  assert.match(
    text,
    /^\S+ \S+Z WARN {2}switchover from pg1 to pg0 in 1645 ms; no open primary for 1551 ms;[^\n]*\n +0 ms +requested /,
  )
  assert.match(text, /INFO {2}replica pg1 is available for reads\n\n?$/)
})

test('says what is wrong with a command', async () => {
  for (const [command, expected] of [
    ['show events yaml', /^Expects json, since TIME/],
    ['show events since', /^Expects a value after since\./],
    ['show events since never', /^since: "never" is neither a duration like 30m/],
    ['show events after soon', /^Expects a number/],
  ] as const)
    assert.match(await show(command), expected)
})

test('continues with what comes, for longer than a connection may be idle, until a line is sent', async () => {
  add(1)
  using client = new Dialogue(path).send('prompt\nshow events json -w\n')
  await client.upTo('"text":""}\n')
  using idle = new Dialogue(path).send('prompt\n')
  await until('one that waits for nothing is closed', () => idle.ended || idle.closed)
  addPlanned()
  await until('all have come', () => client.received.split('\n').length > PLANNED.length)
  assert.equal(client.received.trim().split('\n').length, PLANNED.length)
  client.received = ''
  assert.equal(await client.send('\n').upTo('> '), '\n> ')
  assert.equal(answers.ended, 1)
  assert.equal(await client.send('show version\n').upTo('> '), '0.1.0\n\n> ')
  await until('it is closed when it is idle', () => client.closed || client.ended)
})

test('shows each event at once and a switchover when it is over, for a reader of text', async () => {
  using client = new Dialogue(path).send('show events -wn\n')
  await show('show version')
  addPlanned()
  await until('the last event is there', () => client.received.endsWith('replica pg1 is available for reads\n'))
  const lines = client.received.split('\n')
  assert.match(lines[0] ?? '', / INFO {2}switchover from pg1 to pg0 requested/)
  assert.ok(lines.findIndex((line) => line.includes('switchover from pg1 to pg0 in 1645 ms')) === 12, client.received)
})

test('ends for a client that has sent all, or has gone', async () => {
  add(1)
  using first = new Dialogue(path).send('show events json follow\n')
  await first.upTo('"text":""}\n')
  first.socket.end()
  assert.equal(await first.toEnd(), '\n')
  const second = new Dialogue(path).send('show events json follow\n')
  await second.upTo('"text":""}\n')
  second.socket.destroy()
  await until('both have ended', () => answers.ended === 2)
})

test('a reader that stops blocks no other client, and learns that it has missed some', async () => {
  const slow = connect({ path })
  try {
    slow.write('set timeout cli 60; show events json follow\n')
    // Its buffers are full by then.
    for (let round = 0; round < 4; round++) {
      add(1000, 'x'.repeat(4000))
      assert.match(await show('show version'), /^0\.1\.0/)
    }
    let text = ''
    slow.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
    await until('it has the newest', () => text.includes(`{"seq":${history.newest},`))
    const seqs = [...text.matchAll(/^\{"seq":(\d+),"time":"[^"]+","level":"(\w+)"/gm)].map(([, seq, level]) => ({
      seq: Number(seq),
      level,
    }))
    const gap = seqs.findIndex(({ level }) => level === 'warn')
    assert.ok(gap > 0, 'it has missed some')
    const numbers = seqs.map(({ seq }) => seq)
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
      'in order, none twice',
    )
    assert.equal(new Set(numbers).size, numbers.length)
  } finally {
    slow.destroy()
  }
})

test('a reader that stops for longer than a connection may be idle is closed', async () => {
  const slow = connect({ path })
  let isClosed = false
  slow.on('close', () => (isClosed = true)).on('error', () => undefined)
  slow.write('show events json follow\n')
  add(2000, 'x'.repeat(4000))
  await until('its answer has ended', () => answers.ended === 1)
  slow.resume()
  await until('it is closed', () => isClosed)
})

test('says so where an answer fails in the middle', async () => {
  assert.equal(await show('show fault'), 'a\nFailed: out of luck\n')
})
