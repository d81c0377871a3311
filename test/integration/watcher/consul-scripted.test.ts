/** What Consul, and what stands before it, does in rare moments: a server of our own that does it on demand. */
import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { clock, until } from '../../support/until.ts'
import { ConsulObserver } from './consul-observer.ts'

/** No certain read within a test but that of the beginning: what is told comes from the watch. */
const RARELY = 60_000

type Key = { readonly name: string; readonly value: string; readonly modified: number }

const key = (name: string, value: string, modified: number): Key => ({ name, value, modified })

describe('a Consul', () => {
  let server: Server
  let endpoint: string
  let state: { index: number; keys: readonly Key[] }
  /** Answers blocking queries instead of waiting for a change. */
  let onWait: ((response: ServerResponse) => void) | null
  /** When a blocking query came, and after which index. */
  let waits: { readonly at: number; readonly index: number }[]
  let mayRead: boolean
  /** It is the leader of the Consul servers, and can make sure of that. */
  let hasQuorum: boolean
  let knowsLeader: boolean
  let change: (next: typeof state) => void

  beforeEach(async () => {
    state = { index: 10, keys: [key('leader', 'pg0', 9)] }
    waits = []
    onWait = null
    mayRead = hasQuorum = knowsLeader = true
    const waiting: ServerResponse[] = []
    change = (next) => {
      state = next
      for (const response of waiting.splice(0)) list(response)
    }
    server = createServer(({ url = '' }, response) => {
      const { pathname, searchParams } = new URL(url, 'http://consul')
      if (pathname.endsWith('/leader')) response.writeHead(mayRead ? 404 : 403).end('Permission denied')
      else if (searchParams.has('index')) {
        waits.push({ at: clock(), index: Number(searchParams.get('index')) })
        if (onWait !== null) onWait(response)
        else waiting.push(response)
      } else if (searchParams.has('consistent') && !hasQuorum) response.writeHead(500).end('No cluster leader')
      else list(response)
    })
    server.listen(0, '127.0.0.1')
    await until('it listens', () => server.listening)
    endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  function list(response: ServerResponse, index = state.index): void {
    const keys = mayRead ? state.keys : []
    const body = keys.map(({ name, value, modified }) => ({
      ...{ Key: `service/demo/${name}`, Value: Buffer.from(value).toString('base64') },
      ...{ CreateIndex: 1, ModifyIndex: modified },
    }))
    const headers = { 'x-consul-index': String(index), 'x-consul-knownleader': String(knowsLeader) }
    response.writeHead(keys.length === 0 ? 404 : 200, headers)
    response.end(keys.length === 0 ? '' : JSON.stringify(body))
  }

  for (const [how, index] of [
    ['that answers at once with the same index, as from a cache,', () => 10],
    ['that answers at once with the index 0', () => 0],
    ['that answers at once with another index each time, and the same keys,', () => 10 + waits.length],
  ] as const)
    test(`${how} is requested ever more seldom`, async () => {
      onWait = (response) => list(response, index())
      await using observer = new ConsulObserver(endpoint, {}, RARELY)
      await observer.leader('pg0')
      await until('it was requested ten times', () => waits.length >= 10)
      const [third, tenth] = [waits[3]?.at ?? 0, waits[9]?.at ?? 0]
      // Pauses of 50, 100, 200, 400 and 800 ms, and one that is the longest there is.
      assert.ok(tenth - third >= 1500, `${tenth - third} ms`)
      assert.deepEqual(observer.reasons, [])
    })

  test('that no longer lets its keys be read is lost: it has not said that they are gone', async () => {
    await using observer = new ConsulObserver(endpoint, {}, RARELY)
    await observer.leader('pg0')
    await until('it is watched', () => waits.length === 1)
    mayRead = false
    change({ ...state, index: 11 })
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /it requires a token: set consul\.token/)
    assert.deepEqual(observer.leaders, ['pg0'])
  })

  test('that was restored to a state before its last keys shows that with the watch', async () => {
    state = { index: 10, keys: [key('config', '{}', 3), key('leader', 'pg0', 9)] }
    await using observer = new ConsulObserver(endpoint, {}, RARELY)
    await observer.leader('pg0')
    await until('it is watched', () => waits.length === 1)
    change({ index: 4, keys: [key('config', '{}', 3)] })
    await observer.leader(null)
    await until('it is watched again', () => waits.length >= 2)
    change({ index: 5, keys: [key('config', '{}', 3), key('leader', 'pg1', 5)] })
    await observer.leader('pg1')
  })

  test('that has lost the other servers is lost with the next certain read, though it answers others', async () => {
    await using observer = new ConsulObserver(endpoint)
    await observer.leader('pg0')
    hasQuorum = false
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /the Consul servers have no leader$/)
  })

  test('that answers without a leader of its servers is lost: the answer may be old', async () => {
    await using observer = new ConsulObserver(endpoint, { consistency: 'stale' }, RARELY)
    await observer.leader('pg0')
    await until('it is watched', () => waits.length === 1)
    knowsLeader = false
    change({ index: 11, keys: [key('leader', 'pg1', 11)] })
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /have no leader, so that its answer may be old$/)
    assert.deepEqual(observer.leaders, ['pg0'])
  })

  test('that refuses a token of the environment has an error that names the variable', async () => {
    mayRead = false
    const access = { token: 's3cret', variables: ['CONSUL_HTTP_TOKEN'] }
    await using observer = new ConsulObserver(endpoint, access, RARELY)
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /the token of CONSUL_HTTP_TOKEN may not read service\/demo\/: give it a/)
    assert.match(observer.reasons[0] ?? '', /"list" where acl\.enable_key_list_policy is on/)
  })
})
