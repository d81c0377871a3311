import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import pino from 'pino'
import { Faults } from '../../../src/watcher/faults.ts'
import { Publisher } from '../../../src/watcher/publisher.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { memberView, view } from './sample.ts'

interface Line {
  readonly level: number
  readonly event: string
  readonly part?: string
  readonly msg: string
}

function setUp(first: ClusterView = view()) {
  const lines: Line[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  const faults = new Faults(log)
  const publisher = new Publisher(first, faults, log)
  const taken: ClusterView[] = []
  const messages = (): string[] => lines.map(({ level, msg }) => `${level} ${msg}`)
  return { lines, messages, faults, publisher, taken, take: (each: ClusterView) => void taken.push(each) }
}

/** As a later observation makes it: every value is anew, and only the time of the reading is another one. */
function confirmed(before: ClusterView, readAt: number): ClusterView {
  const copy = structuredClone(before)
  return { ...copy, dcs: { ...copy.dcs, readAt } }
}

describe('a view that is confirmed', () => {
  test('is the present one, and no sink gets it', () => {
    const { publisher, taken, take } = setUp()
    publisher.subscribe('a', take)
    publisher.publish(confirmed(view(), 2))
    for (const readAt of [3, 4, 5]) publisher.publish(confirmed(view(), readAt))
    assert.equal(taken.length, 1, 'the first one after it has subscribed')
    assert.equal(publisher.view.dcs.readAt, 5)
  })

  test('is not confirmed but new with any other value', () => {
    const full = view({
      primary: { ...view().primary, address: { host: 'a', port: 1 }, place: { host: '10.0.0.1', port: 1 } },
      members: [memberView('pg0', false, { tags: { dc: 'a' }, proxy: { host: 'p', port: 6432 } })],
      ignoredKeys: [{ key: 'members/x', reason: 'r' }],
      switchover: { leader: 'pg0', member: 'pg1', scheduledAt: 5 },
      setBack: { timeline: 1, served: 2 },
      dcs: {
        ...view().dcs,
        errors: [{ at: 1, message: 'm' }],
        notices: [{ event: 'no-cluster' as const, subject: 's', message: 'm', over: 'o' }],
      },
    })
    const paths = leavesOf(full).filter((path) => path.join('.') !== 'dcs.readAt')
    assert.ok(paths.length > 60, String(paths.length))
    for (const path of paths) {
      const { publisher, taken, take } = setUp(full)
      publisher.subscribe('a', take)
      publisher.publish(confirmed(full, 2))
      const next = structuredClone(full)
      change(next, path)
      publisher.publish(next)
      assert.equal(taken.length, 2, path.join('.'))
      assert.equal(taken[1], next)
    }
  })

  test('is new with a member, a notice or an error more, or less', () => {
    const { dcs } = view()
    for (const changes of [
      { members: [...view().members, memberView('pg2', true)] },
      { members: view().members.slice(1) },
      { ignoredKeys: [{ key: 'members/x', reason: 'r' }] },
      { dcs: { ...dcs, notices: [{ event: 'no-cluster' as const, subject: 's', message: 'm', over: 'o' }] } },
      { dcs: { ...dcs, errors: [{ at: 1, message: 'm' }] } },
      { members: [memberView('pg0', false, { tags: { dc: 'a' } }), memberView('pg1', true)] },
    ]) {
      const { publisher, taken, take } = setUp()
      publisher.subscribe('a', take)
      publisher.publish(view(changes))
      publisher.publish(view())
      publisher.publish(confirmed(view(), 9))
      assert.equal(taken.length, 2, JSON.stringify(changes))
    }
  })
})

describe('a sink that throws', () => {
  test('harms no other sink, and is reported by name, once', () => {
    const { publisher, messages, faults, lines, taken, take } = setUp()
    publisher.subscribe('first', take)
    publisher.subscribe('bad', () => {
      throw new Error('the disk is made of cheese')
    })
    publisher.subscribe('last', take)
    publisher.publish(view({ paused: true }))
    publisher.publish(view({ paused: false }))
    assert.equal(taken.length, 4)
    assert.deepEqual(
      lines.filter(({ event }) => event === 'fault').map(({ level, part, msg }) => [level, part, msg]),
      [[50, 'bad', 'bad: an unexpected error, please report it: the disk is made of cheese']],
    )
    assert.deepEqual(
      faults.lasting.map(({ part, message }) => [part, message]),
      [['bad', 'the disk is made of cheese']],
    )
    assert.ok(
      messages().some((line) => line.includes('paused')),
      'the log goes on',
    )
  })

  test('is called again with the next view, though nothing has changed, until it takes one', () => {
    const { publisher, lines, faults, taken, take } = setUp()
    let isBroken = true
    let calls = 0
    publisher.subscribe('bad', (each) => {
      calls++
      if (isBroken) throw new Error('no')
      take(each)
    })
    publisher.publish(view({ paused: true }))
    publisher.publish(confirmed(view({ paused: true }), 2))
    assert.equal(calls, 2)
    isBroken = false
    publisher.publish(confirmed(view({ paused: true }), 3))
    publisher.publish(confirmed(view({ paused: true }), 4))
    assert.equal(calls, 3)
    assert.deepEqual(
      taken.map(({ paused, dcs }) => [paused, dcs.readAt]),
      [[true, 3]],
    )
    assert.deepEqual(
      lines.map(({ event, part }) => [event, part]).filter(([event]) => event?.startsWith('fault')),
      [
        ['fault', 'bad'],
        ['fault-over', 'bad'],
      ],
    )
    assert.deepEqual(faults.lasting, [])
  })

  test('is forgotten with its subscription', () => {
    const { publisher, taken, take } = setUp()
    const end = publisher.subscribe('a', take)
    publisher.publish(view({ paused: true }))
    end()
    publisher.publish(view({ paused: false }))
    assert.equal(taken.length, 1)
  })
})

test('a sink that causes another view leaves the newest one with every sink', () => {
  const { publisher, taken, take } = setUp()
  const [one, two] = [view({ paused: true }), view({ paused: true, quorum: true })]
  publisher.subscribe('first', (each) => {
    if (each === one) publisher.publish(two)
  })
  publisher.subscribe('last', take)
  publisher.publish(one)
  assert.equal(taken.at(-1), two)
  assert.ok(!taken.includes(one))
})

type Path = readonly string[]

function leavesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
}

function change(target: object, [key = '', ...rest]: Path): void {
  const record = target as Record<string, unknown>
  const value = record[key]
  if (rest.length > 0) change(value as object, rest)
  else record[key] = typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : `${String(value)}x`
}
