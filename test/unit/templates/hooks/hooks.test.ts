/** Which hook is run next, and what variables it gets: tables. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PrimaryState } from '../../../../src/config/config.ts'
import { hookEnvironment, situationOf } from '../../../../src/templates/hooks/hooks.ts'
import {
  afterHook,
  afterSituation,
  begin,
  EMPTY_QUEUE,
  isOutdated,
  nextAt,
  type HookOutcome,
  type HookQueue,
  type Situation,
} from '../../../../src/templates/hooks/queue.ts'
import { view } from '../../watcher/sample.ts'

/** `open pg0`, `none`. */
function situation(text: string): Situation {
  const [state = '', member = null] = text.split(' ')
  return { state: state as PrimaryState, member, host: null, port: null, reason: '' }
}

const show = (one: Situation | undefined): string => [one?.state ?? '', one?.member ?? ''].join(' ').trim()

/** The hooks a, b, ... are for these states. */
const ONS: readonly (readonly PrimaryState[])[] = [
  ['switching', 'none'],
  ['open', 'unlocked'],
  ['open', 'none'],
]

/** What happens: a situation, the outcome of the hook that runs, or that some milliseconds pass. */
type Step = string | { readonly outcome: HookOutcome } | { readonly ms: number }
const DONE: Step = { outcome: 'done' }
const FAILED: Step = { outcome: 'failed' }
const GIVEN_UP: Step = { outcome: 'given-up' }

interface Played {
  readonly queue: HookQueue
  /** Each hook that was begun: `b: none -> open pg0`. */
  readonly begun: readonly string[]
  readonly now: number
}

function play(steps: readonly Step[]): Played {
  return steps.reduce<Played>(
    ({ queue: before, begun, now }, step) => {
      const at = typeof step === 'object' && 'ms' in step ? now + step.ms : now
      const changed =
        typeof step === 'string'
          ? afterSituation(before, situation(step))
          : 'outcome' in step
            ? afterHook(before, step.outcome, at)
            : before
      const queue = begin(changed, ONS, at)
      const { running, current } = queue
      if (running === null || changed.running !== null) return { queue, begun, now: at }
      const name = 'abc'.charAt(running.hook)
      const line = `${name}: ${show(current?.from ?? undefined)} -> ${show(current?.to)}`
      return { queue, begun: [...begun, line], now: at }
    },
    { queue: EMPTY_QUEUE, begun: [], now: 0 },
  )
}

describe('the queue of hooks', () => {
  const rows: readonly [string, readonly Step[], readonly string[]][] = [
    ['runs hooks for the first state that is known', ['open pg0'], ['b:  -> open pg0']],
    ['runs none for a state that none is for', ['promoting pg0'], []],
    [
      'runs them in the order of the configuration, one after the other',
      ['open pg0', 'open pg0', DONE, DONE],
      ['b:  -> open pg0', 'c:  -> open pg0'],
    ],
    [
      'runs none again for the same state and member',
      ['open pg0', DONE, DONE, 'open pg0'],
      ['b:  -> open pg0', 'c:  -> open pg0'],
    ],
    [
      'runs them again for another member',
      ['unlocked pg0', DONE, 'unlocked pg1'],
      ['b:  -> unlocked pg0', 'b: unlocked pg0 -> unlocked pg1'],
    ],
    [
      'tells the state before also where no hook was for it',
      ['unlocked pg0', DONE, 'promoting pg1', 'open pg1'],
      ['b:  -> unlocked pg0', 'b: promoting pg1 -> open pg1'],
    ],
    [
      'lets what runs end, and then runs what is for the newest state',
      ['unlocked pg0', 'switching pg0', 'none', 'unlocked pg1', DONE],
      ['b:  -> unlocked pg0', 'b: unlocked pg0 -> unlocked pg1'],
    ],
    [
      'gives up the hooks of a state that has passed',
      ['open pg0', 'switching pg0', DONE, DONE],
      ['b:  -> open pg0', 'a: open pg0 -> switching pg0'],
    ],
    [
      'goes on where it was when a state comes back before any other has begun',
      ['open pg0', 'switching pg0', 'open pg0', DONE],
      ['b:  -> open pg0', 'c:  -> open pg0'],
    ],
    [
      'runs a hook that was given up when its state comes back',
      ['open pg0', 'switching pg0', 'open pg0', GIVEN_UP],
      ['b:  -> open pg0', 'b:  -> open pg0'],
    ],
    [
      'forgets a hook that was given up with its state',
      ['open pg0', 'switching pg0', GIVEN_UP, DONE, { ms: 1e6 }],
      ['b:  -> open pg0', 'a: open pg0 -> switching pg0'],
    ],
    [
      'runs the next hook after one that has failed',
      ['open pg0', FAILED, DONE],
      ['b:  -> open pg0', 'c:  -> open pg0'],
    ],
    ['does not try a failed hook again at once', ['unlocked pg0', FAILED, { ms: 999 }], ['b:  -> unlocked pg0']],
    [
      'tries a failed hook again, later each time',
      ['unlocked pg0', FAILED, { ms: 1000 }, FAILED, { ms: 1999 }, { ms: 1 }, FAILED, { ms: 3999 }],
      ['b:  -> unlocked pg0', 'b:  -> unlocked pg0', 'b:  -> unlocked pg0'],
    ],
    [
      'does not try a failed hook again once its state has passed',
      ['unlocked pg0', FAILED, 'promoting pg1', { ms: 1e6 }],
      ['b:  -> unlocked pg0'],
    ],
    [
      'does not try again what fails after its state has passed',
      ['unlocked pg0', 'promoting pg1', FAILED, { ms: 1e6 }],
      ['b:  -> unlocked pg0'],
    ],
  ]
  for (const [title, steps, expected] of rows) {
    test(title, () => assert.deepEqual(play(steps).begun, expected))
  }

  test('tells a hook that has not begun yet where the member is now', () => {
    const at = (text: string, host: string): Situation => ({ ...situation(text), host })
    const waiting = begin(afterSituation(EMPTY_QUEUE, at('unlocked pg0', 'old')), ONS, 0)
    assert.equal(afterSituation(waiting, at('unlocked pg0', 'new')).current?.to.host, 'new')
    const queued = afterSituation(afterSituation(waiting, at('open pg1', 'old')), at('open pg1', 'new'))
    assert.equal(begin(afterHook(queued, 'done', 0), ONS, 0).current?.to.host, 'new')
  })

  test('waits at most a minute between two attempts', () => {
    const { queue, now } = play([
      'unlocked pg0',
      ...Array.from({ length: 20 }, () => [FAILED, { ms: 60_000 }]).flat(),
      FAILED,
    ])
    assert.equal(nextAt(queue), now + 60_000)
  })

  test('is due by itself only while a failed hook waits', () => {
    assert.equal(nextAt(EMPTY_QUEUE), null)
    assert.equal(nextAt(play(['unlocked pg0']).queue), null)
    assert.equal(nextAt(play(['unlocked pg0', FAILED]).queue), 1000)
    assert.equal(nextAt(play(['unlocked pg0', FAILED, { ms: 1000 }, DONE]).queue), null)
  })

  test('reports that the running hook is outdated while a newer state waits', () => {
    assert.equal(isOutdated(play(['open pg0']).queue), false)
    assert.equal(isOutdated(play(['open pg0', 'switching pg0']).queue), true)
    assert.equal(isOutdated(play(['open pg0', 'switching pg0', 'open pg0']).queue), false)
  })
})

