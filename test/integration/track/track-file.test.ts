/** A file that says 1 or 0, on a real file system that fails, hangs and is changed by others. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { TrackFile } from '../../../src/track/track-file.ts'
import { withFaults } from '../../support/files/faults.ts'
import { TempDir } from '../../support/files/temp.ts'
import { clock, until } from '../../support/until.ts'

describe('a track file', () => {
  let dir: TempDir
  let count = 0
  let path = ''
  let file: TrackFile
  let events: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void events.push((JSON.parse(line) as Line).event) })
  type Line = { readonly event: string }

  before(() => void (dir = TempDir.create('track')))
  after(async () => dir.remove())
  afterEach(async () => file.close())

  /** In a directory of its own. */
  function fresh(retryMs = 20): TrackFile {
    events = []
    path = join(dir.mkdir(`${++count}`), 'leader.track')
    return (file = new TrackFile({ path, log, retryMs }))
  }

  const said = (): string => readFileSync(path, 'utf8')
  const says = async (text: string): Promise<unknown> =>
    until(`it says ${text}`, () => existsSync(path) && said() === `${text}\n`)

  test('says 0 from the start, also where a router that was killed has left a 1, and nothing beside it', async () => {
    fresh()
    writeFileSync(path, '1\n')
    const leftover = join(path, '..', '.leader.track.1234.tmp')
    writeFileSync(leftover, '1')
    utimesSync(leftover, 1, 1)
    await file.start()
    assert.equal(said(), '0\n')
    assert.deepEqual(readdirSync(join(path, '..')), ['leader.track'])
  })

  test('may be read by every user, and is replaced as a whole', async () => {
    await fresh().start()
    const before = statSync(path)
    assert.equal(before.mode & 0o777, 0o644)
    file.set(true)
    await says('1')
    assert.notEqual(statSync(path).ino, before.ino)
  })

  test('says the last of many values, and never anything but 1 or 0', async () => {
    await fresh().start()
    const seen = new Set<string>()
    for (let n = 1; n <= 500; n++) {
      file.set(n % 2 === 1)
      await new Promise(setImmediate)
      seen.add(said())
    }
    file.set(true)
    await says('1')
    for (const text of seen) assert.match(text, /^[01]\n$/)
  })

  test('is in a directory that is made for it, but not two of them', async () => {
    fresh()
    rmSync(join(path, '..'), { recursive: true })
    await file.start()
    assert.equal(said(), '0\n')
    await file.close()
    file = new TrackFile({ path: join(path, '..', 'a', 'b', 'c.track'), log, retryMs: 10_000 })
    await file.start()
    assert.match(file.error ?? '', /ENOENT/)
    assert.deepEqual(events, ['track-not-written'])
  })

  test('says why it cannot be written, once, and is written as soon as it can be', async () => {
    await fresh().start()
    let tries = 0
    await withFaults(
      ({ name }) => (name === 'rename' && tries++ >= 0 ? 'EIO' : null),
      async () => {
        file.set(true)
        await until('it has tried three times', () => tries >= 3)
        assert.match(file.error ?? '', /EIO/)
        assert.equal(said(), '0\n')
      },
    )
    await says('1')
    await until('it is told', () => events.length === 2)
    assert.deepEqual(events, ['track-not-written', 'track-written'])
    assert.equal(file.error, null)
  })

  test('says 0 also where there is no room for another file', async () => {
    await fresh().start()
    file.set(true)
    await says('1')
    await withFaults(
      ({ name, args: [, flags] }) => (name === 'open' && flags === 'wx' ? 'ENOSPC' : null),
      async () => {
        file.set(false)
        await says('0')
        assert.equal(file.error, null)
      },
    )
  })

  test('does not wait for the next attempt when another value is wanted', async () => {
    await fresh(1_000_000).start()
    let fails = true
    await withFaults(
      ({ name }) => (name === 'rename' && fails ? 'EIO' : null),
      async () => {
        file.set(true)
        await until('it has failed', () => file.error !== null)
        fails = false
        file.set(false)
        file.set(true)
        await says('1')
      },
    )
  })

  test('is corrected when another program has changed or removed it, and left alone otherwise', async () => {
    await fresh().start()
    file.set(true)
    await says('1')
    const { ino } = statSync(path)
    await file.look()
    assert.equal(statSync(path).ino, ino)
    // keepalived's init_file ... overwrite does that when it is started again.
    writeFileSync(path, '0')
    await file.look()
    await says('1')
    rmSync(path)
    await file.look()
    await says('1')
    assert.deepEqual(events, ['track-changed', 'track-changed'])
  })

  test('says 0 once it is closed, whatever is set after that', async () => {
    await fresh().start()
    file.set(true)
    await says('1')
    await file.close()
    assert.equal(said(), '0\n')
    file.set(true)
    await file.close()
    await file.look()
    assert.equal(said(), '0\n')
  })

  test('says 0 in the end also when the first attempt at that has failed', async () => {
    await fresh().start()
    file.set(true)
    await says('1')
    // Both the file beside it and the one in its place.
    let fails = 2
    await withFaults(
      ({ name }) => (name === 'open' && fails-- > 0 ? 'EIO' : null),
      async () => {
        file.set(false)
        await file.settled()
        assert.match(file.error ?? '', /EIO/)
        await says('0')
      },
    )
    await until('that is told', () => file.error === null)
  })

  test('is not looked at again while a look hangs, and what is no file takes no thread', async () => {
    await fresh().start()
    file.set(true)
    await says('1')
    rmSync(path)
    execFileSync('mkfifo', [path])
    await Promise.all(Array.from({ length: 5 }, () => file.look()))
    // Not to be read before: this process would wait for a writer.
    await until('it is a file again', () => statSync(path).isFile())
    await says('1')
  })

  test('loses no value that is set at whatever moment of a write', async () => {
    await fresh().start()
    for (let turns = 0; turns < 30; turns++) {
      file.set(true)
      await says('1')
      file.set(false)
      while (said() === '1\n') await Promise.resolve().then(() => new Promise(setImmediate))
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      file.set(true)
      await says('1')
      file.set(false)
      await says('0')
    }
  })

  test('leaves alone what a link leads to', async () => {
    await fresh().start()
    file.set(true)
    await says('1')
    const target = join(path, '..', 'precious')
    writeFileSync(target, 'precious data')
    rmSync(path)
    symlinkSync(target, path)
    await withFaults(
      ({ name }) => (name === 'rename' ? 'EIO' : null),
      async () => {
        file.set(false)
        await until('it has failed', () => file.error !== null)
      },
    )
    assert.equal(readFileSync(target, 'utf8'), 'precious data')
    await until('the link is replaced', () => !lstatSync(path).isSymbolicLink())
  })

  test('delays no start where the file system hangs', async () => {
    fresh()
    let release: () => void = () => undefined
    const hang = new Promise<void>((resolve) => (release = resolve))
    const open = fs.open
    fs.open = async (...args: Parameters<typeof open>) => {
      await hang
      return open(...args)
    }
    syncBuiltinESMExports()
    try {
      const began = clock()
      await file.start()
      assert.ok(clock() - began < 20_000)
    } finally {
      fs.open = open
      syncBuiltinESMExports()
      release()
    }
    await says('0')
  })

  test('delays no close when it cannot be written', async () => {
    await fresh().start()
    file.set(true)
    await says('1')
    rmSync(path)
    await withFaults(
      ({ name }) => (name === 'rename' || name === 'open' ? 'EIO' : null),
      async () => file.close(),
    )
    assert.match(file.error ?? '', /EIO/)
  })

  test('that may not be replaced is changed in its place to 0, and never to 1', async () => {
    await fresh().start()
    const directory = join(path, '..')
    file.set(true)
    await says('1')
    // Root may write where nobody may: for it the fault is made.
    chmodSync(directory, 0o555)
    await withFaults(
      ({ name }) => (name === 'rename' ? 'EACCES' : null),
      async () => {
        file.set(false)
        await says('0')
        file.set(true)
        await until('it has failed', () => file.error !== null)
        assert.equal(said(), '0\n')
      },
    )
    chmodSync(directory, 0o755)
  })
})
