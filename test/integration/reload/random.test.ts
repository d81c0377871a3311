/**
 * Random configurations, and a router that is reloaded from one to the next while clients are connected: afterwards it is what a
 * router is that was started with the last one. `npm run test:reload` does more of it.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import type { Config } from '../../../src/config/config.ts'
import { Router } from '../../../src/router.ts'
import { DCS_KINDS } from '../../../src/watcher/dcs/kinds.ts'
import { until } from '../../support/until.ts'
import { Clients } from './clients.ts'
import { Configurations, sourcesIn } from './configurations.ts'
import { Random } from './random.ts'
import {
  type Counts,
  comparableStatus,
  countsOf,
  filesOf,
  handles,
  less,
  listeningHere,
  type Seen,
  socketsOf,
  unsettled,
} from './snapshot.ts'
import { Timers } from './timers.ts'
import { World } from './world.ts'

const COUNT = Number(process.env['RELOADS'] ?? 50)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))

/** What is there while nothing is under way. */
const LASTING = ['FSEventWrap', 'PipeWrap', 'TCPServerWrap', 'TCPSocketWrap']

/** Whose timers show that something is under way. */
const UNDER_WAY = ['watcher/checks/rest-http.ts', 'watcher/checks/startup-probe.ts']

/** Whose timers come and go. */
const PASSING = [
  // The first answers of members are waited for.
  'templates/cluster-input.ts',
  // The pause after a write.
  'kept-file.ts',
  // As long as there are sessions, or clients that are held.
  'proxy/idle-timeouts.ts',
  'proxy/hold.ts',
  // gRPC asks for an address again.
  'watcher/dcs/etcd3/resolver.ts',
  // The pause before another look for endpoints, which may still be under way.
  'watcher/dcs/etcd-common/directory.ts',
  // The limit of a lookup that may be over.
  'names/lookups.ts',
]

/** How often the heap is looked at, where it can be. Reloads. */
const HEAP_EVERY = 50
/** By so much the heap may grow with each reload in the second half of them; the code that is compiled late is in it. Bytes. */
const MOST_GROWTH = 2048

interface Step {
  readonly config: Config
  readonly text: string
  /** Of a router that was started with it. */
  readonly expected: Seen
}

/** Whether it reports that there is no primary for a template while that is confirmed at another address. */
function isOfAnotherAddress(line: string, before: Config, after: Config): boolean {
  const addresses = new Map(before.clusters.map(({ name, proxy: { address } }) => [name, address]))
  const isMoved = after.clusters.some(({ name, proxy: { address } }) => (addresses.get(name) ?? address) !== address)
  return isMoved && /"event":"template-failed".*there is no primary/.test(line)
}

