import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type FencedListener, type FencedListeners, PrimaryFence } from '../../../src/proxy/primary-fence.ts'
import type { Target } from '../../../src/proxy/route.ts'
import type { ClusterView, PrimaryView } from '../../../src/watcher/view.ts'
import { sampleView } from '../admin/sample.ts'

describe('a callback that throws', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  type Call = keyof FencedListener | keyof FencedListeners<Listener>
  const CALLS: readonly Call[] = [
    'hold',
    'fence',
    'destroy',
    'open',
    'all',
    'take',
    'forced',
    'faultBegun',
    'held',
    'opened',
    'faultEnded',
  ]

  /** The calls that throw now; all others work. */
  type Throwing = ReadonlySet<Call>

  class Listener implements FencedListener {
    readonly #plane: Plane
    /** The epochs of its sessions on primaries. */
    readonly sessions = new Set<number>()
    opened: Target | null = null

    constructor(plane: Plane) {
      this.#plane = plane
    }

    hold(): void {
      this.#plane.called('hold')
      this.opened = null
    }

    fence(epoch: number): Promise<void> {
      this.#plane.called('fence')
      this.opened = null
      for (const session of this.sessions) if (session !== epoch) this.sessions.delete(session)
      return Promise.resolve()
    }

    destroy(): Promise<void> {
      this.#plane.called('destroy')
      this.opened = null
      this.sessions.clear()
      return Promise.resolve()
    }

    open(target: Target): Promise<void> {
      this.#plane.called('open')
      this.opened = target
      this.sessions.add(target.epoch)
      this.#plane.assertOnePrimary()
      return Promise.resolve()
    }
  }

  /** Two listeners and a fence; any of the calls between them can be made to throw. */
  class Plane {
    readonly listeners: readonly [Listener, Listener] = [new Listener(this), new Listener(this)]
    readonly fence: PrimaryFence<Listener>
    readonly calls: Call[] = []
    throwing: Throwing = new Set()

    constructor() {
      this.fence = new PrimaryFence<Listener>({
        all: () => {
          this.called('all')
          return this.listeners
        },
        take: (_, hold) => {
          this.called('take')
          if (hold !== null) for (const listener of this.listeners) listener.opened = null
        },
        forced: () => this.called('forced'),
        faultBegun: () => this.called('faultBegun'),
        held: () => this.called('held'),
        opened: () => this.called('opened'),
        faultEnded: () => this.called('faultEnded'),
      })
    }

    called(call: Call): void {
      this.calls.push(call)
      if (this.throwing.has(call)) throw new Error(`${call} throws`)
    }

    assertOnePrimary(): void {
      const epochs = new Set(this.listeners.flatMap(({ sessions }) => [...sessions]))
      assert.ok(epochs.size <= 1, `sessions of the epochs ${[...epochs].join(' and ')} at the same time`)
    }

    get opened(): readonly (string | null)[] {
      return this.listeners.map(({ opened }) => opened?.member ?? null)
    }

    get sessions(): readonly number[] {
      return this.listeners.flatMap(({ sessions }) => [...sessions])
    }

    /** Lets that many retries pass. */
    async pass(seconds: number): Promise<void> {
      for (let second = 0; second < seconds; second++) {
        await turn()
        mock.timers.tick(1000)
        await turn()
      }
    }
  }

  function view(member: string | null, epoch: number): ClusterView {
    const address = member === null ? null : { host: member, port: 5432 }
    const state: PrimaryView['state'] = member === null ? 'none' : 'open'
    const rest = { reason: 'r', since: 0, silences: 0, basis: '' }
    return sampleView({ primary: { state, member, address, place: address, epoch, ...rest } })
  }

  /** Each call alone, and each together with those that are only made because of it. */
  const CASES: readonly (readonly Call[])[] = [
    ...CALLS.map((call) => [call]),
    ...CALLS.flatMap((one, index) => CALLS.slice(index + 1).map((other) => [one, other])),
    ['fence', 'destroy', 'faultBegun'],
    ['fence', 'destroy', 'faultEnded'],
    CALLS,
  ]

  describe('a call that throws between the fence and its listeners', () => {
    for (const throwing of CASES) {
      test(`(${throwing.join(', ')}) opens no second primary, and the last one is open when it works again`, async () => {
        for (const path of ['failover', 'gone and back', 'quick succession'] as const) {
          const plane = new Plane()
          const { fence } = plane
          fence.follow(view('a', 1))
          await turn()
          assert.deepEqual(plane.opened, ['a', 'a'])
          plane.throwing = new Set(throwing)
          if (path === 'gone and back') fence.follow(view(null, 2))
          if (path === 'quick succession') fence.follow(view('c', 2))
          await turn()
          fence.follow(view('b', 3))
          await plane.pass(4)
          plane.assertOnePrimary()
          // Only sessions that can be closed neither way outlive their primary.
          if (!throwing.includes('destroy') && !throwing.includes('all')) assert.ok(!plane.sessions.includes(1))
          plane.throwing = new Set()
          // Nothing else happens: no view comes from the watcher.
          await plane.pass(4)
          assert.deepEqual(plane.opened, ['b', 'b'], path)
          assert.deepEqual([...plane.fence.faults], [], path)
          plane.assertOnePrimary()
          fence.close()
        }
      })
    }

    test('in between is tried once a second, and not more often', async () => {
      const plane = new Plane()
      plane.throwing = new Set<Call>(['take'])
      plane.fence.follow(view('a', 1))
      await plane.pass(10)
      const taken = plane.calls.filter((call) => call === 'take').length
      assert.ok(taken >= 10 && taken <= 12, String(taken))
      assert.deepEqual(plane.opened, [null, null])
      assert.deepEqual(
        plane.listeners.map((listener) => plane.fence.faults.get(listener)),
        Array(2).fill({ kind: 'open', reason: 'the state of the cluster cannot be handed on: take throws' }),
      )
      plane.fence.close()
    })

    test('closes the sessions of the former primary all the same where a view cannot be handed on', async () => {
      const plane = new Plane()
      plane.fence.follow(view('a', 1))
      await turn()
      plane.throwing = new Set<Call>(['take'])
      plane.fence.follow(view('b', 2))
      await turn()
      assert.deepEqual([plane.sessions, plane.opened], [[], [null, null]])
      plane.calls.length = 0
      plane.throwing = new Set()
      await plane.pass(2)
      // Without that view a listener did not know whose sessions are over.
      assert.ok(plane.calls.includes('fence'), 'fenced again with the view')
      assert.deepEqual(plane.opened, ['b', 'b'])
      plane.fence.close()
    })
  })

  describe('a fence that is closed', () => {
    for (const waitsFor of ['fence', 'destroy', 'open'] as const) {
      test(`while it waits for ${waitsFor} ends the wait, opens nothing and has no timer left`, async () => {
        const plane = new Plane()
        const timers = mock.method(globalThis, 'setTimeout')
        const cleared = mock.method(globalThis, 'clearTimeout')
        const [bad] = plane.listeners
        const aborted: unknown[] = []
        bad[waitsFor] = (...args: readonly unknown[]) => {
          const signal = args.at(-1)
          assert.ok(signal instanceof AbortSignal)
          signal.addEventListener('abort', () => aborted.push(waitsFor))
          return new Promise(() => undefined)
        }
        if (waitsFor === 'destroy') bad.fence = () => Promise.reject(new Error('no'))
        plane.fence.follow(view('a', 1))
        await turn()
        const opened = plane.calls.filter((call) => call === 'open').length
        plane.fence.close()
        await turn()
        assert.deepEqual(aborted, [waitsFor])
        plane.calls.length = 0
        const left = new Set(timers.mock.calls.map(({ result }) => result))
        for (const { arguments: ended } of cleared.mock.calls) left.delete(ended[0] as NodeJS.Timeout)
        assert.equal(left.size, 0, 'timers are left')
        await plane.pass(3)
        assert.deepEqual(plane.calls, [])
        assert.equal(opened, waitsFor === 'open' ? 1 : 0)
        assert.deepEqual([...plane.fence.faults], [])
        timers.mock.restore()
        cleared.mock.restore()
      })
    }

    test('during a fence opens no listener when that is done', async () => {
      const plane = new Plane()
      const { promise, resolve } = Promise.withResolvers<undefined>()
      for (const listener of plane.listeners) listener.fence = () => promise
      plane.fence.follow(view('a', 1))
      resolve(undefined)
      plane.fence.close()
      await plane.pass(3)
      assert.ok(!plane.calls.includes('open'))
    })
  })
})
