/** What etcd v2, and what stands before it, does in rare moments: an etcd of our own that does it on demand. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import { until } from '../../support/until.ts'
import { Etcd2Observer } from './etcd2-observer.ts'
import type { Seen } from './observer.ts'
import { eventOf, ScriptedEtcd2 } from './scripted-etcd2.ts'

const LEADER = '/service/demo/leader'
/** No read within a test: what is told comes from the watch. */
const RARELY = 60_000
const pg = (number: number, modified: number): { value: string; modified: number } => ({
  value: `pg${number}`,
  modified,
})
const led = (number: number, modified: number): ScriptedEtcd2['keys'] => ({ [LEADER]: pg(number, modified) })
const isRestored = (seen: Seen): boolean => seen.type === 'snapshot' && seen.restored

/** What the fake has to have in common with a real one. */
describe('the answers of API v2', () => {
  let real: EtcdV2Cluster
  before(async () => (real = await EtcdV2Cluster.start()))
  after(async () => real.close())

  const PARTS = [
    [
      'a real etcd',
      async () => {
        for (let count = 0; count < 1010; count += 101)
          await Promise.all(Array.from({ length: 101 }, (_, index) => real.client.set(`/elsewhere/k${index}`, 'x')))
        const modified = await real.client.set(LEADER, 'pg0')
        const change = (): Promise<unknown> => real.client.set(LEADER, 'pg1')
        return { url: real.server.endpoint, modified, change, close: () => Promise.resolve() }
      },
    ],
    [
      'the fake',
      async () => {
        const etcd = await ScriptedEtcd2.start()
        Object.assign(etcd, { keys: led(0, 1020), index: 1020, cleared: 20, machines: [`http://${etcd.endpoint}`] })
        const change = async (): Promise<unknown> => Promise.resolve().then(() => etcd.tell(LEADER, pg(1, 1021)))
        return {
          url: `http://${etcd.endpoint}`,
          modified: 1020,
          change,
          close: async () => etcd[Symbol.asyncDispose](),
        }
      },
    ],
  ] as const
  for (const [whose, start] of PARTS)
    test(`of ${whose} have the same form`, async () => {
      const { url, modified, change, close } = await start()
      const get = async (path: string): Promise<[number, string | null, string | null, string]> => {
        const { status, headers, text } = await answerOf(`${url}${path}`)
        return [status, headers.get('x-etcd-index'), headers.get('x-etcd-cluster-id'), await text]
      }
      const machines = await get('/v2/machines')
      assert.deepEqual(machines, [200, null, null, url])
      const [status, index, id, text] = await get('/v2/keys/service/demo/?recursive=true&quorum=true')
      assert.deepEqual([status, index], [200, String(modified)])
      assert.match(id ?? '', /^\w+$/)
      const { node } = JSON.parse(text) as { node: { key: string; dir: boolean; nodes: object[] } }
      assert.deepEqual([node.key, node.dir], ['/service/demo', true])
      assert.deepEqual(node.nodes, [{ key: LEADER, value: 'pg0', modifiedIndex: modified, createdIndex: modified }])
      const [absent, absentIndex, absentId, why] = await get('/v2/keys/service/none/?recursive=true&quorum=true')
      assert.deepEqual([absent, absentIndex, absentId], [404, String(modified), id])
      assert.match(why, /^\{"errorCode":100,"message":"Key not found"/)
      const watch = (from: number): string => `/v2/keys/service/demo/?recursive=true&wait=true&waitIndex=${from}`
      const [gone, , goneId, cleared] = await get(watch(5))
      assert.deepEqual([gone, goneId], [400, id])
      assert.match(cleared, /^\{"errorCode":401,/)

      const future = await answerOf(`${url}${watch(modified + 1000)}`)
      const next = await answerOf(`${url}${watch(modified + 1)}`)
      for (const { status, headers } of [future, next]) {
        assert.deepEqual([status, headers.get('x-etcd-index')], [200, String(modified)])
        assert.match(headers.get('x-raft-term') ?? '', /^\d+$/)
      }
      await change()
      const event = JSON.parse(await next.text) as { action: string; node: { key: string; modifiedIndex: number } }
      assert.deepEqual([event.action, event.node.key, event.node.modifiedIndex], ['set', LEADER, modified + 1])
      // An index that the future brings is waited for, without a word.
      assert.equal(future.isOver(), false)
      future.end()
      await close()
    })
})

describe('an etcd v2 session', () => {
  test('watches from the index after the list, and after each event from the one after it', async () => {
    await using etcd = await ScriptedEtcd2.start()
    etcd.index = 41
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: RARELY })
    await observer.leader(null)
    etcd.tell(LEADER, pg(1, 50))
    await until('it watches on', () => etcd.watches.length === 2)
    assert.deepEqual(
      etcd.watches.map(({ from }) => from),
      [42, 51],
    )
  })

  test('goes to etcd itself, not to an http_proxy of the environment', async (context) => {
    await using etcd = await ScriptedEtcd2.start()
    process.env['http_proxy'] = 'http://127.0.0.1:1'
    context.after(() => delete process.env['http_proxy'])
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint] })
    await observer.leader(null)
    assert.deepEqual(observer.reasons, [])
  })

  test('gives up a watch whose answer does not begin', async () => {
    await using etcd = await ScriptedEtcd2.start()
    etcd.mute.add('watch')
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], timeoutMs: 500 })
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.equal(observer.reasons[0], `etcd at ${etcd.endpoint} cannot be read: no answer within 500 ms`)
    assert.deepEqual(observer.snapshots, [])
    etcd.mute.clear()
    await observer.leader(null)
  })

  test('watches on from the same index when an event is cut in its middle, and loses nothing', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: RARELY })
    await observer.leader(null)
    for (const end of ['end', 'cut'] as const) {
      const [{ from } = { from: 0 }] = etcd.watches.slice(-1)
      const count = etcd.watches.length
      const event = eventOf(LEADER, pg(from, from))
      etcd.newest.write(event.slice(0, 20), () => {
        if (end === 'cut') etcd.newest.socket?.resetAndDestroy()
        else etcd.newest.socket?.end()
      })
      await until('it watches on', () => etcd.watches.length === count + 1)
      assert.equal(etcd.watches.at(-1)?.from, from)
      etcd.tell(LEADER, pg(from, from))
      await observer.leader(`pg${from}`)
      await until('it watches on', () => etcd.watches.length === count + 2)
    }
    assert.deepEqual(observer.reasons, [])
    assert.equal(etcd.lists, 1)
  })

  test('repeats a watch that is cut before its answer begins once, and is lost when that one is cut, too', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: RARELY })
    await observer.leader(null)
    const cut = async (): Promise<void> => {
      const { length } = etcd.watches
      etcd.newest.socket?.destroy()
      await until('it watches on, or is lost', () => etcd.watches.length > length || observer.losses.length > 0)
    }
    etcd.mute.add('watch')
    await cut()
    etcd.mute.clear()
    await cut()
    etcd.tell(LEADER, pg(1, 11))
    await observer.leader('pg1')
    assert.deepEqual(observer.reasons, [])
    await until('it watches on', () => etcd.watches.at(-1)?.from === 12)
    etcd.mute.add('watch')
    for (let count = 0; count < 3; count++) await cut()
    assert.equal(observer.reasons.length, 1)
  })

  test('repeats a read whose answer is cut in its middle once, and is lost when that one is cut, too', async () => {
    await using etcd = await ScriptedEtcd2.start()
    etcd.keys = led(0, 4)
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint] })
    await observer.leader('pg0')
    const cut = (response: ServerResponse): void => {
      response.writeHead(200).write('{"action":"get","node":{"key":"/service/demo","dir":true,"nodes":[')
      setImmediate(() => response.destroy())
    }
    etcd.answers.push(cut)
    await until('it is read again', () => etcd.answers.length === 0 && observer.snapshots.length > 3)
    assert.deepEqual(observer.reasons, [])
    etcd.answers.push(cut, cut)
    await observer.until('it is lost', ({ type }) => type === 'lost')
    await observer.leader('pg0', observer.seen.length)
    assert.equal(observer.reasons.length, 1)
  })

  test('takes half an event whose answer is whole for a fault, and lists again', async () => {
    await using etcd = await ScriptedEtcd2.start()
    etcd.keys = led(0, 4)
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: RARELY })
    await observer.leader('pg0')
    etcd.keys = led(1, 11)
    etcd.newest.end(eventOf(LEADER, pg(1, 11)).slice(0, 20))
    await observer.leader('pg1')
    assert.deepEqual(observer.reasons, [`etcd at ${etcd.endpoint} cannot be read: its answer is none of API v2`])
  })

  test('reads no more than 32 MB of an answer without an end and without a newline, in a watch or in a list', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: RARELY, timeoutMs: 20_000 })
    await observer.leader(null)
    const reason = `etcd at ${etcd.endpoint} cannot be read: its answer is larger than 32 MB: delete keys that do not belong there`
    const [watch, list] = [endless(), endless()]
    etcd.answers.push((response) => list.into(response.writeHead(200)))
    watch.into(etcd.newest)
    await until('both have ended', () => observer.losses.length === 2)
    for (const flood of [watch, list]) assert.ok(flood.sent() < 64 * 1024 * 1024, `${flood.sent()} bytes`)
    assert.deepEqual(observer.reasons, [reason, reason])
    await observer.leader(null, observer.seen.length)
  })

  test('gives up a list that trickles without an end', async () => {
    await using etcd = await ScriptedEtcd2.start()
    etcd.answers.push((response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('x'), 20)
      response.once('close', () => clearInterval(timer))
    })
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], timeoutMs: 500 })
    await observer.until('it is lost', ({ type }) => type === 'lost')
    // The first list may take twice the time of a read.
    assert.equal(observer.reasons[0], `etcd at ${etcd.endpoint} cannot be read: no whole answer within 1000 ms`)
    await observer.leader(null)
  })

  test('that something else than etcd answers shows what it says, and that is no other etcd cluster', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using proxy = await ScriptedEtcd2.start()
    const unavailable = (): unknown =>
      proxy.answers.push((response) => response.writeHead(503).end('<h1>503 Service Unavailable</h1>\nNo server'))
    await using alone = new Etcd2Observer({ endpoints: [proxy.endpoint] })
    unavailable()
    await alone.until('it is lost', ({ type }) => type === 'lost')
    assert.deepEqual(alone.reasons, [
      `etcd at ${proxy.endpoint} cannot be read: it answers 503: <h1>503 Service Unavailable</h1>`,
    ])
    await alone.stop()
    const { looks } = proxy
    unavailable()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint, proxy.endpoint] })
    await until('it is queried whose it is', () => proxy.looks > looks && observer.snapshots.length > 2)
    assert.deepEqual(foreign(observer), [])
  })
})

