/** Which endpoint of an etcd comes next, and when the DNS is looked at. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RouterError } from '../../../../../src/errors.ts'
import { EtcdDirectory, type EtcdEndpoint } from '../../../../../src/watcher/dcs/etcd-common/directory.ts'
import { type Found, NoRecords } from '../../../../../src/watcher/dcs/etcd-common/srv-records.ts'

const NEVER = new AbortController().signal
const SILENCE = new RouterError('DCS_UNAVAILABLE', 'they cannot be looked up: querySrv ETIMEOUT')
const NONE = new NoRecords('DCS_UNAVAILABLE', 'there is none: correct etcd.srv')

type Answer = readonly string[] | RouterError | Promise<Found>

/** A directory with records that can be changed. */
function scene(hosts: readonly string[] = []) {
  const dns: { answer: Answer; looks: number } = { answer: ['a:1', 'b:1'], looks: 0 }
  const connect = (endpoint: string): EtcdEndpoint => ({
    endpoint,
    closed: NEVER,
    clientUrls: () => Promise.resolve([]),
    clusterId: () => Promise.resolve('c1'),
    certainClusterId: () => Promise.resolve('c1'),
    close: () => undefined,
  })
  const directory = new EtcdDirectory<EtcdEndpoint>({
    config: { endpoints: hosts, protocol: 'http', useProxies: true },
    services: {
      name: 'the SRV records of example.org',
      async find() {
        dns.looks++
        const { answer } = dns
        if (answer instanceof RouterError) throw answer
        if (answer instanceof Promise) return await answer
        return { protocol: 'https', endpoints: answer }
      },
    },
    connect,
    everyMs: 60_000,
  })
  const next = async (): Promise<string> => directory.next(NEVER).catch((error: unknown) => (error as Error).message)
  const turns = async (count: number): Promise<string[]> => {
    const all: string[] = []
    for (let turn = 0; turn < count; turn++) all.push(await next())
    return all
  }
  /** A session, which looks at the DNS at its begin. */
  const serve = async (endpoint: string): Promise<void> => {
    const ended = new AbortController()
    const kept = directory.keep({ ...connect(endpoint), closed: ended.signal }, () => undefined)
    await new Promise(setImmediate)
    ended.abort()
    await kept
  }
  return { dns, directory, next, turns, serve }
}

describe('endpoints that the DNS names', () => {
  test('are tried in turns, and looked up again once none of them has served', async () => {
    const { dns, directory, turns } = scene()
    assert.equal(directory.name, 'the SRV records of example.org')
    assert.deepEqual(await turns(2), ['a:1', 'b:1'])
    assert.deepEqual([dns.looks, directory.protocol, directory.size], [1, 'https', 2])
    dns.answer = ['c:1']
    assert.deepEqual(await turns(1), ['c:1'])
    assert.equal(dns.looks, 2)
  })

  test('are tried after a session before the DNS is looked at', async () => {
    const { dns, turns, serve } = scene()
    assert.deepEqual(await turns(1), ['a:1'])
    await serve('a:1')
    const { looks } = dns
    assert.deepEqual(await turns(2), ['b:1', 'a:1'])
    assert.equal(dns.looks, looks)
  })

  test('follow the records while one of them serves', async () => {
    const { dns, turns, serve } = scene()
    await turns(1)
    dns.answer = ['c:1']
    await serve('a:1')
    assert.deepEqual(await turns(1), ['c:1'])
  })

  test('remain while the DNS fails', async () => {
    const { dns, turns, serve } = scene(['host:1'])
    await turns(2)
    dns.answer = SILENCE
    assert.deepEqual(await turns(5), ['a:1', 'b:1', 'a:1', 'b:1', 'a:1'])
    await serve('a:1')
    assert.deepEqual(await turns(1), ['b:1'])
  })

  test('that are gone from it are still tried, and their absence is reported once a round', async () => {
    const { dns, turns, serve } = scene()
    await turns(2)
    dns.answer = NONE
    assert.deepEqual(await turns(6), [NONE.message, 'a:1', 'b:1', NONE.message, 'a:1', 'b:1'])
    await serve('b:1')
    assert.deepEqual(await turns(3), ['a:1', 'b:1', NONE.message])
  })

  test('that are gone from it make way for the configured ones, which make way for new ones', async () => {
    const { dns, directory, turns } = scene(['host:1'])
    await turns(2)
    dns.answer = NONE
    assert.deepEqual(await turns(2), ['host:1', 'host:1'])
    assert.equal(directory.protocol, 'http')
    dns.answer = ['c:1']
    assert.deepEqual(await turns(1), ['c:1'])
    assert.equal(directory.protocol, 'https')
  })

  for (const answer of [NONE, SILENCE]) {
    test(`are the configured ones where it has never named any: ${answer.message}`, async () => {
      const { dns, turns } = scene(['host:1'])
      dns.answer = answer
      assert.deepEqual(await turns(2), ['host:1', 'host:1'])
    })

    test(`are none where it has never named any and none is configured: ${answer.message}`, async () => {
      const { dns, directory, turns } = scene()
      dns.answer = answer
      assert.deepEqual(await turns(2), [answer.message, answer.message])
      assert.equal(directory.size, 1)
    })
  }

  test('are not waited for when the observation ends', async () => {
    const { dns, directory } = scene()
    dns.answer = new Promise<Found>(() => undefined)
    const end = new AbortController()
    const waiting = directory.next(end.signal)
    end.abort()
    await assert.rejects(waiting)
  })

  test('end a session at once that ends while the DNS does not answer', async () => {
    const { dns, turns, serve } = scene()
    await turns(1)
    dns.answer = new Promise<Found>(() => undefined)
    await serve('a:1')
    assert.equal(dns.looks, 2)
  })
})
