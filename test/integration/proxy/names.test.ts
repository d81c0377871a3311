import assert from 'node:assert/strict'
import dns from 'node:dns'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, STARTUP } from './support/messages.ts'
import { PRIMARY, type Rig, Scene } from './support/scene.ts'
import { openView, replicaView } from './support/views.ts'
import type { Wire } from './support/wire.ts'

type Answer = readonly string[] | 'ENOTFOUND' | 'EAI_AGAIN' | 'silence'

type Found = (error: Error | null, addresses?: readonly { address: string; family: number }[]) => void

/** What a dial is told, which asks for all the addresses of a name. */
function reply(host: string, answer: Answer, done: Found): void {
  if (answer === 'silence') return
  if (typeof answer === 'string') done(Object.assign(new Error(`getaddrinfo ${answer} ${host}`), { code: answer }))
  else
    done(
      null,
      answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
}

let scene: Scene
/** What the resolver of this process says of names; it has no memory. */
let names: Map<string, Answer>
beforeEach(() => {
  scene = new Scene()
  names = new Map()
  const real = dns.lookup.bind(dns) as (...args: unknown[]) => void
  mock.method(dns, 'lookup', ((host: string, options: unknown, done: Found) => {
    const answer = names.get(host)
    // Listening asks as well.
    if (answer === undefined) real(host, options, done)
    else setImmediate(() => reply(host, answer, done))
  }) as never)
})
afterEach(async () => {
  mock.restoreAll()
  await scene.clear()
})

async function served(rig: Rig, listener: string): Promise<Wire> {
  const client = (await scene.client(rig, listener)).send(STARTUP)
  await client.got(AUTH_OK)
  return client
}

test('every dial asks anew where a name leads', async () => {
  const port = await freePort()
  const [old, young] = [await scene.postgres({ port }), await scene.postgres({ port, host: '127.0.0.2' })]
  const rig = await scene.proxy()
  names.set('db1.example', ['127.0.0.1'])
  rig.proxy.apply(replicaView({ pg1: { host: 'db1.example', port } }))
  const first = await served(rig, 'replicas')
  names.set('db1.example', ['127.0.0.2'])
  await served(rig, 'replicas')
  assert.deepEqual([old.connections.length, young.connections.length], [1, 1])
  assert.equal(first.ended, false)
})

test('a name with several addresses leads to one that answers', async () => {
  const server = await scene.postgres({ host: '::1' })
  const rig = await scene.proxy()
  names.set('db1.example', ['127.0.0.3', '::1'])
  rig.proxy.apply(openView('pg1', { host: 'db1.example', port: server.address.port }, 1))
  await served(rig, 'primary')
  assert.deepEqual(rig.failures, [])
})

for (const code of ['ENOTFOUND', 'EAI_AGAIN'] as const) {
  test(`a name that does not resolve (${code}) is a failed dial, and the next member serves`, async () => {
    const server = await scene.postgres()
    const rig = await scene.proxy()
    names.set('db1.example', code)
    rig.proxy.apply(replicaView({ pg1: { host: 'db1.example', port: 5432 }, pg2: server.address }))
    await served(rig, 'replicas')
    assert.deepEqual(
      rig.failures.map(({ member, reason }) => [member, reason]),
      [['pg1', `Postgres at db1.example:5432: the name does not resolve: getaddrinfo ${code} db1.example`]],
    )
  })
}

test('a resolver that does not answer is a failed dial after the connect timeout', async () => {
  const rig = await scene.proxy({ listeners: [PRIMARY], timeouts: { connectMs: 100 } })
  names.set('db1.example', 'silence')
  rig.proxy.apply(openView('pg1', { host: 'db1.example', port: 5432 }, 1))
  ;(await scene.client(rig)).send(STARTUP)
  await until('it has failed', () => rig.failures.length > 0)
  assert.equal(rig.failures[0]?.reason, 'Postgres at db1.example:5432 has a name that is not resolved within 100 ms')
})

test('a server with an IPv6 address is dialled there, and named in brackets', async () => {
  const server = await scene.postgres({ host: '::1' })
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  assert.equal(server.address.host, '::1')
  await served(rig, 'primary')
  await server.close()
  ;(await scene.client(rig)).send(STARTUP)
  await until('it has failed', () => rig.failures.length > 0)
  assert.match(rig.failures[0]?.reason ?? '', /^Postgres at \[::1\]:\d+: connect ECONNREFUSED/)
})
