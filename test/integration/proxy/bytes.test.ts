import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, mock, test, type TestContext } from 'node:test'
import { NO_LIMITS } from '../../../src/process-limits.ts'
import { Flow } from '../../../src/proxy/flow.ts'
import { until } from '../../support/until.ts'
import { type Rig, Scene } from './support/scene.ts'
import {
  digestOf,
  hideOnread,
  type Manner,
  type Plan,
  planOf,
  seedOf,
  type Streaming,
  StreamServer,
} from './support/streams.ts'
import { closedView, openView } from './support/views.ts'

const MB = 1024 * 1024

let scene: Scene
let server: StreamServer
let rig: Rig
async function allOver(): Promise<void> {
  await until('all sessions are over', () => rig.sessions === 0, { everyMs: 2 })
}

async function exchange(plans: readonly Plan[]): Promise<void> {
  await server.exchange(scene, rig, plans)
  await allOver()
}

function manner(changes: Partial<Manner> = {}): Manner {
  return { bytes: MB, largest: 64 * 1024, writerPause: Infinity, readerPause: Infinity, ...changes }
}

function plan(up: Partial<Manner>, down: Partial<Manner>, isEager = false): Plan {
  return { seed: 1, up: manner(up), down: manner(down), isEager }
}

const ENDLESS = plan({ bytes: Infinity, writerPause: MB }, { bytes: Infinity, writerPause: MB })

/** What may wait in one socket: what Node accepts before it says that it is enough, and one read. Bytes. */
const MAX_WAITING = 128 * 1024

/** Returns the proxy's own ends of its sessions. */
function socketsOf(proxy: Rig): readonly Socket[] {
  const handles: unknown = Reflect.apply(Reflect.get(process, '_getActiveHandles') as () => unknown, process, [])
  assert.ok(Array.isArray(handles))
  return handles.filter(
    (handle: unknown): handle is Socket =>
      handle instanceof Socket && (handle.localPort === proxy.port() || handle.remotePort === server.fake.address.port),
  )
}

/** Waits until none of these can send more. */
async function stuck(writers: readonly Socket[]): Promise<void> {
  const sent = (): string => writers.map(({ bytesWritten, writableLength }) => bytesWritten - writableLength).join()
  let before = ''
  await until(
    'nothing moves any more',
    () => {
      const isStuck = before === sent()
      before = sent()
      return isStuck
    },
    { everyMs: 200 },
  )
}

/** How the proxy reads: as it does on the Node of today, and as it would on another one. */
const PATHS = [
  ['into one buffer', () => undefined],
  ['in chunks', hideOnread],
] as const

