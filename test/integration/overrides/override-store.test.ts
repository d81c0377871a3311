/** Overrides and holds over restarts, in a directory that is missing, damaged or not to be written. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { overridesFile } from '../../../src/overrides/kept-overrides.ts'
import { OverrideStore } from '../../../src/overrides/override-store.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { type RouterPlace } from '../../../src/state-dir.ts'

const LISTENERS = new Map([['demo', ['primary', 'replicas']]])
const DRAIN = { state: 'drain', forMs: null, by: 'alice' } as const

describe('overrides in state_dir', () => {
  let dir: TempDir
  const lines: { readonly event: string; readonly level: number; readonly msg: string }[] = []
  const log = pino(
    { level: 'info' },
    { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) },
  )
  before(() => {
    dir = TempDir.create('overrides')
  })
  after(() => dir.remove())

  /** A router that starts with what is in a directory. */
  async function started(place: RouterPlace | null, listeners = LISTENERS): Promise<OverrideStore> {
    lines.length = 0
    const store = new OverrideStore(place, { log, logOf: () => log, changed: () => undefined })
    await store.load(listeners)
    return store
  }

  function placeIn(name: string, socket = '/run/a.sock'): RouterPlace {
    return { dir: join(dir.path, name), socket }
  }

  test('are there after a restart, in a private file', async () => {
    const place = placeIn('new')
    const first = await started(place)
    // None, and no file for it.
    assert.equal(existsSync(place.dir), false)
    assert.deepEqual(await first.setMember('demo', 'pg2', DRAIN), { kind: 'kept' })
    assert.deepEqual(await first.hold('demo', ['primary'], 60_000, 'bob'), { kind: 'kept' })
    const before = first.of('demo')
    await first.close()
    assert.deepEqual(readdirSync(place.dir), ['overrides@%2Frun%2Fa.sock.json'])
    assert.equal(statSync(overridesFile(place)).mode & 0o777, 0o600)
    const second = await started(place)
    assert.deepEqual(second.of('demo'), before)
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['override-kept', 'override-kept'],
    )
    // A reload that changes nothing of it.
    second.reconfigure(LISTENERS, place, null)
    assert.deepEqual(await second.endMember('demo', 'pg2', 'bob'), { kind: 'kept' })
    await second.release('demo', ['primary'], 'bob')
    await second.close()
    const third = await started(place)
    assert.equal(third.of('demo').members.size + third.of('demo').holds.size, 0)
    await third.close()
  })

  test('end at a restart whose time is over, or that have no place in the configuration', async () => {
    const place = placeIn('over')
    const first = await started(place)
    await first.setMember('demo', 'pg1', { ...DRAIN, forMs: 60_000 })
    await first.setMember('demo', 'pg2', DRAIN)
    await first.hold('demo', ['gone'], 60_000, 'bob')
    await first.close()
    const file = overridesFile(place)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"until": \d+/, '"until": 1'))
    const second = await started(place)
    assert.deepEqual([...second.of('demo').members.keys()], ['pg2'])
    assert.equal(second.of('demo').holds.size, 0)
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['override-ended', 'hold-ended', 'override-kept'],
    )
    await second.close()
  })

  test('last no longer after a restart than a command can have them last', async () => {
    const place = placeIn('edited')
    const first = await started(place)
    await first.hold('demo', ['primary'], 60_000, 'bob')
    await first.close()
    const file = overridesFile(place)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"until": \d+/, '"until": 8640000000000000'))
    const second = await started(place)
    const { since, until: end } = second.of('demo').holds.get('primary') ?? assert.fail()
    assert.ok(end - since < 3_700_000, `${end - since} ms`)
    await second.close()
  })

  test('end by themselves, and are gone from the file', async () => {
    const place = placeIn('timed')
    const store = await started(place)
    await store.setMember('demo', 'pg1', { ...DRAIN, forMs: 20 })
    await store.hold('demo', ['primary'], 30, 'bob')
    await until('it has ended', () => store.of('demo').members.size + store.of('demo').holds.size === 0, {
      everyMs: 5,
    })
    await until('the file has it no longer', () => !readFileSync(overridesFile(place), 'utf8').includes('pg1'))
    const ended = lines.map(({ event }) => event).filter((event) => event.endsWith('-ended'))
    assert.deepEqual(ended.slice(-2), ['override-ended', 'hold-ended'])
    await store.close()
  })

  test('of a damaged file are not used, and the file is kept aside', async () => {
    const place = placeIn('damaged')
    const first = await started(place)
    await first.setMember('demo', 'pg1', DRAIN)
    await first.close()
    const file = overridesFile(place)
    const half = readFileSync(file, 'utf8').slice(0, 100)
    writeFileSync(file, half)
    const second = await started(place)
    assert.equal(second.of('demo').members.size, 0)
    assert.deepEqual(
      lines.map(({ event, level }) => [event, level]),
      [['overrides-ignored', 40]],
    )
    assert.equal(readFileSync(`${file}.damaged`, 'utf8'), half)
    assert.deepEqual(await second.setMember('demo', 'pg2', DRAIN), { kind: 'kept' })
    await second.close()
  })

  test('count without the file where it cannot be written, say so, and are written once it can be', async () => {
    const place = { ...placeIn('file'), dir: join(dir.path, 'file') }
    writeFileSync(place.dir, '')
    lines.length = 0
    const store = new OverrideStore(place, { log, logOf: () => log, changed: () => undefined, retryMs: 10 })
    const kept = await store.setMember('demo', 'pg1', DRAIN)
    assert.equal(kept.kind, 'failed')
    assert.equal(store.of('demo').members.size, 1)
    rmSync(place.dir)
    await until('it is written', () => existsSync(overridesFile(place)))
    await until('that is logged', () => lines.some(({ event }) => event === 'overrides-saved'))
    assert.equal(lines.filter(({ event }) => event === 'overrides-not-saved').length, 1)
    await store.close()
  })

  test('are tried to be written with each act, and a failure is logged once', async () => {
    const place = { ...placeIn('late'), dir: join(dir.path, 'late') }
    writeFileSync(place.dir, '')
    lines.length = 0
    const store = new OverrideStore(place, { log, logOf: () => log, changed: () => undefined, retryMs: 600_000 })
    for (const member of ['pg1', 'pg2']) assert.equal((await store.setMember('demo', member, DRAIN)).kind, 'failed')
    assert.equal(lines.filter(({ event }) => event === 'overrides-not-saved').length, 1)
    rmSync(place.dir)
    assert.deepEqual(await store.endMember('demo', 'pg1', 'bob'), { kind: 'kept' })
    assert.match(readFileSync(overridesFile(place), 'utf8'), /pg2/)
    assert.equal(lines.at(-1)?.event, 'overrides-saved')
    await store.close()
  })

  test('move with state_dir, and none is left where they were', async () => {
    const [before, next] = [placeIn('before'), placeIn('next')]
    const store = await started(before)
    await store.setMember('demo', 'pg1', DRAIN)
    store.reconfigure(LISTENERS, next, null)
    await until('they have moved', () => existsSync(overridesFile(next)) && !existsSync(overridesFile(before)))
    store.reconfigure(LISTENERS, null, null)
    await until('none is kept', () => !existsSync(overridesFile(next)))
    assert.equal(store.of('demo').members.size, 1)
    assert.deepEqual(await store.endMember('demo', 'pg1', 'bob'), { kind: 'no-state-dir' })
    assert.ok(existsSync(dirname(overridesFile(next))))
    await store.close()
  })

  test('of an earlier run do not come back from a state_dir that is used again', async () => {
    const [before, next] = [placeIn('back'), placeIn('away')]
    const first = await started(before)
    await first.setMember('demo', 'pg2', DRAIN)
    await first.close()
    const second = await started(next)
    second.reconfigure(LISTENERS, before, null)
    await until('they are gone', () => !readFileSync(overridesFile(before), 'utf8').includes('pg2'))
    await second.close()
    const third = await started(before)
    assert.equal(third.of('demo').members.size, 0)
    await third.close()
  })

  test('stay where they were while the next state_dir cannot be written', async () => {
    const [before, next] = [placeIn('kept'), placeIn('full')]
    const store = await started(before)
    await store.setMember('demo', 'pg1', DRAIN)
    writeFileSync(next.dir, '')
    store.reconfigure(LISTENERS, next, null)
    await until('it has failed', () => lines.some(({ event }) => event === 'overrides-not-saved'))
    assert.equal((await store.setMember('demo', 'pg2', DRAIN)).kind, 'failed')
    assert.match(readFileSync(overridesFile(before), 'utf8'), /pg1/)
    await store.close()
  })

  test('of two routers with one state_dir are apart', async () => {
    const one = await started(placeIn('shared', '/run/one.sock'))
    await one.setMember('demo', 'pg1', DRAIN)
    const two = await started(placeIn('shared', '/run/two.sock'))
    assert.equal(two.of('demo').members.size, 0)
    await Promise.all([one.close(), two.close()])
  })
})
