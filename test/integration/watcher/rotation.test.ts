/** What the kinds of DCS share, with connections and positions that are none of etcd's. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { History } from '../../../src/watcher/dcs/history.ts'
import { type EndpointConnection, observeInTurn } from '../../../src/watcher/dcs/rotation.ts'

/** A connection that counts whether it has been closed. */
class Played implements EndpointConnection {
  readonly endpoint: string
  isClosed = false
  constructor(endpoint: string) {
    this.endpoint = endpoint
  }
  close(): void {
    this.isClosed = true
  }
}

/** Observes endpoints of which `session` tells, until `count` observations were made. */
async function observed(
  names: readonly string[],
  session: (connection: Played) => AsyncIterable<string>,
  count: number,
  takeSuccessor?: () => Played | null,
): Promise<{ readonly told: readonly string[]; readonly made: readonly Played[] }> {
  const made: Played[] = []
  const told: string[] = []
  let turn = 0
  const end = new AbortController()
  const observing = observeInTurn<string, Played>(
    {
      session,
      endpoints: { name: '', size: names.length, next: () => names[turn++ % names.length] ?? '' },
      connect: (endpoint) => {
        const connection = new Played(endpoint)
        made.push(connection)
        return connection
      },
      lost: (endpoint, cause) => Promise.resolve(`${endpoint} ${String(cause)}`),
      isRefusal: () => false,
      ...(takeSuccessor === undefined ? {} : { takeSuccessor }),
    },
    end.signal,
  )
  for await (const one of observing) {
    told.push(one)
    if (told.length === count) end.abort()
  }
  return { told, made }
}

describe('endpoints in turns', () => {
  test('are asked one after the other, each lost one is reported, and its connection is closed', async () => {
    const session = async function* ({ endpoint }: Played): AsyncGenerator<string> {
      await Promise.resolve()
      if (endpoint !== 'b') throw new TypeError('no')
      yield `${endpoint} serves`
      throw new RangeError('over')
    }
    const { told, made } = await observed(['a', 'b', 'c'], session, 5)
    const round = ['a TypeError: no', 'b serves', 'b RangeError: over', 'c TypeError: no']
    assert.deepEqual(told, [...round, 'a TypeError: no'])
    assert.ok(made.every(({ isClosed }) => isClosed))
  })

  test('are not connected to any more once the observation has ended while the next one was looked for', async () => {
    const end = new AbortController()
    const made: string[] = []
    const observing = observeInTurn<string, Played>(
      {
        endpoints: {
          name: '',
          size: 1,
          // One that is known is given all the same.
          next: () => {
            end.abort()
            return Promise.resolve('a')
          },
        },
        connect: (endpoint) => {
          made.push(endpoint)
          return new Played(endpoint)
        },
        session: () => assert.fail('a session has begun'),
        lost: (endpoint) => Promise.resolve(endpoint),
        isRefusal: () => false,
      },
      end.signal,
    )
    const told: string[] = []
    for await (const one of observing) told.push(one)
    assert.deepEqual([told, made], [[], []])
  })

  test('give their turn to a successor, which is closed where it is not needed any more', async () => {
    const spare = [new Played('a'), new Played('a')]
    const given: Played[] = []
    const session = async function* (connection: Played): AsyncGenerator<string> {
      given.push(connection)
      await Promise.resolve()
      yield connection.endpoint
    }
    const { told } = await observed(['a', 'b'], session, 2, () => spare.shift() ?? null)
    assert.deepEqual(told, ['a', 'a'])
    assert.deepEqual(
      given.slice(1).map(({ endpoint, isClosed }) => [endpoint, isClosed]),
      [['a', true]],
    )
    assert.equal(spare.length, 0)
  })
})

describe('the history of a DCS', () => {
  const history = (): History<number> =>
    new History({
      isOlder: (position, seen) => position < seen,
      isNewer: (position, seen) => position > seen,
      show: (position) => `index ${position}`,
    })

  test('begins again where a session shows that it was restored', () => {
    const seen = history()
    assert.equal(seen.begin(7), false)
    assert.equal(seen.begin(8), false)
    seen.saw(9)
    seen.saw(3)
    assert.equal(seen.begin(8), true)
  })

  test('ends the readings beside a watch when it goes back', async () => {
    const seen = history()
    seen.begin(7)
    const positions = [7, 8, 5]
    const read: number[] = []
    const why = await new Promise((resolve) => {
      void seen.readEvery<number>({
        intervalMs: 1,
        closed: AbortSignal.timeout(10_000),
        read: () => Promise.resolve(positions.shift() ?? 0),
        onRead: (position) => {
          read.push(position)
          seen.saw(position)
        },
        onEnd: resolve,
      })
    })
    assert.deepEqual(read, [7, 8])
    assert.match(String(why), /its history went back to index 5: it was restored/)
  })
})
