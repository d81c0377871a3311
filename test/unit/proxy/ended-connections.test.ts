import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import type { ConnectionEnd, EndedConnection } from '../../../src/proxy/connection-line.ts'
import { EndedConnections } from '../../../src/proxy/ended-connections.ts'

// In a suite: the hooks of a file count for all that run in the same process.
describe('connections that have ended', () => {
  let time: number
  let ended: EndedConnections
  /** The ports of each message, and how many were dropped before it. */
  let sent: (readonly (number | null)[])[]
  let dropped: number[]
  beforeEach(() => {
    time = 0
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
    mock.method(performance, 'now', () => time)
    sent = []
    dropped = []
    ended = new EndedConnections((connections, more) => {
      sent.push(connections.map(({ clientPort }) => clientPort))
      dropped.push(more)
    })
  })
  afterEach(() => {
    mock.timers.reset()
    mock.restoreAll()
  })

  function add(first: number, count = 1, reason: ConnectionEnd = 'client-closed'): void {
    for (let clientPort = first; clientPort < first + count; clientPort++)
      ended.add({
        ...{ listener: 'primary', route: 'primary', endedAt: 0, client: '10.0.0.1', clientPort, member: null },
        ...{ memberAddress: null, localAddress: null, localPort: null, heldMs: 0, connectMs: null, durationMs: 0 },
        ...{ bytesIn: 0, bytesOut: 0, reason, stage: 'session' },
      } satisfies EndedConnection)
  }

  function pass(ms: number): void {
    for (let passed = 0; passed < ms; passed++) {
      time++
      mock.timers.tick(1)
    }
  }

  const counts = (): readonly number[] => sent.map(({ length }) => length)

  test('connections are sent together, in their order, 100 ms after the first one', () => {
    add(1)
    pass(60)
    add(2, 2)
    pass(39)
    assert.deepEqual(sent, [])
    pass(1)
    assert.deepEqual(sent, [[1, 2, 3]])
    pass(1000)
    assert.equal(sent.length, 1)
  })

  test('many are sent a hundred at a time, with a pause between', () => {
    add(1, 250)
    pass(100)
    assert.deepEqual(counts(), [100])
    pass(9)
    assert.deepEqual(counts(), [100])
    pass(1)
    assert.deepEqual(counts(), [100, 100])
    pass(10)
    assert.deepEqual(counts(), [100, 100, 50])
    assert.equal(sent[2]?.at(-1), 250)
  })

  test('while sessions are closed together none is sent, and 100 ms after the last closing all are', async () => {
    const [first, second] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    add(1)
    pass(90)
    ended.hold(first.promise)
    ended.hold(second.promise)
    add(2, 50, 'fence')
    pass(1000)
    first.resolve(undefined)
    await first.promise
    pass(1000)
    add(52, 50, 'member-down')
    second.reject(new Error('two sessions cannot be closed'))
    await assert.rejects(second.promise)
    pass(99)
    assert.deepEqual(sent, [])
    pass(2)
    assert.deepEqual(counts(), [100])
    pass(10)
    assert.deepEqual(counts(), [100, 1])
  })

  test('connections beyond the limit are counted, and reported with the next ones', () => {
    add(1, 100_003)
    pass(110)
    assert.deepEqual(dropped, [3, 0])
    assert.deepEqual(counts(), [100, 100])
  })

  test('a close sends all at once, and from then on each at once', () => {
    add(1, 150)
    ended.close()
    assert.deepEqual(counts(), [100, 50])
    add(151, 1, 'fence')
    assert.deepEqual(sent[2], [151])
    ended.close()
    pass(1000)
    assert.equal(sent.length, 3)
  })
})
