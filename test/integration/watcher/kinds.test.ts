/** Watchers on every DCS that is read natively: several on one, and one that goes from kind to kind with its state. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { createDcs } from '../../../src/watcher/dcs/create.ts'
import { TempDir } from '../../support/files/temp.ts'
import { Relay } from '../../support/net/relay.ts'
import { type KeyWriter, WRITABLE, type WritableDcs, writerOf } from '../../support/patroni/key-writer.ts'
import { until } from '../../support/until.ts'
import { configured, type ConfiguredOptions } from './configured.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { clusterConfig, Watched } from './watched.ts'

/** Watches the clusters of a configuration, in their order. */
function watch(
  stack: AsyncDisposableStack,
  dcs: WritableDcs,
  { stateDir, ...options }: ConfiguredOptions & { readonly stateDir?: string },
): Watched[] {
  const clusters = configured(dcs, options)
  const rest = new RestClient(clusterConfig([]).restApi, 300, new Lookups())
  stack.defer(() => rest.close())
  const state = stateDir === undefined ? {} : { stateDir }
  return clusters.map((cluster) =>
    stack.use(new Watched([], { dcs: createDcs(cluster, rest, { clusters }), ...state })),
  )
}

async function play(writer: KeyWriter, scope: string, members: readonly FakeMember[]): Promise<void> {
  await writer.put(`/service/${scope}/initialize`, SYSTEM_ID)
  for (const one of members) await writer.put(`/service/${scope}/members/${one.name}`, one.key())
  await writer.put(`/service/${scope}/leader`, members.find(({ mode }) => mode === 'primary')?.name ?? '')
}

for (const [kind, start] of Object.entries(WRITABLE))
  test(`two clusters in one DCS, ${kind}, are followed, and the end of one is none of the other`, async () => {
    await using stack = new AsyncDisposableStack()
    const dcs = stack.use(await start())
    const writer = writerOf(dcs)
    const lead = async (member: FakeMember, from: FakeMember, scope: string): Promise<void> => {
      ;[from.mode, member.mode] = ['replica', 'primary']
      member.timeline = from.timeline + 1
      await writer.put(`/service/${scope}/leader`, member.name)
    }
    const pg0 = stack.use(await FakeMember.start('pg0', 'primary'))
    const pg1 = stack.use(await FakeMember.start('pg1', 'replica'))
    const other0 = stack.use(await FakeMember.start('pg2', 'primary'))
    const other1 = stack.use(await FakeMember.start('pg3', 'replica'))
    await play(writer, 'demo', [pg0, pg1])
    await play(writer, 'other', [other0, other1])
    const clusters = { demo: { scope: 'demo' }, other: { scope: 'other' } }
    const [demo, other] = watch(stack, dcs, { clusters, interval: '1s' })
    assert.ok(demo && other)
    await demo.until('open pg0')
    await other.until('open pg2')
    assert.deepEqual(
      [demo, other].map(({ view }) => view.primary.address?.port),
      [pg0.port, other0.port],
    )
    const [views, since] = [other.views.length, demo.views.length]
    await lead(pg1, pg0, 'demo')
    await demo.until('open pg1')
    await writer.deleteBelow('/service/demo')
    await until('its keys have gone', () => demo.view.leader === null && demo.view.members.every(({ gone }) => gone))
    await demo.watcher.close()
    assert.deepEqual(other.states(views), other.views.length > views ? ['open pg2'] : [])
    await lead(other1, other0, 'other')
    await other.until('open pg3')
    assert.ok(demo.views.slice(since).every(({ dcs: { state } }) => state === 'up'))
    assert.ok(other.views.slice(views).every(({ dcs: { state } }) => state === 'up'))
  })

describe('the state file of a watcher', () => {
  const kinds = Object.entries(WRITABLE)
  let dir: TempDir
  let all: Map<string, WritableDcs>
  before(async () => {
    dir = TempDir.create('kinds')
    all = new Map(await Promise.all(kinds.map(async ([kind, start]) => [kind, await start()] as const)))
  })
  after(async () => {
    for (const dcs of all.values()) await dcs.close()
    await dir.remove()
  })

  for (const [index, [from]] of kinds.entries()) {
    const to = kinds[(index + 1) % kinds.length]?.[0] ?? ''
    test(`of ${from} gives the members where ${to} is read instead, and neither a position nor a proof`, async () => {
      await using stack = new AsyncDisposableStack()
      const stateDir = join(dir.path, from)
      const [before, next] = [all.get(from), all.get(to)]
      assert.ok(before && next)
      const [pg0, pg1] = [await FakeMember.start('pg0', 'primary'), await FakeMember.start('pg1', 'replica')]
      for (const one of [pg0, pg1]) stack.use(one)
      // Further in its history than the other one.
      for (let n = 0; n < 20; n++) await writerOf(before).put('/service/demo/status', `{"optime":${n}}`)
      await play(writerOf(before), 'demo', [pg0, pg1])
      const [first] = watch(stack, before, { stateDir })
      await first?.until('open pg0')
      await first?.watcher.close()
      const [name = ''] = readdirSync(stateDir)
      const kept = JSON.parse(readFileSync(join(stateDir, name), 'utf8')) as Record<string, unknown>
      assert.deepEqual(Object.keys(kept).toSorted(), [
        'citus_group',
        'format',
        'members',
        'namespace',
        'scope',
        'standby_cluster',
        'system_id',
        'timeline_floor',
      ])

      const relay = await Relay.start(next.servers[0]?.port ?? 0)
      stack.defer(() => relay.close())
      relay.hang()
      ;[pg0.mode, pg1.mode, pg1.timeline] = ['replica', 'primary', 2]
      for (const one of [pg0, pg1]) one.asked.length = 0
      const [again] = watch(stack, next, { stateDir, ports: [relay.port] })
      // What was the primary is no more: the one that is one now has proved it itself.
      assert.ok(again)
      await again.until('unlocked pg1')
      assert.ok(pg1.asked.includes('/primary'))
      assert.ok(again.views.every(({ primary: { state, member } }) => state === 'none' || member === 'pg1'))
      assert.equal(again.view.dcs.state, 'never')
      await writerOf(next).deleteBelow('/service/demo')
      await play(writerOf(next), 'demo', [pg1])
      relay.resume()
      await again.until('open pg1')
      await until('it has gone', () => again.view.members.every(({ name, gone }) => gone === (name === 'pg0')))
      assert.ok(again.messages().every((message) => !message.includes('restored')))
    })
  }
})