describe('the environment of hooks', () => {
  const NEVER = { ...view().dcs, state: 'never' } as const
  const NONE = { ...view().primary, state: 'none', member: null, reason: 'nobody' } as const

  test('is nothing before anything is known', () => {
    assert.equal(situationOf(view({ dcs: NEVER, primary: NONE })), null)
  })

  test('is that there is no primary once the DCS was read', () => {
    const expected = { state: 'none', member: null, host: null, port: null, reason: 'nobody' }
    assert.deepEqual(situationOf(view({ primary: NONE })), expected)
    assert.deepEqual(situationOf(view({ primary: NONE, dcs: { ...view().dcs, state: 'lost' } })), expected)
  })

  test('names the confirmed primary while the DCS was never read', () => {
    const primary = { ...view().primary, state: 'unlocked' } as const
    assert.equal(situationOf(view({ dcs: NEVER, primary }))?.member, 'pg0')
  })

  test('is complete, and empty where there is nothing', () => {
    const from = { ...situation('none') }
    const to = situationOf(view())
    assert.ok(to !== null)
    assert.deepEqual(hookEnvironment(view({ citusGroup: 0 }), { from, to }), {
      PATRONI_ROUTER_CLUSTER: 'demo',
      PATRONI_ROUTER_SCOPE: 'demo',
      PATRONI_ROUTER_NAMESPACE: 'service',
      PATRONI_ROUTER_CITUS_GROUP: '0',
      PATRONI_ROUTER_STATE: 'open',
      PATRONI_ROUTER_OLD_STATE: 'none',
      PATRONI_ROUTER_MEMBER: 'pg0',
      PATRONI_ROUTER_OLD_MEMBER: '',
      PATRONI_ROUTER_HOST: 'pg0.example.com',
      PATRONI_ROUTER_PORT: '5432',
      PATRONI_ROUTER_REASON: 'proved',
    })
    const first = hookEnvironment(view(), { from: null, to: situation('none') })
    const filled = Object.keys(first).filter((name) => first[name] !== '')
    assert.deepEqual(filled, [
      'PATRONI_ROUTER_CLUSTER',
      'PATRONI_ROUTER_SCOPE',
      'PATRONI_ROUTER_NAMESPACE',
      'PATRONI_ROUTER_STATE',
    ])
  })

  test('holds no control character of a stranger', () => {
    const to = { ...situation('open pg0'), member: 'pg\0\n0', reason: 'said \u001b[2J' }
    const env = hookEnvironment(view(), { from: null, to })
    assert.equal(env['PATRONI_ROUTER_MEMBER'], 'pg\ufffd\ufffd0')
    assert.equal(env['PATRONI_ROUTER_REASON'], 'said \ufffd[2J')
  })
})