for (const [path, prepare] of PATHS)
  describe(`through a proxy that reads ${path}`, () => {
    beforeEach(async () => {
      prepare()
      scene = new Scene()
      server = await StreamServer.create(scene)
      rig = await scene.proxy()
      rig.proxy.apply(openView('pg1', server.fake.address, 1))
    })
    afterEach(async () => {
      mock.restoreAll()
      await scene.clear()
    })

    test('50 sessions with slow and quick readers and writers get each byte in order, both ways', async () => {
      await exchange(Array.from({ length: 50 }, (_, n) => planOf(n, 2 * MB)))
    })

    test('clients are read like that, without the limit of those that have no server', async () => {
      let longest = 0
      const received = Reflect.get(Flow.prototype, 'received')
      mock.method(Flow.prototype, 'received', function (this: Flow, bytes: Buffer, length: number) {
        longest = Math.max(longest, length)
        return Reflect.apply(received, this, [bytes, length])
      })
      const { client, backend } = await server.session(scene, rig, 0, plan({ bytes: 4 * MB }, { bytes: 0 }))
      const [socket] = socketsOf(rig).filter(({ localPort }) => localPort === rig.port())
      assert.equal(socket?.listenerCount('data'), prepare === hideOnread ? 1 : 0)
      await until('a long read', () => longest > 32 * 1024)
      client.destroy()
      backend.destroy()
    })

    test('100 MB get through both ways', async () => {
      const slowReader = { bytes: 100 * MB, largest: 200_000, readerPause: MB }
      const slowWriter = { bytes: 100 * MB, largest: 200_000, writerPause: 4 * MB }
      const quick = { bytes: 100 * MB, largest: 200_000 }
      await exchange([plan(slowReader, slowWriter), plan(quick, quick)])
    })

    test('a client that has ended its side gets a long answer, and a server a long question', async () => {
      const short = { bytes: 100 }
      const long = { bytes: 16 * MB, readerPause: MB / 2 }
      await exchange([plan(short, long, true), plan(short, long), plan(long, short, true), plan(long, short)])
    })

    test('sessions without a byte end as others do, whichever side ends first', async () => {
      const none = { bytes: 0 }
      const some = { bytes: 10, largest: 1, writerPause: 2 }
      await exchange([plan(none, none, true), plan(none, none), plan(some, none), plan(none, some)])
    })

    test('single bytes arrive, each written for itself', async () => {
      const single = { bytes: 3000, largest: 1 }
      const slow = { ...single, writerPause: 100, readerPause: 200 }
      await exchange([plan(single, single), plan(slow, slow), plan(single, slow, true)])
    })

    test('both sides end at the same time, with their last bytes', async () => {
      const sessions = await Promise.all(
        Array.from(
          { length: 50 },
          (_, n) =>
      server.session(scene, rig, n, { ...planOf(n, 100_000), up: manner({ bytes: Infinity, writerPause: 50_000 }), down: manner({ bytes: Infinity, writerPause: 50_000 }) }), // prettier-ignore
        ),
      )
      await until('all have begun', () => sessions.every(({ sinks: { up, down } }) => up.bytes > 0 && down.bytes > 0))
      for (const { client, backend } of sessions) {
        client.end()
        backend.end()
      }
      for (const { sinks, sent } of sessions)
        for (const direction of ['up', 'down'] as const)
          assert.deepEqual(await sinks[direction].all, await sent[direction])
      await allOver()
    })

    for (const [broken, other, direction] of [
      ['client', 'backend', 'up'],
      ['backend', 'client', 'down'],
    ] as const) {
      test(`a ${broken} that resets its connection in the stream leaves a beginning of it, and closes the other side`, async () => {
        const plans = Array.from({ length: 10 }, (_, seed) => ({ ...ENDLESS, seed }))
        const sessions = await Promise.all(plans.map((each, n) => server.session(scene, rig, n, each)))
        await Promise.all(
          sessions.map(async (session, n) => {
            const sink = session.sinks[direction]
            await until('it is in the stream', () => sink.bytes > (0.2 + n / 10) * MB, { everyMs: 1 })
            session[broken].resetAndDestroy()
            const received = await sink.all
            const sent = await session.sent[direction]
            assert.ok(received.bytes <= sent.bytes)
            assert.deepEqual(received, digestOf(seedOf(direction, plans[n] ?? ENDLESS), received.bytes))
            session[other].destroy()
          }),
        )
        await allOver()
      })
    }

    for (const [direction, reader] of [
      ['up', 'backend'],
      ['down', 'client'],
    ] as const) {
      test(`a ${reader} that does not read for a while stops the stream, and loses nothing`, async (t: TestContext) => {
        const bytes = 20 * MB
        const streaming = { bytes, largest: 64 * 1024 }
        const count = 5
        const quiet = { bytes: 0 }
        const plans = Array.from({ length: count }, (_, seed) => ({
          ...(direction === 'up' ? plan(streaming, quiet) : plan(quiet, streaming)),
          seed,
        }))
        const sessions: Streaming[] = []
        for (const [n, each] of plans.entries()) {
          const session = await server.session(scene, rig, n, each)
          session[reader].pause()
          sessions.push(session)
        }
        await stuck(sessions.map((session) => session[direction === 'up' ? 'client' : 'backend']))
        assert.ok(sessions.every(({ sinks }) => sinks[direction].bytes < bytes))
        const kept = socketsOf(rig).map(({ writableLength, readableLength }) => writableLength + readableLength)
        assert.equal(kept.length, 2 * count)
        t.diagnostic(`at most ${Math.max(...kept)} bytes wait in a socket of the proxy`)
        assert.ok(Math.max(...kept) > 0 && Math.max(...kept) <= MAX_WAITING)
        for (const session of sessions) session[reader].resume()
        for (const { sinks, sent } of sessions) assert.deepEqual(await sinks[direction].all, await sent[direction])
        await allOver()
      })
    }

    test('a server that did not read for long gets in order what was read ahead of its client', async (t: TestContext) => {
      t.mock.timers.enable({ apis: ['setInterval'] })
      // Its part of what sessions may read ahead is less than a stream, whose end would begin another time limit.
      rig = await scene.proxy({}, { ...NO_LIMITS, memoryBytes: 256 * MB })
      rig.proxy.apply(openView('pg1', server.fake.address, 1))
      const plans = Array.from({ length: 5 }, (_, seed) => ({ ...plan({ bytes: 40 * MB }, { bytes: 0 }), seed }))
      const sessions = await Promise.all(plans.map((each, n) => server.session(scene, rig, n, each)))
      for (const { backend } of sessions) backend.pause()
      const clients = sessions.map(({ client }) => client)
      const read = (): number =>
        Math.min(...clients.map(({ bytesWritten, writableLength }) => bytesWritten - writableLength))
      await stuck(clients)
      const before = read()
      // It looks every 5 s whether they still read.
      for (let n = 0; n < 10; n++) {
        t.mock.timers.tick(5000)
        await stuck(clients)
      }
      assert.ok(read() >= before + MB, `${read() - before} bytes`)
      for (const { backend } of sessions) backend.resume()
      for (const { sinks, sent } of sessions) assert.deepEqual(await sinks.up.all, await sent.up)
      await allOver()
    })

    test('a fence in the stream delivers nothing that is sent after it, and a beginning of what was sent before', async () => {
      const plans = Array.from({ length: 20 }, (_, seed) => ({ ...ENDLESS, seed }))
      const sessions = await Promise.all(plans.map((each, n) => server.session(scene, rig, n, each)))
      await until('all are in the stream', () =>
        sessions.every(({ sinks: { up, down } }) => up.bytes > MB / 4 && down.bytes > MB / 4),
      )
      rig.proxy.apply(closedView(2))
      const passed = sessions.map(({ client, backend }) => ({ up: client.bytesWritten, down: backend.bytesWritten }))
      for (const [n, { sinks, client, backend }] of sessions.entries())
        for (const direction of ['up', 'down'] as const) {
          const received = await sinks[direction].all
          assert.ok(received.bytes <= (passed[n]?.[direction] ?? 0))
          assert.deepEqual(received, digestOf(seedOf(direction, plans[n] ?? ENDLESS), received.bytes))
          client.destroy()
          backend.destroy()
        }
      await allOver()
    })
  })
