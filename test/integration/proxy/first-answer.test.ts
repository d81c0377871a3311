import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { startupMessage } from '../../../src/pgwire.ts'
import { until } from '../../support/until.ts'
import {
  AUTH_OK,
  errorFields,
  errorResponse,
  GSSENC_REQUEST,
  NO,
  request,
  SSL_REQUEST,
  STARTUP,
  YES,
} from './support/messages.ts'
import { type FakeServer, type Rig, Scene } from './support/scene.ts'
import { closedView, openView } from './support/views.ts'
import type { Wire } from './support/wire.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

const STARTING = errorResponse('57P03', 'the database system is starting up')

/** Answers what it gets with the next of `answers`; null: hangs up; 'reset'. Each is for one packet. */
function answering(...answers: (Buffer | null | 'reset')[]): (wire: Wire) => void {
  return (wire) => {
    const rest = [...answers]
    wire.socket.on('data', () => {
      const answer = rest.shift()
      if (answer === undefined) return
      if (answer === null) wire.socket.end()
      else if (answer === 'reset') wire.socket.resetAndDestroy()
      else wire.send(answer)
    })
  }
}

/** A proxy with `server` open whose watcher closes the route at the first failed dial, as the real one does. */
async function rigFor(server: FakeServer): Promise<Rig> {
  const rig = await scene.proxy()
  rig.onFailure = () => rig.proxy.apply(closedView(1, { state: 'unreachable', reason: 'a dial failed' }))
  rig.proxy.apply(openView('pg1', server.address, 1))
  return rig
}

for (const [what, answer] of [
  ['says that it is starting up', STARTING],
  ['says that it is shutting down', errorResponse('57P03', 'the database system is shutting down')],
  ['ends its sessions', errorResponse('57P01', 'terminating connection due to administrator command')],
  ['has lost a process', errorResponse('57P02', 'terminating connection because of crash of another server process')],
  ['hangs up without an answer', null],
  ['resets the connection without an answer', 'reset'],
] as const) {
  test(`a server that ${what} is an observation, and its client is held`, async () => {
    const before = Date.now()
    const server = await scene.server(answering(answer))
    const rig = await rigFor(server)
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it is held', () => rig.held === 1)
    const [failure] = rig.failures
    assert.equal(rig.failures.length, 1)
    assert.equal(failure?.member, 'pg1')
    assert.deepEqual(failure.address, server.address)
    assert.equal(failure.basis, 'basis of pg1 1')
    assert.ok(Math.abs(failure.startedAt - before) < 2000)
    assert.match(failure.reason, new RegExp(`^Postgres at 127.0.0.1:${server.address.port}`))
    assert.equal(client.received.length, 0)
    assert.equal(rig.proxy.status().totals.failedDials, 1)
    const healthy = await scene.server(answering(AUTH_OK))
    rig.proxy.apply(openView('pg1', healthy.address, 2))
    await client.got(AUTH_OK)
    await (await healthy.connection()).got(STARTUP)
  })
}

test('passes on every other error of a server, which is up then', async () => {
  for (const answer of [
    errorResponse('28P01', 'password authentication failed'),
    errorResponse('53300', 'sorry, too many clients already'),
    Buffer.from('Ecould not fork new process for connection\0'),
  ]) {
    const rig = await rigFor(await scene.server(answering(answer)))
    const client = (await scene.client(rig)).send(STARTUP)
    await client.got(answer)
    assert.equal(rig.failures.length, 0)
  }
})

test('behind a refused SSLRequest the next answer is looked at: 57P03 holds the client', async () => {
  const server = await scene.server(answering(NO, STARTING))
  const rig = await rigFor(server)
  const client = (await scene.client(rig)).send(SSL_REQUEST)
  await client.got(NO)
  client.send(STARTUP)
  await until('it is held', () => rig.held === 1)
  assert.equal(rig.failures.length, 1)
  const healthy = await scene.server(answering(AUTH_OK))
  rig.proxy.apply(openView('pg1', healthy.address, 2))
  await client.got(Buffer.concat([NO, AUTH_OK]))
  // The client does not ask for TLS again: it has its answer.
  await (await healthy.connection()).got(STARTUP)
})

