import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterEach, beforeEach, test } from 'node:test'
import type { HandoverRequest } from '../../../src/demo/patroni/handover.ts'
import type { RestState } from '../../../src/demo/patroni/rest-answer.ts'
import { RestServer } from '../../../src/demo/patroni/rest-server.ts'
import { until } from '../../support/until.ts'

let server: RestServer
let state: () => RestState
let asked: HandoverRequest[]
let gone: Promise<unknown>[]

beforeEach(async () => {
  asked = []
  gone = []
  state = () => assert.fail('a dead member is not asked')
  const handOver = async (wanted: HandoverRequest, signal: AbortSignal) => {
    asked.push(wanted)
    gone.push(once(signal, 'abort'))
    await gone[0]
    return { status: 503, body: 'too late' }
  }
  server = new RestServer(28008, { state: () => state(), handOver })
  await server.start()
})
afterEach(async () => server.stop())

async function ask(path: string, body?: string): Promise<IncomingMessage> {
  const asking = request({ host: '127.0.0.1', port: server.port, path, method: body === undefined ? 'GET' : 'POST' })
  asking.end(body)
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  return response.resume()
}

test('answers 400 to a path that is none', async () => {
  assert.equal((await ask('//')).statusCode, 400)
})

test('breaks off where it has no answer, and continues', async () => {
  await assert.rejects(ask('/primary'), { code: 'ECONNRESET' })
  assert.equal((await ask('//')).statusCode, 400)
})

test('takes a switchover with an object in its body only', async () => {
  for (const body of ['', 'null', '[]']) assert.equal((await ask('/switchover', body)).statusCode, 400)
  assert.deepEqual(asked, [])
})

test('waits for a switchover no longer than the client that has asked', async () => {
  const asking = request({ host: '127.0.0.1', port: server.port, path: '/failover', method: 'POST' })
  asking.on('error', () => undefined).end('{"candidate":"pg2"}')
  await until('it is asked', () => asked.length > 0)
  assert.deepEqual(asked, [{ action: 'failover', leader: null, candidate: 'pg2', scheduled: false }])
  asking.destroy()
  await gone[0]
})
