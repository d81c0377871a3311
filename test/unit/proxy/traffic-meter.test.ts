import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TrafficMeter } from '../../../src/proxy/traffic-meter.ts'

const NONE: ReadonlySet<string> = new Set()

/** Sessions on these members that begin at 5000, one after the other. */
function meterOf(...members: readonly string[]): TrafficMeter {
  const meter = new TrafficMeter()
  for (const [index, member] of members.entries())
    meter.began(member, { heldMs: 0, connectMs: 2, at: 5000 + index }, false)
  return meter
}

function membersOf(meter: TrafficMeter): readonly string[] {
  return meter.at(5000).members.map(({ member }) => member)
}

test('a session counts for its member and for the listener, also after its end', () => {
  const meter = meterOf('pg2', 'pg1', 'pg2')
  meter.left('pg2')
  const { sessions, maxSessions, totalSessions, rate, maxRate, lastSessionAt, members } = meter.at(5002)
  assert.deepEqual(
    { sessions, maxSessions, totalSessions, rate, maxRate, lastSessionAt },
    { sessions: 2, maxSessions: 3, totalSessions: 3, rate: 3, maxRate: 3, lastSessionAt: 5002 },
  )
  assert.deepEqual(
    members.map(({ member, sessions: open, maxSessions: most, totalSessions: all }) => [member, open, most, all]),
    [
      ['pg1', 1, 1, 1],
      ['pg2', 1, 2, 2],
    ],
  )
})

test('averages are exact for the first sessions, and then forget the older ones', () => {
  const meter = meterOf()
  for (const durationMs of [1, 2, 6]) meter.ended('pg1', durationMs)
  assert.equal(meter.at(0).averageSessionMs, 3)
  for (let n = 0; n < 20_000; n++) meter.ended('pg1', 100)
  assert.equal(Math.round(meter.at(0).members[0]?.averageSessionMs ?? 0), 100)
})

test('only clients that were held count among those that were held', () => {
  const meter = meterOf('pg1')
  meter.began('pg1', { heldMs: 0, connectMs: 0.2, at: 5000 }, true)
  meter.began('pg1', { heldMs: 700, connectMs: 70, at: 5000 }, true)
  const { hold, connect } = meter.at(5000)
  const counted = ({ bounds, counts }: typeof hold): readonly (readonly [number | undefined, number])[] =>
    counts.flatMap((count, index) => (count > 0 ? [[bounds[index], count] as const] : []))
  assert.deepEqual(
    [counted(hold), hold.sum],
    [
      [
        [1, 1],
        [1000, 1],
      ],
      700,
    ],
  )
  assert.deepEqual(
    [counted(connect), connect.sum],
    [
      [
        [0.5, 1],
        [2.5, 1],
        [100, 1],
      ],
      72.2,
    ],
  )
})

test('members of the view are counted from 0 on, and those that are gone without a count are not', () => {
  const meter = meterOf('pg1')
  meter.member('pg2').failedDials++
  meter.follow(new Set(['pg3', 'pg4']))
  meter.follow(new Set(['pg4']))
  meter.left('pg1')
  meter.follow(new Set(['pg4']))
  assert.deepEqual(membersOf(meter), ['pg1', 'pg2', 'pg4'])
})

test('members that are gone are forgotten when they are many, and what the listener has carried stays', () => {
  const names = Array.from({ length: 300 }, (_, n) => `pod-${n}`)
  const meter = meterOf(...names)
  for (const name of names) {
    meter.member(name).received.bytes += 10
    if (name !== 'pod-0') meter.left(name)
  }
  meter.follow(NONE)
  const { bytesIn, totalSessions, sessions, members } = meter.at(9000)
  assert.deepEqual([bytesIn, totalSessions, sessions], [3000, 300, 1])
  assert.ok(members.length < 300)
  // It has a session.
  assert.equal(members[0]?.member, 'pod-0')
  assert.equal(
    members.some(({ member }) => member === 'pod-1'),
    false,
  )
})

test('the most clients that were held stays', () => {
  const meter = meterOf()
  for (const held of [1, 7, 0]) meter.holds(held)
  assert.equal(meter.at(0).maxHeld, 7)
})
