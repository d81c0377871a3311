/** The last known cluster in a directory that is missing, shared, full of rubbish or not to be written. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, watch, writeFileSync } from 'node:fs'
import fs, { stat } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { toSaved } from '../../../src/watcher/state/saved-cluster.ts'
import { StateFile } from '../../../src/watcher/state/state-file.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { member, present } from '../../unit/watcher/sample.ts'

type Line = { readonly event: string; readonly file: string; readonly msg: string }

const IDENTITY = { scope: 'demo', namespace: 'service', citusGroup: null }
const saved = (timelineFloor: number, members = 1) =>
  toSaved(
    { systemId: '1', standbyCluster: false, timelineFloor },
    present(...Array.from({ length: members }, (_, n) => member(`pg${n}`))),
  )

describe('the state file', () => {
  let dir: TempDir
  let lines: Line[]
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  before(() => {
    dir = TempDir.create('state')
  })
  after(async () => dir.remove())

  function fileIn(name: string, options: { retryMs?: number } = {}): StateFile {
    lines = []
    return new StateFile({ dir: join(dir.path, name), log, name: 'demo', ...IDENTITY, ...options })
  }

  test('is there after a restart, private, in a directory made for it', async () => {
    const file = fileIn('new')
    assert.equal(await file.load(), null)
    file.save(saved(3))
    await file.close()
    assert.deepEqual(await fileIn('new').load(), saved(3))
    assert.equal(statSync(join(dir.path, 'new')).mode & 0o777, 0o700)
    assert.equal(statSync(file.path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(join(dir.path, 'new')), ['cluster@service@demo.json'])
    assert.deepEqual(lines, [])
  })

  test('holds the last of many saves, with few writes', async () => {
    const file = fileIn('many')
    const events: string[] = []
    const watcher = watch(dir.mkdir('many'), (type, name) => events.push(`${type} ${name ?? ''}`))
    for (let n = 1; n <= 50; n++) {
      file.save(saved(n))
      // Time enough for a write.
      for (let turns = 0; turns < 30; turns++) await stat(dir.path)
    }
    await file.close()
    writeFileSync(join(dir.path, 'many', 'end'), '')
    await until('all events are there', () => events.includes('rename end'))
    watcher.close()
    assert.equal((await fileIn('many').load())?.timelineFloor, 50)
    const writes = events.filter((event) => event === `rename ${basename(file.path)}`).length
    assert.ok(writes > 0 && writes < 10, `${writes} writes`)
  })

  test('is not written again while nothing has changed, also since the last start', async () => {
    const first = fileIn('same')
    first.save(saved(1))
    await first.close()
    const { ino } = statSync(first.path)
    const second = fileIn('same')
    await second.load()
    second.save(saved(1))
    await second.close()
    assert.equal(statSync(first.path).ino, ino)
    const third = fileIn('same')
    await third.load()
    third.save(saved(2))
    third.save(saved(1))
    await third.close()
    assert.equal((await fileIn('same').load())?.timelineFloor, 1)
  })

  test('takes no save after it was closed', async () => {
    const file = fileIn('closed')
    await file.close()
    file.save(saved(1))
    await file.close()
    assert.equal(await fileIn('closed').load(), null)
  })

  test('has another name for each cluster, inside its directory, however it is called', async () => {
    const odd = [
      'demo',
      'Demo',
      'a@b',
      'a/b',
      '..',
      '../../x',
      'x'.repeat(300),
      `${'x'.repeat(300)}y`,
      'ä'.repeat(90),
      '\ud800',
      '',
    ]
    const identities = [
      ...odd.map((scope) => ({ ...IDENTITY, scope })),
      ...odd.map((namespace) => ({ ...IDENTITY, namespace, scope: 'demo' })),
      { ...IDENTITY, citusGroup: 0 },
      { ...IDENTITY, scope: 'demo@0' },
      { ...IDENTITY, name: 'other' },
      { ...IDENTITY, name: 'other', citusGroup: 0 },
      { ...IDENTITY, name: '0' },
    ].map((identity) => ({ name: identity.scope, ...identity }))
    const paths = new Set<string>()
    for (const identity of identities) {
      const file = new StateFile({ dir: join(dir.path, 'names'), log, ...identity })
      file.save(saved(1))
      await file.close()
      assert.deepEqual(await new StateFile({ dir: join(dir.path, 'names'), log, ...identity }).load(), saved(1))
      paths.add(file.path)
    }
    assert.equal(paths.size, identities.length)
    assert.deepEqual(readdirSync(join(dir.path, 'names')).sort(), [...paths].map((path) => basename(path)).sort())
  })

  for (const [title, make, reason] of [
    [
      'cut off',
      (path: string) => writeFileSync(path, readFileSync(path, 'utf8').slice(0, 50)),
      /is not a state file, or is truncated$/,
    ],
    [
      'too large',
      (path: string) => writeFileSync(path, Buffer.alloc(4 * 1024 * 1024 + 1, ' ')),
      /is larger than 4194304 bytes$/,
    ],
    [
      'of a newer version',
      (path: string) => writeFileSync(path, '{"format": 3}'),
      /was written by a newer version of patroni-router$/,
    ],
    [
      'of another cluster',
      (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('"demo"', '"omed"')),
      /belongs to another cluster$/,
    ],
    ['not text', (path: string) => writeFileSync(path, Buffer.from([0xff, 0xfe])), /is not in UTF-8$/],
  ] as const)
    test(`that is ${title} is not used, with a warning, and written again`, async () => {
      const name = title.replaceAll(' ', '-')
      const before = fileIn(name)
      before.save(saved(1))
      await before.close()
      make(before.path)
      const file = fileIn(name)
      assert.equal(await file.load(), null)
      assert.deepEqual(
        lines.map(({ event, file }) => [event, file]),
        [['state-ignored', before.path]],
      )
      assert.match(lines[0]?.msg ?? '', reason)
      file.save(saved(1))
      await file.close()
      assert.deepEqual(await fileIn(name).load(), saved(1))
    })

  test('that cannot be written is logged once, tried again, and logged when it can be', async () => {
    const directory = dir.mkdir('blocked')
    const file = fileIn('blocked', { retryMs: 5 })
    // A directory of that name that is not empty: that stops root, too.
    mkdirSync(join(file.path, 'full'), { recursive: true })
    const temporary = new Set<string | null>()
    const watcher = watch(directory, (_type, name) => temporary.add(name))
    file.save(saved(1))
    await until('it is told', () => lines.length > 0)
    file.save(saved(2))
    await until('it is tried several times', () => temporary.size > 4)
    watcher.close()
    rmSync(file.path, { recursive: true })
    await until('it is written', () => lines.length > 1)
    await file.close()
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['state-not-saved', 'state-saved'],
    )
    assert.match(lines[0]?.msg ?? '', /cannot be saved in .*blocked\/cluster@service@demo\.json: E/)
    assert.equal((await fileIn('blocked').load())?.timelineFloor, 2)
  })

  test('ends a router promptly where it cannot be written, and makes no directory above its own', async () => {
    const file = fileIn('not/mounted')
    file.save(saved(1))
    await file.close()
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['state-not-saved'],
    )
    assert.equal(statSync(join(dir.path, 'not'), { throwIfNoEntry: false }), undefined)
  })

  test('is given up where no directory can be made', async () => {
    lines = []
    const file = new StateFile({ dir: '/proc/patroni-router', log, name: 'demo', ...IDENTITY })
    file.save(saved(1))
    await until('it is reported', () => lines.some(({ event }) => event === 'state-not-saved'))
    await file.close()
  })

  test('ends a router whose file system hangs, too', async (context) => {
    const file = fileIn('hanging')
    context.mock.method(fs, 'open', () => new Promise(() => undefined))
    syncBuiltinESMExports()
    try {
      file.save(saved(1))
      await file.close()
    } finally {
      context.mock.restoreAll()
      syncBuiltinESMExports()
    }
    assert.equal(await fileIn('hanging').load(), null)
  })

  test('that would be larger than can be read is not written', async () => {
    const file = fileIn('large')
    const tags = { a: 'x'.repeat(5 * 1024 * 1024) }
    file.save(toSaved({ systemId: null, standbyCluster: false, timelineFloor: 0 }, present(member('pg1', { tags }))))
    await file.close()
    assert.match(lines[0]?.msg ?? '', /may have 4194304$/)
    assert.equal(await fileIn('large').load(), null)
  })

  test('is cleaned of what a killed router has left', async () => {
    const left = join(dir.mkdir('left'), '.cluster@service@demo.json.1.tmp')
    const alive = join(dir.path, 'left', '.cluster@service@demo.json.2.tmp')
    const other = join(dir.path, 'left', '.cluster@service@other.json.1.tmp')
    for (const path of [left, alive, other]) writeFileSync(path, '')
    for (const path of [left, other]) utimesSync(path, 0, 0)
    await fileIn('left').load()
    assert.deepEqual(readdirSync(join(dir.path, 'left')).sort(), [basename(alive), basename(other)])
  })

  test('is one of two routers that write it at once, whole', async () => {
    mkdirSync(join(dir.path, 'shared'))
    const files = [fileIn('shared'), fileIn('shared')]
    for (let n = 0; n < 20; n++) files.forEach((file, index) => file.save(saved(n, 1 + index * 500)))
    await Promise.all(files.map((file) => file.close()))
    const state = await fileIn('shared').load()
    assert.ok([1, 501].includes(state?.members.length ?? 0) && state?.timelineFloor === 19)
    assert.deepEqual(lines, [])
  })
})
