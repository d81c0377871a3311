import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BALANCERS, type Balancer, roundRobin, SafeBalancer } from '../../../src/proxy/balance.ts'
import type { Target } from '../../../src/proxy/route.ts'

function targets(...names: string[]): Target[] {
  return names.map((member) => ({ member, address: { host: member, port: 5432 }, host: member, epoch: 0, basis: null }))
}

const ROWS: readonly (readonly [string[], string | null, string | null])[] = [
  [[], null, null],
  [[], 'a', null],
  [['a'], null, 'a'],
  [['a'], 'a', 'a'],
  [['a', 'b', 'c'], null, 'a'],
  [['a', 'b', 'c'], 'a', 'b'],
  [['a', 'b', 'c'], 'c', 'a'],
  [['c', 'a', 'b'], 'a', 'b'],
  [['a', 'c'], 'b', 'c'],
  [['a', 'b'], 'z', 'a'],
  [['B', 'a'], 'B', 'a'],
  [['pg10', 'pg2'], 'pg10', 'pg2'],
]
for (const [names, last, expected] of ROWS) {
  test(`of ${names.join(' ') || 'nobody'}, after ${last ?? 'nobody'}: ${expected ?? 'nobody'}`, () => {
    assert.equal(roundRobin(targets(...names), last)?.member ?? null, expected)
  })
}

test('leaves the list as it is', () => {
  const list = Object.freeze(targets('b', 'a'))
  assert.equal(roundRobin(list, null)?.member, 'a')
})

/** Chooses whoever has the fewest sessions. */
class LeastSessions implements Balancer {
  readonly #sessions = new Map<string, number>()

  pick(targets: readonly Target[]): Target {
    const load = ({ member }: Target): number => this.#sessions.get(member) ?? 0
    const [least] = targets.toSorted((a, b) => load(a) - load(b))
    assert.ok(least !== undefined)
    return least
  }

  joined({ member }: Target): void {
    this.#sessions.set(member, (this.#sessions.get(member) ?? 0) + 1)
  }

  ended({ member }: Target): void {
    this.#sessions.set(member, (this.#sessions.get(member) ?? 0) - 1)
  }
}

test('a balancer that takes the place of another one learns of the sessions that there are', () => {
  const [a, b] = targets('a', 'b')
  assert.ok(a !== undefined && b !== undefined)
  const balancer = new SafeBalancer(BALANCERS.roundrobin(), assert.ifError)
  assert.deepEqual([balancer.pick([a, b]), balancer.pick([a, b]), balancer.pick([a, b])], [a, b, a])
  balancer.replace(new LeastSessions(), [a, a, b])
  assert.equal(balancer.pick([a, b]), b)
  balancer.joined(b)
  balancer.joined(b)
  assert.equal(balancer.pick([a, b]), a)
  balancer.ended(b)
  balancer.ended(b)
  assert.equal(balancer.pick([a, b]), b)
})

test('no target is chosen where there is none, whatever the balancer does', () => {
  const balancer = new SafeBalancer(new LeastSessions(), assert.ifError)
  assert.equal(balancer.pick([]), null)
})