test('behind refused GSSENCRequest and SSLRequest the startup passes', async () => {
  const server = await scene.server(answering(NO, NO, AUTH_OK))
  const rig = await rigFor(server)
  const client = (await scene.client(rig)).send(GSSENC_REQUEST)
  await client.got('N')
  client.send(SSL_REQUEST)
  await client.got('NN')
  client.send(STARTUP)
  await client.got(Buffer.concat([NO, NO, AUTH_OK]))
  await (await server.connection()).got(Buffer.concat([GSSENC_REQUEST, SSL_REQUEST, STARTUP]))
  assert.equal(rig.sessions, 1)
})

test('after consent to TLS everything passes unseen', async () => {
  const hello = randomBytes(500)
  const server = await scene.server(answering(YES, STARTING))
  const rig = await rigFor(server)
  const client = (await scene.client(rig)).send(SSL_REQUEST)
  await client.got(YES)
  client.send(hello)
  await client.got(Buffer.concat([YES, STARTING]))
  await (await server.connection()).got(Buffer.concat([SSL_REQUEST, hello]))
  assert.equal(rig.failures.length, 0)
})

test('a server that hangs up instead of an answer to SSLRequest is an observation', async () => {
  const server = await scene.server(answering(null))
  const rig = await rigFor(server)
  ;(await scene.client(rig)).send(SSL_REQUEST)
  await until('it is held', () => rig.held === 1)
  assert.equal(rig.failures.length, 1)
})

test('a client that is silent after a refused SSLRequest is nothing against the server that hangs up on it', async () => {
  const server = await scene.server((wire) => {
    wire.socket.on('data', (chunk) => wire.send(chunk.equals(SSL_REQUEST) ? NO : AUTH_OK))
  })
  const rig = await rigFor(server)
  const client = (await scene.client(rig)).send(SSL_REQUEST)
  await client.got(NO)
  const first = await server.connection()
  first.socket.end()
  await first.over()
  assert.equal(rig.failures.length, 0)
  assert.equal(client.ended, false)
  // It is dialled for again when it speaks, and not before.
  assert.equal(server.connections.length, 1)
  client.send(STARTUP)
  await client.got(Buffer.concat([NO, AUTH_OK]))
  assert.equal(server.connections.length, 2)
})

test('an answer in single bytes is understood', async () => {
  for (const answer of [STARTING, AUTH_OK, errorResponse('28000', 'no')]) {
    const server = await scene.server((wire) => {
      wire.socket.once('data', () => {
        let sent = 0
        const timer = setInterval(() => {
          if (sent < answer.length) wire.send(answer.subarray(sent, ++sent))
          else clearInterval(timer)
        }, 1)
      })
    })
    const rig = await rigFor(server)
    const client = (await scene.client(rig)).send(STARTUP)
    if (answer === STARTING) await until('it is held', () => rig.held === 1)
    else await client.got(answer)
    assert.equal(rig.failures.length, answer === STARTING ? 1 : 0)
  }
})

test('a huge answer passes whole, and a message of any length is cut in the observation', async () => {
  const huge = Buffer.concat([errorResponse('57P03', 'x'.repeat(100_000)), randomBytes(2_000_000)])
  const rig = await rigFor(await scene.server(answering(huge)))
  const client = (await scene.client(rig)).send(STARTUP)
  await client.got(huge)
  const long = await rigFor(await scene.server(answering(errorResponse('57P03', `a\x1b[31m\n${'x'.repeat(3000)}`))))
  ;(await scene.client(long)).send(STARTUP)
  await until('it is held', () => long.held === 1)
  const { reason } = long.failures[0] ?? { reason: '' }
  assert.ok(reason.length < 300, `${reason.length} characters`)
  assert.ok(!/\p{Cc}/u.test(reason))
})

test('a server that hangs up in the middle of an error has not answered', async () => {
  const rig = await rigFor(
    await scene.server((wire) => wire.socket.once('data', () => wire.socket.end(STARTING.subarray(0, 20)))),
  )
  const client = (await scene.client(rig)).send(STARTUP)
  await until('it is held', () => rig.held === 1)
  assert.equal(client.received.length, 0)
})

/** Like Postgres: hangs up on what it does not understand, with a reset where bytes are left unread. */
function strict(how: 'end' | 'reset'): (wire: Wire) => void {
  return (wire) => {
    wire.socket.once('data', (chunk) => {
      if (chunk.equals(STARTUP)) wire.send(AUTH_OK)
      else if (how === 'end') wire.socket.end()
      else wire.socket.resetAndDestroy()
    })
  }
}

