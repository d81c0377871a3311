import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingLine } from '../../../src/proxy/waiting-line.ts'

/** The places of a line whose visits are counted. */
class Line {
  visits = 0
  readonly line = new WaitingLine<Member>(({ key }) => {
    this.visits++
    return key
  })

  add(key: number): Member {
    const member = new Member(key, this)
    this.line.add(member)
    return member
  }

  leave(member: Member): void {
    member.leave()
    this.line.left()
  }

  /** Empties it from the head. */
  order(): number[] {
    const order: number[] = []
    for (let member = this.line.first(); member !== null; member = this.line.first()) {
      order.push(member.key)
      this.leave(member)
    }
    return order
  }
}

class Member {
  readonly key: number
  readonly #line: Line
  #isWaiting = true

  constructor(key: number, line: Line) {
    this.key = key
    this.#line = line
  }

  get isWaiting(): boolean {
    this.#line.visits++
    return this.#isWaiting
  }

  leave(): void {
    this.#isWaiting = false
  }
}

test('is in the order of the key, and of arrival where that is the same, although some leave in between', () => {
  const line = new Line()
  const members = [5, 3, 9, 3, 1, 7, 9].map((key) => line.add(key))
  const [, , nine] = members
  assert.ok(nine !== undefined)
  line.leave(nine)
  assert.equal(line.line.first()?.key, 1)
  line.add(0)
  assert.deepEqual(line.order(), [0, 1, 3, 3, 5, 7, 9])
  assert.equal(line.line.first(), null)
  line.add(4)
  assert.deepEqual(line.order(), [4])
})

test('has the order of 10,000 that come and go at random', () => {
  const line = new Line()
  const present = new Set<Member>()
  // A linear congruential generator: the same every time.
  let seed = 1
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31)
  for (let n = 0; n < 10_000; n++) {
    present.add(line.add(random()))
    const leaver = n % 3 === 0 ? line.line.first() : n % 3 === 1 ? [...present][random() % present.size] : null
    if (leaver === null || leaver === undefined) continue
    present.delete(leaver)
    line.leave(leaver)
  }
  const expected = [...present].map(({ key }) => key).toSorted((a, b) => a - b)
  assert.ok(expected.length > 3000)
  assert.deepEqual(line.order(), expected)
})

test('samples those that wait at equal distances, the last one included', () => {
  const line = new Line()
  const members = Array.from({ length: 200 }, (_, key) => line.add(key))
  const sample = (): (readonly [number, number])[] =>
    line.line.sample(4).map(({ member, place }) => [member.key, place])
  assert.deepEqual(sample(), [[49, 50], [99, 100], [149, 150], [199, 200]]) // prettier-ignore
  for (const member of members.slice(0, 100)) line.leave(member)
  line.line.first()
  assert.deepEqual(sample(), [[124, 25], [149, 50], [174, 75], [199, 100]]) // prettier-ignore
  line.order()
  assert.deepEqual(sample(), [])
})

for (const [how, leavers] of [
  ['from the head', (members: readonly Member[]) => members],
  ['from the end', (members: readonly Member[]) => members.toReversed()],
  ['from the middle', (members: readonly Member[]) => members.toSorted((a, b) => (a.key % 97) - (b.key % 97))],
] as const) {
  test(`costs as much for each of 10,000 as for each of 100, when they leave ${how}`, () => {
    const visitsOfEach = (count: number): number => {
      const line = new Line()
      const members = Array.from({ length: count }, (_, key) => line.add(key))
      for (const member of leavers(members)) {
        line.leave(member)
        line.line.first()
      }
      return line.visits / count
    }
    assert.ok(visitsOfEach(10_000) <= 8, `${visitsOfEach(10_000)} visits`)
  })
}
