/** The REST client against servers that behave, and servers that do not. */
import assert from 'node:assert/strict'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import type { RestApiConfig } from '../../../src/config/config.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { freePort } from '../../support/net/ports.ts'
import { until } from '../../support/until.ts'
import { Api } from './api.ts'

const PLAIN: RestApiConfig = { caFile: null, certFile: null, keyFile: null, keyPassword: null, insecure: false }
const NEVER = new AbortController().signal

/** Answers every connection with these bytes, whatever it asks. */
async function raw(answer: (socket: Socket) => void): Promise<Api> {
  return Api.start(createServer((socket) => socket.once('data', () => answer(socket))))
}

async function ask(url: string, { timeoutMs = 500, config = PLAIN, path = '/primary', signal = NEVER } = {}) {
  const client = new RestClient(config, timeoutMs, new Lookups())
  const since = performance.now()
  const reply = await client.get(url, path, signal)
  await client.close()
  const reason = reply.kind === 'none' ? reply.reason : ''
  return { reply, reason, ms: performance.now() - since }
}

describe('a REST API', () => {
  test('is understood when it uses HTTP/1.0 and closes after the body, as Patroni does', async () => {
    await using api = await raw((socket) => {
      socket.write(
        'HTTP/1.0 503 Service Unavailable\r\nServer: BaseHTTP/0.6 Python/3.11\r\nContent-Type: application/json\r\n\r\n',
      )
      socket.write('{"role": "rep')
      setTimeout(() => socket.end('lica"}'), 20)
    })
    assert.deepEqual((await ask(api.url)).reply, {
      kind: 'reply',
      status: 503,
      body: { role: 'replica' },
      at: '127.0.0.1',
    })
  })

  test('is understood when it uses HTTP/1.1 and keeps the connection, which is closed after the answer', async () => {
    const lines: string[] = []
    await using api = await Api.start(
      createHttpServer((request, response) => {
        lines.push(`${request.method ?? ''} ${request.url ?? ''}`)
        response.end('{"role":"primary"}')
      }),
    )
    assert.deepEqual((await ask(api.url)).reply, {
      kind: 'reply',
      status: 200,
      body: { role: 'primary' },
      at: '127.0.0.1',
    })
    assert.deepEqual(lines, ['GET /primary'])
    await until('it is closed', () => api.sockets.size === 0, { timeoutMs: 1000 })
  })

  test('has an answer without a body that is JSON', async () => {
    const nested = '['.repeat(200_000)
    for (const body of ['', '<html>', '{"role":', nested, Buffer.from('{"role":"\xff"}', 'latin1')]) {
      await using api = await raw((socket) => {
        socket.write('HTTP/1.0 200 OK\r\n\r\n')
        socket.end(body)
      })
      assert.deepEqual((await ask(api.url)).reply, { kind: 'reply', status: 200, body: undefined, at: '127.0.0.1' })
    }
  })

  test('that redirects is not followed', async () => {
    let others = 0
    await using other = await Api.start(createHttpServer((_request, response) => response.end(String(++others))))
    await using api = await raw((socket) => socket.end(`HTTP/1.0 302 Found\r\nLocation: ${other.url}/\r\n\r\n`))
    const { reply } = await ask(api.url)
    assert.deepEqual([reply.kind === 'reply' && reply.status, others], [302, 0])
  })

  for (const timeoutMs of [300, 1700]) {
    test(`that hangs is silent after ${timeoutMs} ms`, async () => {
      await using api = await raw(() => undefined)
      const { reason, ms } = await ask(api.url, { timeoutMs })
      assert.match(reason, new RegExp(`cannot be reached: no answer within ${timeoutMs} ms`))
      assert.ok(ms >= timeoutMs - 2 && ms < timeoutMs + 150, `${ms} ms`)
    })
  }

  test('that sends its body too slowly is silent at the same time', async () => {
    await using api = await raw((socket) => {
      socket.write('HTTP/1.0 200 OK\r\n\r\n{')
      const timer = setInterval(() => socket.write(' '), 20)
      socket.on('close', () => clearInterval(timer))
    })
    const { reason, ms } = await ask(api.url, { timeoutMs: 300 })
    assert.match(reason, /no answer within 300 ms/)
    assert.ok(ms < 450, `${ms} ms`)
  })

  test('that answers without end is given up early', async () => {
    let sent = 0
    await using api = await raw((socket) => {
      socket.write('HTTP/1.0 200 OK\r\n\r\n')
      const more = (): void => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536))) sent += 65_536
      }
      socket.on('drain', more)
      more()
    })
    const { reason } = await ask(api.url, { timeoutMs: 5000 })
    assert.match(reason, /the answer of its REST API is too large/)
    await until('it is closed', () => api.sockets.size === 0)
    assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes`)
  })

  test('with a name that does not resolve has not been queried', async () => {
    const { reply } = await ask('http://no-such-host.invalid:8008')
    assert.equal(reply.kind, 'unasked')
    assert.match(reply.reason, /cannot be queried: .*(ENOTFOUND|EAI_AGAIN|in time)/)
  })

  test('that refuses, resets or talks nonsense is silent, with the reason', async () => {
    assert.match((await ask(`http://127.0.0.1:${await freePort()}`)).reason, /ECONNREFUSED/)
    await using garbage = await raw((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    assert.match((await ask(garbage.url)).reason, /cannot be reached: .*HTTP/)
    await using reset = await raw((socket) => socket.resetAndDestroy())
    assert.match((await ask(reset.url)).reason, /cannot be reached: .*(ECONNRESET|closed)/)
    await using endless = await raw((socket) => socket.write(`HTTP/1.0 200 OK\r\nX: ${'x'.repeat(100_000)}`))
    assert.match((await ask(endless.url)).reason, /cannot be reached: .*[Hh]eader/)
  })

  test('is given up at once when the answer is no longer needed', async () => {
    await using api = await raw(() => undefined)
    const controller = new AbortController()
    const asking = ask(api.url, { timeoutMs: 60_000, signal: controller.signal })
    await until('it is asked', () => api.sockets.size === 1)
    controller.abort()
    assert.ok((await asking).ms < 1000)
    await until('it is closed', () => api.sockets.size === 0)
    assert.equal((await ask(api.url, { signal: controller.signal })).reply.kind, 'none')
    assert.equal(api.accepted, 1)
  })

  test('that hung 500 times holds no socket and no timer', async () => {
    await using api = await raw(() => undefined)
    const client = new RestClient(PLAIN, 150, new Lookups())
    const open = (): number => process.getActiveResourcesInfo().filter((kind) => /TCPSocket|Timeout/.test(kind)).length
    const before = open()
    for (let block = 0; block < 10; block++) {
      await Promise.all(Array.from({ length: 50 }, () => client.get(api.url, '/primary', NEVER)))
    }
    // On a busy machine the last are given up before the server has accepted them.
    await until('each is accepted', () => api.accepted === 500)
    await until('nothing is open', () => api.sockets.size === 0 && open() <= before, { timeoutMs: 3000 })
    await client.close()
  })

  test('answers again as soon as it can, whatever hung before', async () => {
    let hanging = true
    const answer: RequestListener = (_request, response) => (hanging ? undefined : response.end('{}'))
    await using api = await Api.start(createHttpServer(answer))
    const client = new RestClient(PLAIN, 100, new Lookups())
    for (let question = 0; question < 10; question++) await client.get(api.url, '/primary', NEVER)
    hanging = false
    assert.equal((await client.get(api.url, '/primary', NEVER)).kind, 'reply')
    await client.close()
  })
})
