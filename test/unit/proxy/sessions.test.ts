import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Client } from '../../../src/proxy/client.ts'
import type { Target } from '../../../src/proxy/route.ts'
import type { Session } from '../../../src/proxy/session.ts'
import { normalizedClient } from '../../../src/proxy/session-list.ts'
import { Sessions } from '../../../src/proxy/sessions.ts'

const NOBODY = new Client(new Socket(), Buffer.alloc(0), 0)
const TARGET: Target = {
  member: 'pg1',
  address: { host: '10.0.0.1', port: 5432 },
  host: '10.0.0.1',
  epoch: 1,
  basis: 'lock',
}

interface Fakes {
  readonly sessions: Sessions
  /** The ids of those that are open. */
  readonly open: Set<number>
  readonly add: (id: number) => void
}

/** Sessions with the ids 1 to `count`. `stuck`: one that cannot be closed. */
function sessionsOf(count: number, stuck?: number): Fakes {
  const sessions = new Sessions({ joined: () => undefined, ended: () => undefined, over: () => undefined })
  const open = new Set<number>()
  const add = (id: number): void => {
    open.add(id)
    const session: Pick<Session, 'whenEnded' | 'cutOff' | 'destroy'> = {
      whenEnded: () => undefined,
      cutOff: () => undefined,
      destroy: () => {
        if (id === stuck) throw new Error('injected')
        open.delete(id)
      },
    }
    sessions.add({ id, client: NOBODY, target: TARGET, session: session as Session })
  }
  for (let id = 1; id <= count; id++) add(id)
  return { sessions, open, add }
}

test('closing sessions waits also for those that another call is about to close', async () => {
  const { sessions, open } = sessionsOf(250)
  const first = sessions.close(() => true, 'fence')
  const second = sessions.close(({ epoch }) => epoch !== 2, 'fence')
  assert.equal(first.closed.get('pg1'), 250)
  assert.equal(second.closed.size, 0)
  await second.done
  assert.equal(open.size, 0)
  await first.done
})

test('sessions that are closed by request end some in each turn of the event loop, and later sessions stay', async () => {
  const { sessions, open, add } = sessionsOf(1000)
  let closed = 0
  const closing = sessions.closeSome(
    ({ id }) => id % 2 === 0,
    'admin',
    1000,
    () => closed++,
  )
  await nextTurn()
  assert.ok(closed > 0 && closed < 500, `${closed}`)
  add(1001)
  add(1002)
  await closing
  assert.equal(closed, 500)
  assert.deepEqual([...open].slice(-3), [999, 1001, 1002])
  assert.deepEqual([open.size, sessions.size], [502, 502])
})

test('a session that cannot be closed by request keeps no other open, and is tried again by the next closing', async () => {
  const { sessions, open } = sessionsOf(3, 2)
  const closed: string[] = []
  const closing = sessions.closeSome(
    () => true,
    'admin',
    3,
    ({ member }) => closed.push(member),
  )
  await assert.rejects(closing, /1 session cannot be closed/)
  assert.deepEqual([[...open], closed.length], [[2], 3])
  await assert.rejects(sessions.close(() => false, 'fence').done, /1 session cannot be closed/)
})

for (const [client, expected] of [
  ['10.0.0.9', '10.0.0.9'],
  ['::ffff:10.0.0.9', '10.0.0.9'],
  ['FE80::00FC:ff:fe00:1', 'fe80::fc:ff:fe00:1'],
  ['fe80::00fc:ff:fe00:1%eth0', 'fe80::fc:ff:fe00:1%eth0'],
  ['fe80::1%br_lan', 'fe80::1%br_lan'],
  ['/run/postgresql/.s.PGSQL.5432', '/run/postgresql/.s.PGSQL.5432'],
  ...(['nonsense', '10.0.0.9:5000', '10.0.0.9%eth0', 'fe80::1%', ''] as const).map((text) => [text, null] as const),
] as const)
  test(`a client is selected by its address without port, or by a path: ${JSON.stringify(client)}`, () => {
    assert.equal(normalizedClient(client), expected)
  })
