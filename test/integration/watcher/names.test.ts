/** Members that have names: what the DNS says of them, and what becomes of their clients. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import type { ClusterConfig } from '../../../src/config/config.ts'
import { TempDir } from '../../support/files/temp.ts'
import { isDeepStrictEqual } from 'node:util'
import { freePorts } from '../../support/net/ports.ts'
import { until } from '../../support/until.ts'
import { cluster, member } from '../../unit/watcher/sample.ts'
import { AUTH_OK, STARTUP } from '../proxy/support/messages.ts'
import { type FakeServer, type Rig, Scene } from '../proxy/support/scene.ts'
import type { Wire } from '../proxy/support/wire.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'
import { Watched } from './watched.ts'
import { dcsOf } from './dcs-of.ts'

const NAME = 'db1.example'
const [HERE, THERE] = ['127.0.0.1', '127.0.0.2']

interface Start {
  readonly restName?: string
  readonly proxy?: Partial<ClusterConfig['proxy']>
  readonly stateDir?: string
}

type Answer = readonly string[] | 'ENOTFOUND' | 'silence'

/** One member `pg0` by a name, with a server at each of two addresses to which the name may lead. */
class Stage implements AsyncDisposable {
  readonly scene = new Scene()
  readonly members: FakeMember[] = []
  readonly servers: FakeServer[] = []
  readonly names = new Map<string, Answer>([[NAME, [HERE]]])
  /** How often each name was looked up. */
  readonly lookups = new Map<string, number>()
  watch!: () => Watched
  watched!: Watched
  rig!: Rig

  /** `restName`: of its REST API, where it is another one. `hosts`: where there is a server. */
  async start(
    mode: 'primary' | 'replica' = 'primary',
    { restName = NAME, proxy = {}, stateDir }: Start = {},
  ): Promise<void> {
    // The same at both addresses.
    const [restPort = 0, port = 0] = await freePorts(2)
    for (const host of [HERE, THERE]) {
      this.members.push(await FakeMember.start('pg0', mode, { host, port: restPort }))
      this.servers.push(await this.scene.postgres({ host, port }))
    }
    const [first, server] = [this.members[0], this.servers[0]]
    assert.ok(first && server)
    const restUrl = `http://${restName}:${new URL(first.url).port}`
    const role = mode === 'primary' ? 'primary' : 'replica'
    const pg0 = member('pg0', { host: NAME, port: server.address.port, restUrl, role })
    const leader = mode === 'primary' ? { name: 'pg0', session: '1' } : null
    const seen = cluster({ leader, members: [pg0], systemId: SYSTEM_ID })
    const dcs = dcsOf({
      async *observe(signal) {
        yield { type: 'snapshot', cluster: seen, restored: false, endpoint: 'demo' }
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      },
    })
    this.watch = () => {
      const own = { resolve: (host: string) => this.#resolve(host), timeoutMs: 200, patienceMs: 20, freshMs: 20 }
      const kept = stateDir === undefined ? {} : { stateDir }
      return new Watched([], { dcs, lookups: new Lookups(own), started: false, proxy, ...kept })
    }
    this.rig = await this.scene.proxy()
    this.run()
  }

  /** Starts a watcher for the proxy, as after a restart of the router. */
  run(): void {
    this.watched = this.watch()
    this.rig.onFailure = (failure) => this.watched.watcher.dialFailed(failure)
    this.watched.watcher.subscribe('proxy', (view) => this.rig.proxy.apply(view))
    this.watched.watcher.start()
  }

  async #resolve(host: string): Promise<readonly string[]> {
    this.lookups.set(host, (this.lookups.get(host) ?? 0) + 1)
    const answer = this.names.get(host) ?? 'ENOTFOUND'
    if (answer === 'silence') return new Promise((_, reject) => setTimeout(() => reject(failed(host, 'ETIMEOUT')), 200))
    if (typeof answer === 'string') throw failed(host, answer)
    return Promise.resolve(answer)
  }

  /** Resolves when `host` has been looked up, and asked about, twice more. */
  async lookedUp(host = NAME): Promise<void> {
    const before = this.lookups.get(host) ?? 0
    await until('it is looked up twice more', () => (this.lookups.get(host) ?? 0) >= before + 2)
  }

  async served(listener = 'primary'): Promise<Wire> {
    const client = (await this.scene.client(this.rig, listener)).send(STARTUP)
    await client.got(AUTH_OK)
    return client
  }

  /** What `status` shows besides. */
  get notices(): readonly string[] {
    return this.watched.view.dcs.notices.map(({ message }) => message)
  }

