import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '../../support/until.ts'
import { AUTH_OK, STARTUP } from './support/messages.ts'
import { Scene } from './support/scene.ts'
import { openView, replicaView } from './support/views.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(async () => {
  await scene.clear()
})

test('a server is dialled at its address, and messages have its name as well', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  const { port } = server.address
  const named = { pg1: { address: { host: 'db1.example', port } } }
  rig.proxy.apply(replicaView({ pg1: server.address }, named))
  await (await scene.client(rig, 'replicas')).send(STARTUP).got(AUTH_OK)
  await server.close()
  ;(await scene.client(rig, 'replicas')).send(STARTUP)
  await until('it has failed', () => rig.failures.length > 0)
  assert.match(rig.failures[0]?.reason ?? '', /^Postgres at db1\.example:\d+ \(127\.0\.0\.1\): connect ECONNREFUSED/)
})

for (const [ageMs, isDialled] of [
  [59_000, true],
  [61_000, false],
] as const) {
  test(`with trust: dcs a name that was resolved ${ageMs / 1000} s ago is ${isDialled ? '' : 'not '}dialled`, async () => {
    const [first, second] = [await scene.postgres(), await scene.postgres()]
    const rig = await scene.proxy({ trust: 'dcs' }, undefined, (host) => (host === 'db1.example' ? ageMs : 0))
    const named = { pg1: { address: { host: 'db1.example', port: 5432 } } }
    rig.proxy.apply(replicaView({ pg1: first.address, pg2: second.address }, named))
    for (let client = 0; client < 2; client++) await (await scene.client(rig, 'replicas')).send(STARTUP).got(AUTH_OK)
    assert.deepEqual([first.connections.length, second.connections.length], isDialled ? [1, 1] : [0, 2])
    assert.deepEqual(rig.failures, [])
  })
}

test('a server with an IPv6 address is dialled there, and named in brackets', async () => {
  const server = await scene.postgres({ host: '::1' })
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  assert.equal(server.address.host, '::1')
  await (await scene.client(rig)).send(STARTUP).got(AUTH_OK)
  await server.close()
  ;(await scene.client(rig)).send(STARTUP)
  await until('it has failed', () => rig.failures.length > 0)
  assert.match(rig.failures[0]?.reason ?? '', /^Postgres at \[::1\]:\d+: connect ECONNREFUSED/)
})