describe('a quorum read of etcd v2', () => {
  test('is applied at once when the watch is silent, and two of them end its session', async () => {
    await using silent = await ScriptedEtcd2.start()
    await using other = await ScriptedEtcd2.start()
    silent.keys = led(0, 4)
    await using observer = new Etcd2Observer({ endpoints: [silent.endpoint, other.endpoint] })
    await observer.leader('pg0')
    Object.assign(silent, { keys: led(1, 20), index: 20 })
    Object.assign(other, { keys: led(1, 20), index: 21 })
    await observer.leader('pg1')
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /the watch misses a change that a read shows$/)
    const next = await observer.until('the other is read', ({ endpoint }) => endpoint === other.endpoint)
    assert.equal(next.type, 'snapshot')
  })

  test('makes events older than it come too late', async () => {
    await using etcd = await ScriptedEtcd2.start()
    etcd.keys = led(0, 4)
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint] })
    await observer.leader('pg0')
    Object.assign(etcd, { keys: led(2, 20), index: 20 })
    await observer.leader('pg2')
    for (const [number, modified] of [
      [1, 15],
      [2, 20],
      [3, 21],
    ] as const) {
      const count = etcd.watches.length
      etcd.keys = led(Math.max(2, number), Math.max(20, modified))
      etcd.tell(LEADER, pg(number, modified))
      await until('it watches on', () => etcd.watches.length === count + 1)
    }
    await observer.leader('pg3')
    assert.deepEqual(observer.leaders, ['pg0', 'pg2', 'pg3'])
    assert.deepEqual(observer.reasons, [])
  })

  test('delays no event while it has no answer yet', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: 50 })
    await observer.leader(null)
    etcd.mute.add('read')
    const { lists } = etcd
    await until('a read is under way', () => etcd.lists > lists)
    const told = performance.now()
    etcd.tell(LEADER, pg(1, 11))
    const seen = await observer.leader('pg1')
    assert.ok(seen.at - told < 1000, `${seen.at - told} ms`)
    assert.deepEqual(observer.reasons, [])
  })
})

