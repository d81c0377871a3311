import assert from 'node:assert/strict'
import { afterEach, beforeEach, test, type TestContext } from 'node:test'
import { memoryUsage } from 'node:process'
import { clock, until } from '../../support/until.ts'
import { AUTH_OK, STARTUP } from './support/messages.ts'
import { type Rig, Scene } from './support/scene.ts'
import { closedView, openView } from './support/views.ts'
import type { Wire } from './support/wire.ts'
import { FIRST_OPENING } from '../../../src/proxy/release-pace.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

const MB = 1024 * 1024

/** Clients that have said who they are, in order. */
async function clients(rig: Rig, count: number): Promise<Wire[]> {
  const wires: Wire[] = []
  while (wires.length < count) {
    const some = Array.from({ length: Math.min(250, count - wires.length) }, () => scene.client(rig))
    wires.push(...(await Promise.all(some)).map((wire) => wire.send(STARTUP)))
  }
  return wires
}

for (const [direction, source, sink] of [
  ['from the server', 'backend', 'client'],
  ['from the client', 'client', 'backend'],
] as const) {
  test(`a slow reader of 200 MB ${direction} does not make the proxy grow`, async (t: TestContext) => {
    const server = await scene.postgres()
    const rig = await scene.proxy()
    rig.proxy.apply(openView('pg1', server.address, 1))
    const client = (await scene.client(rig)).send(STARTUP)
    await client.got(AUTH_OK)
    const ends = { client: client.socket, backend: (await server.connection()).socket }
    const chunk = Buffer.alloc(MB, 'x')
    const total = 200
    let sent = 0
    let received = 0
    let highest = 0
    // Only counts: the recording of Wire would be what grows.
    ends[sink].removeAllListeners('data')
    ends[sink].on('data', (bytes: Buffer) => {
      received += bytes.length
      // A pause for each megabyte, so that the reader is always behind.
      if (Math.trunc(received / MB) === Math.trunc((received - bytes.length) / MB)) return
      ends[sink].pause()
      setTimeout(() => ends[sink].resume(), 2)
    })
    const before = memoryUsage.rss()
    while (sent < total) {
      sent++
      // The source itself keeps to its back-pressure: at most one chunk of its own waits.
      if (!ends[source].write(chunk)) await new Promise((resolve) => ends[source].once('drain', resolve))
      highest = Math.max(highest, memoryUsage.rss() - before)
    }
    await until('all has arrived', () => received === total * MB, { everyMs: 5 })
    t.diagnostic(`RSS rose by at most ${Math.round(highest / MB)} MB`)
    assert.ok(highest < 150 * MB, `RSS rose by ${Math.round(highest / MB)} MB`)
  })

  test(`a reader that does not read at all stops the stream ${direction}`, async (t: TestContext) => {
    const server = await scene.postgres()
    const rig = await scene.proxy()
    rig.proxy.apply(openView('pg1', server.address, 1))
    const client = (await scene.client(rig)).send(STARTUP)
    await client.got(AUTH_OK)
    const ends = { client: client.socket, backend: (await server.connection()).socket }
    ends[sink].pause()
    const total = 100 * MB
    for (let n = 0; n < 100; n++) ends[source].write(Buffer.alloc(MB))
    let before = -1
    await until(
      'nothing moves any more',
      () => {
        const stuck = before === ends[source].writableLength
        before = ends[source].writableLength
        return stuck
      },
      { everyMs: 200 },
    )
    const swallowed = total - before
    t.diagnostic(`${(swallowed / MB).toFixed(1)} MB are in the proxy and in the kernel`)
    assert.ok(swallowed < 40 * MB, `${swallowed} bytes`)
    ends[sink].removeAllListeners('data')
    let received = 0
    ends[sink].on('data', (bytes: Buffer) => (received += bytes.length))
    ends[sink].resume()
    await until('the rest arrives', () => received === total)
  })
}

test('closes 1,000 sessions of the old primary at once', async (t: TestContext) => {
  const old = await scene.postgres()
  const next = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', old.address, 1))
  const wires = await clients(rig, 1000)
  await until('all have sessions', () => rig.sessions === 1000)
  await Promise.all(wires.map((wire) => wire.got(AUTH_OK)))
  const since = performance.now()
  rig.proxy.apply(openView('pg2', next.address, 2))
  const inProxy = performance.now() - since
  await until('all have seen it', () => wires.every(({ isOver }) => isOver), { everyMs: 1 })
  const seen = performance.now() - since
  t.diagnostic(`1,000 sessions closed in ${inProxy.toFixed(1)} ms, seen by all clients after ${seen.toFixed(1)} ms`)
  assert.ok(inProxy < 300 && seen < 1000, `${inProxy} ms, ${seen} ms`)
  assert.equal(rig.sessions, 0)
  assert.equal(next.connections.length, 0)
})

test('holds 5,000 clients, lets 2,000 of them leave and releases the others in order', async (t: TestContext) => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  const wires = await clients(rig, 5000)
  await until('all are held', () => rig.held === 5000)
  const leaving = performance.now()
  for (let n = 0; n < 5000; n += 5) {
    wires[n]?.socket.resetAndDestroy()
    wires[n + 1]?.socket.end()
  }
  await until('they are forgotten', () => rig.held === 3000, { everyMs: 2 })
  const left = performance.now() - leaving
  const since = performance.now()
  rig.proxy.apply(openView('pg1', server.address, 1))
  await until('all others are served', () => rig.sessions === 3000, { everyMs: 2 })
  const released = performance.now() - since
  t.diagnostic(`2,000 left within ${left.toFixed(0)} ms, 3,000 were served within ${released.toFixed(0)} ms`)
  assert.ok(left < 5000 && released < 10_000)
  assert.equal(server.connections.length, 3000)
})

test('a primary that refuses all connections is not trampled by those that wait', async (t: TestContext) => {
  const rig = await scene.proxy()
  const wires = await clients(rig, 500)
  await until('all are held', () => rig.held === 500)
  // The watcher does not react: what it was told came too late, say.
  rig.proxy.apply(openView('pg1', await scene.nobody(), 1))
  const begin = clock()
  const count = 5 * FIRST_OPENING
  await until('it has been dialled over and over', () => rig.failures.length >= count)
  const perSecond = (rig.failures.length / (clock() - begin)) * 1000
  t.diagnostic(`${perSecond.toFixed(0)} dials a second`)
  assert.ok(perSecond < 1500, `${perSecond} dials a second`)
  assert.ok(wires.every(({ ended }) => !ended))
  rig.proxy.apply(closedView(2))
})
