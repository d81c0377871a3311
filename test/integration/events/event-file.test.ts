/** Events that are kept in a directory that is missing, shared, full or does not answer. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { eventOf } from '../../../src/events/event.ts'
import { EventFile, type EventFileOptions } from '../../../src/events/event-file.ts'
import { History } from '../../../src/events/history.ts'
import { eventFile, formerEventFile, readKeptEvents } from '../../../src/events/kept-events.ts'
import { withFaults } from '../../support/files/faults.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { type RouterPlace } from '../../../src/state-dir.ts'

interface Warning {
  readonly event: string
  readonly msg: string
}

describe('the file of events', () => {
  let dir: TempDir
  let lines: Warning[]
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Warning) })
  before(() => {
    dir = TempDir.create('events')
  })
  after(async () => dir.remove())

  const placeIn = (name: string): RouterPlace => ({ dir: join(dir.path, name), socket: '/run/a.sock' })
  const add = (history: History, ...messages: readonly string[]): void => {
    for (const msg of messages)
      history.add(`${JSON.stringify({ level: 'info', time: new Date(0).toISOString(), event: 'e', msg })}\n`)
  }
  const messagesOf = (history: History): string[] =>
    history.after(0, Infinity).events.map((each) => eventOf(each)?.message ?? 'damaged')
  const kept = async (place: RouterPlace): Promise<string[]> =>
    (await readKeptEvents(place)).events.map((each) => eventOf(each)?.message ?? 'damaged')

  /** A run of a router. */
  async function begin(place: RouterPlace | null, options: Partial<EventFileOptions> = {}) {
    lines = []
    const history = options.history ?? new History()
    const file = new EventFile({ history, log, ...options })
    await file.open(place)
    return { history, file }
  }

  test('is there after a restart, private, in a directory made for it', async () => {
    const place = placeIn('new')
    const first = await begin(place)
    add(first.history, 'a', 'b')
    await first.file.close()
    assert.equal(statSync(place.dir).mode & 0o777, 0o700)
    assert.equal(statSync(eventFile(place)).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(place.dir), ['events@%2Frun%2Fa.sock.jsonl'])
    const second = await begin(place)
    add(second.history, 'c')
    assert.deepEqual(messagesOf(second.history), ['a', 'b', 'c'])
    await second.file.close()
    assert.deepEqual(await kept(place), ['a', 'b', 'c'])
    assert.deepEqual(lines, [])
  })

  test('has what was logged before it was opened, and what comes while it runs, at once', async () => {
    const history = new History()
    add(history, 'before')
    const { file } = await begin(placeIn('early'), { history })
    await until('it is written', async () => (await kept(placeIn('early'))).length === 1)
    add(history, 'later')
    await until('it is written, too', async () => (await kept(placeIn('early'))).length === 2)
    await file.close()
    await file.close()
  })

  test('is two files of a bounded size, of which the older goes', async () => {
    const place = placeIn('bounded')
    const { history, file } = await begin(place, { maxBytes: 2000 })
    for (let n = 0; n < 25; n++) {
      add(history, `m${n} ${'x'.repeat(200)}`)
      await until(
        'it is written',
        () => existsSync(eventFile(place)) && readFileSync(eventFile(place), 'utf8').includes(`m${n} `),
      )
      assert.ok(statSync(eventFile(place)).size <= 2000)
    }
    await file.close()
    assert.ok(statSync(formerEventFile(place)).size <= 2000)
    assert.equal(readdirSync(place.dir).length, 2)
    const all = await kept(place)
    assert.ok(all.length > 6 && all.at(-1)?.startsWith('m24') === true, `${all.length} events`)
  })

  test('loses nothing but the torn line that a killed router has left', async () => {
    const place = placeIn('torn')
    const first = await begin(place)
    add(first.history, 'a', 'ä')
    await first.file.close()
    const bytes = readFileSync(eventFile(place))
    // In the middle of a character.
    writeFileSync(eventFile(place), bytes.subarray(0, bytes.lastIndexOf(0xc3) + 1))
    const second = await begin(place)
    assert.deepEqual(messagesOf(second.history), ['a'])
    add(second.history, 'b')
    await second.file.close()
    appendFileSync(eventFile(place), 'rubbish\n{"seq":1,"level":"}\n')
    assert.deepEqual(
      (await kept(place)).filter((message) => message !== 'damaged'),
      ['a', 'b'],
    )
    assert.deepEqual(lines, [])
  })

  test('that cannot be written is reported once, tried again, and has everything in the end', async () => {
    const place = placeIn('blocked')
    mkdirSync(join(eventFile(place), 'full'), { recursive: true })
    const { history, file } = await begin(place, { retryMs: 5 })
    add(history, 'a')
    await until('it is reported', () => lines.some(({ event }) => event === 'events-not-saved'))
    add(history, 'b')
    rmSync(eventFile(place), { recursive: true })
    await until('it is written', () => lines.some(({ event }) => event === 'events-saved'))
    await file.close()
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['events-ignored', 'events-not-saved', 'events-saved'],
    )
    assert.match(
      lines[1]?.msg ?? '',
      /cannot be saved in .*blocked\/events@.*\.jsonl, and would be gone after a restart: E/,
    )
    assert.deepEqual(await kept(place), ['a', 'b'])
  })

  test('on a disk that is full has each event once when there is room again', async () => {
    const place = placeIn('full')
    const first = await begin(place)
    add(first.history, 'a')
    await first.file.close()
    const { history, file } = await begin(place, { retryMs: 5 })
    let attempts = 0
    await withFaults(
      ({ name }) => (name === '.writeFile' && ++attempts > 0 ? 'ENOSPC' : null),
      async () => {
        add(history, 'b', 'c')
        await until('it is tried several times', () => attempts > 3)
      },
    )
    await file.close()
    assert.deepEqual(await kept(place), ['a', 'b', 'c'])
    assert.deepEqual(lines.map(({ event }) => event).slice(0, 1), ['events-not-saved'])
  })

  test('on a file system that hangs keeps neither a start nor an end waiting, and says so once', async (context) => {
    context.mock.method(fs, 'open', () => new Promise(() => undefined))
    syncBuiltinESMExports()
    const history = new History()
    try {
      const { file } = await begin(placeIn('hanging'), { history, slowMs: 5 })
      add(history, 'a')
      await until('it is reported', () => lines.some(({ event }) => event === 'events-not-saved'))
      add(history, 'b')
      await file.close()
    } finally {
      context.mock.restoreAll()
      syncBuiltinESMExports()
    }
    assert.deepEqual(
      lines.map(({ event, msg }) => [event, /(?:within|for) \S+ s$/.test(msg)]),
      [
        ['events-ignored', true],
        ['events-not-saved', true],
      ],
    )
    assert.deepEqual(messagesOf(history), ['a', 'b'])
  })

  test('follows no link, and makes no directory above its own', async () => {
    const place = placeIn('linked')
    mkdirSync(place.dir)
    writeFileSync(join(dir.path, 'target'), '')
    symlinkSync(join(dir.path, 'target'), eventFile(place))
    for (const each of [place, placeIn('not/mounted')]) {
      const { history, file } = await begin(each)
      add(history, 'a')
      await file.close()
      assert.deepEqual(
        lines.map(({ event }) => event),
        ['events-not-saved'],
      )
    }
    assert.equal(readFileSync(join(dir.path, 'target'), 'utf8'), '')
    assert.equal(existsSync(join(dir.path, 'not')), false)
  })

  test('goes over to another directory with all that is known, and is not written without one', async () => {
    const [one, other] = [placeIn('one'), placeIn('other')]
    const { history, file } = await begin(one)
    add(history, 'a')
    await until('it is written', async () => (await kept(one)).length === 1)
    file.reopen(other)
    add(history, 'b')
    await until('the other one is written', async () => (await kept(other)).length === 2)
    file.reopen({ ...other })
    file.reopen(null)
    add(history, 'c')
    await file.close()
    assert.deepEqual([await kept(one), await kept(other)], [['a'], ['a', 'b']])
  })

  test('is each router its own in a directory of several', async () => {
    const places = ['/run/a.sock', '/run/b.sock', `/${'x'.repeat(300)}`].map((socket) => ({
      dir: join(dir.path, 'shared'),
      socket,
    }))
    const runs = await Promise.all(places.map(async (place) => begin(place)))
    runs.forEach(({ history }, n) => add(history, `m${n}`))
    await Promise.all(runs.map(({ file }) => file.close()))
    assert.deepEqual(await Promise.all(places.map(kept)), [['m0'], ['m1'], ['m2']])
  })
})
