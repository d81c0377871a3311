/** A primary that is replaced while the router has no descriptor to ask with: none of its sessions is kept for long. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { stringify } from 'yaml'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { sql } from '../../support/clients/sql.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'
import { Postgres } from './support/postgres.ts'

/** Longer than `fall` checks with their timeouts, below which no proof lapses. */
const TTL_S = 10

/** Where the router learns of the members. */
interface Source extends AsyncDisposable {
  readonly access: object
  readonly ttlS: number
  /** It is out of reach for a router that has no descriptor for a new connection, and its leader is pg2 from now on. */
  readonly replace: () => void | Promise<void>
}

let postgres: Postgres
before(async () => (postgres = await Postgres.create()))
after(() => postgres[Symbol.asyncDispose]())

const connUrl = (): string => `postgres://${postgres.address.host}:${postgres.address.port}/postgres`

const SOURCES: Readonly<Record<string, (dir: TempDir, pg1: FakeMember, pg2: FakeMember) => Promise<Source>>> = {
  file: (dir, pg1, pg2) => {
    const path = join(dir.path, 'cluster.yml')
    const write = (leader: string): void => {
      const of = ({ url }: FakeMember): object => ({ conn_url: connUrl(), api_url: `${url}/patroni` })
      const cluster = { leader, initialize: SYSTEM_ID, config: { ttl: TTL_S }, members: { pg1: of(pg1), pg2: of(pg2) } }
      writeFileSync(path, stringify(cluster))
    }
    write('pg1')
    const replace = (): void => write('pg2')
    return Promise.resolve({ access: { file: { path } }, ttlS: TTL_S, replace, [Symbol.asyncDispose]: async () => {} })
  },
  rest: (_dir, pg1, pg2) => {
    const tell = (leader: FakeMember): void => {
      const members = [pg1, pg2].map((one) => one.entry(one === leader ? 'leader' : 'replica', { ...postgres.address }))
      for (const one of [pg1, pg2]) one.cluster = { members, scope: 'demo' }
    }
    tell(pg1)
    const replace = (): void => tell(pg2)
    const access = { rest: { urls: [pg1.url, pg2.url] } }
    return Promise.resolve({ access, ttlS: 30, replace, [Symbol.asyncDispose]: async () => {} })
  },
  etcd3: async (_dir, pg1, pg2) => {
    const etcd = await EtcdCluster.start()
    const put = (key: string, value: string): Promise<number> => etcd.client.put(`/service/demo/${key}`, value)
    await put('initialize', SYSTEM_ID)
    await put('config', JSON.stringify({ ttl: TTL_S }))
    for (const one of [pg1, pg2]) await put(`members/${one.name}`, one.key({ conn_url: connUrl() }))
    await put('leader', 'pg1')
    const replace = async (): Promise<void> => {
      await etcd.server.restart()
      await put('leader', 'pg2')
    }
    return { access: { etcd3: { hosts: etcd.hosts } }, ttlS: TTL_S, replace, [Symbol.asyncDispose]: () => etcd.close() }
  },
}

/** From now on the router opens nothing. Returns what ends that. */
function exhaust({ process: { pid } }: RouterProcess): () => void {
  const prlimit = (limit: string): string =>
    execFileSync('prlimit', ['--pid', String(pid), ...limit.split(' ')]).toString()
  const before = prlimit('--nofile --noheadings --output SOFT,HARD').trim().split(/\s+/).join(':')
  prlimit(`--nofile=0:${before.split(':')[1]}`)
  return () => void prlimit(`--nofile=${before}`)
}

// Each waits most of the time.
describe('a router without descriptors', { concurrency: true }, () => {
  for (const [name, sourceOf] of Object.entries(SOURCES)) {
    test(`keeps no session of a primary that may have been replaced for longer than one ttl (${name})`, async () => {
      await using dir = TempDir.create('replaced')
      await using pg1 = await FakeMember.start('pg1', 'primary')
      await using pg2 = await FakeMember.start('pg2', 'replica')
      await using source = await sourceOf(dir, pg1, pg2)
      await using router = await RouterProcess.start({ config: { scope: 'demo', ...source.access } })
      await router.waitForLog('pg1 is open', ({ event }) => event === 'primary-open')
      const ended: number[] = []
      const where = { host: '127.0.0.1', port: router.primaryPort, user: 'postgres', database: 'postgres' }
      const sessions = Array.from({ length: 5 }, () => {
        const session = new pg.Client(where).on('error', () => undefined)
        return session.on('end', () => ended.push(performance.now()))
      })
      await Promise.all(sessions.map((session) => session.connect()))
      const from = pg1.asked.length
      await until('it is asked once more', () => pg1.asked.slice(from).includes('/primary'))
      const release = exhaust(router)
      const since = performance.now()
      // Its Patroni is frozen, and its Postgres goes on.
      pg1.mode = 'hung'
      // A question that is under way would still be answered, by the next primary: this one comes after it.
      await (await fetch(`${pg2.url}/patroni`, { headers: { connection: 'close' } })).text()
      await until('nobody is connected to pg2', () => !pg2.isConnected)
      pg2.mode = 'primary'
      pg2.timeline = 2
      await source.replace()
      await until('every session has ended', () => ended.length === 5, { timeoutMs: 90_000 })
      const tookS = ended.map((at) => (at - since) / 1000)
      assert.ok(Math.max(...tookS) < source.ttlS + 5, `after ${tookS.join(', ')} s`)
      assert.ok(
        Math.min(...tookS) > source.ttlS - 5,
        `after ${tookS.join(', ')} s: silence of this machine is none of pg1`,
      )
      assert.equal((await sql(postgres.address.port, 'SELECT 1')).length, 1)
      release()
      await router.waitForLog('pg2 is open', ({ event, member }) => event === 'primary-open' && member === 'pg2')
    })
  }
})
