/** A burst of questions: its pace, its end, and which of its answers count; on a clock of the test's own. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { Bursts } from '../../../../src/watcher/checks/bursts.ts'
import { Poll } from '../../../../src/watcher/checks/poll.ts'
import { CheckScheduler } from '../../../../src/watcher/checks/scheduler.ts'
import type { Cluster } from '../../../../src/watcher/cluster.ts'
import { factsOf, remember } from '../../../../src/watcher/members/known-members.ts'
import { NO_EVIDENCE } from '../../../../src/watcher/primary/evidence.ts'
import { basisOf, initialPrimary, type PrimaryMachine } from '../../../../src/watcher/primary/machine.ts'
import { cluster, member } from '../sample.ts'

interface Question {
  readonly at: number
  readonly signal: AbortSignal
  /** What a check does when the answer is there, before it reports it. */
  readonly answered: () => void
  readonly end: () => void
}

let asked: Question[]
let time: number
/** How long an answer takes; null: it does not come. */
let answerMs: number | null

describe('the checks of a member that clients wait for', () => {
  beforeEach(() => {
    time = 1000
    asked = []
    answerMs = null
    mock.timers.enable({ apis: ['setTimeout'] })
    mock.method(performance, 'now', () => time)
    mock.method(Math, 'random', () => 0.5)
  })
  afterEach(() => {
    mock.timers.reset()
    mock.restoreAll()
  })

  function ask(signal: AbortSignal, answered: () => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const end = (): void => resolve(undefined)
    const question = { at: time, signal, answered, end }
    asked.push(question)
    if (answerMs !== null) setTimeout(() => answer(question), answerMs)
    return promise
  }

  function answer({ signal, answered, end }: Question): void {
    if (!signal.aborted) answered()
    end()
  }

  async function pass(ms: number): Promise<void> {
    for (let step = 0; step < ms; step++) {
      time++
      mock.timers.tick(1)
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
  }

  /** When the questions were asked, in milliseconds after the first. */
  const times = (): number[] => asked.map(({ at }) => at - 1000)
  const open = (): number => asked.filter(({ signal }) => !signal.aborted).length

  describe('a burst', () => {
    function begin(bursts = new Bursts(), intervalMs = 100): Poll {
      const poll = new Poll({ ask, random: Math.random, bursts })
      poll.every(intervalMs, true)
      poll.hurry()
      return poll
    }

    test('asks every 20 ms for 3 s, and then at the interval', async () => {
      answerMs = 5
      begin()
      await pass(3400)
      const expected = [...Array.from({ length: 150 }, (_, index) => 20 * index), 3080, 3180, 3280, 3380]
      assert.deepEqual(times(), expected)
    })

    test('keeps its pace where an answer takes longer than 20 ms', async () => {
      answerMs = 44
      begin()
      await pass(200)
      assert.deepEqual(times(), [0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200])
      assert.equal(open(), 11)
    })

    test('has at most three questions under way: an API that hangs gets three', async () => {
      begin()
      await pass(2000)
      assert.deepEqual(times(), [0, 20, 40])
      asked[0]?.end()
      await pass(2)
      assert.deepEqual(times(), [0, 20, 40, 2002])
      await pass(2000)
      assert.equal(asked.length, 4)
    })

    test('gives up the older questions when a newer one is answered, before that is reported', async () => {
      begin()
      await pass(45)
      const [first, second, third] = asked
      second?.answered()
      assert.deepEqual(
        [first, second, third].map((each) => each?.signal.aborted),
        [true, false, false],
      )
      second?.end()
      await pass(1)
      third?.answered()
      assert.deepEqual(
        [second, third].map((each) => each?.signal.aborted),
        [false, false],
      )
    })

    test('does not give up newer questions for an older one, nor any for one that was given up', async () => {
      begin()
      await pass(45)
      const [first, second, third] = asked
      first?.answered()
      assert.ok(!second?.signal.aborted && !third?.signal.aborted)
      third?.answered()
      third?.end()
      await pass(100)
      const later = asked.slice(3)
      second?.answered()
      second?.end()
      await pass(1)
      assert.ok(later.length > 0 && later.every(({ signal }) => !signal.aborted))
    })

    test('ends with the proof: the next question comes after the interval', async () => {
      answerMs = 5
      const poll = begin()
      await pass(65)
      poll.every(2000, false)
      poll.calm()
      await pass(1990)
      assert.deepEqual(times(), [0, 20, 40, 60])
      await pass(10)
      assert.deepEqual(times(), [0, 20, 40, 60, 2060])
    })

    test('continues when its subject changes, with questions about the new one only', async () => {
      const poll = begin()
      await pass(45)
      poll.every(100, true)
      await pass(90)
      assert.deepEqual(times(), [0, 20, 40, 45, 65, 85])
      assert.equal(open(), 3)
    })

    test('ends when nothing is asked any more', async () => {
      const poll = begin()
      await pass(45)
      poll.every(null, true)
      await pass(90)
      assert.equal(asked.length, 3)
      assert.equal(open(), 0)
    })

    test('does not slow down a shorter interval', async () => {
      answerMs = 1
      begin(new Bursts(), 15)
      await pass(60)
      assert.deepEqual(times(), [0, 15, 30, 45, 60])
    })

    test('is one of ten at a time in the process; the others ask at their interval, and ended ones make room', async () => {
      answerMs = 1
      const bursts = new Bursts()
      const polls = Array.from({ length: 1000 }, () => begin(bursts, 1000))
      await pass(999)
      // 10 ask at 0, 20, ... 980.
      assert.equal(asked.length, 990 + 10 * 50)
      polls.forEach((poll) => poll.every(null, false))
      asked = []
      begin(bursts)
      await pass(60)
      assert.equal(asked.length, 4)
    })
  })

  describe('the scheduler', () => {
    const CONFIG = { check: { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 } }

    function setUp(trust: 'proof' | 'dcs' = 'proof') {
      const nothing = (): Promise<void> => new Promise(() => undefined)
      const primary = (_: string, signal: AbortSignal, answered: () => void) => ask(signal, answered)
      const scheduler = new CheckScheduler({ primary, replica: nothing, startup: nothing })
      const update = (
        seen: Cluster,
        { isProved = false, ...changes }: Partial<PrimaryMachine> & { isProved?: boolean } = {},
      ) => {
        const known = remember(new Map(), seen, null, 0)
        const phase = { state: isProved ? 'open' : 'promoting', member: 'pg0', reason: '' } as const
        const facts = factsOf(seen, known, 'conn_url')
        const machine: PrimaryMachine = { ...initialPrimary(3, 0), link: 'up', facts, phase, ...changes }
        const proof = { basis: basisOf(machine, 'pg0'), timeline: 1, position: null, askedAt: 0, answeredAt: 0 }
        const evidence = new Map(isProved ? [['pg0', { ...NO_EVIDENCE, proof }]] : [])
        scheduler.update({ ...CONFIG, trust }, { ...machine, evidence }, { known, fitness: new Map() })
      }
      return { scheduler, update }
    }
    const anotherLock = cluster({ leader: { name: 'pg0', session: '2' } })

    test('asks the named leader in a burst until it has proof', async () => {
      answerMs = 1
      const { scheduler, update } = setUp()
      update(cluster())
      await pass(100)
      assert.equal(asked.length, 6)
      update(cluster(), { isProved: true })
      await pass(1800)
      assert.equal(asked.length, 6)
      scheduler.close()
    })

    test('begins another burst for another lock or history, and none for an event that changes neither', async () => {
      answerMs = 1
      const { scheduler, update } = setUp()
      update(cluster())
      await pass(2900)
      const count = asked.length
      update(cluster({ members: [member('pg0', { position: 2 }), member('pg1')], optime: 3 }))
      await pass(600)
      assert.ok(asked.length - count < 15, String(asked.length - count))
      for (const next of [() => update(anotherLock), () => update(anotherLock, { restores: 1 })]) {
        const before = asked.length
        next()
        await pass(400)
        assert.equal(asked.length - before, 21)
      }
      scheduler.close()
    })

    test('continues while the leader writes another role into its key, as Patroni does when it promotes', async () => {
      answerMs = 1
      const { scheduler, update } = setUp()
      update(cluster())
      await pass(110)
      update(cluster({ members: [member('pg0', { role: 'promoted' }), member('pg1')] }))
      await pass(80)
      assert.deepEqual(times().slice(-6), [100, 110, 130, 150, 170, 190])
      scheduler.close()
    })

    test('asks the leader at once when a handover is requested of it', async () => {
      answerMs = 1
      const { scheduler, update } = setUp()
      update(cluster(), { isProved: true })
      await pass(1000)
      const before = asked.length
      update(cluster(), { isProved: true, handoverFrom: 1000 })
      update(cluster(), { isProved: true, handoverFrom: 1000 })
      await pass(1)
      assert.equal(asked.length - before, 1)
      scheduler.close()
    })

    test('begins none for a proof that is lost: the naming was long ago', async () => {
      answerMs = 1
      const { scheduler, update } = setUp()
      update(cluster(), { isProved: true })
      await pass(5000)
      update(cluster())
      const before = asked.length
      await pass(1000)
      assert.ok(asked.length - before <= 11)
      scheduler.close()
    })

    test('begins none where no member is named, none can answer, or its key is what is trusted', async () => {
      answerMs = 1
      const mute = cluster({ members: [member('pg0', { restUrl: null }), member('pg1')] })
      const away = cluster({ members: [member('pg0', { host: null }), member('pg1')] })
      const scenes: readonly [Cluster, Partial<PrimaryMachine>, 'proof' | 'dcs'][] = [
        [cluster(), { link: 'lost' }, 'proof'],
        [cluster({ leader: null }), {}, 'proof'],
        [cluster({ standbyCluster: true }), {}, 'proof'],
        [mute, {}, 'proof'],
        [away, {}, 'proof'],
        [cluster(), {}, 'dcs'],
      ]
      for (const [seen, changes, trust] of scenes) {
        asked = []
        const { scheduler, update } = setUp(trust)
        update(seen, changes)
        await pass(400)
        // Of both members at most, once in 100 ms.
        assert.ok(asked.length <= 10, String(asked.length))
        scheduler.close()
      }
    })
  })
})
