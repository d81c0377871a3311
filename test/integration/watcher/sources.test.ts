/** The watcher on every kind of source, and on what it has kept of one that is gone. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { Lookups } from '../../../src/names/lookups.ts'
import type { Cluster } from '../../../src/watcher/cluster.ts'
import { FileDcs } from '../../../src/watcher/dcs/file/file-dcs.ts'
import { RestDcs } from '../../../src/watcher/dcs/member-reports/rest-dcs.ts'
import type { ClusterSource, DcsObservation } from '../../../src/watcher/dcs/dcs.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { cluster, member } from '../../unit/watcher/sample.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig, Watched, type WatchedOptions } from './watched.ts'
import { dcsOf } from './dcs-of.ts'

/** A DCS that is asked and never answers. */
class SilentDcs implements ClusterSource {
  async *observe(signal: AbortSignal): AsyncGenerator<DcsObservation, void, undefined> {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    yield* []
  }
}

describe('a watcher', () => {
  let dir: TempDir
  let pg0: FakeMember
  let pg1: FakeMember
  let file: string

  beforeEach(async () => {
    dir = TempDir.create('sources')
    file = join(dir.path, 'cluster.yml')
    pg0 = await FakeMember.start('pg0', 'primary')
    pg1 = await FakeMember.start('pg1', 'replica')
  })
  afterEach(async () => {
    await pg0[Symbol.asyncDispose]()
    await pg1[Symbol.asyncDispose]()
    await dir.remove()
  })

  const described = (changes: object = {}, of: (member: FakeMember) => object = () => ({})): void => {
    const members = Object.fromEntries(
      [pg0, pg1].map((member) => [
        member.name,
        { host: '127.0.0.1', port: member.port, api_url: `${member.url}/patroni`, ...of(member) },
      ]),
    )
    writeFileSync(
      file,
      stringify({ initialize: SYSTEM_ID, members, ...changes }, { defaultStringType: 'QUOTE_SINGLE' }),
    )
  }
  const ofFile = (options: WatchedOptions = {}): Watched =>
    new Watched([], { dcs: dcsOf(new FileDcs({ path: file, intervalMs: 300 })), ...options })

  test('of a file without a leader goes by the proof of the members alone', async () => {
    described()
    await using watched = ofFile()
    await watched.until('open pg0')
    await until('pg1 is fit', () => watched.member('pg1').replica.fit)
    pg0.mode = 'replica'
    await watched.until('none')
    pg1.mode = 'primary'
    pg1.timeline = 2
    await watched.until('open pg1')
  })

  test('of a file that names a leader opens no other member, and follows the file', async () => {
    described({ leader: 'pg1' })
    await using watched = ofFile()
    await watched.until('unconfirmed pg1')
    described({ leader: 'pg0' })
    await watched.until('open pg0')
    writeFileSync(file, 'leader: [')
    await watched.until('unlocked pg0')
    assert.match(watched.view.dcs.error ?? '', /cluster\.yml:1:/)
    described({ leader: 'pg0' })
    await watched.until('open pg0')
  })

  test('that trusts the DCS asks no member, and goes by what is written of the leader', async () => {
    described({ leader: 'pg0' })
    await using watched = ofFile({ proxy: { trust: 'dcs' } })
    await watched.until('open pg0')
    await until('pg1 is fit', () => watched.member('pg1').replica.fit)
    described({ leader: 'pg0' }, ({ name }) => (name === 'pg0' ? { role: 'replica' } : {}))
    await watched.until('promoting pg0')
    assert.match(watched.view.primary.reason, /its key says role replica/)
    described()
    await watched.until('none')
    described({ leader: 'pg1' })
    await watched.until('open pg1')
    assert.deepEqual([...pg0.asked, ...pg1.asked], [])
    await pg1.refuse()
    await watched.until('unreachable pg1')
  })

  test('that trusts the DCS trusts what it said last for no longer than the ttl', async () => {
    const config = { ttl: 1 }
    described({ leader: 'pg0', config })
    await using watched = ofFile({ proxy: { trust: 'dcs' } })
    await watched.until('open pg0')
    writeFileSync(file, 'leader: [')
    await watched.until('unlocked pg0')
    await watched.until('none')
    assert.match(watched.view.primary.reason, /cannot be reached/)
    described({ leader: 'pg0', config })
    await watched.until('open pg0')
  })

  test('keeps watching after an error of its own', async () => {
    described({ leader: 'pg0' })
    await using watched = ofFile()
    await watched.until('open pg0')
    const end = watched.watcher.subscribe('test', ({ leader }) => {
      if (leader === 'pg1') throw new Error('a fault')
    })
    described({ leader: 'pg1' })
    await until('it is told', () => watched.messages().some((message) => /please report it: a fault/.test(message)))
    end()
    pg1.mode = 'primary'
    await watched.until('open pg1')
  })

  test('dials poolers, and probes them, where that is configured', async () => {
    const pooler = await FakeMember.start('pooler', 'replica')
    const proxied = { proxy_url: `postgres://127.0.0.1:${pooler.port}/postgres` }
    described({ leader: 'pg0' }, ({ name }) => (name === 'pg0' ? proxied : {}))
    await using watched = ofFile({ proxy: { address: 'proxy_url' } })
    await watched.until('open pg0')
    assert.equal(watched.view.primary.address?.port, pooler.port)
    assert.equal(watched.member('pg1').address?.port, pg1.port)
    const { basis } = watched.view.primary
    const dial = { member: 'pg0', basis, reason: 'refused', startedAt: Date.now() }
    watched.watcher.dialFailed({ ...dial, address: { host: '127.0.0.1', port: pg0.port } })
    assert.equal(watched.primary, 'open pg0', 'nobody has dialled its Postgres')
    watched.watcher.dialFailed({ ...dial, address: { host: '127.0.0.1', port: pooler.port } })
    assert.equal(watched.primary, 'unreachable pg0')
    await watched.until('open pg0')
    await pooler[Symbol.asyncDispose]()
  })

  test('of nothing but a REST API finds the others, and follows them', async () => {
    const told = (leader: FakeMember) => ({
      members: [pg0, pg1].map((one) => one.entry(one === leader ? 'leader' : 'replica')),
    })
    for (const member of [pg0, pg1]) member.cluster = told(pg0)
    const rest = new RestClient(clusterConfig([]).restApi, 300, new Lookups())
    const config = { kind: 'rest', urls: [pg1.url] } as const
    const dcs = new RestDcs({ config, restClient: rest, scope: 'demo', intervalMs: 300, fastIntervalMs: 30 })
    await using watched = new Watched([], { dcs: dcsOf(dcs) })
    await watched.until('open pg0')
    pg0.mode = 'replica'
    pg1.mode = 'primary'
    pg1.timeline = 2
    await watched.until('unlocked pg1')
    for (const member of [pg0, pg1]) member.cluster = told(pg1)
    await watched.until('open pg1')
    for (const member of [pg0, pg1]) member.cluster = null
    await watched.until('unlocked pg1')
    assert.equal(watched.view.dcs.state, 'lost')
    await rest.close()
  })

  test('that starts again without its DCS serves from what it has kept, replicas too', async () => {
    described({ leader: 'pg0' })
    const stateDir = join(dir.path, 'state')
    const before = ofFile({ stateDir })
    await before.until('open pg0')
    await before.watcher.close()
    const [kept = ''] = readdirSync(stateDir)
    assert.doesNotMatch(readFileSync(join(stateDir, kept), 'utf8'), /role|state"|leader/)

    await using again = new Watched(['127.0.0.1:1'], { stateDir })
    await again.until('unlocked pg0')
    await until('pg1 is fit', () => again.member('pg1').replica.fit)
    assert.equal(again.view.dcs.state, 'never')
  })

  test('that starts again does not wait long for a DCS that does not answer', async () => {
    described({ leader: 'pg0' })
    const stateDir = join(dir.path, 'state')
    const before = ofFile({ stateDir })
    await before.until('open pg0')
    await before.watcher.close()
    await using again = new Watched([], { stateDir, dcs: dcsOf(new SilentDcs()) })
    await again.until('unlocked pg0')
  })

  test('that starts again with nothing but a REST API does not take another database for its own', async () => {
    const stateDir = join(dir.path, 'state')
    const rest = new RestClient(clusterConfig([]).restApi, 300, new Lookups())
    const config = { kind: 'rest', urls: [pg0.url] } as const
    const options = { config, restClient: rest, scope: 'demo', intervalMs: 300, fastIntervalMs: 30 }
    const told = { members: [pg0.entry('replica'), pg1.entry('leader')] }
    for (const member of [pg0, pg1]) member.cluster = told
    pg0.mode = 'replica'
    pg1.mode = 'primary'
    const before = new Watched([], { stateDir, dcs: dcsOf(new RestDcs(options)) })
    await before.until('open pg1')
    await before.watcher.close()
    // The address of the only configured member is another cluster's now.
    pg0.mode = 'primary'
    pg0.systemId = '999'
    pg0.cluster = { members: [pg0.entry('leader')] }
    await using again = new Watched([], { stateDir, dcs: dcsOf(new RestDcs(options)) })
    await again.until('open pg1')
    assert.equal(again.view.systemId, SYSTEM_ID)
    assert.ok(again.views.every(({ primary }) => primary.member !== 'pg0'))
    await rest.close()
  })

  test('that starts again asks a member whose key has gone, and does not take it for one that is there', async () => {
    described({ leader: 'pg0' })
    const stateDir = join(dir.path, 'state')
    const before = ofFile({ stateDir })
    await before.until('open pg0')
    const { host, port } = { host: '127.0.0.1', port: pg0.port }
    const left = { pg0: { host, port, api_url: `${pg0.url}/patroni` } }
    writeFileSync(file, JSON.stringify({ initialize: SYSTEM_ID, leader: 'pg0', members: left }))
    await until('pg1 has gone', () => before.member('pg1').gone)
    await until('that is kept', () => stateIn(stateDir).includes('gone_since'))
    await before.watcher.close()

    await using again = new Watched(['127.0.0.1:1'], { stateDir })
    await again.until('unlocked pg0')
    assert.ok(again.views.every(({ members }) => members.every(({ name }) => name !== 'pg1')))
    assert.ok(again.views.every(({ members }) => members.every(({ replica }) => !replica.fit)))
    pg0.mode = 'replica'
    pg1.mode = 'primary'
    await again.until('unlocked pg1')
  })

  test('that starts again shows a replica that serves as gone when its key is not there, and not as down', async () => {
    described({ leader: 'pg0' })
    const stateDir = join(dir.path, 'state')
    const before = ofFile({ stateDir })
    await before.until('open pg0')
    await before.watcher.close()
    const read = Promise.withResolvers<Cluster>()
    const dcs = dcsOf({
      async *observe(signal) {
        yield { type: 'snapshot', cluster: await read.promise, restored: false, endpoint: 'demo' }
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      },
    })
    await using again = new Watched([], { stateDir, dcs })
    await until('pg1 serves', () => again.member('pg1').replica.fit)
    const { host, port } = { host: '127.0.0.1', port: pg0.port }
    const left = member('pg0', { host, port, restUrl: pg0.url, role: 'primary' })
    read.resolve(cluster({ leader: { name: 'pg0', session: '1' }, members: [left], systemId: SYSTEM_ID }))
    await again.until('open pg0')
    const { gone, replica } = again.member('pg1')
    assert.deepEqual([gone, replica.down], [true, false])
  })

  test('that starts again still reports that a primary on a higher timeline served before', async () => {
    pg0.timeline = 7
    described({ leader: 'pg0' })
    const stateDir = join(dir.path, 'state')
    const before = ofFile({ stateDir })
    await before.until('open pg0')
    pg0.timeline = 5
    await until('it is set back', () => before.view.setBack?.timeline === 5)
    await until('that is kept', () => stateIn(stateDir).includes('"served"'))
    await before.watcher.close()

    await using again = ofFile({ stateDir })
    await again.until('open pg0')
    assert.deepEqual(again.view.setBack, { timeline: 5, served: 7 })
    pg0.timeline = 8
    await until('it is reached again', () => again.view.setBack === null)
    await until('that is kept as well', () => !stateIn(stateDir).includes('"served"'))
  })

  test('accepts no primary below the timeline that it has kept', async () => {
    pg0.timeline = 7
    described({ leader: 'pg0' })
    const stateDir = join(dir.path, 'state')
    const before = ofFile({ stateDir })
    await before.until('open pg0')
    await until('it is kept', () => existsSync(stateDir) && /"timeline_floor": 7/.test(stateIn(stateDir)))
    await before.watcher.close()
    pg0.timeline = 6
    await using again = new Watched(['127.0.0.1:1'], { stateDir })
    await until('it was asked', () => pg0.asked.filter((path) => path === '/primary').length > 5)
    assert.equal(again.primary, 'none')
    pg0.timeline = 8
    await again.until('unlocked pg0')
  })
})

function stateIn(directory: string): string {
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('')
}
