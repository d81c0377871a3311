/** How many connections a server has from all that is read there. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { HttpConnection } from '../../../src/watcher/dcs/http/connection.ts'
import { until } from '../../support/until.ts'

describe('connections to one server', () => {
  let server: Server
  let target: ConstructorParameters<typeof HttpConnection>[0]
  const sockets = new Set<Socket>()
  /** Answers to `/wait` that are still to be given. */
  const waiting: (() => void)[] = []

  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === '/wait') waiting.push(() => response.end('event'))
      else if (request.url === '/endless') response.write('x')
      else response.end('text')
    })
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const open = { certificates: null, verifies: true, headers: {}, lookups: new Lookups() }
    target = { ...open, endpoint: `127.0.0.1:${port}`, timeoutMs: 2000 }
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
    waiting.length = 0
  })

  test('are shared by many clusters: one for each that waits, and a few for the reads of all', async () => {
    const clusters = Array.from({ length: 20 }, () => new HttpConnection(target))
    const waits = clusters.map((cluster) => cluster.wait('/wait', { headMs: 10_000, bodyMs: null }))
    await until('all wait', () => waiting.length === 20)
    for (const cluster of clusters) assert.equal((await cluster.get('/')).text, 'text')
    assert.ok(sockets.size < 25, `${sockets.size} connections`)
    for (const answer of waiting) answer()
    for (const { text } of await Promise.all(waits)) assert.equal(text, 'event')
    for (const cluster of clusters) cluster.close()
    await until('all are closed', () => sockets.size === 0)
  })

  test('are left alone when one of the clusters gives them up, which then makes another', async () => {
    const [one, other] = [new HttpConnection(target), new HttpConnection(target)]
    const wait = other.wait('/wait', { headMs: 10_000, bodyMs: null })
    await one.get('/')
    const before = new Set(sockets)
    one.close()
    const again = new HttpConnection(target)
    assert.equal((await again.get('/')).text, 'text')
    assert.equal([...sockets].filter((socket) => !before.has(socket)).length, 1)
    for (const answer of waiting) answer()
    assert.equal((await wait).text, 'event')
    again.close()
    other.close()
    await until('all are closed', () => sockets.size === 0)
  })

  test('end with the requests that wait on them, and refuse others', async () => {
    const connection = new HttpConnection(target)
    const wait = connection.wait('/wait', { headMs: 10_000, bodyMs: null })
    await until('it waits', () => waiting.length === 1)
    connection.close()
    await assert.rejects(wait, /the connection is closed/)
    await assert.rejects(connection.get('/'), /the connection is closed/)
    await until('all are closed', () => sockets.size === 0)
  })

  test('give up an answer that does not end', async () => {
    const connection = new HttpConnection({ ...target, timeoutMs: 200 })
    await assert.rejects(connection.get('/endless'), /no whole answer within 200 ms/)
    connection.close()
  })
})
