import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '../../support/until.ts'
import { AUTH_OK, CANCEL_REQUEST, errorFields, GSSENC_REQUEST, SSL_REQUEST, STARTUP } from './support/messages.ts'
import { type Rig, Scene } from './support/scene.ts'
import { closedView, openView } from './support/views.ts'
import type { Wire } from './support/wire.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

/** A proxy that holds nobody and has no primary. */
async function rigWithout(changes: Parameters<Scene['proxy']>[0] = {}): Promise<Rig> {
  const rig = await scene.proxy({ ...changes, hold: { timeoutMs: 0, ...changes.hold } })
  rig.proxy.apply(closedView(1, { reason: 'no leader key in the DCS' }))
  return rig
}

/** What the client has read behind `answers` single bytes. */
function fatal(client: Wire, answers: number): Readonly<Record<string, string>> | null {
  assert.equal(client.received.subarray(0, answers).toString(), 'N'.repeat(answers))
  return errorFields(client.received.subarray(answers))
}

for (const [what, requests] of [
  ['SSLRequest', [SSL_REQUEST]],
  ['GSSENCRequest', [GSSENC_REQUEST]],
  ['GSSENCRequest and SSLRequest', [GSSENC_REQUEST, SSL_REQUEST]],
] as const) {
  test(`a refused client that begins with ${what} is answered N and reads the reason in plaintext`, async () => {
    const rig = await rigWithout()
    const client = await scene.client(rig)
    for (const [n, request] of requests.entries()) await client.send(request).got('N'.repeat(n + 1))
    client.send(STARTUP)
    await client.over()
    const error = fatal(client, requests.length)
    assert.equal(error?.['C'], '57P03')
    assert.equal(error['M'], 'no primary is available')
    assert.equal(error['H'], 'No leader key in the DCS.')
  })
}

test('a client that was answered N is never connected to a server, also when there is a primary before it continues', async () => {
  const server = await scene.postgres()
  const rig = await rigWithout()
  const client = await scene.client(rig)
  await client.send(SSL_REQUEST).got('N')
  rig.proxy.apply(openView('pg1', server.address, 2))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  client.send(STARTUP)
  await client.over()
  assert.equal(fatal(client, 1)?.['C'], '57P03')
  assert.equal(server.connections.length, 1)
})

test('a cancel request behind N is neither answered nor passed on', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ maxConnections: 1 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  const client = await scene.client(rig)
  await client.send(SSL_REQUEST).got('N')
  client.send(CANCEL_REQUEST)
  await client.over()
  assert.equal(client.received.toString(), 'N')
  assert.equal(server.connections.length, 1)
})

test('a client that sends a TLS ClientHello at once is closed', async () => {
  const rig = await rigWithout()
  const client = (await scene.client(rig)).send(Buffer.from('16030100050100000100', 'hex'))
  await client.over()
  assert.equal(client.received.length, 0)
})

test('hold.refuse_tls: close hangs up at once on a client that requests TLS', async () => {
  const rig = await rigWithout({ hold: { refuseTls: 'close' } })
  const client = (await scene.client(rig)).send(SSL_REQUEST)
  const since = performance.now()
  await client.over()
  assert.ok(performance.now() - since < 2000)
  assert.equal(client.received.length, 0)
  assert.equal(rig.proxy.status().refusals['hold-timeout'], 1)
})

test('a client that is answered N and stays silent is closed after a few seconds', async () => {
  const rig = await rigWithout()
  const client = await scene.client(rig)
  await client.send(SSL_REQUEST).got('N')
  await until('it is closed', () => client.isOver, { timeoutMs: 9000 })
  assert.equal(client.received.toString(), 'N')
})

test('while the router drains, a client that requests TLS reads that it is shutting down', async () => {
  const rig = await scene.proxy()
  const held = (await scene.client(rig)).send(SSL_REQUEST)
  const fresh = await scene.client(rig)
  await until('one is held', () => rig.held === 1)
  const drained = rig.proxy.drain()
  await held.got('N')
  await fresh.send(SSL_REQUEST).got('N')
  for (const client of [held, fresh]) {
    client.send(STARTUP)
    await client.over()
    const error = fatal(client, 1)
    assert.deepEqual([error?.['C'], error?.['M']], ['57P03', 'the router is shutting down'])
    client.socket.end()
  }
  await drained
  assert.equal(rig.proxy.status().refusals.shutdown, 2)
})

test('also without a drain timeout those who wait read why', async () => {
  const rig = await scene.proxy({ drainTimeoutMs: 0 })
  const client = (await scene.client(rig)).send(SSL_REQUEST)
  await until('it is held', () => rig.held === 1)
  const drained = rig.proxy.drain()
  await client.got('N')
  client.send(STARTUP)
  await client.over()
  assert.equal(fatal(client, 1)?.['M'], 'the router is shutting down')
  client.socket.end()
  await drained
})

