import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { Client } from '../../../src/proxy/client.ts'
import { Hold } from '../../../src/proxy/hold.ts'

test('10,000 come, half of them leave, and the others are let go in order, all in a moment', async (t) => {
  const held: Hold = new Hold({
    timeoutMs: 60_000,
    hasRoom: (): boolean => held.size < 10_000,
    changed: () => undefined,
  })
  const clients = Array.from({ length: 10_000 }, (_, arrival) => new Client(new Socket(), arrival))
  const order: number[] = []
  const since = performance.now()
  const turns = clients.map(async (client) => {
    const turn = await held.turn(client, false)
    if (turn.kind !== 'go') return
    order.push(client.arrival)
    turn.done()
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
  assert.ok(gone - since < 3000)
})
