import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { Client } from '../../../src/proxy/client.ts'
import type { Target } from '../../../src/proxy/route.ts'
import type { Session } from '../../../src/proxy/session.ts'
import { Sessions } from '../../../src/proxy/sessions.ts'

const NOBODY = new Client(new Socket(), Buffer.alloc(0), 0)
const TARGET: Target = {
  member: 'pg1',
  address: { host: '10.0.0.1', port: 5432 },
  host: '10.0.0.1',
  epoch: 1,
  basis: 'lock',
}

test('closing sessions waits also for those that another call is about to close', async () => {
  const sessions = new Sessions({ joined: () => undefined, ended: () => undefined, over: () => undefined })
  const open = new Set<number>()
  for (let number = 0; number < 250; number++) {
    open.add(number)
    const session: Pick<Session, 'whenEnded' | 'cutOff' | 'destroy'> = {
      whenEnded: () => undefined,
      cutOff: () => undefined,
      destroy: () => void open.delete(number),
    }
    sessions.add({ id: number, client: NOBODY, target: TARGET, session: session as Session })
  }
  const first = sessions.close(() => true, 'fence')
  const second = sessions.close(({ epoch }) => epoch !== 2, 'fence')
  assert.equal(first.closed.get('pg1'), 250)
  assert.equal(second.closed.size, 0)
  await second.done
  assert.equal(open.size, 0)
  await first.done
})
