/** The checks of a member that the DCS has just named, against a REST API that speaks HTTP/1.0 as Patroni's does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { Lookups } from '../../../src/names/lookups.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { type Cluster, parseCluster } from '../../../src/watcher/cluster.ts'
import { CertificateAuthority, type CertificatePair } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Api } from './api.ts'
import { dcsOf } from './dcs-of.ts'
import { SYSTEM_ID } from './fake-member.ts'
import { clusterConfig, Watched } from './watched.ts'

/** Questions that are not those of a burst do not come while a test runs. */
const CHECK = { intervalMs: 60_000, fastIntervalMs: 60_000, timeoutMs: 60_000, rise: 1, fall: 3 }

type Word = 'promoting' | 'primary' | 'no'

/** Answers as Patroni 3 does: the head and the body in two pieces, and then the connection ends. */
function answer(socket: Socket, word: Word): void {
  const isPrimary = word === 'primary'
  const body = {
    ...{ state: 'running', role: isPrimary ? 'master' : 'replica', timeline: 1 },
    xlog: isPrimary ? { location: 1 } : { replayed_location: 1 },
    database_system_identifier: SYSTEM_ID,
    patroni: { version: '3.0.2', scope: 'demo' },
  }
  socket.write(`HTTP/1.0 ${word === 'no' ? '503 Service Unavailable' : '200 OK'}\r\nServer: BaseHTTP/0.6\r\n\r\n`)
  socket.end(JSON.stringify(body))
}

describe('a member that has just been named', () => {
  let dir: TempDir
  let ca: CertificateAuthority
  let pair: CertificatePair

  before(() => {
    dir = TempDir.create('burst')
    ca = CertificateAuthority.create(dir.path)
    pair = ca.server()
  })
  after(async () => dir.remove())

  /** `asked`: takes each question, whose number counts from 1. */
  async function setUp(stack: AsyncDisposableStack, asked: (socket: Socket, number: number) => void, tls = false) {
    let number = 0
    const take = (socket: Socket): void => {
      socket.on('error', () => undefined) // It is given up.
      socket.once('data', () => asked(socket, ++number))
    }
    const server = tls
      ? createTlsServer({ cert: readFileSync(pair.cert), key: readFileSync(pair.key) }, take)
      : createServer(take)
    const api = stack.use(await Api.start(server))
    const key = JSON.stringify({
      ...{ conn_url: 'postgres://127.0.0.1:1/postgres', state: 'running', role: 'replica', timeline: 1 },
      api_url: `${tls ? 'https' : 'http'}://127.0.0.1:${api.port}/patroni`,
    })
    const named = parseCluster(
      new Map(
        Object.entries({ leader: 'pg0', initialize: SYSTEM_ID, 'members/pg0': key }).map(([name, value]) => {
          return [name, { value, session: '1' }]
        }),
      ),
    )
    const dcs = dcsOf({
      async *observe(signal) {
        yield snapshot(named)
        if (!signal.aborted) await once(signal, 'abort')
      },
    })
    const config = { ...clusterConfig([]).restApi, caFile: ca.cert }
    const rest = new RestClient(config, CHECK.timeoutMs, new Lookups())
    return stack.use(new Watched([], { dcs, rest, proxy: { check: CHECK } }))
  }

  const snapshot = (cluster: Cluster) => ({ type: 'snapshot', cluster, restored: false, endpoint: 'test' }) as const

  for (const tls of [false, true]) {
    test(`is checked until it confirms that it is the primary (${tls ? 'TLS' : 'plain'})`, async () => {
      await using stack = new AsyncDisposableStack()
      let count = 0
      const asked = (socket: Socket, number: number): void => {
        count = number
        answer(socket, number < 20 ? 'promoting' : 'primary')
      }
      const watched = await setUp(stack, asked, tls)
      await watched.until('open pg0')
      assert.deepEqual(watched.states(), ['unconfirmed pg0', 'promoting pg0', 'open pg0'])
      // Two may have been under way when it opened.
      assert.ok(count >= 20 && count <= 22, String(count))
      // One line for each state, whatever the number of checks.
      assert.equal(watched.messages().filter((message) => message.startsWith('primary:')).length, 3)
    })
  }

  test('has at most three checks under way', async () => {
    await using stack = new AsyncDisposableStack()
    let most = 0
    let open = 0
    const watched = await setUp(stack, (socket, number) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        answer(socket, number < 12 ? 'promoting' : 'primary')
      }, 90)
    })
    await watched.until('open pg0')
    assert.equal(most, 3)
  })

  test('opens by a newer answer, and an older one that comes late does not close it', async () => {
    await using stack = new AsyncDisposableStack()
    const sockets: Socket[] = []
    const watched = await setUp(stack, (socket, number) => {
      sockets.push(socket)
      if (number === 2) answer(socket, 'primary')
    })
    await watched.until('open pg0')
    const [first] = sockets
    assert.ok(first !== undefined)
    answer(first, 'no')
    await until('the first check has ended', () => first.closed)
    assert.equal(watched.primary, 'open pg0')
    assert.deepEqual(watched.states(), ['unconfirmed pg0', 'open pg0'])
  })

  test('is not opened by an older answer that comes after a newer one', async () => {
    await using stack = new AsyncDisposableStack()
    const sockets: Socket[] = []
    const watched = await setUp(stack, (socket, number) => {
      sockets.push(socket)
      if (number === 2) answer(socket, 'no')
    })
    await until('it says no', () => /503/.test(watched.view.primary.reason))
    const [first] = sockets
    assert.ok(first !== undefined)
    answer(first, 'primary')
    await until('the first check has ended', () => first.closed)
    await until('later ones are under way', () => sockets.length >= 4)
    assert.deepEqual(watched.states(), ['unconfirmed pg0'])
  })
})