  /** Waits for so many sessions at either server: the end of a connect that was given up arrives a moment later. */
  async opens(here: number, there: number): Promise<void> {
    const reached = (): boolean => isDeepStrictEqual(this.open, [here, there])
    await until(
      `${here} and ${there} sessions are open`,
      () => reached() || Promise.reject(new Error(String(this.open))),
    )
  }

  /** How many sessions are on the server of each address. */
  get open(): number[] {
    return this.servers.map(({ open }) => open)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watched.watcher.close()
    for (const each of this.members) await each[Symbol.asyncDispose]()
    await this.scene.clear()
  }
}

function failed(host: string, code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code })
}

let stage: Stage
beforeEach(() => (stage = new Stage()))
afterEach(async () => stage[Symbol.asyncDispose]())

test('a client is dialled at the address where the member was confirmed', async () => {
  await stage.start()
  await stage.watched.until('open pg0')
  await stage.served()
  assert.deepEqual(stage.watched.view.primary.place?.host, HERE)
  await stage.opens(1, 0)
})

test('a name that leads to another server ends the sessions on the old one, and that one is dialled when it is confirmed', async () => {
  await stage.start()
  const [old, young] = stage.members
  assert.ok(old && young)
  await stage.watched.until('open pg0')
  const client = await stage.served()
  young.mode = 'replica'
  stage.names.set(NAME, [THERE])
  await until('the session has ended', () => client.ended)
  await until('the new server is asked', () => young.asked.includes('/primary'))
  const waiting = (await stage.scene.client(stage.rig)).send(STARTUP)
  await until('the client is held', () => stage.rig.held === 1)
  await stage.opens(0, 0)
  young.mode = 'primary'
  await waiting.got(AUTH_OK)
  await stage.opens(0, 1)
  assert.deepEqual(stage.notices, [])
})

for (const answer of ['ENOTFOUND', 'silence'] as const) {
  test(`a DNS that fails (${answer}) closes no session, and new clients are served where the member was confirmed`, async () => {
    await stage.start()
    await stage.watched.until('open pg0')
    const client = await stage.served()
    const { epoch } = stage.watched.view.primary
    stage.names.set(NAME, answer)
    await stage.lookedUp()
    await stage.served()
    assert.equal(client.ended, false)
    await stage.opens(2, 0)
    assert.deepEqual([stage.watched.primary, stage.watched.view.primary.epoch], ['open pg0', epoch])
  })
}

for (const mode of ['primary', 'replica'] as const) {
  test(`a name that resolves to a dead address moves no member: a ${mode} that shows itself where it was stays`, async () => {
    await stage.start(mode)
    const listener = mode === 'primary' ? 'primary' : 'replicas'
    const client = await stage.served(listener)
    const [member] = stage.members
    for (const dead of [['127.0.0.3'], ['127.0.0.3', '127.0.0.4']]) {
      stage.names.set(NAME, dead)
      await stage.lookedUp()
      const asked = member?.asked.length ?? 0
      await until('it is asked where it was', () => (member?.asked.length ?? 0) > asked + 3)
      await stage.served(listener)
    }
    await stage.opens(3, 0)
    assert.equal(client.ended, false)
    const told = 'db1.example resolves to 127.0.0.3, 127.0.0.4, where pg0 does not answer'
    assert.deepEqual(stage.notices, [
      `${told}: the router still uses 127.0.0.1, where pg0 was last confirmed. Correct the DNS record, or the address in the member's key`,
    ])
    stage.names.set(NAME, 'silence')
    await stage.lookedUp()
    assert.equal(stage.notices.length, 1, 'a DNS that says nothing')
    stage.names.set(NAME, [HERE])
    await until('that is over', () => stage.notices.length === 0)
    const logged = stage.watched.logged.map((line) => JSON.parse(line) as { level: number; event: string })
    const about = logged.filter(({ event }) => event.startsWith('name-leads-elsewhere'))
    assert.deepEqual(
      about.map(({ level, event }) => [level, event]),
      [
        [40, 'name-leads-elsewhere'],
        [30, 'name-leads-elsewhere-over'],
      ],
    )
  })
}

test("a name that resolves to another member moves none: its answers are a stranger's", async () => {
  await stage.start()
  await stage.watched.until('open pg0')
  const client = await stage.served()
  const [, stranger] = stage.members
  assert.ok(stranger)
  Object.assign(stranger, { name: 'pg1', mode: 'replica' })
  stage.names.set(NAME, [THERE])
  await until('the stranger is asked', () => stranger.asked.length > 3)
  await stage.served()
  await stage.opens(2, 0)
  assert.equal(client.ended, false)
})

