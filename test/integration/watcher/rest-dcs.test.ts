/** Discovery through members' REST APIs: scripted members, and strangers among them. */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import type { Cluster } from '../../../src/watcher/cluster.ts'
import type { DcsObservation } from '../../../src/watcher/dcs/dcs.ts'
import { RestDcs } from '../../../src/watcher/dcs/member-reports/rest-dcs.ts'
import type { RestReply } from '../../../src/watcher/checks/proof.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { freePort } from '../../support/net/ports.ts'
import { until } from '../../support/until.ts'
import { FakeMember, SYSTEM_ID } from './fake-member.ts'

const PLAIN = { caFile: null, certFile: null, keyFile: null, keyPassword: null, insecure: false }
const OTHER_ID = '7268616322854370000'

/** Records what is observed from these URLs. */
class Discovery implements AsyncDisposable {
  readonly seen: DcsObservation[] = []
  readonly #stop = new AbortController()
  readonly #client = new RestClient(PLAIN, 500, new Lookups())
  readonly #done: Promise<void>

  constructor(urls: readonly string[], { intervalMs = 50, fastIntervalMs = 20 } = {}) {
    const config = { kind: 'rest', urls } as const
    const timing = { intervalMs, fastIntervalMs }
    this.#done = this.#observe(new RestDcs({ config, restClient: this.#client, scope: 'demo', ...timing }))
  }

  get cluster(): Cluster | null {
    const snapshot = this.seen.findLast((one) => one.type === 'snapshot')
    return snapshot === undefined ? null : snapshot.cluster
  }

  get names(): string {
    return this.cluster?.members.map(({ name }) => name).join(' ') ?? ''
  }

  get lastError(): string | null {
    const last = this.seen.at(-1)
    return last?.type === 'lost' ? last.error.message : null
  }

  async members(names: string): Promise<Cluster> {
    return until(`the members are ${names}`, () => this.names === names && this.cluster)
  }

  async claimed(name: string | null): Promise<Cluster> {
    return until(`${name ?? 'nobody'} is claimed`, () => this.cluster?.claimed === name && this.cluster)
  }

  async lost(reason: RegExp): Promise<string> {
    return until(`lost: ${reason}`, () => reason.test(this.lastError ?? '') && this.lastError)
  }

