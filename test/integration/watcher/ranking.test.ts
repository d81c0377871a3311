/** Clusters of very many members, living and deleted: who is asked first, and how seldom the others are. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CheckScheduler } from '../../../src/watcher/checks/scheduler.ts'
import type { Cluster } from '../../../src/watcher/cluster.ts'
import { rankMembers } from '../../../src/watcher/checks/ranking.ts'
import { initialPrimary, type PrimaryMachine } from '../../../src/watcher/primary/machine.ts'
import { factsOf, type KnownMembers, remember } from '../../../src/watcher/members/known-members.ts'
import { planChecks } from '../../../src/watcher/checks/plan.ts'
import { Limiter } from '../../../src/watcher/checks/limiter.ts'
import { until } from '../../support/until.ts'
import { cluster, FIT, member } from '../../unit/watcher/sample.ts'

const CHECK = { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 }
const CONFIG = { check: CHECK, trust: 'proof' } as const

const many = (count: number, name: string): Cluster['members'] =>
  Array.from({ length: count }, (_, index) => member(`${name}${index}`))

function scene(members: Cluster['members'], gone: Cluster['members'], changes: Partial<PrimaryMachine> = {}) {
  const seen = cluster({ leader: { name: 'pg0', session: '1' }, members })
  const known = remember(remember(new Map(), cluster({ members: gone }), null, 0), seen, null, 1)
  const facts = factsOf(seen, known, 'conn_url')
  const phase = { state: 'open', member: 'pg0', reason: '' } as const
  const machine: PrimaryMachine = { ...initialPrimary(3, 0), link: 'up', facts, phase, ...changes }
  return { known, machine }
}

/** Questions in a second, over all members. */
function perSecond(known: KnownMembers, machine: PrimaryMachine): number {
  const ranking = rankMembers(machine, known)
  const pauses = [...known].flatMap(([name, known]) => {
    const { primary, replica, startup } = planChecks(name, known, machine, FIT, CONFIG, ranking)
    return [primary, replica, startup].filter((pause) => pause !== null)
  })
  return pauses.reduce((sum, pause) => sum + 1000 / pause, 0)
}

describe('of very many members', () => {
  test('deleted members are asked a few questions a second, however many they are', () => {
    const { known, machine } = scene([member('pg0'), member('pg1')], many(600, 'gone'))
    assert.ok(perSecond(known, machine) < 8, String(perSecond(known, machine)))
    assert.ok(perSecond(known, { ...machine, link: 'lost' }) < 15)
  })

  test('living members are asked at most a hundred questions a second and a kind', () => {
    const { known, machine } = scene([member('pg0'), ...many(1000, 'r')], [])
    assert.ok(perSecond(known, machine) < 110)
    const none = { state: 'none', reason: '', cause: null } as const
    const leaderless = { ...machine, phase: none, facts: { ...machine.facts, leader: null } }
    assert.ok(perSecond(known, leaderless) < 300)
  })

  test('the likely ones are asked as if there were no others: named, confirmed, led before, of the highest timeline', () => {
    const late = [member('led', { role: 'primary' }), member('ahead', { timeline: 9 })]
    const { known, machine } = scene([member('pg0'), ...many(300, 'r')], [...late, ...many(600, 'gone')], {
      phase: { state: 'unlocked', member: 'r77', reason: '' },
      link: 'lost',
    })
    const ranking = rankMembers(machine, known)
    assert.deepEqual([...ranking.likely].slice(0, 4).toSorted(), ['ahead', 'led', 'pg0', 'r77'])
    assert.equal(ranking.likely.size, 8)
    assert.deepEqual([ranking.living, ranking.gone], [301, 602])
    const r77 = known.get('r77')
    assert.ok(r77)
    assert.equal(planChecks('r77', r77, machine, FIT, CONFIG, ranking).primary, 2000)
  })

  test('all are likely in a cluster of common size', () => {
    const { known, machine } = scene([member('pg0'), ...many(4, 'r')], many(3, 'gone'))
    assert.equal(rankMembers(machine, known).likely.size, 8)
  })
})

describe('the scheduler of very many members', () => {
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
    const scheduler = new CheckScheduler({
      primary: ask('primary'),
      replica: ask('replica'),
      startup: ask('startup'),
    })
    const { known, machine } = scene(members, gone)
    scheduler.update(CONFIG, machine, { known, fitness: new Map() })
    return { scheduler, under, machine, known }
  }

  test('has few questions under way at once, and asks every member in the end', async () => {
    const { scheduler, under } = setUp([member('pg0'), ...many(300, 'r')], many(600, 'gone'))
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
    scheduler.close()
    assert.ok(most <= 8 + 32 + 2, `${most} at once`)
    assert.ok(asked.has('primary pg0'))
  })

  test('asks the leader at once while all the others hang', () => {
    const { scheduler, under, machine, known } = setUp([member('pg0'), ...many(300, 'r')], many(600, 'gone'))
    assert.ok(under.has('primary pg0'))
    const leader = { name: 'pg0', session: '2' }
    const led = { ...machine, facts: { ...machine.facts, leader } }
    scheduler.update(CONFIG, led, { known, fitness: new Map() })
    assert.ok(under.has('primary pg0'))
    scheduler.close()
  })

  test('gives up those that wait for their turn, too', async () => {
    const { scheduler, under } = setUp([member('pg0'), ...many(300, 'r')], [])
    scheduler.close()
    await until('nothing is under way', () => under.size === 0)
  })
})

test('turns are taken in order, and given up without an effect', async () => {
  const limiter = new Limiter(1)
  const [ran, ends]: [string[], (() => void)[]] = [[], []]
  const task = (name: string) => (): Promise<void> => {
    ran.push(name)
    return new Promise((resolve) => ends.push(resolve))
  }
  const given = new AbortController()
  const { signal } = new AbortController()
  const all = [
    limiter.run(task('a'), signal),
    limiter.run(task('b'), given.signal),
    limiter.run(task('c'), signal),
    limiter.run(task('d'), signal),
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
