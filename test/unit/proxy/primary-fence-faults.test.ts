import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ACKNOWLEDGE_MS } from '../../../src/proxy/acknowledgement.ts'
import { type FencedListener, PrimaryFence } from '../../../src/proxy/primary-fence.ts'
import type { Target } from '../../../src/proxy/route.ts'
import type { ClusterView, PrimaryView } from '../../../src/watcher/view.ts'
import { sampleView } from '../admin/sample.ts'

describe('a fence that fails', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  /** Epochs of which sessions were open at the same time. */
  const twoOpen: string[] = []
  afterEach(() => assert.deepEqual(twoOpen.splice(0), []))

  type Outcome = 'done' | 'throws' | 'rejects' | 'hangs'

  /** A listener that has a session on whoever it has opened, until a fence or a destruction that works. */
  class Listener implements FencedListener {
    readonly calls: string[] = []
    /** The epochs of its sessions on primaries. */
    readonly sessions = new Set<number>()
    opened: Target | null = null
    outcome: Record<'hold' | 'fence' | 'destroy' | 'open', Outcome> = {
      hold: 'done',
      fence: 'done',
      destroy: 'done',
      open: 'done',
    }

    hold(reason: string): void {
      this.calls.push(`hold: ${reason}`)
      if (this.outcome.hold !== 'done') throw new Error('hold throws')
      this.opened = null
    }

    fence(epoch: number): Promise<void> {
      this.calls.push(`fence ${epoch}`)
      return this.#come('fence', () => {
        for (const session of this.sessions) if (session !== epoch) this.sessions.delete(session)
      })
    }

    destroy(): Promise<void> {
      this.calls.push('destroy')
      return this.#come('destroy', () => this.sessions.clear())
    }

    open(target: Target): Promise<void> {
      this.calls.push(`open ${target.member}`)
      return this.#come('open', () => {
        this.opened = target
        this.sessions.add(target.epoch)
      })
    }

    #come(what: 'fence' | 'destroy' | 'open', work: () => void): Promise<void> {
      switch (this.outcome[what]) {
        case 'throws':
          throw new Error(`${what} throws`)
        case 'rejects':
          return Promise.reject(new Error(`${what} rejects`))
        case 'hangs':
          return new Promise(() => undefined)
        case 'done':
          work()
          return Promise.resolve()
      }
    }
  }

  interface Plane {
    readonly fence: PrimaryFence<Listener>
    /** What was logged. */
    readonly log: string[]
  }

  /** Listeners of which none is ever opened while one of them has a session of another epoch. */
  function planeOf(...listeners: Listener[]): Plane {
    const log: string[] = []
    const nameOf = (listener: Listener): string => `listener ${listeners.indexOf(listener)}`
    for (const listener of listeners) {
      const open = listener.open.bind(listener)
      listener.open = async (target) => {
        for (const other of listeners)
          for (const epoch of other.sessions) if (epoch !== target.epoch) twoOpen.push(`${epoch} and ${target.epoch}`)
        await open(target)
      }
    }
    const fence = new PrimaryFence<Listener>({
      all: () => listeners,
      take: (_, hold) => {
        // As the worker does it: what fails is caught, and noticed by the fence.
        if (hold !== null) for (const listener of listeners) if (listener.outcome.hold === 'done') listener.hold(hold)
      },
      forced: (listener, reason) => log.push(`${nameOf(listener)} forced: ${reason}`),
      faultBegun: (listener, { kind, reason }) => log.push(`${nameOf(listener)} ${kind} begun: ${reason}`),
      held: () => undefined,
      opened: () => undefined,
      faultEnded: (listener, { kind }) => log.push(`${nameOf(listener)} ${kind} ended`),
    })
    return { fence, log }
  }

  function view(member: string | null, epoch: number): ClusterView {
    const address = member === null ? null : { host: member, port: 5432 }
    const state: PrimaryView['state'] = member === null ? 'none' : 'open'
    const rest = { reason: 'r', since: 0, silences: 0, basis: '' }
    return sampleView({ primary: { state, member, address, place: address, epoch, ...rest } })
  }

  async function pass(ms: number): Promise<void> {
    await turn()
    mock.timers.tick(ms)
    await turn()
  }

  describe('a fence that is not acknowledged', () => {
    for (const outcome of ['throws', 'rejects', 'hangs'] as const) {
      test(`because it ${outcome} destroys the sockets of that listener alone, and the next primary opens`, async () => {
        const [bad, good] = [new Listener(), new Listener()]
        const { fence, log } = planeOf(bad, good)
        fence.follow(view('a', 1))
        await turn()
        assert.deepEqual([bad.opened?.member, good.opened?.member], ['a', 'a'])
        bad.outcome.fence = outcome
        fence.follow(view('b', 2))
        await pass(outcome === 'hangs' ? ACKNOWLEDGE_MS - 1 : 0)
        assert.equal(bad.opened?.member ?? null, outcome === 'hangs' ? null : 'b')
        await pass(1)
        assert.deepEqual([bad.opened?.member, good.opened?.member], ['b', 'b'])
        assert.equal(bad.calls.filter((call) => call === 'destroy').length, 1)
        assert.ok(!good.calls.includes('destroy'))
        assert.equal(fence.faults.size, 0)
        const why = outcome === 'hangs' ? 'no acknowledgement within 1 s' : `fence ${outcome}`
        assert.deepEqual(log, [`listener 0 forced: ${why}`])
      })

      test(`and sockets whose destruction ${outcome}: clients are held with the reason, and it is tried again`, async () => {
        const [bad, good] = [new Listener(), new Listener()]
        const { fence, log } = planeOf(bad, good)
        fence.follow(view('a', 1))
        await turn()
        bad.outcome.fence = 'throws'
        bad.outcome.destroy = outcome
        fence.follow(view('b', 2))
        for (let second = 0; second < 20; second++) await pass(1000)
        assert.deepEqual([bad.opened, good.opened], [null, null])
        const why = outcome === 'hangs' ? 'no acknowledgement within 1 s' : `destroy ${outcome}`
        const reason = `sessions on an earlier primary cannot be closed: ${why}`
        assert.deepEqual(fence.faults.get(bad), { kind: 'fence', reason })
        assert.deepEqual(log, [`listener 0 fence begun: ${reason}`])
        assert.equal(
          good.calls.findLast((call) => call.startsWith('hold')),
          `hold: ${reason}`,
        )
        assert.ok(bad.calls.filter((call) => call === 'destroy').length >= 9, 'it is tried again and again')
        bad.outcome.destroy = 'done'
        for (let second = 0; second < 3; second++) await pass(1000)
        assert.deepEqual(
          [bad.opened, good.opened].map((target) => target?.member ?? null),
          ['b', 'b'],
        )
        assert.deepEqual(log.slice(1), ['listener 0 fence ended'])
        assert.equal(fence.faults.size, 0)
      })
    }

    test('is not waited for by a newer primary any longer than that', async () => {
      const bad = new Listener()
      const { fence } = planeOf(bad)
      fence.follow(view('a', 1))
      await turn()
      bad.outcome.fence = 'hangs'
      fence.follow(view('b', 2))
      await pass(500)
      fence.follow(view('c', 3))
      await pass(500)
      await pass(ACKNOWLEDGE_MS)
      assert.equal(bad.opened?.member, 'c')
      assert.ok(!bad.calls.includes('open b'))
    })
  })

  for (const outcome of ['throws', 'rejects', 'hangs'] as const) {
    test(`an opening that ${outcome} holds the clients of that listener alone, and is tried again`, async () => {
      const [bad, good] = [new Listener(), new Listener()]
      const { fence, log } = planeOf(bad, good)
      bad.outcome.open = outcome
      fence.follow(view('a', 1))
      for (let second = 0; second < 5; second++) await pass(1000)
      const why = outcome === 'hangs' ? 'no acknowledgement within 1 s' : `open ${outcome}`
      const reason = `the primary a cannot be opened: ${why}`
      assert.deepEqual(fence.faults.get(bad), { kind: 'open', reason })
      assert.equal(
        bad.calls.findLast((call) => call.startsWith('hold')),
        `hold: ${reason}`,
      )
      assert.equal(good.opened?.member, 'a')
      assert.deepEqual(log, [`listener 0 open begun: ${reason}`])
      bad.outcome.open = 'done'
      for (let second = 0; second < 3; second++) await pass(1000)
      assert.equal(bad.opened?.member, 'a')
      assert.deepEqual(log.slice(1), ['listener 0 open ended'])
      assert.equal(fence.faults.size, 0)
    })
  }

  test('an opening that failed is no longer a fault once the listener is to hold', async () => {
    const bad = new Listener()
    const { fence, log } = planeOf(bad)
    bad.outcome.open = 'throws'
    fence.follow(view('a', 1))
    await turn()
    fence.follow(view(null, 2))
    await turn()
    assert.equal(fence.faults.size, 0)
    assert.deepEqual(log.slice(1), ['listener 0 open ended'])
  })

  test('a listener that does not even hold does not hold up the others', async () => {
    const [bad, good] = [new Listener(), new Listener()]
    const { fence } = planeOf(bad, good)
    Object.assign(bad.outcome, { hold: 'throws', open: 'throws' })
    fence.follow(view('a', 1))
    await pass(0)
    fence.follow(view('b', 2))
    await pass(0)
    assert.deepEqual(
      good.calls.filter((call) => call.startsWith('open')),
      ['open a', 'open b'],
    )
  })

  test('nothing is tried again after the end', async () => {
    const bad = new Listener()
    const { fence } = planeOf(bad)
    Object.assign(bad.outcome, { fence: 'throws', destroy: 'throws' })
    fence.follow(view('a', 1))
    await turn()
    fence.close()
    bad.calls.length = 0
    for (let second = 0; second < 5; second++) await pass(1000)
    fence.follow(view('b', 2))
    assert.deepEqual(bad.calls, [])
  })

  /** Each listener asserts that nothing is opened while another one has sessions of another epoch. */
  test('in every combination of faults there are never two open, and listeners that work again open the latest', async () => {
    const outcomes: readonly Outcome[] = ['done', 'throws', 'hangs']
    for (let choice = 0; choice < 3 ** 6; choice++) {
      const [one, other] = [new Listener(), new Listener()]
      const listeners = [one, other]
      const { fence } = planeOf(one, other)
      fence.follow(view('a', 1))
      await turn()
      for (let n = 0, rest = choice; n < 6; n++, rest = Math.trunc(rest / 3)) {
        const what = (['fence', 'destroy', 'open'] as const)[n % 3] ?? 'fence'
        Object.assign((n < 3 ? one : other).outcome, { [what]: outcomes[rest % 3] })
      }
      fence.follow(view('b', 2))
      await pass(1000)
      fence.follow(view('c', 3))
      for (let second = 0; second < 3; second++) await pass(1000)
      for (const { outcome } of listeners) Object.assign(outcome, { fence: 'done', destroy: 'done', open: 'done' })
      for (let second = 0; second < 5; second++) await pass(1000)
      assert.deepEqual(
        listeners.map(({ opened }) => opened?.member),
        ['c', 'c'],
        `choice ${choice}`,
      )
      assert.equal(fence.faults.size, 0)
      fence.close()
    }
  })
})
