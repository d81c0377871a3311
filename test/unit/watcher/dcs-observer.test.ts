/** What is published of the DCS, and what of its errors is worth being told. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pino from 'pino'
import { RouterError } from '../../../src/errors.ts'
import type { Dcs, DcsTraits } from '../../../src/watcher/dcs/dcs.ts'
import { afterObservation, DcsObserver, unreadDcs } from '../../../src/watcher/dcs-observer.ts'
import type { DcsView } from '../../../src/watcher/view.ts'
import { cluster } from './sample.ts'

const read = { type: 'snapshot', cluster: cluster(), restored: false, endpoint: 'a' } as const
const lost = (message: string) =>
  ({ type: 'lost', endpoint: 'a', error: new RouterError('DCS_UNAVAILABLE', message) }) as const

const ETCD: DcsTraits = { kind: 'etcd3', leaderFrom: 'lock', absence: null }

/** The errors after one a second. */
function told(leaderFrom: DcsTraits['leaderFrom'], everyMs: number, ...messages: readonly string[]): string {
  let view: DcsView = afterObservation(unreadDcs({ ...ETCD, leaderFrom }, 0), read, 0)
  messages.forEach((message, index) => (view = afterObservation(view, lost(message), (index + 1) * everyMs)))
  return view.errors.map(({ message }) => message).join(' ')
}

test('a DCS that was never read cannot be lost', () => {
  const view = afterObservation(unreadDcs(ETCD, 5), lost('refused'), 9)
  assert.deepEqual([view.state, view.since, view.error, view.readAt], ['never', 5, 'refused', null])
})

test('a state begins with the first observation of it', () => {
  const up = afterObservation(afterObservation(unreadDcs(ETCD, 0), read, 5), read, 8)
  assert.deepEqual([up.state, up.since, up.readAt], ['up', 5, 8])
  const down = afterObservation(afterObservation(up, lost('x'), 9), lost('y'), 10)
  assert.deepEqual([down.state, down.since, down.readAt, down.error], ['lost', 9, 8, 'y'])
})

test('another error is reported after half a minute, once, and that of a file at once', () => {
  assert.equal(told('lock', 1000, 'dropped', 'refused', 'refused', 'timeout'), 'dropped')
  assert.equal(told('lock', 30_000, 'dropped', 'refused', 'dropped', 'password'), 'dropped refused password')
  assert.equal(told('description', 1, 'missing', 'line 1', 'line 2', 'line 1'), 'missing line 1 line 2')
  const many = Array.from({ length: 50 }, (_, index) => `e${index}`)
  assert.equal(told('description', 1, ...many).split(' ').length, 10)
})

test('errors are forgotten when it is read again', () => {
  const down = afterObservation(unreadDcs(ETCD, 0), lost('refused'), 1)
  assert.deepEqual(afterObservation(down, read, 2).errors, [])
})

describe('a fault of ours', () => {
  const log = pino({ level: 'silent' })

  test('in what takes an observation, or in the part of the DCS, is a DCS that is lost until it is read again', async () => {
    const stop = new AbortController()
    let attempts = 0
    const dcs: Dcs = {
      ...ETCD,
      async *observe() {
        attempts++
        if (attempts === 2) throw new Error('a fault of the DCS')
        yield await Promise.resolve(read)
      },
    }
    const observer = new DcsObserver(dcs, log, 0)
    const states: string[] = []
    await observer.run(stop.signal, null, ({ type }) => {
      states.push(`${type} ${observer.view.error ?? ''}`)
      if (states.length === 1) throw new Error('a fault of the decision')
      if (attempts === 3) stop.abort()
    })
    const fault = (what: string): string => `lost an unexpected error, please report it: ${what}`
    assert.deepEqual(states, ['snapshot ', fault('a fault of the decision'), fault('a fault of the DCS'), 'snapshot '])
    assert.equal(observer.view.state, 'up')
  })
})
