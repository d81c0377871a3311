import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type FencedListener, type FencedListeners, PrimaryFence } from '../../../src/proxy/primary-fence.ts'
import type { Target } from '../../../src/proxy/route.ts'
import type { ClusterView, PrimaryView } from '../../../src/watcher/view.ts'
import { sampleView } from '../admin/sample.ts'

describe('the fence of the primary', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  function never(): never {
    throw new Error('no listener has a fault')
  }

  /** One listener whose fences are done when the test says so. */
  class FakePlane implements FencedListener, FencedListeners<FakePlane> {
    /** What is reported for the history. */
    readonly reports: string[] = []
    readonly forced = never
    readonly faultBegun = never
    readonly faultEnded = never
    readonly calls: string[] = []
    /** The epochs that are being fenced. */
    readonly fencing: { readonly epoch: number; readonly done: () => void }[] = []
    fenced = 0
    target: Target | null = null

    held(_: ClusterView, reason: string): void {
      this.reports.push(`held: ${reason}`)
    }

    opened({ member }: Target, fencedMs: number | null): void {
      this.reports.push(`opened ${member}, ${fencedMs === null ? 'no fence' : 'fenced'}`)
    }

    all(): readonly FakePlane[] {
      return [this]
    }

    take(_: ClusterView, hold: string | null): void {
      if (hold !== null) this.hold(hold)
    }

    destroy(): Promise<void> {
      return Promise.reject(new Error('every fence is acknowledged'))
    }

    hold(reason: string): void {
      assert.notEqual(reason, '')
      this.calls.push('hold')
      this.target = null
    }

    fence(epoch: number): Promise<void> {
      this.calls.push(`fence ${epoch}`)
      // Until it is done, sessions of older epochs may live.
      this.fenced = -1
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const done = (): void => {
        this.fenced = epoch
        this.fencing.splice(0, 1)
        resolve(undefined)
      }
      this.fencing.push({ epoch, done })
      return promise
    }

    open(target: Target): Promise<void> {
      this.calls.push(`open ${target.member} ${target.epoch}`)
      assert.equal(this.fencing.length, 0, 'opens while a fence is under way')
      assert.equal(target.epoch, this.fenced, 'opens without the fence of its epoch')
      this.target = target
      return Promise.resolve()
    }
  }

  function view(member: string | null, epoch: number, state: PrimaryView['state'] = 'open'): ClusterView {
    const address = member === null ? null : { host: member, port: 5432 }
    return sampleView({
      primary: {
        ...{ state: member === null ? 'none' : state, member, address, place: address, epoch },
        ...{ reason: 'r', since: 0, silences: 0, basis: '' },
      },
    })
  }

  test('reports once when it holds and once when it has opened, but no hold of what was not open', async () => {
    const plane = new FakePlane()
    const fence = new PrimaryFence(plane)
    fence.follow(view(null, 1))
    fence.follow(view('pg1', 2))
    await turn()
    assert.deepEqual(plane.reports, [])
    while (plane.fencing.length > 0) {
      plane.fencing[0]?.done()
      await turn()
    }
    for (const state of ['open', 'open', 'switching', 'switching', 'open'] as const) {
      fence.follow(view('pg1', 2, state))
      await turn()
    }
    assert.deepEqual(plane.reports, ['opened pg1, fenced', 'held: leader pg1: r', 'opened pg1, no fence'])
  })

  test('holds a drained primary without a fence, so that its sessions stay, and opens the one that follows it', async () => {
    const plane = new FakePlane()
    const fence = new PrimaryFence(plane)
    const drained = (member: string, epoch: number): ClusterView => {
      const { primary, ...rest } = view(member, epoch)
      return { ...rest, primary: { ...primary, override: { state: 'drain', by: 'alice', since: 0, until: null } } }
    }
    const settle = async (): Promise<void> => {
      await turn()
      plane.fencing[0]?.done()
      await turn()
    }
    fence.follow(view('pg1', 1))
    await settle()
    plane.calls.length = 0
    fence.follow(drained('pg1', 1))
    await settle()
    assert.equal(plane.target, null)
    fence.follow(view('pg1', 1))
    await settle()
    fence.follow(drained('pg1', 1))
    fence.follow(view('pg2', 2))
    await settle()
    assert.deepEqual(plane.calls, ['hold', 'open pg1 1', 'hold', 'hold', 'fence 2', 'open pg2 2'])
    assert.deepEqual(plane.reports.slice(1, 3), ['held: leader pg1: drained', 'opened pg1, no fence'])
  })

  test('fences a primary that is drained from its first view on, and opens it when it is ready', async () => {
    const plane = new FakePlane()
    const fence = new PrimaryFence(plane)
    const { primary, ...rest } = view('pg1', 1)
    fence.follow({ ...rest, primary: { ...primary, override: { state: 'maint', by: 'alice', since: 0, until: null } } })
    await turn()
    plane.fencing[0]?.done()
    await turn()
    assert.deepEqual(plane.calls, ['hold', 'fence 1'])
    fence.follow(view('pg1', 1))
    await turn()
    assert.deepEqual(plane.calls, ['hold', 'fence 1', 'open pg1 1'])
  })

  test('opens a member when the fence of its epoch is done, and not before', async () => {
    const plane = new FakePlane()
    const follower = new PrimaryFence(plane)
    follower.follow(view('a', 1))
    await turn()
    assert.deepEqual(plane.calls, ['hold', 'fence 1'])
    plane.fencing[0]?.done()
    await turn()
    assert.deepEqual(plane.calls, ['hold', 'fence 1', 'open a 1'])
  })

  test('holds and begins to fence before follow returns', () => {
    const plane = new FakePlane()
    new PrimaryFence(plane).follow(view('a', 1))
    assert.deepEqual(plane.calls, ['hold', 'fence 1'])
  })

  test('needs no fence within an epoch: opens and holds at once', async () => {
    const plane = new FakePlane()
    const follower = new PrimaryFence(plane)
    follower.follow(view('a', 1))
    plane.fencing[0]?.done()
    await turn()
    plane.calls.length = 0
    follower.follow(view('a', 1, 'unreachable'))
    assert.deepEqual(plane.calls, ['hold'])
    follower.follow(view('a', 1))
    assert.deepEqual(plane.calls, ['hold', 'open a 1'])
  })

  test('a newer view during a fence wins: the older member is never opened', async () => {
    const plane = new FakePlane()
    const follower = new PrimaryFence(plane)
    follower.follow(view('a', 1))
    follower.follow(view('b', 2))
    plane.fencing[0]?.done()
    await turn()
    assert.deepEqual(plane.calls, ['hold', 'fence 1', 'hold', 'fence 2'])
    plane.fencing[0]?.done()
    await turn()
    assert.equal(plane.calls.at(-1), 'open b 2')
    assert.ok(!plane.calls.includes('open a 1'))
  })

  test('a view of the same epoch that closes during the fence is not opened', async () => {
    const plane = new FakePlane()
    const follower = new PrimaryFence(plane)
    follower.follow(view('a', 1))
    follower.follow(view('a', 1, 'promoting'))
    plane.fencing[0]?.done()
    await turn()
    assert.deepEqual(plane.calls, ['hold', 'fence 1', 'hold'])
    follower.follow(view('a', 1))
    assert.equal(plane.calls.at(-1), 'open a 1')
  })

  test('no member is open under an epoch that is fenced for none', async () => {
    const plane = new FakePlane()
    const follower = new PrimaryFence(plane)
    follower.follow(view('a', 1))
    plane.fencing[0]?.done()
    await turn()
    follower.follow(view(null, 2))
    assert.equal(plane.target, null)
    plane.fencing[0]?.done()
    await turn()
    assert.deepEqual(plane.calls, ['hold', 'fence 1', 'open a 1', 'hold', 'fence 2'])
  })

  /** Every order of views and of the ends of fences: the plane asserts that nothing is opened without its fence. */
  test('in every interleaving the latest view is in force at the end, and nothing was opened before its fence', async () => {
    const views = [view('a', 1), view('a', 1, 'unreachable'), view('b', 2), view(null, 3), view('c', 3)]
    let runs = 0
    for (let choice = 0; choice < 3 ** 6; choice++) {
      const plane = new FakePlane()
      const follower = new PrimaryFence(plane)
      let next = 0
      for (let step = 0, rest = choice; step < 6; step++, rest = Math.trunc(rest / 3)) {
        const latest = views[next]
        if (rest % 3 === 0 && latest !== undefined) {
          follower.follow(latest)
          next++
          const isOpen = latest.primary.state === 'open'
          if (!isOpen || plane.fencing.length > 0) assert.equal(plane.target, null, 'held before follow returns')
        } else if (rest % 3 === 1) plane.fencing[0]?.done()
        else await turn()
      }
      for (; next < views.length; next++) follower.follow(views[next] ?? view(null, 9))
      for (let rounds = 0; rounds < 5; rounds++) {
        plane.fencing[0]?.done()
        await turn()
      }
      assert.deepEqual([plane.target?.member, plane.target?.epoch], ['c', 3])
      runs++
    }
    assert.equal(runs, 729)
  })
})