const NONSENSE: Readonly<Record<string, Buffer>> = {
  'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: db\r\n\r\n'),
  'random bytes': Buffer.concat([Buffer.from([0xfe]), randomBytes(999)]),
  'a length that is too large': request(3 << 16, 10_005),
  'a length that is too small': request(3 << 16, 7),
  'a negative length': request(3 << 16, -1),
  'an unknown protocol': request(2 << 16, 8),
  'TLS without a request for it': Buffer.from('1603010100010000fc0303', 'hex'),
  'SSLRequest with a length of its own': request(80877103, 5000),
  'SSLRequest with something behind it': Buffer.concat([SSL_REQUEST, STARTUP]),
  zeros: Buffer.alloc(64),
}
for (const [what, bytes] of Object.entries(NONSENSE)) {
  for (const how of ['end', 'reset'] as const) {
    test(`a client that sends ${what} is no observation and harms no other client (${how})`, async () => {
      const server = await scene.server(strict(how))
      const rig = await rigFor(server)
      const good = (await scene.client(rig)).send(STARTUP)
      const fool = (await scene.client(rig)).send(bytes)
      await fool.over()
      await good.got(AUTH_OK)
      await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
      assert.equal(rig.failures.length, 0)
      assert.ok(server.connections.length <= 3, `${server.connections.length} dials`)
      assert.equal(rig.held, 0)
    })
  }
}

test('TLS without a request for it passes unseen where the server takes it', async () => {
  const hello = Buffer.from('16030101000100', 'hex')
  const answer = Buffer.from('1603030100', 'hex')
  const rig = await rigFor(await scene.server(answering(answer)))
  await (await scene.client(rig)).send(hello).got(answer)
})

test('a startup packet in single bytes is understood', async () => {
  const server = await scene.server(answering(STARTING))
  const rig = await rigFor(server)
  const client = await scene.client(rig)
  for (const byte of STARTUP) {
    assert.equal(server.connections.length, 0)
    client.send(Buffer.from([byte]))
    await until('it has left', () => client.socket.writableLength === 0, { everyMs: 1 })
  }
  await until('it is held', () => rig.held === 1)
  assert.equal(rig.failures.length, 1)
})

test('a startup packet of 10004 bytes, the longest that Postgres takes, is understood', async () => {
  const longest = startupMessage({ user: 'a', options: 'x'.repeat(10_004 - 25) })
  assert.equal(longest.length, 10_004)
  const rig = await rigFor(await scene.server(answering(STARTING)))
  ;(await scene.client(rig)).send(longest)
  await until('it is held', () => rig.held === 1)
})

test('a client that says nothing is not dialled for', async () => {
  const server = await scene.server()
  const rig = await rigFor(server)
  const silent = await scene.client(rig)
  const halfway = (await scene.client(rig)).send(STARTUP.subarray(0, 20))
  ;(await scene.client(rig)).send(STARTUP)
  await until('the third is dialled for', () => server.connections.length === 1)
  assert.deepEqual([silent.ended, halfway.ended], [false, false])
  assert.equal(server.connections.length, 1)
})

test('a client that leaves during the dial takes its server connection with it', async () => {
  const server = await scene.server()
  const rig = await rigFor(server)
  const client = (await scene.client(rig)).send(STARTUP)
  const backend = await server.connection()
  client.socket.resetAndDestroy()
  await backend.over()
  assert.equal(rig.failures.length, 0)
})

test('refuses in plaintext a client that was refused TLS, when the hold ends', async () => {
  const server = await scene.server(answering(NO, STARTING))
  const rig = await scene.proxy({ hold: { timeoutMs: 300 } })
  rig.onFailure = () => rig.proxy.apply(closedView(1, { state: 'unreachable', reason: 'a dial failed' }))
  rig.proxy.apply(openView('pg1', server.address, 1))
  const client = (await scene.client(rig)).send(SSL_REQUEST)
  await client.got(NO)
  client.send(STARTUP)
  await client.over()
  const error = errorFields(client.received.subarray(1))
  assert.equal(error?.['C'], '57P03')
  assert.match(error['H'] ?? '', /^A dial failed\.$/)
})
