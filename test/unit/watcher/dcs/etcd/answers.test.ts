/** What is read out of the answers of etcd's API v2, as etcd 3.4 gives them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  applyChange,
  childrenOf,
  errorOf,
  type EtcdChange,
  eventOf,
  nodesOf,
} from '../../../../../src/watcher/dcs/etcd/answers.ts'
import type { ListedKey } from '../../../../../src/watcher/dcs/listing.ts'

const STRANGE = ['', 'x', '[]', 'null', '404 page not found', '{}', '{"node":1}', '{"action":"set"}']
const key = (value: string, created: number, modified = created): ListedKey => ({
  value,
  session: String(created),
  modified,
})

const LIST = JSON.stringify({
  action: 'get',
  node: {
    ...{ key: '/service/demo', dir: true, modifiedIndex: 4, createdIndex: 4 },
    nodes: [
      { key: '/service/demo/leader', value: 'pg0', ttl: 29, modifiedIndex: 9, createdIndex: 5 },
      {
        ...{ key: '/service/demo/members', dir: true, modifiedIndex: 6, createdIndex: 6 },
        nodes: [{ key: '/service/demo/members/pg0', value: '{}', modifiedIndex: 7, createdIndex: 6 }],
      },
      { key: '/service/demo/sync', dir: true, modifiedIndex: 8, createdIndex: 8 },
      { key: '/service/demo/failover', value: '', modifiedIndex: 8, createdIndex: 8 },
    ],
  },
})

describe('a list', () => {
  test('has all keys at whatever depth, with the index of their creation as session, and no directories', () => {
    assert.deepEqual(Object.fromEntries(nodesOf(LIST)), {
      '/service/demo/leader': key('pg0', 5, 9),
      '/service/demo/members/pg0': key('{}', 6, 7),
      '/service/demo/failover': key('', 8),
    })
  })

  test('of one level has its keys and its directories', () => {
    assert.deepEqual(childrenOf(LIST), {
      names: ['/service/demo/leader', '/service/demo/failover'],
      directories: ['/service/demo/members', '/service/demo/sync'],
    })
    for (const text of STRANGE) assert.deepEqual(childrenOf(text), { names: [], directories: [] })
  })

  test('of a root that is a key has that one', () => {
    const text = JSON.stringify({ node: { key: '/a', value: 'x', modifiedIndex: 3, createdIndex: 3 } })
    assert.deepEqual([...nodesOf(text).keys()], ['/a'])
  })

  test('without a node is none', () => {
    for (const text of STRANGE) assert.throws(() => nodesOf(text), /^RouterError: its answer is none of API v2$/, text)
  })

  test('with values and nodes of other shapes is read as far as it goes', () => {
    const nodes = [1, null, { key: 2, value: 'x' }, { key: '/a', value: 3 }, { key: '/b', nodes: 'x' }]
    assert.deepEqual(Object.fromEntries(nodesOf(JSON.stringify({ node: { key: '/', dir: true, nodes } }))), {
      '/a': { value: '', session: '0', modified: 0 },
      '/b': { value: '', session: '0', modified: 0 },
    })
  })
})

describe('an event', () => {
  const event = (action: string, node: object): string => JSON.stringify({ action, node, prevNode: {} })

  for (const action of ['set', 'create', 'update', 'compareAndSwap'])
    test(`${action} writes a key`, () => {
      const node = { key: '/a/b', value: 'x', modifiedIndex: 9, createdIndex: 5 }
      assert.deepEqual(eventOf(event(action, node)), { modified: 9, change: { key: '/a/b', put: key('x', 5, 9) } })
    })

  for (const action of ['delete', 'compareAndDelete', 'expire'])
    test(`${action} deletes a key, or a directory`, () => {
      for (const dir of [{}, { dir: true }]) {
        const node = { key: '/a', modifiedIndex: 9, createdIndex: 5, ...dir }
        assert.deepEqual(eventOf(event(action, node)), { modified: 9, change: { key: '/a', put: null } })
      }
    })

  test('of a directory that is made leaves nothing there, and of one that lives longer changes nothing', () => {
    const node = { key: '/a', dir: true, modifiedIndex: 9, createdIndex: 9 }
    for (const action of ['set', 'create'])
      assert.deepEqual(eventOf(event(action, node)), { modified: 9, change: { key: '/a', put: null } })
    assert.deepEqual(eventOf(event('update', node)), { modified: 9, change: null })
  })

  test('of another shape is none', () => {
    const all = [...STRANGE, event('set', { key: '/a' }), event('set', { modifiedIndex: 1 })]
    for (const text of all) assert.throws(() => eventOf(text), /its answer is none of API v2/, text)
  })
})

describe('a change', () => {
  const before = new Map([
    ['/a/b', key('1', 1)],
    ['/a/b/c', key('2', 2)],
    ['/a/bc', key('3', 3)],
  ])
  const after = (change: EtcdChange): string[] => [...applyChange(before, change).keys()]

  test('puts a key among the others, or in place of itself', () => {
    assert.deepEqual(after({ key: '/d', put: key('4', 4) }), ['/a/b', '/a/b/c', '/a/bc', '/d'])
    assert.equal(applyChange(before, { key: '/a/b', put: key('9', 4) }).get('/a/b')?.value, '9')
  })

  test('that deletes takes away a key and all below it, and none that only begins like it', () => {
    assert.deepEqual(after({ key: '/a/b', put: null }), ['/a/bc'])
    assert.deepEqual(after({ key: '/a', put: null }), [])
    assert.deepEqual(after({ key: '/', put: null }), [])
    assert.deepEqual(after({ key: '/a/', put: null }), [])
    assert.deepEqual(after({ key: '/x', put: null }), ['/a/b', '/a/b/c', '/a/bc'])
  })

  test('leaves the keys before it as they were', () => {
    after({ key: '/a', put: null })
    assert.equal(before.size, 3)
  })
})

test('an error has its code, its message and its cause', () => {
  const text = '{"errorCode":100,"message":"Key not found","cause":"/service/demo","index":7}'
  assert.deepEqual(errorOf(text), { code: 100, message: 'Key not found: /service/demo' })
  assert.deepEqual(errorOf('{"errorCode":"x","message":"Internal Server Error"}'), {
    code: null,
    message: 'Internal Server Error',
  })
  for (const other of STRANGE) assert.deepEqual(errorOf(other), { code: null, message: '' })
})
