import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { stringify } from 'yaml'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'
import { Postgres } from './support/postgres.ts'

const DESCRIPTORS = 256
const FLOOD = 300
/** Ten checks at the default interval, and more than `fall` of them with their timeouts. */
const FLOOD_MS = 20_000

let postgres: Postgres
let etcd: EtcdCluster
before(async () => {
  postgres = await Postgres.create({ settings: 'max_connections = 400' })
  etcd = await EtcdCluster.start()
})
after(async () => {
  await postgres[Symbol.asyncDispose]()
  await etcd.close()
})

/** Connections that say nothing; each that is closed comes back. */
class Flood implements Disposable {
  readonly #port: number
  readonly #sockets = new Set<Socket>()
  #isOver = false
  closed = 0

  constructor(port: number, size: number) {
    this.#port = port
    for (let n = 0; n < size; n++) this.#open()
  }

  get size(): number {
    return this.#sockets.size
  }

  #open(): void {
    if (this.#isOver) return
    const socket = connect({ port: this.#port, host: '127.0.0.1' })
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.resume()
    socket.once('close', () => {
      this.closed++
      this.#sockets.delete(socket)
      setTimeout(() => this.#open(), 2000)
    })
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    for (const socket of this.#sockets) socket.destroy()
  }
}

function clientOf(router: RouterProcess): pg.Client {
  const where = { host: '127.0.0.1', port: router.primaryPort, user: 'postgres', database: 'postgres' }
  return new pg.Client(where).on('error', () => undefined)
}

/** `served`, or the SQLSTATE and the message of the refusal. */
async function attempt(router: RouterProcess): Promise<string> {
  const client = clientOf(router)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return 'served'
  } catch (error) {
    return told(error)
  } finally {
    await client.end().catch(() => undefined) // It was refused.
  }
}

function told(error: unknown): string {
  return error instanceof pg.DatabaseError ? `${error.code} ${error.message}` : String(error)
}

/** Where the router learns of the member. */
const SOURCES: Readonly<Record<string, (member: FakeMember, dir: TempDir) => object | Promise<object>>> = {
  file: (member, dir) => {
    const path = join(dir.path, 'cluster.yml')
    const { host, port } = postgres.address
    const conn_url = `postgres://${host}:${port}/postgres`
    const members = { pg1: { conn_url, api_url: `${member.url}/patroni` } }
    writeFileSync(path, stringify({ leader: 'pg1', initialize: SYSTEM_ID, members }))
    return { file: { path } }
  },
  rest: (member) => {
    member.cluster = { members: [member.entry('leader', { ...postgres.address })], scope: 'demo' }
    return { rest: { urls: [member.url] } }
  },
  etcd3: async (member) => {
    const conn_url = `postgres://${postgres.address.host}:${postgres.address.port}/postgres`
    await etcd.client.put('/service/demo/initialize', SYSTEM_ID)
    await etcd.client.put('/service/demo/members/pg1', member.key({ conn_url, role: 'primary' }))
    await etcd.client.put('/service/demo/leader', 'pg1')
    return { etcd3: { hosts: etcd.hosts } }
  },
}

// Each waits most of the time.
describe('silent clients beyond the descriptors, for 20 s at the default intervals', { concurrency: true }, () => {
  for (const [source, access] of Object.entries(SOURCES)) {
    test(`end no session, and refusals say why (${source})`, async () => {
      await using dir = TempDir.create('starvation')
      await using member = await FakeMember.start('pg1', 'primary')
      // What has no descriptor fails at once; what is slow on a busy machine does not fail.
      const proxy = { check: { timeout: '5s' } }
      const config = { scope: 'demo', proxy, ...(await access(member, dir)) }
      await using router = await RouterProcess.start({ config, descriptors: DESCRIPTORS })
      await router.waitForLog('a warning', ({ event, msg }) => event === 'limits-misfit' && msg.includes('LimitNOFILE'))
      const sessions = Array.from({ length: 10 }, () => clientOf(router))
      await Promise.all(sessions.map((session) => session.connect()))
      const outcomes = new Set<string>()
      {
        using flood = new Flood(router.primaryPort, FLOOD)
        const end = performance.now() + FLOOD_MS
        await until('clients are turned away', () => flood.closed > 100)
        // A connection that has to be made anew is made.
        if (source === 'etcd3') await etcd.server.restart()
        await until(
          'the checks have had every reason to fail',
          async () => {
            outcomes.add(await attempt(router))
            await Promise.all(sessions.map((session) => session.query('SELECT 1')))
            return performance.now() > end
          },
          { everyMs: 50, timeoutMs: 60_000 },
        )
        assert.ok(outcomes.has('served'), [...outcomes].join('; '))
        // Sessions give way to nobody.
        const more = Array.from({ length: DESCRIPTORS / 2 }, () => clientOf(router))
        for (const outcome of await Promise.all(more.map((client) => client.connect().then(() => 'served', told))))
          outcomes.add(outcome)
        await Promise.all(more.map((client) => client.end().catch(() => undefined)))
      }
      const reason =
        /^53300 the router's limit of \d+ connections is reached \(256 file descriptors, two per session\)$/
      for (const outcome of outcomes) assert.ok(outcome === 'served' || reason.test(outcome), outcome)
      assert.ok(outcomes.size > 1, [...outcomes].join('; '))
      await Promise.all(sessions.map((session) => session.query('SELECT 1')))
      await until('new clients are served', async () => (await attempt(router)) === 'served')
      await Promise.all(sessions.map((session) => session.end()))
      const troubles = ['fenced', 'dial-trouble', 'accept-trouble', 'member-down', 'fault']
      assert.deepEqual(
        router.log.filter(({ event }) => troubles.includes(String(event))),
        [],
      )
      const lines = router.log.filter(({ event }) => event === 'refused')
      assert.ok(lines.length > 0 && lines.length < 40, `${lines.length} lines`)
    })
  }
})
