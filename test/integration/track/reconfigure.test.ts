/** Track files whose configuration changes, on a real file system. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import type { TrackFileConfig } from '../../../src/config/config.ts'
import { Track } from '../../../src/track/track.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { sampleView } from '../../unit/admin/sample.ts'

describe('track files that are reconfigured', () => {
  let dir: TempDir
  let track: Track
  const log = pino({ level: 'silent' })

  const file = (name: string, condition: TrackFileConfig['condition'] = { name: 'primary' }): TrackFileConfig => {
    return { path: join(dir.path, name), cluster: 'demo', condition }
  }
  const said = (name: string): string => {
    const path = join(dir.path, name)
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : 'nothing'
  }
  const says = async (name: string, value: string): Promise<unknown> =>
    until(`${name} says ${value}`, () => said(name) === value)
  /** Each write makes another file of it. */
  const inode = (name: string): number => statSync(join(dir.path, name)).ino

  before(() => void (dir = TempDir.create('track')))
  after(async () => dir.remove())
  beforeEach(async () => {
    track = new Track({ files: [file('kept'), file('gone')], log })
    await track.start()
    track.apply(sampleView())
    await says('kept', '1')
    await says('gone', '1')
  })
  afterEach(async () => track.close())

  test('a file that stays is not written, a removed one says 0, and a new one says what holds', async () => {
    const before = inode('kept')
    assert.equal(track.reconfigure([file('kept'), file('new')]), true)
    await says('gone', '0')
    await says('new', '1')
    assert.deepEqual([said('kept'), inode('kept')], ['1', before])
    assert.deepEqual(
      track.status().map(({ path, holds }) => [path, holds]),
      ['kept', 'new'].map((name) => [join(dir.path, name), true]),
    )
  })

  test('another condition holds at once', async () => {
    track.reconfigure([file('kept', { name: 'local-leader', member: 'pg2' })])
    await says('kept', '0')
    track.reconfigure([file('kept', { name: 'local-leader', member: 'pg1' })])
    await says('kept', '1')
  })

  test('those of another cluster say 0 until that is known', async () => {
    track.reconfigure([{ ...file('kept'), cluster: 'other' }])
    await says('kept', '0')
    track.apply(sampleView({ name: 'other' }))
    await says('kept', '1')
  })

  test('a router that ends takes no other', async () => {
    await track.end()
    assert.equal(track.reconfigure([file('new')]), false)
    assert.equal(said('kept'), '0')
  })

  test('a removed file says 0 when the router is closed at once', async () => {
    track.reconfigure([])
    await track.close()
    assert.deepEqual([said('kept'), said('gone')], ['0', '0'])
  })
})
