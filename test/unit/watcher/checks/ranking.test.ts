/** Clusters of very many members, living and deleted: who is asked first, and how seldom the others are. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CheckScheduler } from '../../../../src/watcher/checks/scheduler.ts'
import type { Cluster } from '../../../../src/watcher/cluster.ts'
import { rankMembers } from '../../../../src/watcher/checks/ranking.ts'
import { initialPrimary, type PrimaryMachine } from '../../../../src/watcher/primary/machine.ts'
import { factsOf, type KnownMembers, remember } from '../../../../src/watcher/members/memory.ts'
import { planChecks } from '../../../../src/watcher/checks/plan.ts'
import { Limiter } from '../../../../src/watcher/checks/limiter.ts'
import { until } from '../../../support/until.ts'
import { cluster, FIT, member } from '../sample.ts'

const CHECK = { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 }
const CONFIG = { check: CHECK, trust: 'proof' } as const

const many = (count: number, name: string): Cluster['members'] =>
  Array.from({ length: count }, (_, index) => member(`${name}${index}`))

function scene(members: Cluster['members'], gone: Cluster['members'], changes: Partial<PrimaryMachine> = {}) {
  const seen = cluster({ leader: { name: 'pg0', session: '1' }, members })
  const memory = remember(remember(new Map(), cluster({ members: gone }), null, 0), seen, null, 1)
  const facts = factsOf(seen, memory, 'conn_url')
  const phase = { state: 'open', member: 'pg0', reason: '' } as const
  const machine: PrimaryMachine = { ...initialPrimary(3, 0), link: 'up', facts, phase, ...changes }
  return { memory, machine }
}

/** Questions in a second, over all members. */
function perSecond(memory: KnownMembers, machine: PrimaryMachine): number {
  const crowd = rankMembers(machine, memory)
  const pauses = [...memory].flatMap(([name, known]) => {
    const { primary, replica, startup } = planChecks(name, known, machine, FIT, CONFIG, crowd)
    return [primary, replica, startup].filter((pause) => pause !== null)
  })
  return pauses.reduce((sum, pause) => sum + 1000 / pause, 0)
}

describe('of very many members', () => {
  test('those that are deleted are asked a few questions a second, however many they are', () => {
    const { memory, machine } = scene([member('pg0'), member('pg1')], many(600, 'gone'))
    assert.ok(perSecond(memory, machine) < 8, String(perSecond(memory, machine)))
    assert.ok(perSecond(memory, { ...machine, link: 'lost' }) < 15)
  })

  test('those that live are asked no more than a hundred questions a second and a kind', () => {
    const { memory, machine } = scene([member('pg0'), ...many(1000, 'r')], [])
    assert.ok(perSecond(memory, machine) < 110)
    const none = { state: 'none', reason: '' } as const
    const leaderless = { ...machine, phase: none, facts: { ...machine.facts, leader: null } }
    assert.ok(perSecond(memory, leaderless) < 300)
  })

  test('the likely ones are asked as if there were no others: named, proved, led before, of the highest timeline', () => {
    const late = [member('led', { role: 'primary' }), member('ahead', { timeline: 9 })]
    const { memory, machine } = scene([member('pg0'), ...many(300, 'r')], [...late, ...many(600, 'gone')], {
      phase: { state: 'unlocked', member: 'r77', reason: '' },
      link: 'lost',
    })
    const crowd = rankMembers(machine, memory)
    assert.deepEqual([...crowd.likely].slice(0, 4).toSorted(), ['ahead', 'led', 'pg0', 'r77'])
    assert.equal(crowd.likely.size, 8)
    assert.deepEqual([crowd.living, crowd.gone], [301, 602])
    const known = memory.get('r77')
    assert.ok(known)
    assert.equal(planChecks('r77', known, machine, FIT, CONFIG, crowd).primary, 2000)
  })

  test('all are likely in a cluster of common size', () => {
    const { memory, machine } = scene([member('pg0'), ...many(4, 'r')], many(3, 'gone'))
    assert.equal(rankMembers(machine, memory).likely.size, 8)
  })
})

describe('the asker of very many members', () => {
  function setUp(members: Cluster['members'], gone: Cluster['members']) {
    const under = new Map<string, () => void>()
    const ask = (kind: string) => (name: string, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const end = (): void => {
          under.delete(`${kind} ${name}`)
          resolve()
        }
        under.set(`${kind} ${name}`, end)
        signal.addEventListener('abort', end, { once: true })
      })
    const asker = new CheckScheduler(CONFIG, {
      primary: ask('primary'),
      replica: ask('replica'),
      startup: ask('startup'),
    })
    const { memory, machine } = scene(members, gone)
    asker.update(machine, memory, new Map())
    return { asker, under, machine, memory }
  }

  test('has few questions under way at once, and asks everybody in the end', async () => {
    const { asker, under } = setUp([member('pg0'), ...many(300, 'r')], many(600, 'gone'))
    const asked = new Set<string>()
    let most = 0
    await until(
      'everybody is asked',
      () => {
        most = Math.max(most, under.size)
        for (const [question, end] of [...under]) {
          asked.add(question)
          end()
        }
        return asked.size >= 901
      },
      { everyMs: 1 },
    )
    asker.close()
    assert.ok(most <= 8 + 32 + 2, `${most} at once`)
    assert.ok(asked.has('primary pg0'))
  })

  test('asks the leader at once while all the others hang', () => {
    const { asker, under, machine, memory } = setUp([member('pg0'), ...many(300, 'r')], many(600, 'gone'))
    assert.ok(under.has('primary pg0'))
    const leader = { name: 'pg0', session: '2' }
    asker.update({ ...machine, facts: { ...machine.facts, leader } }, memory, new Map())
    assert.ok(under.has('primary pg0'))
    asker.close()
  })

  test('gives up those that wait for their turn, too', async () => {
    const { asker, under } = setUp([member('pg0'), ...many(300, 'r')], [])
    asker.close()
    await until('nothing is under way', () => under.size === 0)
  })
})

test('turns are taken in order, and given up without an effect', async () => {
  const turns = new Limiter(1)
  const [ran, ends]: [string[], (() => void)[]] = [[], []]
  const task = (name: string) => (): Promise<void> => {
    ran.push(name)
    return new Promise((resolve) => ends.push(resolve))
  }
  const given = new AbortController()
  const { signal } = new AbortController()
  const all = [
    turns.run(task('a'), signal),
    turns.run(task('b'), given.signal),
    turns.run(task('c'), signal),
    turns.run(task('d'), signal),
  ]
  await until('the first runs', () => ran.length === 1)
  given.abort()
  await all[1]
  assert.deepEqual(ran, ['a'])
  ends[0]?.()
  await all[0]
  await until('the next runs', () => ran.length === 2)
  ends[1]?.()
  await all[2]
  await until('the last runs', () => ran.length === 3)
  ends[2]?.()
  await all[3]
  assert.deepEqual(ran, ['a', 'c', 'd'])
})
