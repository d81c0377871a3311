import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { Counters } from '../../../src/proxy/counters.ts'
import { listenerLog } from '../../../src/proxy/log-lines.ts'
import type { LogLine } from '../../../src/text/log-line.ts'

let lines: Record<string, unknown>[]
let counters: Counters

describe('the counters of a listener', () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] })
    lines = []
    const write = ({ fields, message }: LogLine): void => void lines.push({ ...fields, msg: message })
    const log = listenerLog({ name: 'primary', route: 'primary' }, write)
    counters = new Counters(log, () => undefined)
  })
  afterEach(() => mock.timers.reset())

  function messages(): unknown[] {
    return lines.map(({ msg }) => msg)
  }

  test('logs the first at once, sums up the others, and starts again after the last', () => {
    for (let n = 0; n < 1000; n++) counters.refused('hold-timeout', 'no primary became available within 45 s')
    assert.deepEqual(messages(), ['primary: refused 1 connection: no primary became available within 45 s'])
    mock.timers.tick(5000)
    assert.equal(messages()[1], 'primary: refused 999 connections in 5 s: no primary became available within 45 s')
    mock.timers.tick(5000)
    counters.refused('hold-timeout', 'no primary became available within 45 s')
    assert.equal(messages().length, 3)
    assert.equal(messages()[2], messages()[0])
    assert.equal(counters.refusals['hold-timeout'], 1001)
  })

  test('sums up each reason and each member for itself', () => {
    for (let n = 0; n < 3; n++) {
      counters.refused('shutdown', 'the router is shutting down')
      counters.ended('client-timeout', 'pg1', 'idle')
      counters.ended('client-timeout', 'pg2', 'idle')
    }
    assert.equal(lines.length, 3)
    counters.close()
    assert.deepEqual(messages().slice(3), [
      'primary: refused 2 connections in 5 s: the router is shutting down',
      'primary: closed 2 sessions on pg1 in 5 s: idle',
      'primary: closed 2 sessions on pg2 in 5 s: idle',
    ])
    assert.equal(counters.endings['client-timeout'], 6)
    assert.equal(counters.endings['server-timeout'], 0)
  })

  test('says the freshest hint of those that it sums up, and nothing twice after its end', () => {
    counters.refused('hold-timeout', 'no primary is available', 'The leader key is gone.')
    counters.refused('hold-timeout', 'no primary is available', 'Leader pg1: it is stopping.')
    counters.close()
    counters.close()
    assert.equal(
      messages()[1],
      'primary: refused 1 connection in 5 s: no primary is available (Leader pg1: it is stopping.)',
    )
    counters.refused('shutdown', 'the router is shutting down')
    mock.timers.tick(60_000)
    assert.equal(lines.length, 3)
  })

  test('sessions that are closed together are one line, with the cause', () => {
    counters.closed('fence', 'pg1', 1, 'it has lost the lock')
    counters.closed('drain-timeout', 'pg1', 7, 'the router is shutting down')
    assert.deepEqual(
      lines.map(({ event, cause, msg }) => [event, cause, msg]),
      [
        ['fenced', 'fence', 'primary: closed 1 session on pg1: it has lost the lock'],
        ['session-ended', 'drain-timeout', 'primary: closed 7 sessions on pg1: the router is shutting down'],
      ],
    )
    assert.deepEqual([counters.endings.fence, counters.endings['drain-timeout']], [1, 7])
  })
})