describe('an etcd v2 that went back', () => {
  const CHANGES = [
    ['an older index', { index: 5 }, / its history went back to index 5: it was restored$/],
    ['another cluster ID', { clusterId: 'c2' }, / a different etcd cluster answers .* \(ID c2, before c1\)$/],
    ['a falling Raft term', { term: 1 }, / it went back to Raft term 1, before 2: it was restored$/],
  ] as const
  for (const [what, change, said] of CHANGES)
    test(`shows itself by ${what} in a read`, async () => {
      await using etcd = await ScriptedEtcd2.start()
      await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint] })
      await observer.leader(null)
      Object.assign(etcd, change)
      await observer.until('it is lost', ({ type }) => type === 'lost')
      assert.match(observer.reasons[0] ?? '', said)
      const isAgain = (seen: Seen): boolean => ('term' in change ? seen.type === 'snapshot' : isRestored(seen))
      await observer.until('it is read', isAgain, { from: observer.seen.length })
    })

  for (const [what, change, said] of [
    ['an older index', { index: 5 }, / it is at index 5, behind 11 that was read before$/],
    ...CHANGES.slice(1),
  ] as const)
    test(`shows itself by ${what} in a watch, whose events then do not count`, async () => {
      await using etcd = await ScriptedEtcd2.start()
      await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: RARELY })
      await observer.leader(null)
      etcd.keys = led(1, 11)
      const count = etcd.watches.length
      etcd.index = 11
      etcd.newest.end(eventOf(LEADER, pg(1, 11)))
      Object.assign(etcd, change)
      await until('it watches on', () => etcd.watches.length === count + 1)
      etcd.newest.end(eventOf(LEADER, pg(666, 12)))
      await observer.until('it is lost', ({ type }) => type === 'lost')
      assert.match(observer.reasons[0] ?? '', said)
      assert.deepEqual(observer.leaders, [null, 'pg1'])
    })

  test('for a moment only, as a proxy has it whose members are not equally fast, is read on', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], intervalMs: RARELY })
    await observer.leader(null)
    const count = etcd.watches.length
    etcd.newest.end(eventOf(LEADER, pg(1, 11)))
    await until('it was behind twice', () => etcd.watches.length >= count + 2)
    etcd.index = 11
    await until('it is watched', () => etcd.watches.at(-1)?.index === 11)
    etcd.tell(LEADER, pg(2, 12))
    await observer.leader('pg2')
    assert.deepEqual(observer.reasons, [])
  })

  test('is reported as restored once, also when the first watch after the list fails', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], timeoutMs: 500 })
    await observer.leader(null)
    etcd.mute.add('watch')
    etcd.index = 5
    await until('a watch has failed', () => observer.losses.length > 1)
    etcd.mute.clear()
    await until('it is read twice', () => observer.snapshots.filter(({ restored }) => !restored).length > 2)
    assert.equal(observer.snapshots.filter(isRestored).length, 1)
  })
})

