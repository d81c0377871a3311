/** The watcher while what answers at the members' REST API is not Patroni's answer. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import type { Dcs } from '../../../src/watcher/dcs/dcs.ts'
import { createDcs } from '../../../src/watcher/dcs/create.ts'
import { FileDcs } from '../../../src/watcher/dcs/file/file-dcs.ts'
import { RestDcs } from '../../../src/watcher/dcs/member-reports/rest-dcs.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { FakeMember, type Instead, SYSTEM_ID } from './fake-member.ts'
import { MALFORMED } from './malformed-answers.ts'
import { clusterConfig, Watched } from './watched.ts'
import { dcsOf } from './dcs-of.ts'

/** A leader and a replica, of which something is known. */
class Scene implements AsyncDisposable {
  readonly dir: TempDir
  readonly pg0: FakeMember
  readonly pg1: FakeMember

  private constructor(dir: TempDir, pg0: FakeMember, pg1: FakeMember) {
    this.dir = dir
    this.pg0 = pg0
    this.pg1 = pg1
    for (const one of [pg0, pg1]) {
      one.cluster = { members: [pg0.entry('leader'), pg1.entry('replica')], scope: 'demo' }
    }
  }

  static async create(): Promise<Scene> {
    const dir = TempDir.create('malformed')
    return new Scene(dir, await FakeMember.start('pg0', 'primary'), await FakeMember.start('pg1', 'replica'))
  }

  /** From now on both answer so; null: as Patroni does. */
  answer(instead: Instead | null, to = /./): void {
    for (const one of [this.pg0, this.pg1]) Object.assign(one, { instead, insteadOf: to })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pg0[Symbol.asyncDispose]()
    await this.pg1[Symbol.asyncDispose]()
    await this.dir.remove()
  }
}

/** So many answers to questions that are asked from now on. */
async function askedAgain(member: FakeMember, path: string, times: number): Promise<void> {
  const count = (): number => member.asked.filter((one) => one === path).length
  const before = count()
  await until(`${path} is asked ${times} times`, () => count() > before + times)
}

let etcd: EtcdCluster
before(async () => (etcd = await EtcdCluster.start()))
after(() => etcd.close())

type SourceOf = (scene: Scene) => Dcs | Promise<Dcs>

const ofFile: SourceOf = ({ dir, pg0, pg1 }) => {
  const path = join(dir.path, 'cluster.json')
  const members = Object.fromEntries(
    [pg0, pg1].map(({ name, port, url }) => [name, { host: '127.0.0.1', port, api_url: url }]),
  )
  writeFileSync(path, JSON.stringify({ initialize: SYSTEM_ID, members, leader: 'pg0' }))
  return dcsOf(new FileDcs({ path, intervalMs: 10_000 }))
}

/** A machine that is busy with other tests is not to look like a member that is silent, or a file that hangs. */
const CHECK = { intervalMs: 300, fastIntervalMs: 30, timeoutMs: 5000, rise: 1, fall: 3 }

let namespaces = 0
const ofEtcd: SourceOf = async ({ pg0, pg1 }) => {
  const namespace = `malformed${namespaces++}`
  const put = (key: string, value: string): Promise<number> => etcd.client.put(`/${namespace}/demo/${key}`, value)
  await put('initialize', SYSTEM_ID)
  await put('members/pg0', pg0.key({ role: 'primary' }))
  await put('members/pg1', pg1.key())
  await put('leader', 'pg0')
  const config = { ...clusterConfig(etcd.hosts, { check: CHECK }), namespace }
  return createDcs(config, new RestClient(config.restApi, CHECK.timeoutMs, new Lookups()))
}

const ofMembers = ({ pg0, pg1 }: Scene): Dcs => {
  const { restApi } = clusterConfig([])
  const restClient = new RestClient(restApi, CHECK.timeoutMs, new Lookups())
  const config = { kind: 'rest', urls: [pg0.url, pg1.url] } as const
  return dcsOf(new RestDcs({ config, restClient, scope: 'demo', intervalMs: 300, fastIntervalMs: 30 }))
}

async function open(scene: Scene, sourceOf: SourceOf): Promise<Watched> {
  const watched = new Watched([], { dcs: await sourceOf(scene), proxy: { check: CHECK } })
  await watched.until('open pg0')
  await until('pg1 is fit', () => watched.member('pg1').replica.fit)
  return watched
}

function assertUntouched(watched: Watched, from: number, epoch: number): void {
  assert.equal(watched.view.primary.epoch, epoch)
  const unfit = watched.views.slice(from).filter(({ members }) => members.some(({ replica }) => replica.down))
  assert.equal(unfit.length, 0)
  assert.equal(watched.member('pg1').replica.fit, true)
}

// Each waits most of the time.
describe("an answer that is not Patroni's", { concurrency: 8 }, () => {
  for (const [what, bytes] of Object.entries(MALFORMED)) {
    for (const [source, sourceOf] of Object.entries({ file: ofFile, etcd3: ofEtcd })) {
      test(`closes no session on the named leader, nor on the replica: ${what} (${source})`, async () => {
        await using scene = await Scene.create()
        await using watched = await open(scene, sourceOf)
        const { pg0, pg1 } = scene
        const [from, { epoch }] = [watched.views.length, watched.view.primary]
        scene.answer(bytes)
        pg1.insteadTimes = 1
        await askedAgain(pg1, '/replica', 1)
        await askedAgain(pg0, '/primary', 6)
        assert.deepEqual(watched.states(from), ['open pg0'], watched.messages().join('\n'))
        assertUntouched(watched, from, epoch)
      })
    }

    test(`in /cluster and /patroni ends no session on a confirmed member: ${what}`, async () => {
      await using scene = await Scene.create()
      await using watched = await open(scene, ofMembers)
      const [from, { epoch }] = [watched.views.length, watched.view.primary]
      scene.answer(bytes, /^\/(cluster|patroni)$/)
      await askedAgain(scene.pg0, '/cluster', 6)
      assert.ok(watched.states(from).every((state) => /^(open|unlocked) pg0$/.test(state)))
      assertUntouched(watched, from, epoch)
    })

    test(`ends a proof without a lock after as many times as silence does: ${what}`, async () => {
      await using scene = await Scene.create()
      await using watched = await open(scene, ofMembers)
      const { pg0 } = scene
      const { epoch } = watched.view.primary
      Object.assign(pg0, { instead: bytes, insteadOf: /^\/primary$/, insteadTimes: 1 })
      await askedAgain(pg0, '/primary', 2)
      assert.equal(watched.primary, 'open pg0')
      assert.equal(watched.view.primary.epoch, epoch, 'once')
      const since = pg0.asked.filter((path) => path === '/primary').length
      Object.assign(pg0, { insteadOf: /./, insteadTimes: Infinity })
      await watched.until('none')
      const times = pg0.asked.filter((path) => path === '/primary').length - since
      assert.ok(times >= 3 && times <= 5, `after ${times} times`)
    })
  }
})
