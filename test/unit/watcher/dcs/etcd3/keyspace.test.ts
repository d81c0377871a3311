/** Lists, events and reads of the same keys, in every order in which they can arrive. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type KeyEvent, Keyspace, type VersionedKey } from '../../../../../src/watcher/dcs/etcd3/keyspace.ts'

const key = (value: string, modified: number, name = 'leader', created = modified): VersionedKey => {
  return { key: name, value, session: String(created), modified: BigInt(modified) }
}
const put = (value: string, modified: number, name = 'leader'): KeyEvent => {
  return { key: name, modified: BigInt(modified), put: key(value, modified, name) }
}
const del = (modified: number, name = 'leader'): KeyEvent => ({ key: name, modified: BigInt(modified), put: null })

type Step =
  | { readonly events: readonly KeyEvent[]; readonly upTo?: number }
  | { readonly read: VersionedKey | null; readonly at: number }

/** Listed at revision 10 with leader pg0; says who leads after each step, `!` where it says that something changed. */
function story(...steps: readonly Step[]): string {
  const keyspace = new Keyspace([key('pg0', 5)], 10n)
  const told = steps.map((step) => {
    const changed =
      'events' in step
        ? keyspace.applyEvents(step.events, BigInt(step.upTo ?? step.events.at(-1)?.modified ?? 0n))
        : keyspace.applyLeaderRead(step.read, BigInt(step.at))
    return `${keyspace.cluster.leader?.name ?? '-'}${changed ? '!' : ''}`
  })
  return told.join(' ')
}

describe('a keyspace', () => {
  const rows: readonly [string, string, readonly Step[]][] = [
    [
      'takes events in their order',
      'pg1! -! pg2!',
      [{ events: [put('pg1', 11)] }, { events: [del(12)] }, { events: [put('pg2', 13)] }],
    ],
    ['takes many at once', 'pg2!', [{ events: [put('pg1', 11), del(12), put('pg2', 13)] }]],
    [
      'ignores what is older than it knows',
      'pg2! pg2 pg2',
      [{ events: [put('pg2', 12)] }, { events: [put('pg1', 11)] }, { events: [del(12)] }],
    ],
    ['is unchanged by progress without events', 'pg0', [{ events: [], upTo: 20 }]],
    [
      'is confirmed by a read',
      'pg0 pg0',
      [
        { read: key('pg0', 5), at: 10 },
        { read: key('pg0', 5), at: 30 },
      ],
    ],
    ['believes a read that is ahead of the watch, at once', 'pg2!', [{ read: key('pg2', 15), at: 16 }]],
    [
      'ignores events that are older than a read',
      'pg2! pg2 pg2 pg3!',
      [
        { read: key('pg2', 15), at: 16 },
        { events: [put('pg1', 14)] },
        { events: [put('pg2', 15)] },
        { events: [put('pg3', 17)] },
      ],
    ],
    [
      'believes a read that finds the lock gone',
      '-! - - pg1!',
      [{ read: null, at: 16 }, { events: [put('pg1', 14)] }, { events: [del(16)] }, { events: [put('pg1', 17)] }],
    ],
    ['sees the lock let go and taken again by the same', 'pg0!', [{ read: key('pg0', 15), at: 15 }]],
    [
      'ignores a read that the watch has overtaken',
      'pg1! pg1',
      [{ events: [put('pg1', 12)] }, { read: key('pg0', 5), at: 11 }],
    ],
    [
      'brings nobody back by a read that the watch has overtaken',
      '-! -',
      [{ events: [del(12)] }, { read: key('pg0', 5), at: 11 }],
    ],
    [
      'ignores a read that another read has overtaken',
      'pg2! pg2',
      [
        { read: key('pg2', 15), at: 16 },
        { read: key('pg1', 13), at: 14 },
      ],
    ],
    [
      'takes a read at the revision of the watch',
      'pg1! pg1',
      [{ events: [put('pg1', 12)] }, { read: key('pg1', 12), at: 12 }],
    ],
  ]
  for (const [title, expected, steps] of rows) test(title, () => assert.equal(story(...steps), expected))

  test('takes events of other keys that are older than a read of the leader', () => {
    const keyspace = new Keyspace([], 10n)
    keyspace.applyLeaderRead(key('pg1', 20), 20n)
    assert.equal(keyspace.applyEvents([put('{"conn_url":"postgres://a"}', 15, 'members/pg1')], 15n), true)
    assert.deepEqual(
      keyspace.cluster.members.map(({ name }) => name),
      ['pg1'],
    )
    assert.equal(keyspace.applyEvents([del(21, 'members/pg1')], 21n), true)
    assert.deepEqual(keyspace.cluster.members, [])
  })

  test('gives the same cluster while nothing changes, and the position that it has reached', () => {
    const keyspace = new Keyspace([key('pg0', 5)], 10n)
    const { cluster } = keyspace
    keyspace.applyEvents([], 12n)
    keyspace.applyLeaderRead(key('pg0', 5), 13n)
    keyspace.applyEvents([put('x', 3)], 11n)
    assert.equal(keyspace.cluster, cluster)
    assert.equal(keyspace.revision, 12n)
  })

  test('gives the same cluster when equal values are written again, unless the lock was taken again', () => {
    const keyspace = new Keyspace([key('pg0', 5), key('{}', 6, 'members/pg0')], 10n)
    const { cluster } = keyspace
    const renewed = { key: 'leader', modified: 12n, put: key('pg0', 12, 'leader', 5) }
    assert.equal(keyspace.applyEvents([put('{}', 11, 'members/pg0'), renewed], 12n), true)
    assert.equal(keyspace.cluster, cluster)
    keyspace.applyEvents([del(13), put('pg0', 14)], 14n)
    assert.deepEqual(keyspace.cluster.leader, { name: 'pg0', session: '14' })
  })
})
