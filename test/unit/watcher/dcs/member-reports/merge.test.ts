/** One cluster of what several members tell. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Cluster } from '../../../../../src/watcher/cluster.ts'
import { type Account, mergeAccounts } from '../../../../../src/watcher/dcs/member-reports/merge.ts'
import { MAX_MEMBERS, type Topology } from '../../../../../src/watcher/dcs/member-reports/topology.ts'
import { cluster, member } from '../../sample.ts'

function topology(changes: Partial<Topology> = {}): Topology {
  const members = [member('pg0'), member('pg1')]
  const rest = { standbyCluster: false, syncStandbys: [], quorum: false, paused: false }
  return { members, ignoredKeys: [], leader: 'pg0', ...rest, ...changes }
}

/** The later in the list, the later asked. */
function merge(before: Cluster | null, ...topologies: readonly Topology[]): Omit<Cluster, 'systemId'> {
  const accounts = topologies.map((topology, index): Account => ({ topology, order: index }))
  const merged = mergeAccounts(before, accounts)
  const { members, ...rest } = mergeAccounts(before, accounts.toReversed())
  assert.deepEqual({ members, ...rest }, merged, 'which source told what makes no difference')
  return merged
}

const BEFORE = cluster({ leader: null, hasLock: false, claimed: 'pg0' })

describe('the claimed leader', () => {
  const rows: readonly (readonly [string, string | null, readonly (string | null)[], string | null])[] = [
    ['is whom all name', 'pg0', ['pg1', 'pg1'], 'pg1'],
    ['is nobody where nobody is named', 'pg0', [null, null], null],
    ['is whom most name, however late the others', 'pg0', ['pg1', 'pg1', 'pg0'], 'pg1'],
    ['is nobody where most name nobody', 'pg0', [null, null, 'pg0'], null],
    ['stays where opinions are divided', 'pg0', ['pg0', 'pg1'], 'pg0'],
    ['stays nobody where opinions are divided', null, ['pg0', null], null],
    ['is whom the latest names where all are new', 'pg2', ['pg0', 'pg1'], 'pg1'],
  ]
  for (const [what, claimed, leaders, expected] of rows) {
    test(what, () => {
      const told = leaders.map((leader) => topology({ leader }))
      const merged = merge({ ...BEFORE, claimed }, ...told)
      assert.deepEqual([merged.leader, merged.hasLock, merged.claimed], [null, false, expected])
    })
  }

  test('is at the start the one that the latest names where opinions are divided', () => {
    assert.equal(merge(null, topology({ leader: 'pg0' }), topology({ leader: 'pg1' })).claimed, 'pg1')
  })

  test('comes with the pause, the synchronous set and the states of the latest account that names it', () => {
    const old = topology({ paused: false, syncStandbys: ['pg1'], members: [member('pg1', { state: 'starting' })] })
    const late = topology({ paused: true, syncStandbys: ['pg2'], members: [member('pg1', { state: 'running' })] })
    const switchover = { leader: 'pg0', member: null, scheduledAt: 7 }
    assert.deepEqual(merge(BEFORE, old, { ...late, switchover }).failover, switchover)
    assert.equal(merge(BEFORE, { ...old, switchover }, late).failover, null)
    const wrong = topology({ leader: 'pg1', syncStandbys: ['pg3'], members: [member('pg1', { state: 'stopped' })] })
    const merged = merge(BEFORE, old, late, wrong)
    assert.deepEqual([merged.paused, merged.syncStandbys, merged.members[0]?.state], [true, ['pg2'], 'running'])
  })
})

describe('a standby cluster', () => {
  const rows: readonly (readonly [string, boolean, readonly (boolean | null)[], boolean])[] = [
    ['is one when all say so', false, [true, true], true],
    ['is one when all that see a leader say so', false, [null, true], true],
    ['is promoted as soon as one says so', true, [true, false, true], false],
    ['is not made of a primary by one alone', false, [false, true, true], false],
    ['stays one while nobody leads', true, [null, null], true],
    ['is no other cluster while nobody leads', false, [null], false],
  ]
  for (const [what, standbyCluster, told, expected] of rows) {
    test(what, () => {
      const topologies = told.map((one) => topology({ standbyCluster: one, leader: one === null ? null : 'pg0' }))
      assert.equal(merge({ ...BEFORE, standbyCluster }, ...topologies).standbyCluster, expected)
    })
  }
})

describe('members', () => {
  const names = ({ members }: Pick<Cluster, 'members'>): string[] => members.map(({ name }) => name)

  test('are there as long as one source names them, sorted', () => {
    const merged = merge(BEFORE, topology({ members: [member('pg2')] }), topology({ members: [member('pg1')] }))
    assert.deepEqual(names(merged), ['pg1', 'pg2'])
  })

  test('are gone once no source names them any more', () => {
    assert.deepEqual(names(merge(BEFORE, topology({ members: [member('pg0')] }))), ['pg0'])
  })

  const at = (host: string): Topology => topology({ members: [member('pg0', { host })] })
  const rows: readonly (readonly [string, string | null, readonly string[], string])[] = [
    ['have the address that most give', 'a', ['b', 'b', 'a'], 'b'],
    ['keep their address where opinions are divided, whoever is asked last', 'a', ['a', 'b'], 'a'],
    ['keep it against one that lies about many', 'a', ['evil', 'a'], 'a'],
    ['move when all say so', 'a', ['b', 'b'], 'b'],
    ['have at the start the address that is told last', null, ['a', 'b'], 'b'],
  ]
  for (const [what, before, hosts, expected] of rows) {
    test(what, () => {
      const known = before === null ? null : { ...BEFORE, members: [member('pg0', { host: before })] }
      assert.equal(merge(known, ...hosts.map(at)).members[0]?.host, expected)
    })
  }

  test(`are ${MAX_MEMBERS} at most, first those that most sources name`, () => {
    const flood = topology({ members: Array.from({ length: MAX_MEMBERS }, (_, index) => member(`a${index}`)) })
    const merged = merge(BEFORE, flood, topology(), topology())
    assert.equal(merged.members.length, MAX_MEMBERS)
    assert.deepEqual(names(merged).slice(-2), ['pg0', 'pg1'])
  })

  test('that are ignored are reported once', () => {
    const ignoredKeys = [{ key: 'members/x', reason: 'not a member name' }]
    assert.deepEqual(merge(BEFORE, topology({ ignoredKeys }), topology({ ignoredKeys })).ignoredKeys, ignoredKeys)
  })
})
