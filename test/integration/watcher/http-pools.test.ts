/** How many connections a server has from all that is read there. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as listener, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import { Certificates } from '../../../src/watcher/tls/certificates.ts'
import { HttpConnection } from '../../../src/watcher/dcs/http/connection.ts'
import { clock, until } from '../../support/until.ts'

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
      else if (request.url === '/late') setTimeout(() => response.write('x'), 300)
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

  test('that hang while they are made keep to the times of requests, and end with the last user', async () => {
    const silent = listener((socket) => sockets.add(socket.resume().once('close', () => sockets.delete(socket))))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const endpoint = `127.0.0.1:${(silent.address() as AddressInfo).port}`
    const certificates = new Certificates({ caFile: null, certFile: null, keyFile: null }).read()
    const open = (): HttpConnection => new HttpConnection({ ...target, endpoint, certificates, timeoutMs: 200 })
    const [one, other] = [open(), open()]
    const from = clock()
    await assert.rejects(one.get('/'), /no answer within 200 ms/)
    const wait = one.wait('/wait', { headMs: 60_000, bodyMs: null })
    // Another cluster keeps the pool.
    one.close()
    await assert.rejects(wait, /the connection is closed/)
    await assert.rejects(other.get('/'), /no answer within 200 ms/)
    assert.ok(clock() - from < 5000, `${clock() - from} ms`)
    assert.ok(sockets.size > 0)
    other.close()
    await until('all are closed', () => sockets.size === 0)
    silent.close()
  })

  test('name a server without the dot at its end, as TLS has it', async () => {
    const hello = Promise.withResolvers<Buffer>()
    const silent = listener((socket) => socket.once('data', hello.resolve))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const endpoint = `etcd1.example.org.:${(silent.address() as AddressInfo).port}`
    const lookups = new Lookups({ resolve: () => Promise.resolve(['127.0.0.1']) })
    const certificates = new Certificates({ caFile: null, certFile: null, keyFile: null }).read()
    const connection = new HttpConnection({ ...target, endpoint, certificates, lookups })
    const answer = assert.rejects(connection.get('/'), /the connection is closed/)
    assert.match((await hello.promise).toString('latin1'), /etcd1\.example\.org(?!\.)/)
    connection.close()
    await answer
    silent.close()
  })

  test('have one time for the head of an answer and all of it', async () => {
    const connection = new HttpConnection({ ...target, timeoutMs: 400 })
    const from = clock()
    await assert.rejects(connection.get('/late'), /no whole answer within 400 ms/)
    assert.ok(clock() - from < 650, `${clock() - from} ms`)
    connection.close()
  })
})
