/** Who is asked what, and how often; and that a question whose subject has changed is asked anew. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CheckScheduler } from '../../../../src/watcher/checks/scheduler.ts'
import type { Cluster } from '../../../../src/watcher/cluster.ts'
import { rankMembers } from '../../../../src/watcher/checks/ranking.ts'
import { NO_EVIDENCE } from '../../../../src/watcher/primary/evidence.ts'
import { type Fitness, UNKNOWN_FITNESS } from '../../../../src/watcher/members/fitness.ts'
import { initialPrimary, type PrimaryMachine, type PrimaryPhase } from '../../../../src/watcher/primary/machine.ts'
import { factsOf, type KnownMembers, remember } from '../../../../src/watcher/members/known-members.ts'
import { planChecks } from '../../../../src/watcher/checks/plan.ts'
import { cluster, FIT, member } from '../sample.ts'

const CHECK = { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 }

function machineOf(seen: Cluster, known: KnownMembers, changes: Partial<PrimaryMachine> = {}): PrimaryMachine {
  const phase: PrimaryPhase = { state: 'open', member: 'pg0', reason: '' }
  return { ...initialPrimary(3, 0), link: 'up', facts: factsOf(seen, known, 'conn_url'), phase, ...changes }
}

describe('the questions', () => {
  const seen = cluster({ members: [member('pg0'), member('pg1')] })
  const gone = remember(remember(new Map(), cluster({ members: [member('pg2')] }), null, 0), seen, null, 1)

  function asked(
    name: string,
    changes: Partial<PrimaryMachine> = {},
    fitness: Fitness = FIT,
    facts = {},
    trust: 'proof' | 'dcs' = 'proof',
  ): string {
    const machine = machineOf({ ...seen, ...facts }, gone, changes)
    const known = gone.get(name)
    assert.ok(known !== undefined)
    const { primary, replica, startup } = planChecks(
      name,
      known,
      machine,
      fitness,
      { check: CHECK, trust },
      rankMembers(machine, gone),
    )
    return [primary, replica, startup].map((ms) => ms ?? '-').join(' ')
  }
  const phase = (
    state: 'promoting' | 'unreachable' | 'unverified' | 'unlocked',
    name = 'pg0',
  ): Partial<PrimaryMachine> => ({
    phase: { state, member: name, reason: '' },
  })
  const evidence = (changes: object): Partial<PrimaryMachine> => ({
    evidence: new Map([['pg0', { ...NO_EVIDENCE, ...changes }]]),
  })
  const DOWN = { at: 0, reason: '', postgresBack: false, proofBack: false }
  const LOCKLESS = { hasLock: false, leader: null, claimed: 'pg0' }
  const STANDBY = { ...LOCKLESS, standbyCluster: true }
  const NONE: Partial<PrimaryMachine> = { phase: { state: 'none', reason: '', cause: null } }

  const rows: readonly [string, string, string][] = [
    ['the leader is asked whether it is the primary', asked('pg0'), '2000 - -'],
    ['a replica is asked whether it is fit', asked('pg1'), '- 2000 -'],
    ['a member whose key has gone is probed', asked('pg2'), '- - 2000'],
    ['a leader in doubt is asked often', asked('pg0', phase('promoting')), '100 - -'],
    ['one that was never usable, too', asked('pg0', phase('unverified')), '100 - -'],
    ['a leader whose API is silent is asked and probed often', asked('pg0', evidence({ silences: 1 })), '100 - 100'],
    [
      'a leader whose Postgres is down, too',
      asked('pg0', { ...phase('unreachable'), ...evidence({ down: DOWN }) }),
      '100 - 100',
    ],
    ['doubts about the leader are none about others', asked('pg1', phase('promoting')), '- 2000 -'],
    ['a fit replica that falls silent is asked often', asked('pg1', {}, { ...FIT, silences: 1 }), '- 100 -'],
    ['one that is unfit already is not', asked('pg1', {}, { ...UNKNOWN_FITNESS, silences: 1 }), '- 2000 -'],
    ['a replica whose dial has failed is probed', asked('pg1', {}, { ...FIT, postgresDown: 'refused' }), '- 2000 2000'],
    ['a replica whose API says it is down is probed', asked('pg1', {}, { ...FIT, restDown: true }), '- 2000 2000'],
    [
      'without a leader all are asked whether they are the primary',
      asked('pg1', NONE, FIT, { leader: null }),
      '2000 2000 -',
    ],
    ['without the DCS, too, the last leader as well', asked('pg0', { link: 'lost' }), '2000 - -'],
    ['without the DCS replicas may be primaries', asked('pg1', { link: 'lost' }), '2000 2000 -'],
    ['without the DCS those whose keys have gone may be, too', asked('pg2', { link: 'lost' }), '2000 - 2000'],
    [
      'who serves unlocked is asked whether it still may',
      asked('pg1', { link: 'lost', ...phase('unlocked', 'pg1') }),
      '2000 2000 -',
    ],
    [
      'in a standby cluster nobody is the primary, and its leader serves readers',
      asked('pg0', NONE, FIT, { standbyCluster: true }),
      '- 2000 -',
    ],
    [
      'before the first read those are asked who are known of the last time',
      asked('pg1', { link: 'never', ...NONE }),
      '2000 2000 -',
    ],
    ['without a lock to read everybody is asked', asked('pg1', {}, FIT, LOCKLESS), '2000 2000 -'],
    ['and often while nobody is open', asked('pg1', NONE, FIT, LOCKLESS), '100 2000 -'],
    ['also who leads a standby cluster, as they say', asked('pg0', NONE, FIT, STANDBY), '100 2000 -'],
    ['who is claimed to lead is no replica', asked('pg0', {}, FIT, LOCKLESS), '2000 - -'],
    [
      'where the DCS is trusted every Postgres is probed',
      asked('pg1', {}, FIT, {}, 'dcs') + ', ' + asked('pg0', {}, FIT, {}, 'dcs'),
      '- 2000 2000, 2000 - 2000',
    ],
  ]
  for (const [title, actual, expected] of rows) test(title, () => assert.equal(actual, expected))
})

describe('the scheduler', () => {
  function setUp() {
    const under = new Map<string, AbortSignal>()
    const log: string[] = []
    const ask = (kind: string) => (name: string, signal: AbortSignal) => {
      log.push(`${kind} ${name}`)
      under.set(`${kind} ${name}`, signal)
      return new Promise<void>(() => undefined)
    }
    const scheduler = new CheckScheduler({
      primary: ask('primary'),
      replica: ask('replica'),
      startup: ask('startup'),
    })
    let known: KnownMembers = new Map()
    const fitness = new Map<string, Fitness>()
    const config = { check: CHECK, trust: 'proof' } as const
    const update = (seen: Cluster, changes: Partial<PrimaryMachine> = {}): string[] => {
      known = remember(known, seen, null, 0)
      log.length = 0
      scheduler.update(config, machineOf(seen, known, changes), { known, fitness })
      return log.toSorted()
    }
    const forget = (): void => scheduler.update(config, machineOf(cluster(), new Map()), { known: new Map(), fitness })
    return { scheduler, update, under, forget }
  }

  test('asks each member once, and nothing again while nothing changes', () => {
    const { scheduler, update } = setUp()
    assert.deepEqual(update(cluster()), ['primary pg0', 'replica pg1'])
    assert.deepEqual(update(cluster()), [])
    scheduler.close()
  })

  test('asks again when the lock, the address or what is known of a member changes, and gives up the old question', () => {
    const { scheduler, update, under } = setUp()
    update(cluster())
    const [primary, replica] = [under.get('primary pg0'), under.get('replica pg1')]
    assert.deepEqual(update(cluster({ leader: { name: 'pg0', session: '2' } })), ['primary pg0', 'replica pg1'])
    assert.deepEqual([primary?.aborted, replica?.aborted], [true, true])
    const moved = cluster({
      leader: { name: 'pg0', session: '2' },
      members: [member('pg0', { port: 1 }), member('pg1')],
    })
    assert.deepEqual(update(moved), ['primary pg0'])
    const restarted = { ...moved, members: [member('pg0', { port: 1 }), member('pg1', { state: 'starting' })] }
    assert.deepEqual(update(restarted), ['replica pg1'])
    assert.deepEqual(update({ ...restarted, leader: { name: 'pg1', session: '3' } }), ['primary pg1', 'replica pg0'])
    scheduler.close()
  })

  test('does not ask again for a position that moves', () => {
    const { scheduler, update } = setUp()
    update(cluster())
    assert.deepEqual(update(cluster({ members: [member('pg0', { position: 2 }), member('pg1', { position: 3 })] })), [])
    scheduler.close()
  })

  test('gives up all questions when it is closed, and those of members that are forgotten', () => {
    for (const end of ['close', 'forget'] as const) {
      const { scheduler, update, under, forget } = setUp()
      update(cluster())
      if (end === 'close') scheduler.close()
      else forget()
      assert.ok([...under.values()].every(({ aborted }) => aborted))
    }
  })
})
