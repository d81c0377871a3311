/** Holds docs/operations.md to the source, in both directions. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { withSessionCommands } from '../../src/admin/command.ts'
import { haproxyCommands } from '../../src/admin/haproxy/commands.ts'
import { actCommands } from '../../src/admin/act-commands.ts'
import { reloadCommands } from '../../src/admin/reload.ts'
import { showCommands } from '../../src/admin/show.ts'
import { History } from '../../src/events/history.ts'
import { ignoredSignals } from '../../src/cli/signals.ts'
import { type ConnectionEnd, type Stage, terminationOf } from '../../src/proxy/connection-line.ts'
import { capacityOf } from '../../src/proxy/capacity.ts'
import { statusFields } from '../../scripts/status-fields.ts'
import { findLogEvents } from './source/log-events.ts'
import { rowsIn } from './documents/markdown.ts'
import { errorCodes } from './source/error-codes.ts'
import { RecordingActs } from './admin/haproxy/sample.ts'
import { sampleReload, sampleStatus } from './admin/sample.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCUMENT = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')

/** Returns the cells of the tables below a heading, those of its subsections included; the first row of each is its title. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const start = DOCUMENT.indexOf(`\n${heading}\n`)
  assert.ok(start >= 0, heading)
  const level = /^#+/.exec(heading)?.[0].length ?? 0
  const [section = ''] = DOCUMENT.slice(start + heading.length + 1).split(new RegExp(`^#{1,${level}} `, 'm'))
  return rowsIn(section)
}

/** Returns the names in a cell: `a`, `b`. */
function names(cell = ''): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

/** How far connections have come that end for each reason. */
const STAGES_OF: Readonly<Record<ConnectionEnd, readonly Stage[]>> = {
  'client-closed': ['request', 'queue', 'connect', 'session'],
  'client-reset': ['request', 'queue', 'connect', 'session'],
  'client-gone': ['session'],
  'client-timeout': ['session'],
  'server-closed': ['connect', 'session'],
  'server-reset': ['session'],
  'server-timeout': ['session'],
  fence: ['session'],
  'member-down': ['session'],
  'member-moved': ['session'],
  'fallback-over': ['session'],
  'hold-timeout': ['queue'],
  'hold-limit': ['queue'],
  'connection-limit': ['request'],
  'process-limit': ['request'],
  silent: ['request', 'queue', 'connect'],
  admin: ['session'],
  'drain-timeout': ['session'],
  shutdown: ['request', 'queue', 'connect', 'session'],
  cancel: ['request'],
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)].toSorted()
}

describe('log events', () => {
  const { events, unclear, nameless } = findLogEvents()
  const rows = rowsBelow('## Messages').filter((cells) => cells.length === 4 && names(cells[0]).length > 0)

  test('every line of the log has an event, whose name is known from the source', () => {
    assert.deepEqual(nameless, [])
    assert.deepEqual(unclear, [])
  })

  test('every event of the source has one row, and every row is an event of the source', () => {
    const documented = rows.flatMap(([event]) => names(event))
    assert.ok(documented.length > 90)
    assert.deepEqual(documented.toSorted(), unique(events.map(({ event }) => event)))
  })

  test('the level of a row is one of those that the source logs it at', () => {
    const levels = new Map(rows.map(([event, level = '']) => [names(event)[0], level.split(', ')]))
    for (const { event, level, place } of events)
      if (level !== null) assert.ok(levels.get(event)?.includes(level), `${event} is ${level} in ${place}`)
    for (const each of levels.values())
      for (const level of each) assert.match(level, /^(?:debug|note|info|warn|error|fatal)$/)
  })

  test('the alerts name events that there are, in the table and in the rule alike', () => {
    const known = new Set(events.map(({ event }) => event))
    const listed = rowsBelow('### Alerts').flatMap(([cell]) =>
      names(cell).filter((name) => name.includes('-') || known.has(name)),
    )
    const [, rule = ''] = /IN\(([^)]*)\)/.exec(DOCUMENT) ?? []
    const inRule = [...rule.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name)
    assert.ok(inRule.length > 8)
    assert.deepEqual(inRule.toSorted(), unique(listed))
    for (const event of inRule) assert.ok(known.has(event), event)
  })
})

