/** HTTP on real sockets: what is answered, to whom, and what is refused. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { CONNECTION_LIMITS } from '../../../src/admin/http/connections.ts'
import type { RouterStatus } from '../../../src/admin/status.ts'
import { sampleListener, sampleProxy, sampleStatus, sampleView } from '../../unit/admin/sample.ts'
import { CertificateAuthority } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { ROOT } from '../../support/router/package.ts'
import { until } from '../../support/until.ts'
import { parsed, received, SESSION, TestServer, TOKEN } from './http-client.ts'

const BEARER = { Authorization: `Bearer ${TOKEN}` }
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } })
ajv.addSchema(JSON.parse(readFileSync(join(ROOT, 'docs/openapi.json'), 'utf8')) as object, 'openapi')

/** Fails where a text is not what docs/openapi.json says. */
function assertShape(name: string, text: string): void {
  const validate = ajv.compile({ $ref: `openapi#/components/schemas/${name}` })
  assert.ok(validate(JSON.parse(text)), ajv.errorsText(validate.errors))
}

/** An event as pino writes it. */
function line(message: string, more: object = {}): string {
  return `${JSON.stringify({ level: 'info', time: new Date().toISOString(), event: 'told', ...more, msg: message })}\n`
}

describe('HTTP', () => {
  let server: TestServer
  let status: RouterStatus

  before(async () => {
    status = sampleStatus()
    server = await TestServer.start({}, { status: () => status })
    server.history.add(line('one', { client: '10.0.0.9' }))
  })
  after(() => server[Symbol.asyncDispose]())

  test('answers health checks as Patroni does, to GET, HEAD and OPTIONS', async () => {
    for (const path of [
      'primary',
      'master',
      'replica',
      'read-only',
      'health',
      'healthz',
      'ready',
      'live',
      'demo/primary',
    ])
      assert.equal((await server.send(`GET /${path}`)).status, 200, path)
    for (const path of ['sync', 'replica?lag=4MB', 'replica?tag_dc=a'])
      assert.equal((await server.send(`GET /${path}`)).status, 503, path)
    assert.equal((await server.send('GET /replica?lag=5MB')).status, 200)
    assert.equal((await server.send('GET /other/primary')).status, 404)
    assert.equal((await server.send('GET /replica?lag=5megs')).status, 400)
    const [head, options, get] = await Promise.all(
      ['HEAD', 'OPTIONS', 'GET'].map((verb) => server.send(`${verb} /primary`)),
    )
    assert.deepEqual([head?.status, head?.body, options?.status, options?.body], [200, '', 200, get?.body])
    assertShape('health', get?.body ?? '')
  })

  test('shows the status, templates, sessions and events in the documented shape', async () => {
    for (const [path, name] of Object.entries({
      cluster: 'status',
      templates: 'templates',
      sessions: 'sessions',
      events: 'events',
    }))
      assertShape(name, (await server.send(`GET /api/v1/${path}`)).body)
    const { body } = await server.send('GET /api/v1/sessions?member=pg1')
    assert.equal((JSON.parse(body) as { sessions: { client: string }[] }).sessions[0]?.client, SESSION.client)
    assert.deepEqual(server.calls.at(-1), ['sessions', { member: 'pg1' }, 1000])
    assert.equal((await server.send('GET /api/v1/sessions?members=pg1')).status, 400)
    const unknown = await server.send('GET /api/v1/sessions?member=pg9')
    assert.deepEqual([unknown.status, unknown.body], [409, '{"error":"there is no member pg9: pg1, pg2, pg3"}\n'])
  })

  test('gives addresses of clients to this host, and to others only with a token', async () => {
    const headers = { 'X-Forwarded-For': '10.0.0.5' }
    assert.equal((await server.send('GET /api/v1/sessions', { headers })).status, 401)
    assert.equal((await server.send('GET /api/v1/sessions', { headers: { ...headers, ...BEARER } })).status, 200)
    for (const name of ['Forwarded', 'Via', 'X-Forwarded-Host', 'X-Real-IP'])
      assert.equal((await server.send('GET /api/v1/sessions', { headers: { [name]: 'a' } })).status, 401, name)
    assert.match((await server.send('GET /api/v1/events')).body, /10\.0\.0\.9/)
    assert.doesNotMatch((await server.send('GET /api/v1/events', { headers })).body, /10\.0\.0\.9/)
    const withToken = await server.send('GET /api/v1/events', { headers: { ...headers, ...BEARER } })
    assert.match(withToken.body, /10\.0\.0\.9/)
  })

  test('has a page without a script or anything from outside, in which what others write is escaped', async () => {
    status = sampleStatus({ view: { ...sampleView(), scope: '<script>alert(1)</script>' }, proxy: sampleProxy() })
    const { headers, body } = await server.send('GET /')
    status = sampleStatus()
    assert.match(headers['content-security-policy'] ?? '', /^default-src 'none'; style-src 'sha256-[^' ]+'; /)
    assert.match(body, /&lt;script&gt;/)
    assert.doesNotMatch(body, /<script|https?:|<img|<link|@import|url\(| style=/i)
    assert.match(body, /<meta http-equiv="refresh" content="5"/)
    assert.doesNotMatch((await server.send('GET /;norefresh')).body, /http-equiv="refresh"/)
  })

  test('does what a request with a token says, in the name of the token', async () => {
    const post = async (path: string, body: unknown): Promise<readonly [number, unknown]> => {
      const { status, body: text } = await server.send(`POST /api/v1/${path}`, { headers: BEARER, body })
      return [status, JSON.parse(text)]
    }
    assert.deepEqual(await post('members/pg2', { state: 'drain', for: '30m' }), [200, { result: 'pg2: drain' }])
    assert.deepEqual(server.calls.at(-1), ['member', { cluster: null, member: 'pg2' }, 'drain', 1_800_000, 'ops'])
    assert.deepEqual(await post('hold', { listener: 'primary' }), [200, { result: 'held' }])
    assert.deepEqual(await post('release', {}), [200, { result: 'released' }])
    assert.deepEqual(await post('release', undefined), [200, { result: 'released' }])
    assert.deepEqual(await post('sessions/close', { member: 'pg2' }), [200, { closed: 3 }])
    assert.deepEqual(server.calls.at(-1), ['close', { member: 'pg2' }, 'ops'])
    const refused = 'there is no member pg9: pg1, pg2, pg3'
    assert.deepEqual(await post('members/pg9', { state: 'drain' }), [409, { error: refused }])
    const calls = server.calls.length
    for (const body of [{}, { member: 'pg2', x: 1 }]) assert.equal((await post('sessions/close', body))[0], 400)
    for (const body of [{ state: 'off' }, { state: 'drain', for: '5' }, []])
      assert.equal((await post('members/pg2', body))[0], 400)
    const form = { ...BEARER, 'Content-Type': 'text/plain' }
    const answer = await server.send('POST /api/v1/hold', { headers: form, body: {} })
    assert.equal(answer.status, 415)
    assert.match(answer.body, /application\/json/)
    assert.equal(server.calls.length, calls)
  })

  test('answers an error of the router without what it is, and logs it', async () => {
    await using faulty = await TestServer.start({}, { status: () => assert.fail('a fault') })
    const { status: code, body } = await faulty.send('GET /primary')
    assert.deepEqual([code, body.includes('a fault')], [500, false])
    assert.equal(faulty.log[0]?.['event'], 'fault')
  })
})

test('health checks say no while clients would wait: no primary, a listener that is held, a router that ends', async () => {
  let status = sampleStatus()
  await using server = await TestServer.start({}, { status: () => status })
  const check = async (path: string): Promise<readonly [number, string]> => {
    const { status: code, body } = await server.send(`GET ${path}`)
    const { clusters } = JSON.parse(body) as { clusters: { reason: string }[] }
    return [code, clusters[0]?.reason ?? '']
  }
  const fresh = async (next: RouterStatus): Promise<void> => {
    status = next
    // The answer to a request may be of 20 ms before.
    await until('the status is the new one', async () =>
      (await server.send('GET /api/v1/cluster')).body.includes(next.version),
    )
  }
  const view = sampleView()
  const none = { ...view.primary, state: 'none' as const, member: null, reason: 'no leader key' }
  await fresh({ ...sampleStatus({ view: { ...view, primary: none }, proxy: sampleProxy() }), version: 'first' })
  assert.deepEqual(await check('/primary'), [503, 'there is no primary: no leader key'])
  assert.equal((await check('/health'))[0], 200)
  const heldByRequest = { by: 'ops', since: 0, until: 1 }
  const listeners = [sampleListener('primary', 'primary', { pg1: '' }, { heldByRequest })]
  await fresh({ ...sampleStatus({ view, proxy: sampleProxy({ listeners }) }), version: 'second' })
  assert.deepEqual(await check('/primary'), [503, 'held by ops'])
  await fresh({ ...sampleStatus(), stopping: true, version: 'third' })
  assert.deepEqual(await check('/primary'), [503, 'the router is shutting down'])
  assert.deepEqual([(await check('/ready'))[0], (await check('/live'))[0]], [503, 200])
})

describe('a request that is refused', () => {
  test('is one from a foreign Host or Origin, without a token, or with a large body: counted, and logged once', async () => {
    await using server = await TestServer.start()
    const refused = async (code: number, request: string, headers: Readonly<Record<string, string>>): Promise<void> => {
      for (let times = 0; times < 3; times++) assert.equal((await server.send(request, { headers })).status, code)
    }
    await refused(421, 'GET /', { Host: 'evil.example.com' })
    await refused(421, 'GET /', { Host: '127.0.0.1.evil.example.com:7000' })
    await refused(403, 'GET /', { Origin: 'https://evil.example.com' })
    await refused(403, 'POST /api/v1/hold', { ...BEARER, Origin: 'null', 'Content-Length': '0' })
    await refused(401, 'POST /api/v1/hold', { 'Content-Length': '0' })
    await refused(401, 'POST /api/v1/hold', { 'Content-Length': '0', Authorization: 'Bearer 0123456789abcdef-opt' })
    await refused(413, 'POST /api/v1/hold', {
      ...BEARER,
      'Content-Length': '1000000000',
      'Content-Type': 'application/json',
    })
    await refused(413, 'GET /metrics', { 'Content-Length': '1000000000' })
    assert.deepEqual(server.refusals, { host: 6, origin: 6, 'no-token': 3, 'wrong-token': 3, 'too-large': 6 })
    const once = ['host', 'origin', 'no-token', 'wrong-token', 'too-large'].map((reason) => [reason, 1])
    assert.deepEqual(server.logged, once)
    assert.ok(!JSON.stringify(server.log).includes('0123456789abcdef'))
    for (const host of ['localhost:7000', 'router.example.com', '[::1]:7000', '10.1.2.3'])
      assert.equal((await server.send('GET /live', { headers: { Host: host } })).status, 200, host)
    assert.match(await server.raw('GET /live HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
    assert.match(await server.raw('GET /live HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /)
    assert.deepEqual(server.calls, [])
    await server.server.close()
    assert.deepEqual(server.logged.slice(once.length), [
      ['host', 6],
      ['origin', 5],
      ['no-token', 2],
      ['wrong-token', 2],
      ['too-large', 5],
    ])
  })

  test('is one whose body grows beyond the limit, and of it nothing more is read', async () => {
    await using server = await TestServer.start()
    const socket = await server.connect()
    const answer = received(socket)
    const type = `Content-Type: application/json\r\nAuthorization: ${BEARER.Authorization}`
    socket.write(`POST /api/v1/hold HTTP/1.1\r\nHost: ${server.host}\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const isTaken = (): Promise<boolean> => new Promise((resolve) => socket.write(chunk, (error) => resolve(!error)))
    let sent = 0
    while (sent < 16_384 && (await isTaken())) sent++
    await answer
    assert.ok(sent < 1000, `${sent * 64} KiB were taken`)
    assert.deepEqual(server.refusals, { 'too-large': 1 })
  })

  test('is a slow one, one that does not read its answer, and what is not HTTP', async () => {
    const big = 'x'.repeat(1024 * 1024)
    async function* endless(): AsyncGenerator<string> {
      for (;;) yield await Promise.resolve(big)
    }
    // Far apart: what is to be answered first comes late on a busy machine.
    const limits = { headMs: 300, requestMs: 600, idleMs: 4000, keepAliveMs: 300 }
    await using server = await TestServer.start(limits, { metrics: endless })
    const lazy = await server.connect()
    lazy.pause()
    lazy.write(`GET /metrics HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`)
    assert.ok(CONNECTION_LIMITS.idleMs > CONNECTION_LIMITS.requestMs + 1000)
    const leaving = await server.connect()
    leaving.end(`POST /api/v1/hold HTTP/1.1\r\nHost: ${server.host}\r\nContent-Length: 100\r\n\r\n{`)
    await received(leaving)
    const [silent, slow, body, garbage] = await Promise.all([
      server.raw(''),
      server.raw('GET /primary HTTP/1.1\r\nHost: '),
      server.raw(
        `POST /api/v1/hold HTTP/1.1\r\nHost: ${server.host}\r\nAuthorization: ${BEARER.Authorization}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
      ),
      server.raw('\x16\x03\x01\x02\x00\x01\r\n\r\n'),
    ])
    assert.deepEqual(
      [silent, slow, body, garbage].map((text) => parsed(text).status),
      [408, 408, 408, 400],
    )
    await until('the one that does not read is dropped', () => server.refusals['slow-reader'] === 1)
    assert.deepEqual(server.refusals, { 'no-token': 1, slow: 2, malformed: 1, 'slow-reader': 1 })
    assert.equal((await server.send('GET /live')).status, 200)
  })

  test('is one that comes before the answer to the one before, and its connection is closed', async () => {
    await using server = await TestServer.start()
    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`
    for (const path of ['/api/v1/events/stream', '/primary']) {
      const text = await server.raw(request(path) + request('/primary').repeat(500))
      assert.ok(text.split('HTTP/1.1').length <= 2, text)
    }
    assert.deepEqual(server.refusals, { pipelined: 2 })
    const socket = await server.connect()
    let text = ''
    socket.on('data', (data) => (text += data.toString()))
    for (const times of [1, 2, 3]) {
      socket.write(request('/live'))
      await until('it is answered', () => text.split('"live"').length > times)
    }
  })

  test('is one beyond the connections there may be, of which this host has some for itself', async () => {
    await using server = await TestServer.start({ connections: 3, reserved: 1 })
    const open = [await server.connect(), await server.connect(), await server.connect()]
    await until('they are open', () => server.server.status(null).connections === 3)
    assert.equal(await server.raw(`GET /live HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`).catch(() => ''), '')
    assert.deepEqual(server.refusals, { 'connection-limit': 1 })
    open[0]?.destroy()
    await until('one is closed', () => server.server.status(null).connections === 2)
    assert.equal((await server.send('GET /live')).status, 200)
  })
})

test('an address that is given up closes connections that have not begun their TLS session', async () => {
  await using dir = TempDir.create('http')
  const { cert, key } = CertificateAuthority.create(dir.path).server()
  await using server = await TestServer.start({ headMs: 120_000, requestMs: 120_000, idleMs: 120_000 })
  const tls = { cert: readFileSync(cert), key: readFileSync(key) }
  const address = server.server.address({ kind: 'tcp', host: '127.0.0.1', port: 0 }, tls)
  await address.start()
  const socket = connect(Number(/\d+$/.exec(address.text)?.[0]), '127.0.0.1')
  const closed = once(socket, 'close')
  await until('it is open', () => server.server.status(null).connections === 1)
  await address.close()
  await closed
})

describe('the stream of events', () => {
  test('continues behind the last event that a reader has, and ends with the router', async () => {
    const server = await TestServer.start()
    for (const message of ['one', 'two']) server.history.add(line(message))
    const first = server.history.newest - 1
    const socket = await server.connect()
    let text = ''
    socket.on('data', (data) => (text += data.toString()))
    socket.write(`GET /api/v1/events/stream HTTP/1.1\r\nHost: ${server.host}\r\nLast-Event-ID: ${first}\r\n\r\n`)
    await until('the second one is there', () => text.includes('"two"'))
    server.history.add(line('three', { client: '10.0.0.9' }))
    await until('the third one is there', () => text.includes('"three"'))
    assert.match(text, /content-type: text\/event-stream/)
    assert.match(text, /event: hello\ndata: \{"version":/)
    assert.match(text, new RegExp(`id: ${first + 1}\ndata: \\{"seq":${first + 1},`))
    assert.doesNotMatch(text, /"one"|10\.0\.0\.9/)
    assert.equal(server.server.status(null).readers, 1)
    const ended = once(socket, 'close')
    await server[Symbol.asyncDispose]()
    await ended
  })

  test('is for 128 readers, and what each has cost is given back', async () => {
    await using server = await TestServer.start()
    const request = `GET /api/v1/events/stream HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`
    const sockets = await Promise.all(Array.from({ length: 128 }, () => server.connect()))
    for (const socket of sockets) socket.write(request)
    await until('all read', () => server.server.status(null).readers === 128)
    assert.equal((await server.send('GET /api/v1/events/stream')).status, 503)
    assert.equal((await server.send('HEAD /api/v1/events/stream')).status, 404)
    for (const socket of sockets) socket.destroy()
    await until('none reads', () => server.server.status(null).readers === 0)
    assert.deepEqual(server.refusals, { busy: 1 })
  })

  test('drops a reader that does not read, and no other', async () => {
    await using server = await TestServer.start({}, {}, { patienceMs: 100, unreadBytes: 1000, heartbeatMs: 20 })
    const [lazy, eager] = [await server.connect(), await server.connect()]
    const request = `GET /api/v1/events/stream HTTP/1.1\r\nHost: ${server.host}\r\n\r\n`
    lazy.pause()
    lazy.write(request)
    eager.write(request)
    let text = ''
    eager.on('data', (data) => (text = (text + data.toString()).slice(-2000)))
    await until('both read', () => server.server.status(null).readers === 2)
    const big = 'x'.repeat(100_000)
    await until('the one that does not read is dropped', () => {
      server.history.add(line(big))
      return server.refusals['slow-reader'] === 1
    })
    assert.equal(server.server.status(null).readers, 1)
    server.history.add(line('last'))
    await until('the other one has the last event and a sign of life', () => /"last".*\n\n[^]*:\n\n/.test(text))
  })
})
