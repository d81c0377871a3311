import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import type { ListenerConfig, ProxyConfig } from '../../../src/config/config.ts'
import { Client } from '../../../src/proxy/client.ts'
import { Connector } from '../../../src/proxy/connector.ts'
import { Counters } from '../../../src/proxy/counters.ts'
import { Hold } from '../../../src/proxy/hold.ts'
import { Proxy } from '../../../src/proxy/proxy.ts'
import { RouteControl } from '../../../src/proxy/route-control.ts'
import { RouteServer } from '../../../src/proxy/route-server.ts'
import { isPrimary, type Target } from '../../../src/proxy/route.ts'
import type { Session } from '../../../src/proxy/session.ts'
import { Sessions } from '../../../src/proxy/sessions.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { sampleMember, sampleView } from '../admin/sample.ts'

const NOBODY = new Client(new Socket(), Buffer.alloc(0), 0)

describe('a fault between proxy and worker', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => {
    mock.restoreAll()
    mock.timers.reset()
  })

  const failing = (): never => {
    throw new Error('injected')
  }

  /** Every step between a view and its sessions, by what makes it throw. */
  const STEPS: Readonly<Record<string, () => { readonly mock: { restore(): void } }>> = {
    'the listener takes the view': () => mock.method(RouteControl.prototype, 'take', failing),
    'the listener holds': () => mock.method(RouteControl.prototype, 'hold', failing),
    'the listener is fenced': () => mock.method(RouteControl.prototype, 'fence', failing),
    'the listener destroys': () => mock.method(RouteControl.prototype, 'destroy', failing),
    'the listener opens': () => mock.method(RouteControl.prototype, 'open', failing),
    'the listener forgets': () => mock.method(RouteControl.prototype, 'forget', failing),
    'the route opens': () => mock.method(RouteServer.prototype, 'open', failing),
    'the route is shut': () => mock.method(RouteServer.prototype, 'shut', failing),
    'the route is fenced': () => mock.method(RouteServer.prototype, 'fence', failing),
    'the route closes sessions': () => mock.method(RouteServer.prototype, 'closeSessions', failing),
    'the route destroys': () => mock.method(RouteServer.prototype, 'destroy', failing),
    'dials are given up': () => mock.method(Connector.prototype, 'abandon', failing),
    'targets are set': () => mock.method(Connector.prototype, 'use', failing),
    'the hold opens': () => mock.method(Hold.prototype, 'open', failing),
    'the hold is shut': () => mock.method(Hold.prototype, 'shut', failing),
    'sessions are closed': () => mock.method(Sessions.prototype, 'close', failing),
    'sessions are destroyed': () => mock.method(Sessions.prototype, 'destroy', failing),
    'closed sessions are counted': () => mock.method(Counters.prototype, 'closed', failing),
  }

  const LISTENER = {
    binds: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    balance: 'roundrobin',
    maxLagBytes: null,
    tags: {},
    fallback: 'none',
    closeFallback: false,
  } as const
  const LISTENERS: readonly ListenerConfig[] = [
    { name: 'primary', route: 'primary', ...LISTENER },
    { name: 'any', route: 'any', ...LISTENER },
  ]
  const CONFIG: ProxyConfig = {
    listeners: LISTENERS,
    address: 'conn_url',
    trust: 'proof',
    check: { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 },
    hold: { timeoutMs: 45_000, maxConnections: 10_000, refuseTls: 'answer' },
    maxConnections: 0,
    timeouts: { connectMs: 4000, clientMs: 0, serverMs: 0 },
    tcpKeepaliveMs: 15_000,
    drainTimeoutMs: 30_000,
  }

  /** The primary is `member`, in this epoch; `reader` is a replica. */
  function view(member: string, epoch: number, reader: string): ClusterView {
    const address = { host: '10.0.0.1', port: 5432 }
    const unfit = { fit: false, checked: true, down: false, reason: 'the leader' }
    return sampleView({
      leader: member,
      members: [sampleMember(member, { isLeader: true, replica: unfit }), sampleMember(reader)],
      primary: { ...sampleView().primary, state: 'open', member, address, place: address, epoch, basis: member },
    })
  }

  /** A proxy of two listeners without sockets. At each moment a client comes to each of them. */
  class Plane {
    readonly proxy = new Proxy({ config: CONFIG, log: pino({ enabled: false }), dialFailed: () => undefined })
    /** By a primary that clients were let through to; its epoch. */
    readonly sessions = new Map<Target, number>()
    /** In the order of the listeners, as their first calls are. */
    readonly #sessionsOf = mock.method(Sessions.prototype, 'close')
    readonly #targetsOf = mock.method(Connector.prototype, 'use')

    /** What clients of each listener are let through to. */
    get open(): readonly (readonly string[])[] {
      return [...this.#targets().values()].map((targets) => targets.map(({ member, epoch }) => `${member}@${epoch}`))
    }

    async pass(seconds: number): Promise<void> {
      for (let second = 0; second < seconds; second++) {
        await this.settle()
        mock.timers.tick(1000)
        await this.settle()
      }
    }

    /** Lets what is under way end, and clients come in between. */
    async settle(): Promise<void> {
      for (let n = 0; n < 4; n++) {
        this.#letThrough()
        await turn()
      }
    }

    #targets(): ReadonlyMap<unknown, readonly Target[]> {
      const done = this.#targetsOf.mock.calls.filter(({ error }) => error === undefined)
      return new Map(done.map(({ this: connector, arguments: [targets] }) => [connector, targets]))
    }

    #letThrough(): void {
      const routes = [...new Set(this.#sessionsOf.mock.calls.map((call): unknown => call.this))]
      for (const [index, targets] of [...this.#targets().values()].entries()) {
        const sessions = routes[index]
        assert.ok(sessions instanceof Sessions)
        for (const target of targets) if (isPrimary(target)) this.#join(sessions, target)
      }
      const epochs = new Set(this.sessions.values())
      assert.ok(epochs.size <= 1, `sessions of the epochs ${[...epochs].join(' and ')} at the same time`)
    }

    #join(sessions: Sessions, target: Target): void {
      const key = { ...target }
      this.sessions.set(key, target.epoch)
      let ended = (): void => undefined
      const session: Pick<Session, 'whenEnded' | 'cutOff' | 'destroy'> = {
        whenEnded: (call) => (ended = call),
        cutOff: () => undefined,
        destroy: () => {
          this.sessions.delete(key)
          queueMicrotask(() => ended())
        },
      }
      sessions.add({ id: 1, client: NOBODY, target, session: session as Session })
    }
  }

  const NAMES = Object.keys(STEPS)
  const CASES: readonly (readonly string[])[] = [
    ...NAMES.map((name) => [name]),
    ...NAMES.flatMap((one, index) => NAMES.slice(index + 1).map((other) => [one, other])),
    NAMES,
  ]

  /** Without these a route cannot be shut: at worst it keeps its readers. */
  const SHUTTING: readonly string[] = ['the route is shut', 'the hold is shut', 'targets are set', 'dials are given up']

  describe('a router in which this throws from one failover to the next', () => {
    for (const names of CASES)
      test(`${names.length === NAMES.length ? 'everything' : names.join(', and ')}: has one primary at a time, and the last one in the end`, async () => {
        const plane = new Plane()
        const { proxy } = plane
        proxy.apply(view('a', 1, 'r'))
        await plane.settle()
        assert.deepEqual(plane.open, [['a@1'], ['r@0', 'a@1']])
        const faults = names.map((name) => STEPS[name]?.())
        proxy.apply(view('b', 2, 's'))
        await plane.pass(3)
        const stale = plane.open.flat().filter((target) => target === 'r@0')
        if (!names.some((name) => SHUTTING.includes(name))) assert.deepEqual(stale, [], 'a stale reader')
        proxy.apply(view('c', 3, 's'))
        await plane.pass(3)
        for (const fault of faults) fault?.mock.restore()
        // The watcher has nothing new.
        await plane.pass(4)
        assert.deepEqual(plane.open, [['c@3'], ['s@0', 'c@3']])
        assert.deepEqual([...new Set(plane.sessions.values())], [3])
        assert.deepEqual(
          proxy.status().listeners.map(({ fault }) => fault),
          [null, null],
        )
        proxy.close()
      })
  })
})
