/** Keys from the annotations of Kubernetes' objects, and these from the answers of the API server. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseCluster } from '../../../../../src/watcher/cluster.ts'
import { keysOf, usualTtlMs } from '../../../../../src/watcher/dcs/kubernetes/keys.ts'
import { afterRecord, NO_LEASE } from '../../../../../src/watcher/dcs/kubernetes/lease.ts'
import { clusterLabels, objectNames, selectorOf } from '../../../../../src/watcher/dcs/kubernetes/names.ts'
import { type KubeObject, parseEvent, parseList, statusOf } from '../../../../../src/watcher/dcs/kubernetes/objects.ts'

type Annotations = Readonly<Record<string, string>>

function objects(
  all: Readonly<Record<string, Annotations>>,
  labels: Annotations = {},
): ReadonlyMap<string, KubeObject> {
  return new Map(
    Object.entries(all).map(([name, annotations], index) => [name, { name, version: index + 1, annotations, labels }]),
  )
}

const LEADER = {
  leader: 'pg0',
  ttl: '30',
  acquireTime: 'a',
  renewTime: 'r',
  transitions: '2',
  optime: '5',
  failsafe: '{}',
}

describe('the keys of a cluster in Kubernetes', () => {
  const names = objectNames({ scope: 'demo', group: null }, 'endpoints')
  const all = {
    demo: LEADER,
    'demo-config': { config: '{"ttl":20}', history: '[]', initialize: '77' },
    'demo-failover': { leader: 'pg0', member: 'pg1', scheduled_at: '' },
    'demo-sync': { leader: 'pg0', sync_standby: 'pg1', quorum: '0' },
    'demo-repl': { leader: 'x' },
  }
  const lease = afterRecord(NO_LEASE, LEADER, 0)
  const pods = objects({ pg0: { status: '{"role":"master"}' }, pg1: {} })

  test('are those of another DCS, each with the version of its object', () => {
    const keys = keysOf('/default/demo/', names, null, { objects: objects(all), pods, lease })
    assert.deepEqual(
      [...keys].map(([name, { value, session, modified }]) => [
        name.slice('/default/demo/'.length),
        value,
        session,
        modified,
      ]),
      [
        ['leader', 'pg0', 'a 2 0', 1],
        ['optime/leader', '5', '', 1],
        ['failsafe', '{}', '', 1],
        ['config', '{"ttl":20}', '', 2],
        ['history', '[]', '', 2],
        ['initialize', '77', '', 2],
        ['failover', '{"leader":"pg0","member":"pg1"}', '', 3],
        ['sync', '{"leader":"pg0","sync_standby":"pg1","quorum":"0"}', '', 4],
        ['members/pg0', '{"role":"master"}', '', 1],
      ],
    )
  })

  test('have no leader when the lease is void, and no failover when it is cleared', () => {
    const cleared = objects({ ...all, 'demo-failover': {}, 'demo-sync': {} })
    const keys = keysOf('/default/demo/', names, null, { objects: cleared, pods, lease: { ...lease, isVoid: true } })
    for (const key of ['leader', 'failover', 'sync']) assert.ok(!keys.has(`/default/demo/${key}`), key)
    assert.ok(keys.has('/default/demo/optime/leader'))
  })

  test('have the Pods of their Citus group alone', () => {
    const group = objectNames({ scope: 'demo', group: 1 }, 'configmaps')
    assert.deepEqual(group, {
      leader: 'demo-1-leader',
      config: 'demo-1-config',
      failover: 'demo-1-failover',
      sync: 'demo-1-sync',
    })
    const labelled = objects({ w1: { status: '{}' } }, { 'citus-group': '1' })
    const of = (whose: number | null): number =>
      keysOf('/x/', group, whose, { objects: objects({}), pods: labelled, lease }).size
    assert.deepEqual([of(1), of(0), of(null)], [1, 0, 0])
  })

  test('are of no harm where they are called like what every object has', () => {
    const keys = keysOf('/x/', names, null, {
      objects: objects({}),
      pods: objects({ constructor: { status: '{}' } }),
      lease,
    })
    assert.deepEqual(parseCluster(new Map([...keys].map(([name, key]) => [name.slice(3), key]))).members.length, 1)
  })

  test('are selected by all labels, the scope and the group', () => {
    const labels = { application: 'patroni' }
    const selector = (group: number | null): string =>
      selectorOf(clusterLabels(labels, 'cluster-name', { scope: 'demo', group }))
    assert.equal(selector(null), 'application=patroni,cluster-name=demo')
    assert.equal(selector(0), 'application=patroni,cluster-name=demo,citus-group=0')
  })

  test('know the ttl of the configuration', () => {
    const of = (config: string): number | null => usualTtlMs(objects({ a: { config } }).get('a'))
    assert.deepEqual([of('{"ttl":20}'), of('{"ttl":-1}'), of('{'), usualTtlMs(undefined)], [20_000, null, null, null])
  })
})

describe('an answer of the API server', () => {
  const metadata = {
    name: 'pg0',
    resourceVersion: '12',
    annotations: { status: '{}', other: 'x' },
    labels: { app: 'x', a: 'b' },
  }
  const parsed = { name: 'pg0', version: 12, annotations: { status: '{}' }, labels: { app: 'x' } }

  for (const [what, item] of [
    ['metadata', { metadata }],
    ['whole objects', { metadata, spec: { containers: [] }, subsets: [] }],
  ] as const)
    test(`is a list of ${what}, of which only what is Patroni's is kept`, () => {
      const text = JSON.stringify({
        metadata: { resourceVersion: '15' },
        items: [item, {}, 5, { metadata: { name: '' } }],
      })
      assert.deepEqual(parseList(text, ['app']), { version: 15, objects: [parsed], next: null })
    })

  test('is an empty list where there are no items, as Go has it', () => {
    assert.deepEqual(parseList('{"metadata":{"resourceVersion":"15"},"items":null}', []).objects, [])
  })

  for (const text of ['', '{}', '[]', 'null', '{"metadata":{}}', '{"items":[]}', '<html>'])
    test(`is no list: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseList(text, []), /its answer is none of the API of Kubernetes/)
    })

  test('is an event of a watch', () => {
    const event = (type: string, object: unknown = { metadata }): unknown =>
      parseEvent(JSON.stringify({ type, object }), ['app'])
    assert.deepEqual(event('ADDED'), { type: 'set', object: parsed })
    assert.deepEqual(event('MODIFIED'), { type: 'set', object: parsed })
    assert.deepEqual(event('DELETED'), { type: 'deleted', object: parsed })
    assert.deepEqual(event('BOOKMARK', { metadata: { resourceVersion: '20' } }), { type: 'bookmark', version: 20 })
    assert.deepEqual(event('ERROR', { code: 410, message: 'too old' }), {
      type: 'error',
      code: 410,
      message: 'too old',
    })
    for (const [type, object] of [
      ['STRANGE', { metadata }],
      ['ADDED', {}],
      ['ADDED', null],
    ] as const)
      assert.throws(() => event(type, object), /none of the API of Kubernetes/)
  })

  test('has a version without an order where it is not a number', () => {
    for (const resourceVersion of ['abc', '', 5, null, '1'.repeat(40)])
      assert.equal(parseList(JSON.stringify({ metadata: { resourceVersion }, items: [] }), []).version, 0)
  })

  test('is a Status, or none', () => {
    assert.deepEqual(statusOf('{"kind":"Status","message":"x","reason":"Forbidden"}'), {
      ...{ isStatus: true, message: 'x', reason: 'Forbidden' },
    })
    assert.equal(statusOf('<html>').isStatus, false)
  })
})
