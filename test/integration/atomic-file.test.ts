/** Files that are replaced as a whole, by writers that fail, race and are killed. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { removeLeftovers, writeAtomically } from '../../src/atomic-file.ts'
import { TempDir } from '../support/files/temp.ts'
import { until } from '../support/until.ts'

describe('a file that is written atomically', () => {
  let dir: TempDir
  before(() => {
    dir = TempDir.create('atomic')
  })
  after(async () => dir.remove())

  test('has its mode whatever the umask, and nothing beside it', async () => {
    const directory = dir.mkdir('mode')
    for (const mode of [0o600, 0o666, 0o400]) {
      await writeAtomically(join(directory, 'a'), `of mode ${mode}`, mode)
      assert.equal(statSync(join(directory, 'a')).mode & 0o7777, mode)
      assert.equal(readFileSync(join(directory, 'a'), 'utf8'), `of mode ${mode}`)
    }
    assert.deepEqual(readdirSync(directory), ['a'])
  })

  test('takes the place of a link and leaves alone what the link led to', async () => {
    const directory = dir.mkdir('link')
    writeFileSync(join(directory, 'target'), 'kept')
    symlinkSync('target', join(directory, 'a'))
    await writeAtomically(join(directory, 'a'), 'new', 0o600)
    assert.equal(readFileSync(join(directory, 'target'), 'utf8'), 'kept')
    assert.equal(readFileSync(join(directory, 'a'), 'utf8'), 'new')
  })

  test('reports a failure and leaves nothing beside it', async () => {
    const directory = dir.mkdir('failed')
    mkdirSync(join(directory, 'a', 'full'), { recursive: true })
    await assert.rejects(writeAtomically(join(directory, 'a'), 'x', 0o600), /EISDIR|ENOTEMPTY|EEXIST/)
    await assert.rejects(writeAtomically(join(directory, 'none', 'a'), 'x', 0o600), /ENOENT/)
    assert.deepEqual(readdirSync(directory), ['a'])
  })

  test('is whole at any time while several write it at once', async () => {
    const path = join(dir.mkdir('race'), 'a')
    const whole = (letter: string): string => letter.repeat(200_000)
    await writeAtomically(path, whole('a'), 0o600)
    const writers = ['a', 'b', 'c'].map(async (letter) => {
      for (let n = 0; n < 30; n++) await writeAtomically(path, whole(letter), 0o600)
    })
    const done = new AbortController()
    const all = Promise.all(writers).finally(() => done.abort())
    const torn: number[] = []
    let readings = 0
    while (!done.signal.aborted) {
      const text = readFileSync(path, 'utf8')
      if (text !== whole(text[0] ?? '') || text === '') torn.push(text.length)
      readings++
      await new Promise((resolve) => setImmediate(resolve))
    }
    await all
    assert.deepEqual(torn, [])
    assert.ok(readings > 1)
  })

  test('is whole after its writer was killed, and what that one left is removed once it is old', async () => {
    const directory = dir.mkdir('killed')
    const path = join(directory, 'a')
    const source = join(import.meta.dirname, '../../src/atomic-file.ts')
    const program = `const { writeAtomically } = await import(${JSON.stringify(source)})
      for (let n = 0; ; n++) {
        await writeAtomically(${JSON.stringify(path)}, String(n % 10).repeat(3_000_000), 0o600)
        if (n === 2) console.log('begun')
      }`
    const left = (): string[] => readdirSync(directory).filter((name) => name !== 'a')
    for (let kills = 0; kills < 20 && left().length === 0; kills++) {
      const writer = spawn(process.execPath, ['--input-type=module', '-e', program], {
        cwd: dir.path,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(writer.stdout, 'data')
      await until('it is writing', () => left().length > 0, { everyMs: 0 })
      writer.kill('SIGKILL')
      await once(writer, 'exit')
      const text = readFileSync(path, 'utf8')
      assert.ok(text.length === 3_000_000 && text === text[0]?.repeat(3_000_000), 'it is in pieces')
    }
    assert.ok(left().length > 0, 'no writer was killed in the middle')
    writeFileSync(join(directory, 'b'), '')
    writeFileSync(join(directory, '.ab.1.tmp'), '')
    await removeLeftovers(path, 600_000)
    assert.ok(left().length > 2, 'a young one is removed')
    for (const name of left()) utimesSync(join(directory, name), 0, 0)
    await removeLeftovers(path, 600_000)
    assert.deepEqual(readdirSync(directory).sort(), ['.ab.1.tmp', 'a', 'b'])
  })
})
