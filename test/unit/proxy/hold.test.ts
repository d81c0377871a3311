import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { Client } from '../../../src/proxy/client.ts'
import { Hold, type Turn } from '../../../src/proxy/hold.ts'
import { FIRST_OPENING } from '../../../src/proxy/release-pace.ts'

describe('the hold', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  function client(arrival: number): Client {
    return new Client(new Socket(), Buffer.alloc(0), arrival)
  }

  function hold(changes: { timeoutMs?: number; hasRoom?: () => boolean } = {}): Hold {
    return new Hold({ timeoutMs: 60_000, hasRoom: () => true, changed: () => undefined, ...changes })
  }

  /** Notes what becomes of the client, and when. */
  function waiting(held: Hold, who: Client, order: string[] = [], isReturning = false): Promise<Turn> {
    return held.turn(who, isReturning).then((turn) => {
      order.push(`${who.arrival} ${turn.kind}`)
      return turn
    })
  }

  test('a client that comes back is let go before those that came later', async () => {
    const held = hold()
    const order: string[] = []
    const [first, second, third] = [client(1), client(2), client(3)]
    const turns = [waiting(held, second, order), waiting(held, third, order), waiting(held, first, order, true)]
    held.open()
    await Promise.all(turns)
    assert.deepEqual(order, ['1 go', '2 go', '3 go'])
  })

  test('a client that comes back has its place although there is no room', async () => {
    const held = hold({ hasRoom: () => false })
    assert.equal((await held.turn(client(1), false)).kind, 'full')
    const back = waiting(held, client(2), [], true)
    assert.equal(held.size, 1)
    held.close()
    assert.equal((await back).kind, 'closed')
  })

  test('the time in the hold is counted over all the turns of a client', async () => {
    const held = hold({ timeoutMs: 50_000 })
    const who = client(1)
    const first = held.turn(who, false)
    held.open()
    assert.equal((await first).kind, 'go')
    held.shut()
    // Held for the first time a minute ago.
    who.heldSince = (who.heldSince ?? 0) - 60_000
    assert.equal((await held.turn(who, true)).kind, 'timeout')
  })

  test('no client is let go while it rests, and all are afterwards', async () => {
    const held = hold()
    held.open()
    held.rest(100)
    const order: string[] = []
    const turns = [waiting(held, client(1), order), waiting(held, client(2), order)]
    assert.equal(held.size, 2)
    mock.timers.tick(99)
    assert.equal(held.size, 2)
    mock.timers.tick(1)
    await Promise.all(turns)
    assert.deepEqual(order, ['1 go', '2 go'])
  })

  test('a rest ends with the opening it belongs to', async () => {
    const held = hold()
    held.open()
    held.rest(100)
    held.shut()
    held.open()
    assert.equal((await held.turn(client(1), false)).kind, 'go')
    held.shut()
    held.rest(100)
    held.open()
    assert.equal((await held.turn(client(2), false)).kind, 'go')
  })

  test('a turn that is done twice makes room once', async () => {
    const held = hold()
    const turns = Array.from({ length: FIRST_OPENING + 6 }, (_, n) => held.turn(client(n), false))
    held.open()
    assert.equal(held.size, 6)
    const first = await turns[0]
    assert.ok(first?.kind === 'go')
    first.done('joined')
    first.done('joined')
    assert.equal(held.size, 5)
    mock.timers.tick(1000)
    // The others have had their second.
    assert.equal(held.size, 0)
    first.done('joined')
    held.close()
    await Promise.all(turns)
  })

  test('a client that leaves is distinguished from one that is let go', async () => {
    const held = hold()
    const leaver = client(1)
    const order: string[] = []
    const turns = [waiting(held, leaver, order), waiting(held, client(2), order)]
    leaver.destroy()
    assert.equal(held.size, 1)
    held.open()
    await Promise.all(turns)
    assert.deepEqual(order.toSorted(), ['1 gone', '2 go'])
    assert.equal((await held.turn(leaver, false)).kind, 'gone')
  })

  test('a closed hold stays closed', async () => {
    const held = hold()
    const waiter = held.turn(client(1), false)
    held.close()
    held.open()
    assert.equal((await waiter).kind, 'closed')
    assert.equal((await held.turn(client(2), false)).kind, 'closed')
    assert.equal(held.isOpen, false)
  })

  test('the oldest is the client that was held first, at whatever place', () => {
    const held = hold()
    assert.equal(held.oldest, null)
    const [first, second] = [client(1), client(2)]
    second.heldSince = performance.timeOrigin + performance.now() - 5000
    void held.turn(first, false)
    void held.turn(second, true)
    assert.equal(held.oldest, second.heldSince)
    held.close()
  })

  test('more are let go at the same time while answers come as quickly, and as at first after a failure', async () => {
    let time = 0
    const elapsed = mock.method(performance, 'now', () => time)
    const held = hold()
    const open: Extract<Turn, { kind: 'go' }>[] = []
    const turns = Array.from({ length: 1000 }, (_, n) =>
      held.turn(client(n), false).then((turn) => turn.kind === 'go' && open.push(turn)),
    )
    const opened: number[] = []
    held.open()
    for (let round = 0; round < 4; round++) {
      await Promise.resolve().then(() => Promise.resolve())
      opened.push(open.length)
      time += 50
      for (const { done } of open.splice(0)) done('joined')
    }
    await Promise.resolve().then(() => Promise.resolve())
    // Answers to those that were let go before the pace was set do not count.
    assert.deepEqual(opened, [16, 16, 32, 64])
    open.splice(0).forEach(({ done }, n) => done(n === 0 ? 'none' : 'again'))
    await Promise.resolve().then(() => Promise.resolve())
    assert.equal(open.length, FIRST_OPENING)
    held.close()
    elapsed.mock.restore()
    await Promise.all(turns)
  })

  test('all are let go before they would be refused, however slow the answers are', async () => {
    let time = 0
    const elapsed = mock.method(performance, 'now', () => time)
    const held = hold({ timeoutMs: 20_000 })
    const kinds: string[] = []
    const turns = Array.from({ length: 2000 }, (_, n) =>
      held.turn(client(n), false).then(({ kind }) => kinds.push(kind)),
    )
    held.open()
    // Silent servers: each makes room after a second.
    while (time < 20_000) {
      time += 1000
      mock.timers.tick(1000)
    }
    await Promise.all(turns)
    elapsed.mock.restore()
    assert.deepEqual([...new Set(kinds)], ['go'])
  })

  test('a client is let go at its deadline where a server is there, although that is slow, and refused while none is', async () => {
    let time = 0
    const elapsed = mock.method(performance, 'now', () => time)
    const held = hold({ timeoutMs: 500 })
    const kinds: string[] = []
    const turns = Array.from({ length: 3 * FIRST_OPENING }, (_, n) =>
      held.turn(client(n), false).then(({ kind }) => kinds.push(kind)),
    )
    held.open()
    const late = client(99)
    time = 501
    mock.timers.tick(501)
    await Promise.all(turns)
    assert.deepEqual([...new Set(kinds)], ['go'])
    // It has had a turn, and no server has answered it in its time.
    late.heldSince = performance.timeOrigin
    assert.equal((await held.turn(late, true)).kind, 'go')
    held.rest(100)
    assert.equal((await held.turn(late, true)).kind, 'timeout')
    elapsed.mock.restore()
  })

  test('a client is refused at its deadline where the server has been silent for all that were let go', async () => {
    let time = 0
    const elapsed = mock.method(performance, 'now', () => time)
    const held = hold({ timeoutMs: 1500 })
    const turns = Array.from({ length: 10 * FIRST_OPENING }, (_, n) => held.turn(client(n), false))
    // They are as many as there are at a time, and no more are let go than had room.
    const gone = turns.splice(0, FIRST_OPENING)
    held.open()
    await Promise.all(gone)
    for (const ms of [1001, 500]) {
      time += ms
      mock.timers.tick(ms)
    }
    const kinds = (await Promise.all(turns)).map(({ kind }) => kind)
    elapsed.mock.restore()
    assert.ok(kinds.includes('timeout'), [...new Set(kinds)].join())
  })

  test('a server that answers late is not silent: clients are let go at their deadline', async () => {
    let time = 0
    const elapsed = mock.method(performance, 'now', () => time)
    const held = hold({ timeoutMs: 1500 })
    const turns = Array.from({ length: 10 * FIRST_OPENING }, (_, n) => held.turn(client(n), false))
    const gone = turns.splice(0, FIRST_OPENING)
    held.open()
    const first = await Promise.all(gone)
    for (const ms of [1001, 500]) {
      time += ms
      if (ms === 500) for (const turn of first) if (turn.kind === 'go') turn.done('joined')
      mock.timers.tick(ms)
    }
    const kinds = (await Promise.all(turns)).map(({ kind }) => kind)
    elapsed.mock.restore()
    assert.deepEqual([...new Set(kinds)], ['go'])
  })

  test('a client is refused in its own time, also when a client that came later has less of it left', async () => {
    let time = 0
    const elapsed = mock.method(performance, 'now', () => time)
    const options = { timeoutMs: 60_000, hasRoom: () => true, changed: () => undefined }
    const held = new Hold(options)
    const order: string[] = []
    const turns = [waiting(held, client(1), order)]
    // The configuration was changed.
    options.timeoutMs = 10_000
    turns.push(waiting(held, client(2), order))
    for (const ms of [9999, 1, 49_999, 1]) {
      time += ms
      mock.timers.tick(ms)
      await Promise.resolve().then(() => Promise.resolve())
      order.push(`${time}`)
    }
    await Promise.all(turns)
    elapsed.mock.restore()
    assert.deepEqual(order, ['9999', '2 timeout', '10000', '59999', '1 timeout', '60000'])
  })

  describe('by request', () => {
    let time = 0
    let elapsed: ReturnType<typeof mock.method>
    beforeEach(() => {
      time = 0
      elapsed = mock.method(performance, 'now', () => time)
    })
    afterEach(() => {
      elapsed.mock.restore()
    })

    async function passes(ms: number): Promise<void> {
      time += ms
      mock.timers.tick(ms)
      await Promise.resolve().then(() => Promise.resolve())
    }

    test('refuses no client for its wait, and counts the time of each from its end', async () => {
      const held = hold({ timeoutMs: 10_000 })
      const order: string[] = []
      const turns = [waiting(held, client(1), order)]
      await passes(9000)
      held.shut(true)
      turns.push(waiting(held, client(2), order))
      await passes(1_000_000)
      // A client that came back from a dial has been held for the longest.
      turns.push(waiting(held, client(0), order, true))
      held.shut(true)
      await passes(1)
      assert.equal(order.length, 0)
      held.shut()
      await passes(4000)
      turns.push(waiting(held, client(3), order))
      await passes(5999)
      assert.equal(order.length, 0)
      await passes(1)
      assert.deepEqual(order.toSorted(), ['0 timeout', '1 timeout', '2 timeout'])
      await passes(4000)
      assert.equal(order.at(-1), '3 timeout')
      await Promise.all(turns)
    })

    test('lets all through in their order when it is opened', async () => {
      const held = hold({ timeoutMs: 10_000 })
      const order: string[] = []
      held.shut(true)
      const turns = [waiting(held, client(1), order), waiting(held, client(2), order)]
      await passes(60_000)
      held.open()
      await Promise.all(turns)
      assert.deepEqual(order, ['1 go', '2 go'])
      assert.equal((await held.turn(client(3), false)).kind, 'go')
    })

    test('lets all through when it is opened, also where none would wait for a server', async () => {
      const held = hold({ timeoutMs: 0 })
      const order: string[] = []
      held.shut(true)
      const turns = Array.from({ length: 2 * FIRST_OPENING }, (_, n) => waiting(held, client(n), order))
      await passes(60_000)
      held.open()
      turns.push(waiting(held, client(99), order))
      await passes(1)
      await Promise.all(turns)
      assert.deepEqual([...new Set(order.map((line) => line.split(' ')[1]))], ['go'])
      assert.equal(order.length, turns.length)
    })

    test('refuses clients beyond the limit, and frees the place of one that leaves', async () => {
      let room = true
      const held = hold({ hasRoom: () => room })
      const who = client(1)
      held.shut(true)
      const first = held.turn(who, false)
      room = false
      assert.equal((await held.turn(client(2), false)).kind, 'full')
      who.destroy()
      assert.equal((await first).kind, 'gone')
      assert.equal(held.size, 0)
    })
  })
})
