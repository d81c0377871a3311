/** The log for eyes, and when it is that. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { pino } from 'pino'
import { hasColours, isText, openLog } from '../../../src/cli/log.ts'
import { clusterLog } from '../../../src/router/cluster-log.ts'
import { logLines, withFields } from '../../../src/text/log-line.ts'
import { logText } from '../../../src/text/log-text.ts'

const TIME = '2026-11-20T03:12:44.123Z'
const shown = (entry: object, coloured = false): string =>
  logText(`${JSON.stringify({ time: TIME, ...entry })}\n`, coloured)

describe('the log for eyes', () => {
  const rows: readonly [string, object, string][] = [
    [
      'has time with its zone, level and message',
      { level: 'info', msg: 'it runs' },
      `2026-11-20 03:12:44.123Z INFO  it runs\n`,
    ],
    [
      'has the fields that the message does not say, and no event',
      { level: 'warn', event: 'fenced', msg: 'closed sessions on pg1', member: 'pg1', epoch: 3, reason: 'a b' },
      `2026-11-20 03:12:44.123Z WARN  closed sessions on pg1 epoch=3 reason="a b"\n`,
    ],
    [
      'has a list only if the message does not say all of it',
      { level: 'error', msg: 'refused: one; two', problems: ['one', 'two'], more: ['one', 'three'] },
      `2026-11-20 03:12:44.123Z ERROR refused: one; two more="[\\"one\\",\\"three\\"]"\n`,
    ],
    ['has no field without a value', { level: 'info', msg: 'm', a: null, b: '' }, `2026-11-20 03:12:44.123Z INFO  m\n`],
    [
      'has the numbers of a connection, also where they are a part of another one',
      {
        ...{ level: 'info', event: 'connection', listener: 'primary', client: '10.0.3.17', clientPort: 53412 },
        ...{ member: null, heldMs: 0, bytesIn: 17, reason: 'client-closed', termination: 'CR' },
        msg: 'primary: 10.0.3.17:53412: client-closed after 1 s',
      },
      `2026-11-20 03:12:44.123Z INFO  primary: 10.0.3.17:53412: client-closed after 1 s clientPort=53412 heldMs=0 bytesIn=17 termination=CR\n`,
    ],
    [
      'escapes what a terminal acts upon',
      { level: 'info', msg: 'a\u001b[2J\nb\u202e', file: '\u009b1m' },
      `2026-11-20 03:12:44.123Z INFO  a\\x1b[2J\\x0ab\\u202e file=\\x9b1m\n`,
    ],
    [
      'has the stack of an error below it',
      { level: 'error', msg: 'a fault', err: { message: 'x', stack: 'Error: x\n    at \u001b[1mf' } },
      `2026-11-20 03:12:44.123Z ERROR a fault\n    Error: x\n    at \\x1b[1mf\n`,
    ],
  ]
  for (const [title, entry, expected] of rows) test(title, () => assert.equal(shown(entry), expected))

  test('is coloured by level, around the same text', () => {
    const entry = { level: 'error', msg: 'm\u001b[0m', member: 'pg1' }
    const coloured = shown(entry, true)
    assert.ok(coloured.includes('\u001b[1;31mERROR\u001b[0m \u001b[1;31mm\\x1b[0m\u001b[0m'), coloured)
    assert.equal(stripVTControlCharacters(coloured), shown(entry))
    assert.equal(shown({ level: 'info', msg: 'm' }, true).includes('\u001b[3'), false)
  })

  test('keeps a line that is no JSON', () => assert.equal(logText('x\u001b\n', false), 'x\\x1b\n'))
})

describe('the format', () => {
  const on = (columns: number | null, env: Record<string, string> = {}) => ({ columns: () => columns, env })

  test('is text on a terminal and JSON elsewhere, unless it is configured', () => {
    const formats = (['auto', 'json', 'text'] as const).map((format) => [
      isText(format, on(80)),
      isText(format, on(null)),
    ])
    assert.deepEqual(formats, [
      [true, false],
      [false, false],
      [true, true],
    ])
  })

  test('has colours on a terminal that has them, unless NO_COLOR is set', () => {
    assert.equal(hasColours(on(80)), true)
    assert.equal(hasColours(on(80, { NO_COLOR: '' })), true)
    assert.equal(hasColours(on(80, { NO_COLOR: '1' })), false)
    assert.equal(hasColours(on(80, { TERM: 'dumb' })), false)
    assert.equal(hasColours(on(null)), false)
  })
})

test('a list is not repeated behind a message that has all of it', () => {
  const entry = (problems: readonly string[]): string =>
    logText(JSON.stringify({ level: 'error', time: 'T', msg: 'refused: a; b', problems }), false)
  assert.equal(entry(['a', 'b']), '  ERROR refused: a; b\n')
  assert.equal(entry(['a', 'x']), '  ERROR refused: a; b problems="[\\"a\\",\\"x\\"]"\n')
})

test('another level and another form count for all that is logged from then on', async () => {
  const io = { columns: () => null, env: {} }
  const { log, configure, close } = openLog({ level: 'info', format: 'json' }, io)
  const part = clusterLog(log, () => 'demo')
  const areEnabled = (): readonly boolean[] => [log, part].map((each) => each.isLevelEnabled('debug'))
  assert.deepEqual(areEnabled(), [false, false])
  configure({ level: 'debug', format: 'json' })
  assert.deepEqual(areEnabled(), [true, true])
  configure({ level: 'fatal', format: 'text' })
  assert.deepEqual(areEnabled(), [false, false])
  await close()
})

test('milestones and all above are recorded, whatever the level of the log is', async () => {
  const recorded: string[] = []
  const io = { columns: () => null, env: {} }
  const record = (line: string): void => void recorded.push(line)
  const { log, configure, close } = openLog({ level: 'fatal', format: 'text' }, io, record)
  const lines = (['debug', 'note', 'info', 'error'] as const).map((level) => ({
    level,
    fields: { event: 'e' },
    message: level,
  }))
  logLines(log, lines)
  logLines(withFields(log, { cluster: 'demo' }), lines.slice(1, 2))
  configure({ level: 'error', format: 'json' })
  configure({ level: 'fatal', format: 'text' })
  logLines(log, lines.slice(2, 3))
  assert.deepEqual(
    recorded.map((line) => /^\{"level":"(\w+)","time":"\S+Z",.*"msg":"(\w+)"\}\n$/.exec(line)?.slice(1)),
    [
      ['note', 'note'],
      ['info', 'info'],
      ['error', 'error'],
      ['note', 'note'],
      ['info', 'info'],
    ],
  )
  await close()
})

test('a log without the level of milestones takes them as debug', () => {
  const shown: string[] = []
  const log = pino({ level: 'debug', base: null, timestamp: false }, { write: (line: string) => void shown.push(line) })
  logLines(log, [{ level: 'note', fields: { event: 'e' }, message: 'm' }])
  assert.deepEqual(shown, ['{"level":20,"event":"e","msg":"m"}\n'])
})
