/** What is done soon, and not too often. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { Pace } from '../../../src/watcher/pace.ts'

let time = 1000
describe('a pace', () => {
  beforeEach(() => {
    time = 1000
    mock.timers.enable({ apis: ['setTimeout'] })
    mock.method(performance, 'now', () => time)
  })
  afterEach(() => {
    mock.timers.reset()
    mock.restoreAll()
  })
  const pass = (ms: number): void => {
    time += ms
    mock.timers.tick(ms)
  }

  test('the first is done at once, those that follow together after the pause', () => {
    let done = 0
    const pace = new Pace(() => done++)
    pace.soon(100)
    assert.equal(done, 1)
    for (let count = 0; count < 50; count++) pace.soon(100)
    pass(99)
    assert.equal(done, 1)
    pass(1)
    assert.equal(done, 2)
    pass(1000)
    assert.equal(done, 2)
  })

  test('a pass that may wait is never done at once, and many of them together after the pause', () => {
    let done = 0
    const pace = new Pace(() => done++)
    pace.later(100)
    pace.later(100)
    assert.equal(done, 0)
    pass(0)
    assert.equal(done, 1)
    pace.later(100)
    pass(99)
    assert.equal(done, 1)
    pass(1)
    assert.equal(done, 2)
  })

  test('an immediate pass makes a waiting one needless, and the next pause begins', () => {
    let done = 0
    const pace = new Pace(() => done++)
    pace.soon(100)
    pace.soon(100)
    pass(50)
    pace.atOnce()
    assert.equal(done, 2)
    pass(60)
    assert.equal(done, 2)
    pace.soon(100)
    pass(40)
    assert.equal(done, 3)
  })

  test('nothing is done after it was closed', () => {
    let done = 0
    const pace = new Pace(() => done++)
    pace.soon(100)
    pace.soon(100)
    pace.close()
    pass(1000)
    assert.equal(done, 1)
  })
})
