import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { Turns } from '../../../../src/demo/postgres/turns.ts'

let evicted: string[]
let busy: string[]
let turns: Turns<string>

describe('the turns of sessions in the demo', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] })
    evicted = []
    busy = []
    turns = new Turns({
      ...{ idleLimitMs: 1000, evict: (owner) => evicted.push(owner) },
      ...{ busyLimitMs: 500, busy: (owner) => busy.push(owner) },
    })
  })
  afterEach(() => mock.timers.reset())

  test('gives the turn in the order of arrival', async () => {
    const order: string[] = []
    for (const owner of ['a', 'b', 'c']) void turns.acquire(owner).then(() => order.push(owner))
    assert.equal(turns.owner, 'a')
    turns.release('a')
    assert.equal(turns.owner, 'b')
    turns.release('b')
    assert.equal(turns.owner, 'c')
    turns.release('c')
    assert.equal(turns.owner, null)
    await Promise.resolve()
    assert.deepEqual(order, ['a', 'b', 'c'])
  })

  test('gives the turn again to its owner, without waiting', async () => {
    await turns.acquire('a')
    void turns.acquire('b')
    assert.equal(await turns.acquire('a'), true)
  })

  test('evicts an owner that rests while another waits, and not before', async () => {
    await turns.acquire('a')
    turns.rest('a')
    mock.timers.tick(10_000)
    assert.deepEqual(evicted, [])
    void turns.acquire('b')
    mock.timers.tick(999)
    assert.deepEqual(evicted, [])
    mock.timers.tick(1)
    assert.deepEqual(evicted, ['a'])
  })

  const blockingOf = ({ blocking }: Turns<string>): Turns<string>['blocking'] => blocking

  test('names the owner that rests while others wait, and for how long', async () => {
    await turns.acquire('a')
    turns.rest('a')
    assert.equal(blockingOf(turns), null)
    void turns.acquire('b')
    void turns.acquire('c')
    mock.timers.tick(700)
    const { owner, waiting, forMs } = blockingOf(turns) ?? {}
    assert.deepEqual([owner, waiting], ['a', 2])
    assert.ok(forMs !== undefined && forMs >= 0)
    turns.release('a')
    assert.equal(blockingOf(turns), null)
  })

  test('does not evict an owner that is busy', async () => {
    await turns.acquire('a')
    void turns.acquire('b')
    mock.timers.tick(10_000)
    turns.rest('a')
    mock.timers.tick(900)
    await turns.acquire('a')
    mock.timers.tick(10_000)
    assert.deepEqual(evicted, [])
  })

  test('passes over a session that has given up, and does not count it as waiting', async () => {
    await turns.acquire('a')
    const waiting = turns.acquire('b')
    turns.rest('a')
    assert.equal(turns.withdraw('b'), true)
    assert.equal(await waiting, false)
    assert.equal(turns.withdraw('b'), false)
    mock.timers.tick(10_000)
    assert.deepEqual(evicted, [])
    turns.release('a')
    assert.equal(turns.owner, null)
  })

  test('ignores the release of a session that does not have the turn', async () => {
    await turns.acquire('a')
    turns.release('b')
    assert.equal(turns.owner, 'a')
  })

  test('tells once of an owner that is busy while others wait, and of each again', async () => {
    await turns.acquire('a')
    mock.timers.tick(10_000)
    assert.deepEqual(busy, [])
    void turns.acquire('b')
    mock.timers.tick(499)
    assert.deepEqual(busy, [])
    void turns.acquire('c')
    mock.timers.tick(10_000)
    assert.deepEqual(busy, ['a'])
    turns.release('a')
    mock.timers.tick(499)
    assert.deepEqual(busy, ['a'])
    mock.timers.tick(1)
    assert.deepEqual(busy, ['a', 'b'])
  })
})
