/** Commits that are cut off at any moment, and the journal that settles them at the next start. */
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { explain } from '../../../src/errors.ts'
import { Files } from '../../../src/templates/files/files.ts'
import { Journal } from '../../../src/templates/files/journal.ts'
import { TempDir } from '../../support/files/temp.ts'
import { files, NEW, OLD, Scene, stageAll } from './support/cut-off.ts'
import { type Call, traced } from './support/traced.ts'

type Line = { readonly event: string; readonly msg: string }

describe('the journal of a group', () => {
  let dir: TempDir
  let lines: Line[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  before(() => {
    dir = TempDir.create('journal')
  })
  after(async () => dir.remove())

  const sceneOf = (name: string): Scene => {
    lines = []
    return new Scene(dir.mkdir(name))
  }
  const journalIn = (state: string | null): Journal => new Journal({ dir: state, group: 'group', log })

  test('has a reload until it is done, also after a restart', async () => {
    const scene = sceneOf('reload')
    const journal = journalIn(scene.state)
    await files.commit(await stageAll(scene.paths, NEW), journal, true)
    assert.deepEqual([journal.reloadDue, readdirSync(scene.state)], [true, ['templates@group.json']])
    assert.equal(statSync(scene.state).mode & 0o777, 0o700)
    assert.equal(statSync(journal.path ?? '').mode & 0o777, 0o600)
    const next = journalIn(scene.state)
    assert.deepEqual(await files.recover(next, scene.paths), { reloadDue: true, commit: 'none', warnings: [] })
    // One that is undone changes nothing about the one before.
    const staged = await stageAll(scene.paths, OLD)
    writeFileSync(staged[1]?.staged ?? '', 'spoilt')
    await assert.rejects(files.commit(staged, next, true), /its staged file was changed/)
    // Of a writer that was killed, before somebody set the clock back.
    const leftover = join(scene.state, '.templates@group.json.0.tmp')
    writeFileSync(leftover, '')
    utimesSync(leftover, 2 ** 32, 2 ** 32)
    const third = journalIn(scene.state)
    assert.ok((await files.recover(third, scene.paths)).reloadDue)
    await third.done()
    assert.deepEqual(readdirSync(scene.state), [])
    assert.ok(!(await files.recover(journalIn(scene.state), scene.paths)).reloadDue)
    assert.deepEqual(lines, [])
  })

  test('is not kept for a commit that has nothing to reload, once that is done', async () => {
    const scene = sceneOf('silent')
    await files.commit(await stageAll(scene.paths, NEW), journalIn(scene.state), false)
    assert.deepEqual([scene.contents, readdirSync(scene.state)], [[NEW, NEW], []])
  })

  test('is needed for several files, and not for one', async () => {
    const scene = sceneOf('needed')
    writeFileSync(scene.state, 'no directory')
    const journal = journalIn(scene.state)
    await assert.rejects(files.commit(await stageAll(scene.paths, NEW), journal, true), (error: unknown) => {
      assert.match(explain(error), /the journal .*state\/templates@group\.json cannot be written: ENOTDIR/)
      return true
    })
    assert.deepEqual(
      [scene.contents, readdirSync(scene.directory)],
      [
        [OLD, OLD],
        ['a', 'b'],
      ],
    )
    await files.commit(await stageAll(scene.paths.slice(0, 1), NEW), journal, true)
    assert.deepEqual([scene.contents, journal.reloadDue], [[NEW, OLD], true])
    assert.equal(lines.filter(({ event }) => event === 'journal-not-kept').length, 1)
    const kept = journalIn(null)
    await files.commit(await stageAll(scene.paths, NEW), kept, true)
    assert.deepEqual([scene.contents, kept.reloadDue], [[NEW, NEW], true])
  })

  test('completes what can be completed, and undoes what cannot', async () => {
    const finished = sceneOf('finished')
    const [first] = await finished.interrupt()
    renameSync(first?.staged ?? '', finished.paths[0] ?? '')
    const outcome = await files.recover(journalIn(finished.state), finished.paths)
    assert.deepEqual(outcome, { reloadDue: true, commit: 'completed', warnings: [] })
    assert.deepEqual(
      [finished.contents, readdirSync(finished.directory)],
      [
        [NEW, NEW],
        ['a', 'b'],
      ],
    )

    for (const spoil of [(path: string) => rmSync(path), (path: string) => writeFileSync(path, 'torn')]) {
      const undone = sceneOf('undone')
      const [, b] = await undone.interruptBetween()
      spoil(b?.staged ?? '')
      const outcome = await files.recover(journalIn(undone.state), undone.paths)
      assert.deepEqual(outcome, { reloadDue: false, commit: 'undone', warnings: [] })
      assert.deepEqual(
        [undone.contents, readdirSync(undone.directory)],
        [
          [OLD, OLD],
          ['a', 'b'],
        ],
      )
      assert.deepEqual(readdirSync(undone.state), [])
    }
  })

  test('touches no file that is not configured any more, or leads elsewhere now', async () => {
    const scene = sceneOf('unknown')
    const elsewhere = join(scene.directory, 'elsewhere')
    writeFileSync(elsewhere, OLD)
    const [, b] = await scene.interrupt()
    rmSync(scene.paths[0] ?? '')
    symlinkSync('elsewhere', scene.paths[0] ?? '')
    const outcome = await files.recover(journalIn(scene.state), scene.paths.slice(0, 1))
    assert.equal(outcome.commit, 'none')
    assert.deepEqual([...scene.contents, readFileSync(elsewhere, 'utf8')], [OLD, OLD, OLD])
    assert.ok(existsSync(b?.staged ?? ''))
    assert.deepEqual(readdirSync(scene.state), [])
  })

  test('leads to no file that is not named like a staged one', async () => {
    const scene = sceneOf('forged')
    await scene.interrupt()
    const path = journalIn(scene.state).path ?? ''
    const victim = join(scene.directory, 'victim')
    writeFileSync(victim, NEW)
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replaceAll(/"staged": "[^"]*"/g, `"staged": ${JSON.stringify(victim)}`),
    )
    assert.equal((await files.recover(journalIn(scene.state), scene.paths)).commit, 'none')
    assert.deepEqual(
      [scene.contents, readdirSync(scene.directory)],
      [
        [OLD, OLD],
        ['a', 'b', 'victim'],
      ],
    )
  })

  test('that is damaged is set aside with a warning, and has the reload made that may be due', async () => {
    const scene = sceneOf('damaged')
    await scene.interrupt()
    const path = journalIn(scene.state).path ?? ''
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -40))
    const outcome = await files.recover(journalIn(scene.state), scene.paths)
    assert.deepEqual(outcome, { reloadDue: true, commit: 'none', warnings: [] })
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['journal-ignored'],
    )
    assert.match(lines[0]?.msg ?? '', /group\.json is not a journal, or is cut off, and is kept as .*\.damaged$/)
    assert.deepEqual(readdirSync(scene.directory), ['a', 'b'])
    // Also if that start is killed.
    const next = journalIn(scene.state)
    assert.equal((await files.recover(next, scene.paths)).reloadDue, true)
    assert.equal(lines.length, 1)
    await next.done()
    assert.deepEqual(readdirSync(scene.state), ['templates@group.json.damaged'])
    mkdirSync(path)
    assert.equal((await files.recover(journalIn(scene.state), scene.paths)).commit, 'none')
  })

  test('of one group is not that of another, whatever they are called', async () => {
    const names = ['a', 'a/b', 'a%2Fb', '../a', 'ä'.repeat(300), `${'ä'.repeat(300)}b`, '/etc/haproxy/haproxy.cfg']
    const state = dir.mkdir('names')
    const journals = names.map((group) => new Journal({ dir: state, group, log }))
    assert.equal(new Set(journals.map(({ path }) => path)).size, names.length)
    for (const journal of journals) await journal.committed(true)
    assert.equal(readdirSync(state).length, names.length)
    for (const group of names) {
      const journal = new Journal({ dir: state, group, log })
      await journal.load()
      assert.ok(journal.reloadDue, group)
    }
  })

  test('lets the start remove what dead routers have staged, and nothing of living ones and of others', async () => {
    const scene = sceneOf('sweep')
    const random = '0123456789ab'
    const kept = [`.a.patroni-router-77-${random}.tmp`, '.a.patroni-router-x.tmp', `.c.patroni-router-5-${random}.tmp`]
    const gone = ['tmp', 'undo', 'bak'].map((kind) => `.a.patroni-router-5-${random}.${kind}`)
    gone.push(`.b.patroni-router-${process.pid}-${random}.tmp`)
    for (const name of [...kept, ...gone]) writeFileSync(join(scene.directory, name), '')
    const sweeper = new Files({ pid: process.pid, isAlive: (pid) => pid === 77 || pid === process.pid })
    await sweeper.recover(journalIn(null), [...scene.paths, join(scene.directory, 'none', 'x')])
    assert.deepEqual(readdirSync(scene.directory), [...kept, 'a', 'b'].sort())
  })

  test('is on the disk before the first file is replaced, and the directory after the last', async () => {
    const scene = sceneOf('order')
    const { calls, output } = await traced(join(dir.path, 'order.trace'), [scene.state, NEW, ...scene.paths])
    assert.match(output, /^committed /)
    const steps = calls.flatMap(({ name, text }) => stepOf(name, text) ?? [])
    assert.deepEqual(steps, [
      ...['open a.tmp private', 'write a.tmp', 'mode a.tmp', 'sync a.tmp'],
      ...['open b.tmp private', 'write b.tmp', 'mode b.tmp', 'sync b.tmp'],
      ...['open journal.tmp private', 'write journal.tmp', 'mode journal.tmp', 'sync journal.tmp'],
      ...['rename journal.tmp journal', 'sync state'],
      ...['link a a.undo', 'link b b.undo', 'sync files', 'rename a.tmp a', 'rename b.tmp b', 'sync files'],
      ...['open journal.tmp private', 'write journal.tmp', 'mode journal.tmp', 'sync journal.tmp'],
      ...['rename journal.tmp journal', 'sync state', 'unlink a.undo', 'unlink b.undo'],
    ])
  })
})

/** What a call does to the files of the scene, in words; null: nothing. */
function stepOf(name: Call['name'], text: string): string | null {
  if (!/\/(files|state)(\/|>)/.test(text) || / = -1 /.test(text)) return null
  const paths = [...text.matchAll(/[<"](\/[^<>"]*)[>"]/g)].map(([, path = '']) => nameOf(path))
  const [path = '', other = ''] = name === 'openat' ? paths.slice(-1) : paths
  if (name === 'openat')
    return text.includes('O_CREAT') ? `open ${path} ${/0600\)/.test(text) ? 'private' : 'public'}` : null
  const verbs: Readonly<Record<string, string>> = { pwrite64: 'write', ftruncate: 'cut', fsync: 'sync', fchmod: 'mode' }
  return [verbs[name] ?? name, path, other].join(' ').trim()
}

function nameOf(path: string): string {
  const name = path.split('/').at(-1) ?? ''
  const [, file = name, kind = ''] = /^\.(.*?)\.(?:patroni-router-\d+-)?[0-9a-f-]{12,36}\.(\w+)$/.exec(name) ?? []
  return [file.replace('templates@group.json', 'journal'), kind].filter(Boolean).join('.')
}
