import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterParser } from '../../../src/watcher/cluster.ts'
import { composeView, MemberViews } from '../../../src/watcher/compose-view.ts'
import { Keyspace, type VersionedKey } from '../../../src/watcher/dcs/etcd3/keyspace.ts'
import { factsOf, isSameButPositions, remember } from '../../../src/watcher/members/known-members.ts'
import { parseMember } from '../../../src/watcher/members/member.ts'
import { initialPrimary } from '../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../src/watcher/primary/next-primary.ts'
import { view } from './sample.ts'

const SIZE = 1000

type Parts = Parameters<typeof composeView>[0]

function entry(member: number, position: number, modified: bigint, changes: object = {}): VersionedKey {
  const value = JSON.stringify({
    conn_url: `postgres://10.0.${member >> 8}.${member & 255}/postgres`,
    api_url: `http://10.0.${member >> 8}.${member & 255}:8008/patroni`,
    ...{ role: 'replica', state: 'running', timeline: 1, xlog_location: position, ...changes },
  })
  return { key: `members/pg${member}`, value, session: '1', modified }
}

function large(): { readonly keyspace: Keyspace; readonly parsed: string[] } {
  const parsed: string[] = []
  const parser = new ClusterParser((name, value) => {
    parsed.push(name)
    return parseMember(name, value)
  })
  const keys = Array.from({ length: SIZE }, (_, member) => entry(member, 100, 1n))
  return { keyspace: new Keyspace(keys, 1n, parser), parsed }
}

function rewrite(keyspace: Keyspace, put: VersionedKey): void {
  keyspace.applyEvents([{ key: put.key, modified: put.modified, put }], put.modified)
}

test('a key that is rewritten has itself parsed, and none of a thousand others', () => {
  const { keyspace, parsed } = large()
  assert.equal(parsed.length, SIZE)
  const before = keyspace.cluster
  rewrite(keyspace, entry(7, 200, 2n))
  assert.deepEqual(parsed.slice(SIZE), ['pg7'])
  const changed = keyspace.cluster.members.filter((member, index) => member !== before.members[index])
  assert.deepEqual(
    changed.map(({ name, position }) => [name, position]),
    [['pg7', 200]],
  )
})

test('many events at once make one cluster, in which the last of each key counts', () => {
  const { keyspace, parsed } = large()
  const puts = [entry(7, 200, 2n), entry(8, 200, 3n), entry(7, 300, 4n)]
  const events = puts.map((put) => ({ key: put.key, modified: put.modified, put }))
  assert.equal(keyspace.applyEvents(events, 4n), true)
  assert.deepEqual(parsed.slice(SIZE).toSorted(), ['pg7', 'pg8'])
  assert.equal(keyspace.cluster.members.find(({ name }) => name === 'pg7')?.position, 300)
})

test('how far a member has come renews nothing that is known of any other, nor what the primary is decided by', () => {
  const { keyspace } = large()
  const known = remember(new Map(), keyspace.cluster, null, 0)
  const facts = factsOf(keyspace.cluster, known, 'conn_url')
  rewrite(keyspace, entry(7, 200, 2n))
  const next = remember(known, keyspace.cluster, null, 1)
  assert.equal([...next].filter(([name, each]) => known.get(name) !== each).length, 1)
  assert.equal(isSameButPositions(known, next), true)
  assert.equal(factsOf(keyspace.cluster, next, 'conn_url', new Map(), facts), facts)
  const machine = nextPrimary(initialPrimary(3, 0), { type: 'dcs', facts, restored: false }, 0)
  assert.equal(nextPrimary(machine, { type: 'dcs', facts, restored: false }, 1).evidence, machine.evidence)
})

test('a timeline, an address, a role or a key that goes is more than how far members have come', () => {
  const changes = [{ timeline: 2 }, { conn_url: 'postgres://10.9.9.9/postgres' }, { role: 'primary' }]
  for (const change of changes) {
    const { keyspace } = large()
    const known = remember(new Map(), keyspace.cluster, null, 0)
    rewrite(keyspace, entry(7, 100, 2n, change))
    assert.equal(isSameButPositions(known, remember(known, keyspace.cluster, null, 1)), false, JSON.stringify(change))
  }
  const { keyspace } = large()
  const known = remember(new Map(), keyspace.cluster, null, 0)
  keyspace.applyEvents([{ key: 'members/pg7', modified: 2n, put: null }], 2n)
  assert.equal(isSameButPositions(known, remember(known, keyspace.cluster, null, 1)), false)
})

test('a view makes the members that have changed, and has the others of the view before', () => {
  const { keyspace } = large()
  const machine = initialPrimary(3, 0)
  const proxy = { address: 'conn_url' }
  const config = { scope: 'demo', namespace: 'service', citusGroup: null, proxy } as Parts['config']
  const before = new MemberViews()
  const compose = (known: ReturnType<typeof remember>) =>
    composeView({ config, dcs: view().dcs, cluster: keyspace.cluster, machine, known, fitness: new Map(), before })
  const known = remember(new Map(), keyspace.cluster, null, 0)
  const first = compose(known)
  rewrite(keyspace, entry(7, 200, 2n))
  const second = compose(remember(known, keyspace.cluster, null, 1))
  const changed = second.members.filter((member, index) => member !== first.members[index])
  assert.deepEqual(
    changed.map(({ name }) => name),
    ['pg7'],
  )
})