  /** The next observations, as many as show that what is under way has passed. */
  async later(count = 6): Promise<readonly DcsObservation[]> {
    const from = this.seen.length
    await until('more is observed', () => this.seen.length >= from + count)
    return this.seen.slice(from)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
    await this.#client.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #observe(dcs: RestDcs): Promise<void> {
    for await (const seen of dcs.observe(this.#stop.signal)) this.seen.push(seen)
  }
}

type Three = readonly [FakeMember, FakeMember, FakeMember]

/** pg0, which leads, pg1 and pg2; all tell the same. */
async function three(stack: AsyncDisposableStack): Promise<Three> {
  const start = async (name: string, mode: 'primary' | 'replica'): Promise<FakeMember> =>
    stack.use(await FakeMember.start(name, mode))
  const members: Three = [await start('pg0', 'primary'), await start('pg1', 'replica'), await start('pg2', 'replica')]
  tell(members, 'pg0')
  return members
}

/** All tell of all that `leader` leads. */
function tell(members: readonly FakeMember[], leader: string | null, more: object = {}): void {
  const entries = members.map((member) => member.entry(member.name === leader ? 'leader' : 'replica'))
  for (const member of members) member.cluster = { members: entries, scope: 'demo', ...more }
}

/** A server that answers `/patroni` like a member of the cluster, and `/cluster` as it is told. */
async function hostile(stack: AsyncDisposableStack, answer: (response: ServerResponse) => void): Promise<string> {
  const about = { database_system_identifier: SYSTEM_ID, patroni: { scope: 'demo', version: '4.1.4' } }
  const server = createServer((request, response) => {
    if (request.url === '/cluster') answer(response)
    else response.end(JSON.stringify(about))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('discovery through REST', () => {
  test('finds all members by one, and asks all of them from then on', async () => {
    await using stack = new AsyncDisposableStack()
    const members = await three(stack)
    const discovery = stack.use(new Discovery([members[1].url]))
    const cluster = await discovery.members('pg0 pg1 pg2')
    assert.deepEqual(
      cluster.members.map(({ port, restUrl }) => [port, restUrl]),
      members.map(({ port, url }) => [port, url]),
    )
    const { leader, hasLock, claimed, systemId } = cluster
    assert.deepEqual([leader, hasLock, claimed, systemId], [null, false, 'pg0', SYSTEM_ID])
    await until('all are asked', () =>
      members.every(({ asked }) => asked.filter((path) => path === '/cluster').length > 2),
    )
  })

  test('reports the leader that the members name, and nothing new while nothing changes', async () => {
    await using stack = new AsyncDisposableStack()
    const members = await three(stack)
    const discovery = stack.use(new Discovery([members[0].url]))
    await discovery.claimed('pg0')
    const same = await discovery.later()
    assert.equal(new Set(same.map((one) => one.type === 'snapshot' && one.cluster)).size, 1)
    tell(members, null)
    await discovery.claimed(null)
    tell(members, 'pg1', { pause: true })
    assert.equal((await discovery.claimed('pg1')).paused, true)
  })

  test('continues with any member that answers, the configured one not needed', async () => {
    await using stack = new AsyncDisposableStack()
    const [pg0, pg1, pg2] = await three(stack)
    const discovery = stack.use(new Discovery([pg0.url]))
    await until('all are asked', () => [pg1, pg2].every(({ asked }) => asked.length > 2))
    pg0.mode = 'hung'
    pg1.cluster = null
    tell([pg2], 'pg2')
    await discovery.claimed('pg2')
    assert.equal(discovery.lastError, null)
  })

  test('is lost when no member reports the cluster, says why of each, and comes back by itself', async () => {
    await using stack = new AsyncDisposableStack()
    const members = await three(stack)
    const [pg0, pg1, pg2] = members
    const discovery = stack.use(new Discovery([pg0.url]))
    await until('all are asked', () => [pg1, pg2].every(({ asked }) => asked.length > 2))
    for (const member of members) member.cluster = null
    const error = await discovery.lost(/no member reports the cluster/)
    for (const { url } of members) assert.match(error, new RegExp(`${url}: it answers, but not to GET /cluster`))
    pg0.mode = 'hung'
    await discovery.lost(/no answer within 500 ms/)
    tell([pg1, pg2], 'pg1')
    await discovery.claimed('pg1')
    assert.equal(discovery.lastError, null)
  })

  test('forgets a member that no source names any more, and no longer asks it', async () => {
    await using stack = new AsyncDisposableStack()
    const [pg0, pg1, pg2] = await three(stack)
    const discovery = stack.use(new Discovery([pg0.url]))
    await until('all are asked', () => pg2.asked.length > 2)
    tell([pg0, pg1], 'pg0')
    pg2.cluster = null
    await discovery.members('pg0 pg1')
    await discovery.later(2)
    const asked = pg2.asked.length
    await discovery.later(8)
    assert.equal(pg2.asked.length, asked)
  })

  test('keeps a member that only some sources name', async () => {
    await using stack = new AsyncDisposableStack()
    const [pg0, pg1, pg2] = await three(stack)
    const discovery = stack.use(new Discovery([pg0.url, pg1.url]))
    await discovery.members('pg0 pg1 pg2')
    pg2.cluster = null
    tell([pg0], 'pg0')
    await discovery.later(8)
    assert.equal(discovery.names, 'pg0 pg1 pg2')
  })

  test('asks again soon as long as it has learnt nothing', async () => {
    await using stack = new AsyncDisposableStack()
    const [pg0] = await three(stack)
    pg0.cluster = null
    const discovery = stack.use(new Discovery([pg0.url], { intervalMs: 60_000 }))
    await discovery.lost(/no member reports the cluster/)
    tell([pg0], 'pg0')
    await discovery.members('pg0')
  })
})

describe('a source that does not belong to the cluster', () => {
  test('is refused by its scope, and named', async () => {
    await using stack = new AsyncDisposableStack()
    const [pg0] = await three(stack)
    const other = stack.use(await FakeMember.start('x0', 'primary'))
    other.scope = 'other'
    tell([other], 'x0', { scope: 'other' })
    const alone = stack.use(new Discovery([other.url]))
    const url = other.url.replace('.', '\\.')
    await alone.lost(new RegExp(`${url}: it belongs to another cluster \\(scope "other", not "demo"\\)`))
    assert.equal(alone.cluster, null)
    const discovery = stack.use(new Discovery([other.url, pg0.url]))
    const isIgnored = (): boolean => discovery.cluster?.ignoredKeys.some(({ key }) => key === other.url) === true
    await until('it is ignored', isIgnored)
    assert.deepEqual([discovery.names, discovery.cluster?.claimed], ['pg0 pg1 pg2', 'pg0'])
    assert.match(discovery.cluster?.ignoredKeys[0]?.reason ?? '', /scope "other"/)
  })

  test('of the same scope leaves no usable source at the start, when nothing says which is meant', async () => {
    await using stack = new AsyncDisposableStack()
    const [pg0] = await three(stack)
    const other = stack.use(await FakeMember.start('x0', 'primary'))
    other.systemId = OTHER_ID
    tell([other], 'x0')
    const discovery = stack.use(new Discovery([other.url, pg0.url]))
    const error = await discovery.lost(/list members of one cluster only/)
    assert.ok(error.includes(OTHER_ID) && error.includes(SYSTEM_ID), error)
    other.mode = 'hung'
    await discovery.lost(/no answer within/)
    assert.equal(discovery.cluster, null)
  })

  test('of the same scope does not take over when the others are silent', async () => {
    await using stack = new AsyncDisposableStack()
    const members = await three(stack)
    const other = stack.use(await FakeMember.start('x0', 'primary'))
    other.mode = 'hung'
    other.systemId = OTHER_ID
    tell([other], 'x0')
    const discovery = stack.use(new Discovery([other.url, members[0].url]))
    await until('all are asked', () => members.every(({ asked }) => asked.length > 2))
    for (const member of members) member.mode = 'hung'
    other.mode = 'primary'
    await discovery.lost(/it belongs to a different database cluster/)
    await discovery.later()
    assert.deepEqual([discovery.names, discovery.cluster?.systemId], ['pg0 pg1 pg2', SYSTEM_ID])
  })

  test('may be a member without a database yet, which tells of the others: theirs counts from the first', async () => {
    await using stack = new AsyncDisposableStack()
    const members = await three(stack)
    members[2].systemId = null
    const discovery = stack.use(new Discovery([members[2].url]))
    await discovery.members('pg0 pg1 pg2')
    const ids = discovery.seen.map((one) => one.type === 'snapshot' && one.cluster.systemId)
    assert.deepEqual([...new Set(ids)], [SYSTEM_ID])
  })

  test('is followed when the whole cluster was created again', async () => {
    await using stack = new AsyncDisposableStack()
    const members = await three(stack)
    const discovery = stack.use(new Discovery([members[0].url]))
    await until('all are asked', () => members.every(({ asked }) => asked.length > 2))
    for (const member of members) member.systemId = OTHER_ID
    await until('it is known', () => discovery.cluster?.systemId === OTHER_ID)
  })
})

describe('a hostile source', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => ({ name: `m${index}`, role: 'leader' }))
  const evil = [{ name: 'pg0', role: 'leader', host: 'evil.example.com', port: 5432, api_url: 'file:///etc/passwd' }]
  const deep = `{"members":${'['.repeat(100_000)}`
  const answers: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ['answers with 10 MB', (response) => response.end(`{"members":[],"x":"${'x'.repeat(10 * 1024 * 1024)}"}`)],
    ['answers with 100,000 members', (response) => response.end(JSON.stringify({ members: many }))],
    ['answers without end', endless],
    ['nests without end', (response) => response.end(deep)],
    ['redirects', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['names a member of ours elsewhere', (response) => response.end(JSON.stringify({ members: evil }))],
    ['names members with what is no name', (response) => response.end('{"members":[{"name":"\\u001b[2J"},1,null,[]]}')],
  ]
  for (const [what, answer] of answers) {
    test(`that ${what} harms nothing`, async () => {
      await using stack = new AsyncDisposableStack()
      const [pg0] = await three(stack)
      const url = await hostile(stack, answer)
      const discovery = stack.use(new Discovery([url, pg0.url]))
      const { members, claimed } = await discovery.members('pg0 pg1 pg2')
      await discovery.later()
      assert.deepEqual([discovery.names, claimed, members[0]?.host], ['pg0 pg1 pg2', 'pg0', '127.0.0.1'])
      assert.doesNotMatch(JSON.stringify(discovery.cluster), /\\u001b|evil/)
    })
  }
})

test('no more than 20 sources are asked, the configured ones among them', async () => {
  const asked = new Set<string>()
  const members = Array.from({ length: 60 }, (_, index) => {
    return { name: `m${index}`, role: 'replica', state: 'running', api_url: `http://10.0.0.${index}:8008/patroni` }
  })
  const body = { members, database_system_identifier: SYSTEM_ID, patroni: { scope: 'demo' } }
  const restClient = {
    get: (url: string): Promise<RestReply> => {
      asked.add(url)
      return Promise.resolve({ kind: 'reply', status: 200, body })
    },
  }
  const config = { kind: 'rest', urls: ['http://seed:8008'] } as const
  const dcs = new RestDcs({ config, restClient, scope: 'demo', intervalMs: 1, fastIntervalMs: 1 })
  let observations = 0
  for await (const { type } of dcs.observe(new AbortController().signal)) {
    assert.equal(type, 'snapshot')
    if (++observations === 100) break
  }
  assert.deepEqual([asked.size, asked.has('http://seed:8008')], [20, true])
})

/** Until the client leaves. */
function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write('x'.repeat(65_536))) continue
  }
  response.on('drain', more)
  more()
}

describe('the end of a discovery', () => {
  test('comes at once, with answers under way, and leaves no connection and no timer', async () => {
    await using stack = new AsyncDisposableStack()
    const members = await three(stack)
    const open = (): number => process.getActiveResourcesInfo().filter((kind) => /TCPSocket|Timeout/.test(kind)).length
    const before = open()
    const refusing = `http://127.0.0.1:${await freePort()}`
    const discovery = new Discovery([members[0].url, refusing])
    await discovery.members('pg0 pg1 pg2')
    for (const member of members) member.mode = 'hung'
    const asked = members[1].asked.length
    await until('somebody is asked', () => members[1].asked.length > asked)
    await discovery.stop()
    await until('nothing is open', () => open() <= before)
  })

  test('comes before its beginning where it is no longer wanted', async () => {
    const discovery = new Discovery(['http://127.0.0.1:1'])
    await discovery.stop()
    assert.deepEqual(discovery.seen, [])
  })
})
