/** The lease of a leader in Kubernetes: nothing there lets it run out but the clock of an observer. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  afterLoss,
  afterRead,
  afterRecord,
  holderOf,
  type Lease,
  leftMs,
  NO_LEASE,
} from '../../../../../src/watcher/dcs/kubernetes/lease.ts'

const RECORD = { leader: 'pg0', ttl: '20', acquireTime: 'a', renewTime: 'r0', transitions: '3' }
const GAP_MS = 6000

type Step =
  { readonly at: number; readonly record: Readonly<Record<string, string>> } | { readonly at: number } | 'lost'

function play(steps: readonly Step[], usualMs: number | null = null): Lease {
  return steps.reduce<Lease>((lease, step) => {
    if (step === 'lost') return afterLoss(lease)
    if ('record' in step) return afterRecord(lease, step.record, step.at)
    return afterRead(lease, step.at, GAP_MS, usualMs)
  }, NO_LEASE)
}

/** Reads every two seconds, with certainty. */
function reads(from: number, to: number): Step[] {
  return Array.from({ length: (to - from) / 2000 }, (_, index) => ({ at: from + (index + 1) * 2000 }))
}

const FIRST: Step = { at: 0, record: RECORD }

describe('the lease of a leader', () => {
  for (const [what, steps, name] of [
    ['is fresh when it is seen first', [FIRST], 'pg0'],
    ['is valid until its ttl is over', [FIRST, ...reads(0, 18_000), { at: 19_999 }], 'pg0'],
    ['is void when it has not changed for its ttl', [FIRST, ...reads(0, 20_000)], null],
    [
      'is valid again with any change',
      [FIRST, ...reads(0, 20_000), { at: 21_000, record: { ...RECORD, renewTime: 'r1' } }],
      'pg0',
    ],
    [
      'begins anew with each renewal',
      [FIRST, ...reads(0, 18_000), { at: 19_000, record: { ...RECORD, renewTime: 'r1' } }, ...reads(19_000, 37_000)],
      'pg0',
    ],
    [
      'stands still while the API is lost',
      [FIRST, ...reads(0, 10_000), 'lost', { at: 90_000 }, ...reads(90_000, 98_000)],
      'pg0',
    ],
    [
      'goes on with what was left after that',
      [FIRST, ...reads(0, 10_000), 'lost', { at: 90_000 }, ...reads(90_000, 100_000)],
      null,
    ],
    [
      'stands still while this process is stopped',
      [FIRST, ...reads(0, 10_000), { at: 70_000 }, ...reads(70_000, 78_000)],
      'pg0',
    ],
    [
      'is given up without a leader',
      [FIRST, { at: 1000, record: { ttl: '20', acquireTime: 'a', transitions: '3' } }],
      null,
    ],
    ['is gone with its object', [FIRST, { at: 1000, record: {} }], null],
    ['of nobody is none', [{ at: 0, record: { ...RECORD, leader: '' } }], null],
    [
      'that has a ttl below zero is void at the next read',
      [{ at: 0, record: { ...RECORD, ttl: '-5' } }, { at: 1 }],
      null,
    ],
    ['that has no ttl lasts 30 s', [{ at: 0, record: { leader: 'pg0' } }, ...reads(0, 28_000)], 'pg0'],
    [
      'that has none of any sense is over after 30 s',
      [{ at: 0, record: { ...RECORD, ttl: '1e9' } }, ...reads(0, 30_000)],
      null,
    ],
  ] as const satisfies readonly (readonly [string, readonly Step[], string | null])[])
    test(what, () => {
      assert.equal(holderOf(play(steps))?.name ?? null, name)
    })

  test('lasts as long as the configuration of the cluster says where it says nothing itself', () => {
    const steps: Step[] = [{ at: 0, record: { leader: 'pg0' } }, ...reads(0, 10_000)]
    assert.equal(holderOf(play(steps, 10_000)), null)
    assert.equal(holderOf(play(steps, 12_000))?.name, 'pg0')
  })

  test('is another session when it was taken again: by another acquisition, transition or lapse', () => {
    const session = (steps: readonly Step[]): string | undefined => holderOf(play(steps))?.session
    const first = session([FIRST])
    assert.equal(session([FIRST, { at: 1, record: { ...RECORD, renewTime: 'r1' } }]), first)
    for (const change of [{ acquireTime: 'b' }, { transitions: '4' }])
      assert.notEqual(session([FIRST, { at: 1, record: { ...RECORD, ...change } }]), first)
    const again = session([FIRST, ...reads(0, 20_000), { at: 21_000, record: { ...RECORD, renewTime: 'r1' } }])
    assert.notEqual(again, first)
  })

  test('is not counted by an older read, and lapses once', () => {
    const lease = play([FIRST, ...reads(0, 40_000)])
    assert.equal(lease.lapses, 1)
    const renewed = play([{ at: 5000, record: RECORD }, { at: 1000 }])
    assert.deepEqual([renewed.ageMs, renewed.seenAt], [0, 5000])
  })

  test('says how long it has left, and nothing while its time stands still', () => {
    const lease = play([FIRST, { at: 2000 }])
    assert.equal(leftMs(lease, 3000, null), 17_000)
    assert.equal(leftMs(lease, 60_000, null), 0)
    assert.equal(leftMs(afterLoss(lease), 3000, null), null)
    assert.equal(leftMs(play([FIRST, ...reads(0, 20_000)]), 21_000, null), null)
    assert.equal(leftMs(NO_LEASE, 0, null), null)
  })
})