describe('the client URLs that an etcd v2 advertises', () => {
  test('are used when the seed is gone', async () => {
    const seed = await ScriptedEtcd2.start()
    await using advertised = await ScriptedEtcd2.start()
    seed.machines = ['http://[::1]:1', `http://${advertised.endpoint}`]
    await using observer = new Etcd2Observer({ endpoints: [seed.endpoint], useProxies: false })
    // It is known then.
    await until('it is queried whose it is', () => advertised.looks > 0 && observer.snapshots.length > 1)
    assert.deepEqual(foreign(observer), [])
    await seed[Symbol.asyncDispose]()
    await observer.until('it is read', ({ type, endpoint }) => type === 'snapshot' && endpoint === advertised.endpoint)
  })

  test('are not read with use_proxies', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], useProxies: true })
    await until('it is read', () => observer.snapshots.length > 1)
    assert.equal(etcd.machineLists, 0)
  })

  test('delay no event while they have no answer yet', async () => {
    await using etcd = await ScriptedEtcd2.start()
    etcd.mute.add('machines')
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint], useProxies: false })
    await observer.leader(null)
    await until('they are queried', () => etcd.machineLists > 0)
    const told = performance.now()
    etcd.tell(LEADER, pg(1, 11))
    const seen = await observer.leader('pg1')
    assert.ok(seen.at - told < 1000, `${seen.at - told} ms`)
  })
})

