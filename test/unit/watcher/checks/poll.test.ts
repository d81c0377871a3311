/** A question that is asked again and again, on a clock of the test's own. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { Poll } from '../../../../src/watcher/checks/poll.ts'

type Question = { readonly at: number; readonly signal: AbortSignal; answer: () => void }

describe('a poll', () => {
  let asked: Question[]
  let time: number
  let random: number
  let poll: Poll

  beforeEach(() => {
    time = 1000
    random = 0.5
    asked = []
    mock.timers.enable({ apis: ['setTimeout'] })
    mock.method(performance, 'now', () => time)
    const ask = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => asked.push({ at: time, signal, answer: resolve }))
    poll = new Poll({ ask, random: () => random })
  })
  afterEach(() => {
    mock.timers.reset()
    mock.restoreAll()
  })

  const pass = (ms: number): void => {
    for (let step = 0; step < ms; step++) {
      time++
      mock.timers.tick(1)
    }
  }
  const answer = async (): Promise<void> => {
    asked.at(-1)?.answer()
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
  }
  const times = (): number[] => asked.map(({ at }) => at)

  test('asks at once, then once in each interval from question to question', async () => {
    poll.every(100, false)
    assert.deepEqual(times(), [1000])
    pass(30)
    await answer()
    pass(69)
    assert.deepEqual(times(), [1000])
    pass(1)
    assert.deepEqual(times(), [1000, 1100])
  })

  test('has at most one question under way', async () => {
    poll.every(100, false)
    poll.every(50, false)
    pass(1000)
    assert.equal(asked.length, 1)
    await answer()
    pass(9)
    assert.equal(asked.length, 1)
    pass(1)
    assert.equal(asked.length, 2)
  })

  test('takes a shorter interval at once', async () => {
    poll.every(2000, false)
    await answer()
    pass(150)
    poll.every(100, false)
    pass(10)
    assert.deepEqual(times(), [1000, 1160])
    await answer()
    pass(100)
    assert.deepEqual(times(), [1000, 1160, 1260])
  })

  test('takes a longer interval after the question that is due', async () => {
    poll.every(100, false)
    await answer()
    poll.every(2000, false)
    pass(100)
    await answer()
    pass(1999)
    assert.deepEqual(times(), [1000, 1100])
    pass(1)
    assert.equal(asked.length, 3)
  })

  test('gives up the question under way when its subject changes, and asks at once', async () => {
    poll.every(100, false)
    poll.every(100, true)
    assert.equal(asked[0]?.signal.aborted, true)
    assert.equal(asked.at(-1)?.signal.aborted, false)
    asked.at(0)?.answer()
    await Promise.resolve()
    pass(500)
    assert.equal(asked.length, 2)
    await answer()
    pass(10)
    assert.equal(asked.length, 3)
    await answer()
    pass(99)
    assert.equal(asked.length, 3)
    pass(1)
    assert.equal(asked.length, 4)
  })

  test('asks at once about another subject also when it waits', async () => {
    poll.every(100, false)
    await answer()
    pass(10)
    poll.every(100, true)
    assert.deepEqual(times(), [1000, 1010])
    await answer()
    pass(100)
    assert.deepEqual(times(), [1000, 1010, 1110])
  })

  test('stops, with the question under way, and starts again', async () => {
    poll.every(100, false)
    poll.every(null, false)
    assert.equal(asked[0]?.signal.aborted, true)
    await answer()
    pass(1000)
    poll.every(null, true)
    pass(1000)
    assert.equal(asked.length, 1)
    poll.every(100, true)
    assert.equal(asked.length, 2)
    await answer()
    poll.every(null, false)
    pass(1000)
    assert.equal(asked.length, 2)
  })

  test('spreads its questions by a tenth of the interval', async () => {
    for (const [value, interval] of [
      [0, 950],
      [0.999_999, 1050],
    ] as const) {
      random = value
      poll.every(1000, true)
      await answer()
      pass(interval - 1)
      const { length } = asked
      pass(2)
      assert.equal(asked.length, length + 1)
    }
  })
})
