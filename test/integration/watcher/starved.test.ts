/** A router that is out of file descriptors for longer than its checks take: what it then knows of its members. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { Child } from '../../support/processes/child.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { TempDir } from '../../support/files/temp.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'

interface Line {
  readonly event: string
  readonly [field: string]: unknown
}

describe('a router that is out of descriptors', () => {
  let dir: TempDir
  let etcd: EtcdCluster
  let pg0: FakeMember
  let pg1: FakeMember
  let child: Child
  let lines: Line[]

  before(async () => (etcd = await EtcdCluster.start()))
  after(async () => etcd.close())
  beforeEach(async () => {
    dir = TempDir.create('starved')
    pg0 = await FakeMember.start('pg0', 'primary')
    pg1 = await FakeMember.start('pg1', 'replica')
    for (const one of [pg0, pg1]) one.cluster = { members: [pg0.entry('leader'), pg1.entry('replica')] }
    await etcd.client.deletePrefix('/')
  })
  afterEach(async () => {
    await child.stop()
    await pg0[Symbol.asyncDispose]()
    await pg1[Symbol.asyncDispose]()
    await dir.remove()
  })

  const put = (key: string, value: string): Promise<number> => etcd.client.put(`/service/demo/${key}`, value)
  const views = (from = 0): Line[] => lines.slice(from).filter(({ event }) => event === 'view')
  const shown = (from = 0): string[] => {
    const all = views(from).map(({ state, member, epoch }) => `${String(state)} ${String(member)} ${String(epoch)}`)
    return all.filter((one, index) => one !== all[index - 1])
  }
  const last = (): Line | undefined => views().at(-1)

  /** pg0 is open, pg1 is fit, and no descriptor is left. Where in the lines that was. */
  const starve = async (source: object): Promise<number> => {
    lines = []
    const script = join(import.meta.dirname, 'starved-watcher.ts')
    const args = ['-c', 'ulimit -n 200; exec "$0" "$@"', process.execPath, script, JSON.stringify(source)]
    child = await Child.start('/bin/sh', args, {
      cwd: dir.path,
      logFile: join(dir.path, 'log'),
      onLine: (line) => void lines.push(JSON.parse(line) as Line),
    })
    await child.until('pg0 is open and pg1 fit', () => {
      const now = last()
      return now?.['state'] === 'open' && now['member'] === 'pg0' && String(now['fit']) === 'pg1'
    })
    const from = lines.length
    child.signal('SIGUSR2')
    await child.until('nothing is left', () => lines.some(({ event }) => event === 'exhausted'))
    return from
  }
  /** More questions of each path than silences would end anything. */
  const askInVain = async (...paths: readonly string[]): Promise<void> => {
    const from = lines.length
    for (const path of paths) {
      const inVain = (): number =>
        lines.slice(from).filter((line) => line['path'] === path && line['kind'] === 'unasked').length
      await child.until(`${path} cannot be asked`, () => inVain() > 5)
    }
  }
  const served = async (from: number): Promise<void> => {
    child.signal('SIGHUP')
    await child.until('it is asked again', () => lines.findLast(({ event }) => event === 'asked')?.['kind'] === 'reply')
    await child.until('all is as before', () => last()?.['state'] === 'open' && last()?.['link'] === 'up')
    assert.deepEqual(new Set(views(from).map(({ member, epoch }) => `${String(member)} ${String(epoch)}`)).size, 1)
    assert.ok(views(from).every(({ fit }) => String(fit) === 'pg1'))
  }

  test('closes nothing where the members tell of the cluster', async () => {
    const from = await starve({ urls: [pg0.url, pg1.url] })
    await askInVain('/primary', '/replica', '/cluster')
    assert.deepEqual(
      views(from)
        .map(({ link }) => link)
        .filter((link) => link !== 'up')[0],
      'lost',
    )
    await served(from)
  })

  for (const host of ['127.0.0.1', 'localhost'])
    test(`closes nothing where a file describes the cluster, with members at ${host}`, async () => {
      const file = join(dir.path, 'cluster.json')
      const members = Object.fromEntries(
        [pg0, pg1].map(({ name, port, url }) => [name, { host, port, api_url: url.replace('127.0.0.1', host) }]),
      )
      writeFileSync(file, JSON.stringify({ initialize: SYSTEM_ID, members, leader: 'pg0' }))
      const from = await starve({ file })
      await askInVain('/primary', '/replica')
      await child.until('the file cannot be read', () => last()?.['link'] === 'lost')
      await askInVain('/primary')
      await served(from)
    })

  const fill = async (ttl: number): Promise<void> => {
    await put('initialize', SYSTEM_ID)
    await put('config', JSON.stringify({ ttl }))
    await put('members/pg0', pg0.key())
    await put('members/pg1', pg1.key())
    await put('leader', 'pg0')
  }

  test('closes nothing when etcd is restarted meanwhile', async () => {
    await fill(30)
    const from = await starve({ hosts: etcd.hosts })
    await askInVain('/primary', '/replica')
    assert.deepEqual(views(from), [])
    await etcd.servers[0]?.kill()
    await child.until('etcd is lost', () => last()?.['link'] === 'lost')
    await askInVain('/primary', '/replica')
    await etcd.servers[0]?.restart()
    await served(from)
  })

  test('ends all that it cannot ask about one ttl after the last answer, with etcd away', async () => {
    await fill(3)
    const from = await starve({ hosts: etcd.hosts })
    await etcd.servers[0]?.kill()
    try {
      await child.until('nobody is open', () => last()?.['state'] === 'none')
      const answered = lines.findLast(({ path, kind }) => path === '/primary' && kind === 'reply')
      const ms = Number(last()?.['at']) - Number(answered?.['at'])
      assert.ok(ms > 2500 && ms < 5000, `after ${ms} ms`)
      assert.match(shown(from).join(', '), /^unlocked pg0 1, none null 2$/)
    } finally {
      await etcd.servers[0]?.restart()
    }
    child.signal('SIGHUP')
    await child.until('it is open again', () => last()?.['state'] === 'open')
  })
})
