import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { KeySpace } from '../../../src/demo/key-space.ts'

let keys: KeySpace
let changes: string[]

describe('the keys of the demo', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] })
    keys = new KeySpace()
    changes = []
    keys.watch((key) => changes.push(`${key}=${keys.get(key) ?? 'gone'}`))
  })
  afterEach(() => mock.timers.reset())

  test('tells watchers of every change, and of no put that changes nothing', () => {
    keys.put('a', '1')
    keys.put('a', '1')
    keys.put('a', '2')
    keys.delete('a')
    keys.delete('a')
    assert.deepEqual(changes, ['a=1', 'a=2', 'a=gone'])
  })

  test('deletes the keys of a lease that is not renewed, and no others', () => {
    const lease = keys.grant(1000)
    keys.put('leader', 'pg1', lease)
    keys.put('config', '{}')
    mock.timers.tick(900)
    assert.equal(lease.renew(), true)
    mock.timers.tick(999)
    assert.equal(keys.get('leader'), 'pg1')
    mock.timers.tick(1)
    assert.equal(keys.get('leader'), null)
    assert.equal(keys.get('config'), '{}')
    assert.equal(lease.renew(), false)
  })

  test('tells when a key expires', () => {
    keys.put('leader', 'pg1', keys.grant(1000))
    const inMs = (keys.expiryOf('leader') ?? 0) - Date.now()
    assert.ok(inMs > 0 && inMs <= 1000)
    keys.put('config', '{}')
    assert.equal(keys.expiryOf('config'), null)
  })

  test('keeps a key that was put again with another lease', () => {
    const [old, young] = [keys.grant(1000), keys.grant(5000)]
    keys.put('leader', 'pg1', old)
    keys.put('leader', 'pg1', young)
    mock.timers.tick(1000)
    assert.equal(keys.get('leader'), 'pg1')
  })

  test('gives a key to the first session that creates it, and another session to the next', () => {
    assert.equal(keys.create('leader', 'pg1', null), true)
    assert.equal(keys.create('leader', 'pg2', null), false)
    const session = keys.keys.get('leader')?.session
    keys.put('leader', 'pg1', keys.grant(1000))
    assert.equal(keys.keys.get('leader')?.session, session)
    keys.delete('leader')
    assert.equal(keys.create('leader', 'pg1', null), true)
    assert.notEqual(keys.keys.get('leader')?.session, session)
  })

  test('expires nothing after it was closed', () => {
    keys.put('leader', 'pg1', keys.grant(1000))
    keys.close()
    mock.timers.tick(5000)
    assert.equal(keys.get('leader'), 'pg1')
  })
})
