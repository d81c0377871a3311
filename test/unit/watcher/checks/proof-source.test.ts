/** What a member's key in the DCS says of it (`trust: dcs`). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Member } from '../../../../src/watcher/members/member.ts'
import { KeyProofSource } from '../../../../src/watcher/checks/proof-source.ts'
import { member } from '../sample.ts'

const EXPECTED = { member: 'pg0', scope: 'demo', systemId: '1' }
const known = (changes: Partial<Member>, goneSince: number | null = null) => ({
  member: member('pg0', changes),
  goneSince,
})

describe('the key of a member', () => {
  const primary = async (changes: Partial<Member>, leader: string | null = 'pg0', goneSince: number | null = null) => {
    const { answer } = await new KeyProofSource().primary(known(changes, goneSince), EXPECTED, leader)
    return 'reason' in answer ? `${answer.kind}: ${answer.reason}` : answer.kind
  }

  test('is proof of the leader that the DCS names, once its promotion is over', async () => {
    for (const role of ['primary', 'master']) assert.equal(await primary({ role }), 'proof')
    for (const role of ['promoted', 'replica', 'demoted', 'standby_leader', 'uninitialized'])
      assert.equal(await primary({ role }), `no: its key says role ${role}, state running`)
  })

  test('is none of any other member, nor of a member whose key has gone', async () => {
    assert.equal(
      await primary({ role: 'primary' }, 'pg1'),
      'no: the DCS does not name it, or has not been read for the ttl',
    )
    assert.equal(
      await primary({ role: 'primary' }, null),
      'no: the DCS does not name it, or has not been read for the ttl',
    )
    assert.equal(await primary({ role: 'primary' }, 'pg0', 5), 'no: its key is gone from the DCS')
  })

  test('is none while its Postgres is not running', async () => {
    assert.equal(await primary({ role: 'primary', state: 'stopping' }), 'stopping')
    assert.match(await primary({ role: 'primary', state: 'restarting' }), /^no: /)
  })

  test('tells the timeline and the position', async () => {
    const told = await new KeyProofSource().primary(
      known({ role: 'primary', timeline: 7, position: 99 }),
      EXPECTED,
      'pg0',
    )
    assert.deepEqual(told, {
      answer: { kind: 'proof', timeline: 7, by: 'its key' },
      position: 99,
      at: null,
      rest: null,
    })
  })

  test('makes a running replica fit, and a stopped one down', async () => {
    const replica = async (changes: Partial<Member>, path: '/replica' | '/standby-leader' = '/replica') =>
      (await new KeyProofSource().replica(known(changes), EXPECTED, path)).answer
    assert.deepEqual(await replica({}), { kind: 'fit' })
    assert.deepEqual(await replica({ role: 'standby_leader' }, '/standby-leader'), { kind: 'fit' })
    const stopped = await replica({ state: 'stopped' })
    assert.ok(stopped.kind === 'unfit' && stopped.down)
    const starting = await replica({ state: 'starting' })
    assert.ok(starting.kind === 'unfit' && !starting.down)
    assert.equal((await replica({ role: 'primary' })).kind, 'unfit')
  })
})
