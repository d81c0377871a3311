import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { cpuUsage } from 'node:process'
import { mock, test } from 'node:test'
import { Client } from '../../../src/proxy/client.ts'
import { Hold } from '../../../src/proxy/hold.ts'

test('10,000 come, half of them leave, and the others are let go in order, all in a moment', async (t) => {
  const held: Hold = new Hold({
    timeoutMs: 60_000,
    hasRoom: (): boolean => held.size < 10_000,
    changed: () => undefined,
  })
  const clients = Array.from({ length: 10_000 }, (_, arrival) => new Client(new Socket(), Buffer.alloc(0), arrival))
  const order: number[] = []
  const cpuBefore = cpuUsage()
  const since = performance.now()
  const turns = clients.map(async (client) => {
    const turn = await held.turn(client, false)
    if (turn.kind !== 'go') return
    order.push(client.arrival)
    turn.done('joined')
  })
  const came = performance.now()
  for (const client of clients.toReversed()) if (client.arrival % 2 === 1) client.destroy()
  const left = performance.now()
  assert.equal(held.size, 5000)
  held.open()
  await Promise.all(turns)
  const gone = performance.now()
  t.diagnostic(
    `came ${(came - since).toFixed(0)} ms, left ${(left - came).toFixed(0)} ms, let go ${(gone - left).toFixed(0)} ms`,
  )
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  )
  assert.equal(order.length, 5000)
  const { user, system } = cpuUsage(cpuBefore)
  assert.ok((user + system) / 1000 < 3000)
})

/** Counts how often the places of clients are looked at. */
function countedClients(count: number): { readonly clients: readonly Client[]; readonly looks: () => number } {
  let looks = 0
  const clients = Array.from({ length: count }, (_, arrival) => {
    const client = new Client(new Socket(), Buffer.alloc(0), arrival)
    const values: Record<'arrival' | 'heldSince', number | null> = { arrival, heldSince: null }
    for (const key of ['arrival', 'heldSince'] as const)
      Object.defineProperty(client, key, {
        get: () => {
          looks++
          return values[key]
        },
        set: (value: number) => (values[key] = value),
      })
    return client
  })
  return { clients, looks: () => looks }
}

for (const [what, end, kind] of [
  ['leave', (clients: readonly Client[]) => clients.toReversed().forEach((client) => client.destroy()), 'gone'],
  ['are refused in the end', () => mock.timers.tick(60_000), 'timeout'],
] as const) {
  test(`of 5,000 clients that ${what} each costs as much as one, and all have one timer`, async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    let time = 0
    const elapsed = mock.method(performance, 'now', () => time)
    const timers = mock.method(globalThis, 'setTimeout')
    const changed = mock.fn()
    const held = new Hold({ timeoutMs: 60_000, hasRoom: () => true, changed })
    const { clients, looks } = countedClients(5000)
    const turns = clients.map((client) => held.turn(client, false))
    // As after each turn of the event loop, for the status.
    const observed = clients.map(() => held.oldest)
    time = 60_000
    end(clients)
    assert.deepEqual(new Set((await Promise.all(turns)).map((turn) => turn.kind)), new Set([kind]))
    const timersSet = timers.mock.callCount()
    elapsed.mock.restore()
    timers.mock.restore()
    mock.timers.reset()
    assert.deepEqual([held.size, held.oldest, new Set(observed).size], [0, null, 1])
    assert.ok(looks() <= 10 * 5000, `${looks()} looks`)
    assert.equal(timersSet, 1)
    assert.ok(changed.mock.callCount() <= 2 * 5000)
  })
}