describe('the end of an observation of etcd v2', () => {
  for (const kind of ['list', 'watch', 'read', 'machines'] as const)
    test(`is prompt while a ${kind} has no answer`, async () => {
      await using etcd = await ScriptedEtcd2.start()
      etcd.mute.add(kind)
      const options = { useProxies: false, intervalMs: 20, timeoutMs: 20_000 }
      const observer = new Etcd2Observer({ endpoints: [etcd.endpoint], ...options })
      await until('it is under way', () => {
        if (kind === 'list') return etcd.lists > 0
        if (kind === 'watch') return etcd.watches.length > 0
        return kind === 'read' ? etcd.lists > 1 : etcd.machineLists > 0
      })
      const since = performance.now()
      await observer.stop()
      assert.ok(performance.now() - since < 200, `${performance.now() - since} ms`)
      assert.notEqual(observer.last?.type, 'lost')
    })

  test('an endpoint whose watches end at once is not queried in a hurry, nor lost', async () => {
    await using etcd = await ScriptedEtcd2.start()
    await using observer = new Etcd2Observer({ endpoints: [etcd.endpoint] })
    const since = performance.now()
    let ended = 0
    await until('its watches were ended for a while', () => {
      if (etcd.watches.length > ended && etcd.newest.headersSent) {
        etcd.newest.end()
        ended = etcd.watches.length
      }
      return performance.now() - since > 1000 && observer.snapshots.length > 2
    })
    assert.ok(ended > 3 && ended < 20, `${ended} watches`)
    assert.deepEqual(observer.reasons, [])
  })
})

/** Returns which endpoints are reported as those of another etcd cluster. */
function foreign({ notices }: Etcd2Observer): string[] {
  return notices.filter((subject) => subject.startsWith('http://'))
}

interface Pending {
  readonly status: number
  readonly headers: Headers
  readonly text: Promise<string>
  isOver(): boolean
  end(): void
}

/** Gets an answer whose body may never come. */
async function answerOf(url: string): Promise<Pending> {
  const controller = new AbortController()
  const { status, headers, body } = await fetch(url, { signal: controller.signal })
  let isOver = false
  const text = new Response(body).text().finally(() => (isOver = true))
  text.catch(() => undefined)
  return { status, headers, text, isOver: () => isOver, end: () => controller.abort() }
}

/** Writes until the other side has closed. */
function endless(): { into(response: NodeJS.WritableStream): void; sent(): number } {
  const block = 'x'.repeat(256 * 1024)
  let sent = 0
  return {
    sent: () => sent,
    into(response) {
      let isOver = false
      response.once('close', () => (isOver = true))
      const write = (): void => {
        if (isOver) return
        sent += block.length
        if (response.write(block)) setImmediate(write)
        else response.once('drain', write)
      }
      write()
    },
  }
}