test('a member that has moved is found although another one answers at its old address', async () => {
  await stage.start()
  const [old, young] = stage.members
  assert.ok(old && young)
  await stage.watched.until('open pg0')
  await stage.served()
  young.delayMs = 50
  stage.names.set(NAME, [THERE])
  old.name = 'pg1'
  await until('it is open where it is now', () => stage.watched.view.primary.place?.host === THERE)
  await stage.served()
  assert.equal(stage.open[1], 1)
})

test('a name that leads to a dead address keeps no *no* of the member from being heard', async () => {
  await stage.start()
  await stage.watched.until('open pg0')
  const client = await stage.served()
  const [member] = stage.members
  assert.ok(member)
  stage.names.set(NAME, ['127.0.0.3'])
  await stage.lookedUp()
  member.mode = 'replica'
  await until('the session has ended', () => client.ended)
})

test('where Postgres has a name of its own that leads to a dead address, it is where it was', async () => {
  stage.names.set('api.example', [HERE])
  await stage.start('primary', { restName: 'api.example' })
  await stage.watched.until('open pg0')
  const client = await stage.served()
  stage.names.set(NAME, ['127.0.0.3'])
  await stage.lookedUp()
  await stage.lookedUp()
  await stage.served()
  await stage.opens(2, 0)
  assert.equal(client.ended, false)
  await until('a person can see it', () => stage.notices.some((notice) => notice.startsWith(`${NAME} resolves to`)))
})

test('a router that is restarted while the DNS is silent checks a member where it was confirmed, and serves', async () => {
  await using dir = TempDir.create('names')
  await stage.start('primary', { stateDir: dir.path })
  await stage.watched.until('open pg0')
  await stage.watched.watcher.close()
  stage.names.set(NAME, 'silence')
  stage.run()
  await stage.watched.until('open pg0')
  await stage.served()
  await stage.opens(1, 0)
})

test('addresses in another order, or more of them, change nothing', async () => {
  await stage.start()
  await stage.watched.until('open pg0')
  const client = await stage.served()
  const { epoch, basis } = stage.watched.view.primary
  for (const answer of [
    [THERE, HERE],
    [HERE, THERE],
  ]) {
    stage.names.set(NAME, answer)
    await stage.lookedUp()
  }
  await stage.served()
  await stage.opens(2, 0)
  assert.equal(client.ended, false)
  assert.deepEqual([stage.watched.view.primary.epoch, stage.watched.view.primary.basis], [epoch, basis])
  assert.deepEqual(stage.members[1]?.asked, [])
})

test('the address that answers is the one that is dialled, where a name has several', async () => {
  stage.names.set(NAME, ['127.0.0.3', THERE])
  await stage.start()
  await stage.watched.until('open pg0')
  await stage.served()
  await stage.opens(0, 1)
})

test('where Postgres has a name of its own, that one is followed too', async () => {
  stage.names.set('api.example', [HERE])
  await stage.start('primary', { restName: 'api.example' })
  await stage.watched.until('open pg0')
  const client = await stage.served()
  stage.names.set(NAME, 'ENOTFOUND')
  await stage.lookedUp()
  await stage.opens(1, 0)
  assert.equal(client.ended, false)
  stage.names.set(NAME, [THERE])
  await until('the session has ended', () => client.ended)
  await stage.served()
  await stage.opens(0, 1)
})

test('a replica whose name leads to another server loses its sessions, and is used when it is fit there', async () => {
  await stage.start('replica')
  const [, young] = stage.members
  assert.ok(young)
  const client = await stage.served('replicas')
  await stage.opens(1, 0)
  stage.names.set(NAME, 'silence')
  await stage.lookedUp()
  await stage.served('replicas')
  await stage.opens(2, 0)
  assert.equal(client.ended, false)
  young.mode = 'primary'
  stage.names.set(NAME, [THERE])
  await until('the session has ended', () => client.ended)
  const waiting = (await stage.scene.client(stage.rig, 'replicas')).send(STARTUP)
  await until('the client is held', () => stage.rig.held === 1)
  await stage.opens(0, 0)
  young.mode = 'replica'
  await waiting.got(AUTH_OK)
  await stage.opens(0, 1)
})

test('with trust: dcs a silent DNS closes no session, and a name that leads elsewhere is a move', async () => {
  await stage.start('primary', { proxy: { trust: 'dcs' } })
  await stage.watched.until('open pg0')
  const client = await stage.served()
  stage.names.set(NAME, 'silence')
  await stage.lookedUp()
  await stage.served()
  await stage.opens(2, 0)
  assert.equal(client.ended, false)
  stage.names.set(NAME, [THERE])
  await until('the session has ended', () => client.ended)
  await stage.served()
  await stage.opens(0, 1)
})