test('every code of an error has one row, and the source makes an error of each', () => {
  const rows = rowsBelow('### Errors at the start').flatMap(([code]) => names(code))
  const { declared, used } = errorCodes()
  assert.deepEqual(rows.toSorted(), declared.toSorted())
  assert.deepEqual(used, declared.toSorted())
})

test('every reason of the connection log has one row, with the termination states that it can have', () => {
  const [first = '', ...others] = DOCUMENT.split('| reason | termination | meaning |')[1]?.split('\n\n') ?? []
  assert.ok(others.length > 0)
  const documented = rowsIn(`| reason | termination | meaning |${first}`).flatMap(([reasons, states]) =>
    names(reasons).map((reason) => [reason, names(states)] as const),
  )
  const possible = Object.entries(STAGES_OF).map(([reason, stages]) => [
    reason,
    unique(stages.map((stage) => terminationOf(reason as ConnectionEnd, stage))),
  ])
  const byName = ([one = '']: readonly unknown[], [other = '']: readonly unknown[]): number =>
    String(one).localeCompare(String(other))
  const sorted = documented.map(([reason, states]) => [reason, unique(states)]).toSorted(byName)
  assert.deepEqual(sorted, possible.toSorted(byName))
})

test('every counter and state of the status has one row', () => {
  const rows = rowsBelow('## Counters and states').flatMap(([path]) => names(path))
  const counting = statusFields().filter(({ schema }) => schema.type === 'integer' && schema.minimum === 0)
  const states = statusFields().filter(({ schema }) => schema.enum !== undefined)
  assert.ok(counting.length > 20 && states.length > 5)
  assert.deepEqual(rows.toSorted(), [...counting, ...states].map(({ path }) => path).toSorted())
  assert.equal(new Set(rows).size, rows.length)
})

test('every signal that the router handles has its row, and no other has one', () => {
  const rows = rowsBelow('## Signals').flatMap(([signal]) => names(signal))
  const run = readFileSync(join(ROOT, 'src/cli/run.ts'), 'utf8')
  const handled = [...run.matchAll(/onSignal\(\[([^\]]*)\]/g)].flatMap(([, list = '']) => list.match(/SIG\w+/g) ?? [])
  assert.ok(handled.length > 3)
  assert.deepEqual(rows.toSorted(), unique([...handled, ...ignoredSignals(['run'])]))
})

const IDLE = { reload: () => Promise.resolve(sampleReload()), preview: () => Promise.resolve(sampleReload()) }

test('every command of the admin socket has its row, and no other has one', () => {
  const rows = rowsBelow('## First look').flatMap(([first, second]) => (second === undefined ? [] : names(first)))
  const commands = withSessionCommands([
    ...showCommands(() => sampleStatus(), new History()),
    ...haproxyCommands(() => sampleStatus(), new RecordingActs()),
    ...reloadCommands(IDLE),
    ...actCommands(new RecordingActs()),
  ]).map(({ words }) => words.join(' '))
  const start = rows.indexOf('help')
  assert.deepEqual(rows.slice(start).toSorted(), commands.toSorted())
})

test('the sessions that a limit of descriptors is enough for are as the document says', () => {
  const [, limit = '', sessions = ''] =
    /`LimitNOFILE=(\d+)` in the unit\s+is enough for ([\d,]+) sessions/.exec(DOCUMENT) ?? []
  const { connections } = capacityOf({ descriptors: Number(limit), memoryBytes: null }, 1)
  assert.equal(Math.floor(connections / 1000), Number(sessions.replace(',', '')) / 1000)
})

test('the errors that clients see are those that the source writes', () => {
  const source = ['unserved', 'process-budget', 'worker'].map((name) =>
    readFileSync(join(ROOT, `src/proxy/${name}.ts`), 'utf8'),
  )
  const texts = rowsBelow('## Errors that clients see').flatMap(
    ([text = '']) => /^`FATAL: (.*?)[`(]/.exec(text)?.[1] ?? [],
  )
  assert.ok(texts.length > 4)
  for (const text of texts)
    for (const part of text.split(/ (?:\.\.\.(?: connections)?|primary|replica|45 s) ?/).map((each) => each.trim()))
      assert.ok(
        source.some((each) => each.includes(part)),
        `${text}: ${part}`,
      )
})