describe(`a router that is reloaded with random configurations (seed ${SEED})`, () => {
  let world: World
  let baseline: Counts
  let ownSockets: readonly string[]
  let clients: Clients | null = null
  let logged: string[]
  let logging: Config['logging']
  const timers = new Timers()
  const warnings: string[] = []
  const onWarning = (warning: Error): void => void warnings.push(String(warning))

  before(async () => {
    process.on('warning', onWarning)
    timers.begin()
    world = await World.start()
    for (const [path, text] of sourcesIn(world)) writeFileSync(path, text)
    await until('what was written to etcd is over', () => handles()['TCPSocketWrap'] === undefined)
    baseline = handles()
    ownSockets = await listeningHere()
  })
  after(async () => {
    process.off('warning', onWarning)
    timers.end()
    await world[Symbol.asyncDispose]()
  })

  async function start(config: Config): Promise<Router> {
    for (const name of ['tracks', 'out', 'state-0', 'state-1'])
      rmSync(world.path(name), { recursive: true, force: true })
    for (const name of ['tracks', 'out']) world.dir.mkdir(name)
    logged = []
    logging = config.logging
    const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) })
    const logOutput = { writeConnections: () => undefined, addDropped: () => undefined, dropped: () => 0 }
    const router = new Router(config, {
      ...{ env: {}, pid: process.pid, signalGroup: () => false, isAlive: () => false },
      ...{
        log,
        logOutput,
        version: '0.0.0',
        kinds: DCS_KINDS,
        setLogging: (next: typeof logging) => void (logging = next),
      },
    })
    await router.start()
    return router
  }

  async function end(router: Router): Promise<void> {
    await router.close()
    const lasting = (): readonly string[] => timers.files.filter((file) => file !== 'names/lookups.ts')
    const left = (): object => ({ handles: less(handles(), baseline), timers: lasting() })
    const none = { handles: {}, timers: [] }
    await until('nothing of it is left', () => isDeepStrictEqual(left(), none)).catch(() =>
      assert.deepEqual(left(), none),
    )
  }

  /** null: something is under way. */
  function seen(router: Router, config: Config): Seen | null {
    const own = less(less(handles(), baseline), clients?.cost ?? {})
    if (Object.keys(own).some((type) => !LASTING.includes(type))) return null
    const { files } = timers
    if (files.some((file) => UNDER_WAY.includes(file))) return null
    return {
      status: comparableStatus(router),
      handles: own,
      timers: countsOf(files.filter((file) => !PASSING.includes(file))),
      files: filesOf(config),
      logging,
    }
  }

  async function freshly(config: Config): Promise<Seen> {
    const router = await start(config)
    try {
      const left = (): readonly unknown[] => unsettled(router, config)
      await until('it has settled', () => left().length === 0, { everyMs: 50 }).catch(() =>
        assert.deepEqual(left(), []),
      )
      // What has just been found out is followed by more: files are rendered, checks are spread.
      let last: Seen | null = null
      const again = (): Seen | null => {
        const before = last
        last = seen(router, config)
        return before !== null && isDeepStrictEqual(before, last) ? last : null
      }
      return await until('nothing is under way', again, { everyMs: 60 })
    } finally {
      await end(router)
    }
  }

  /** Waits until the router is as one that was started with the configuration. */
  async function settles(router: Router, { config, expected }: Step): Promise<void> {
    let last: Seen | null = null
    const isSame = (): boolean => {
      last = seen(router, config) ?? last
      return isDeepStrictEqual(last, expected)
    }
    await until('it is as one that was started with it', isSame, { everyMs: 50 }).catch(() =>
      assert.deepEqual(last, expected),
    )
  }

  async function reload(router: Router, connected: Clients, before: Step, next: Step): Promise<void> {
    const served = connected.race(next.config, router.status())
    const reports = await router.reconfigure(next.config)
    const isTrouble = ({ outcome, reason }: (typeof reports)[number]): boolean =>
      outcome === 'refused' || reason !== null
    assert.deepEqual(reports.filter(isTrouble), [])
    // A start listens everywhere, or fails.
    assert.deepEqual(await listeningHere(), [...ownSockets, ...socketsOf(next.config)].sort())
    await served()
    await connected.follow(next.config)
    await settles(router, next)
    await connected.connect(() => router.status())
    const lines = logged.splice(0).filter((line) => !isOfAnotherAddress(line, before.config, next.config))
    assert.deepEqual([lines, warnings], [[], []])
  }

  /** Returns the memory that is in use without garbage, where that can be collected; else nothing. Bytes. */
  function heap(): readonly number[] {
    if (global.gc === undefined) return []
    for (const { rest } of Object.values(world.members).flat()) rest.asked.length = 0
    global.gc()
    return [process.memoryUsage().heapUsed]
  }

  test(`it is as one that was started with the last of ${COUNT}, after each of them, and no session is lost`, async (t) => {
    const drawn = new Configurations(world, new Random(SEED))
    const steps: Step[] = []
    for (let index = 0; index < COUNT; index++) {
      const { config, text } = drawn.next()
      const failed = (error: unknown): never => {
        throw new Error(`seed ${SEED}, configuration ${index}:\n${text}`, { cause: error })
      }
      steps.push({ config, text, expected: await freshly(config).catch(failed) })
    }
    const [first, ...others] = steps
    assert.ok(first)
    const router = await start(first.config)
    clients = new Clients(first.config)
    const heaps: number[] = []
    try {
      await settles(router, first)
      await clients.connect(() => router.status())
      let present = first
      for (const [index, next] of others.entries()) {
        await reload(router, clients, present, next).catch((error: unknown) => {
          const what = `seed ${SEED}, configuration ${index + 1}, reloaded from:\n${present.text}\nto:\n${next.text}`
          throw new Error(what, { cause: error })
        })
        present = next
        if ((index + 1) % HEAP_EVERY === 0) heaps.push(...heap())
      }
    } finally {
      clients.end()
      clients = null
      await end(router)
    }
    const later = heaps.slice(Math.floor(heaps.length / 2))
    t.diagnostic(`seed ${SEED}; MiB of heap: ${heaps.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(' ') || '-'}`)
    if (later.length > 4) {
      const growth = ((later.at(-1) ?? 0) - (later[0] ?? 0)) / ((later.length - 1) * HEAP_EVERY)
      assert.ok(growth < MOST_GROWTH, `the heap grows by ${growth} bytes with each reload`)
    }
  })
})
