/** Clients that have left while their server no longer reads what they sent. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '../../support/until.ts'
import { AUTH_OK, STARTUP } from './support/messages.ts'
import { Scene } from './support/scene.ts'
import { openView } from './support/views.ts'
import type { Wire } from './support/wire.ts'

const LEAVES: Readonly<Record<string, (client: Wire) => void>> = {
  'closes its connection': ({ socket }) => {
    socket.end()
    socket.destroySoon()
  },
  'is killed in the middle': ({ socket }) => socket.destroy(),
  'resets its connection': ({ socket }) => socket.resetAndDestroy(),
}
const WAITING = 12

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

/** From now on the server reads nothing, and the client has sent so much that the proxy takes no more of it. */
async function stall(client: Wire, backend: Wire): Promise<void> {
  backend.socket.pause()
  let before = -1
  await until(
    'the proxy takes no more',
    () => {
      client.send(Buffer.alloc(1_000_000))
      const isStuck = before === client.socket.bytesWritten - client.socket.writableLength
      before = client.socket.bytesWritten - client.socket.writableLength
      return isStuck && before > 0
    },
    { everyMs: 100 },
  )
}

test('of many clients whose server does not read, only those that have left lose their sessions', async () => {
  const server = await scene.postgres()
  const rig = await scene.proxy()
  rig.proxy.apply(openView('pg1', server.address, 1))
  const join = async (): Promise<{ client: Wire; backend: Wire }> => {
    const client = await scene.client(rig)
    client.send(STARTUP)
    await client.got(AUTH_OK)
    return { client, backend: await server.connection(server.connections.length - 1) }
  }
  const patient = await join()
  patient.client.send('last words').socket.end()
  await until('its server sees the end', () => patient.backend.ended)

  const ways = Object.entries(LEAVES)
  const sessions = []
  for (let n = 0; n < WAITING + ways.length; n++) sessions.push(await join())
  // The last ones: the others have been read ahead by then.
  const leavers = sessions.slice(WAITING)
  await Promise.all(sessions.map(({ client, backend }) => stall(client, backend)))
  for (const [index, { client }] of leavers.entries()) ways[index]?.[1](client)
  await until('their sessions are over', () => rig.sessions === 1 + WAITING)
  for (const [index, { backend }] of leavers.entries()) {
    backend.socket.resume()
    await until(`the server sees that one ${ways[index]?.[0]}`, () => backend.isOver)
  }
  assert.equal(rig.proxy.status().endings['client-gone'], ways.length)
  for (const line of rig.events('session-ended'))
    assert.match(
      String(line['msg']),
      /closed \d sessions? on pg1( in \d+ s)?: its client is gone, and the server no longer reads what it sent$/,
    )

  // By now it has waited for longer than a client that leaves is given.
  patient.backend.send('answer').socket.end()
  await patient.client.got(Buffer.concat([AUTH_OK, Buffer.from('answer')]))
  await until('its session is over', () => rig.sessions === WAITING)
  for (const { socket } of server.connections) socket.resume()
})