test('thousands that are refused are one line now and one later, and are counted', async () => {
  const rig = await rigWithout()
  const clients = await Promise.all(Array.from({ length: 300 }, () => scene.client(rig)))
  for (const client of clients) client.send(STARTUP)
  await Promise.all(clients.map((client) => client.over()))
  const { totals, refusals } = rig.proxy.status()
  assert.deepEqual([totals.refused, refusals['hold-timeout']], [300, 300])
  assert.equal(rig.events('refused').length, 1)
  rig.proxy.close()
  const lines = rig.events('refused')
  assert.deepEqual(
    lines.map(({ listener, route, reason, connections }) => [listener, route, reason, connections]),
    [
      ['primary', 'primary', 'hold-timeout', 1],
      ['primary', 'primary', 'hold-timeout', 299],
    ],
  )
  assert.match(String(lines[0]?.['msg']), /^primary: refused 1 connection: no primary is available \(No leader key/)
})

test('where more are refused than can be waited for, the oldest is closed and the newest reads the reason', async () => {
  const rig = await rigWithout()
  const silent = await Promise.all(Array.from({ length: 1001 }, () => scene.client(rig)))
  for (const client of silent) client.send(SSL_REQUEST)
  await until('one is closed', () => silent.some(({ isOver }) => isOver), { timeoutMs: 4000 })
  const client = await scene.client(rig)
  await client.send(SSL_REQUEST).got('N')
  client.send(STARTUP)
  await client.over()
  assert.equal(fatal(client, 1)?.['C'], '57P03')
})

test('of clients that send much before a server has answered only so many are held', async () => {
  // Room for eight of them.
  const rig = await scene.proxy({}, { descriptors: null, memoryBytes: 16 * 1024 * 1024 })
  const clients: Wire[] = []
  for (let n = 0; n < 12; n++) {
    const client = await scene.client(rig)
    clients.push(client.send(Buffer.concat([STARTUP, Buffer.alloc(20_000)])))
    await until('it is held or closed', () => rig.held === n + 1 || client.isOver)
  }
  assert.equal(rig.held, 8)
  assert.equal(clients.filter(({ isOver }) => isOver).length, 4)
  assert.match(String(rig.events('refused')[0]?.['msg']), /it had sent \d+ bytes before a server answered/)
  ;(await scene.client(rig)).send(STARTUP)
  await until('another one is held', () => rig.held === 9)
})

test('beyond what the process has room for clients read its limit', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({}, { descriptors: 80, memoryBytes: null })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const texts: string[] = []
  await until('one is refused', async () => {
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it has an answer', () => client.received.length > 0)
    if (!client.received.equals(AUTH_OK)) texts.push(`${fatal(client, 0)?.['C']} ${fatal(client, 0)?.['M']}`)
    return texts.length > 0
  })
  assert.match(texts[0] ?? '', /^53300 the router's limit of \d+ connections is reached \(80 file descriptors/)
  assert.equal(rig.proxy.status().refusals['process-limit'], 1)
})

test('a client that has said nothing for a while gives way to one that has just come', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ maxConnections: 3 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const served = await scene.client(rig)
  await served.send(STARTUP).got(AUTH_OK)
  const silent = [await scene.client(rig), await scene.client(rig)]
  await until('a new client is served', async () => {
    const client = (await scene.client(rig)).send(STARTUP)
    await until('it has an answer', () => client.received.length > 0 || client.ended)
    return client.received.equals(AUTH_OK)
  })
  assert.equal(silent.filter(({ isOver }) => isOver).length, 1)
  assert.equal(served.ended, false)
  assert.equal(rig.proxy.status().refusals.silent, 1)
})

test('a client that has sent its startup packet has the place of a silent one, also where it came when there was none', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({ maxConnections: 3 })
  rig.proxy.apply(openView('pg1', server.address, 1))
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  const silent = [await scene.client(rig), await scene.client(rig)]
  const [late, other] = [await scene.client(rig), await scene.client(rig)]
  const since = performance.now()
  await until('the silent ones have had a moment', () => performance.now() - since > 300)
  await late.send(STARTUP).got(AUTH_OK)
  await other.send(STARTUP).got(AUTH_OK)
  await until('the silent ones are closed', () => silent.every(({ isLetGo }) => isLetGo))
  assert.equal(rig.proxy.status().refusals['connection-limit'], 0)
  // A session gives way to nobody.
  const last = (await scene.client(rig)).send(STARTUP)
  await last.over()
  assert.equal(fatal(last, 0)?.['C'], '53300')
})

test('of many that come at once each is served or reads the limit', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy({}, { descriptors: 128, memoryBytes: null })
  rig.proxy.apply(openView('pg1', server.address, 1))
  const clients = await Promise.all(Array.from({ length: 200 }, async () => (await scene.client(rig)).send(STARTUP)))
  await until('each has an answer', () => clients.every(({ received, isLetGo }) => received.length > 0 || isLetGo))
  const answers = clients.map((client) =>
    client.received.equals(AUTH_OK) ? 'served' : (fatal(client, 0)?.['C'] ?? 'none'),
  )
  assert.deepEqual(new Set(answers.filter((answer) => answer !== 'none')), new Set(['served', '53300']))
  // On a busy machine one may be silent for so long that its place is given away.
  assert.equal(answers.filter((answer) => answer === 'none').length, rig.proxy.status().refusals.silent)
})
