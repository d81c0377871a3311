/** ZooKeeper as the router reads it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { Lookups } from '../../../src/names/lookups.ts'
import { Ensemble } from '../../../src/watcher/dcs/exhibitor/ensemble.ts'
import { JuteWriter } from '../../../src/watcher/dcs/zookeeper-common/jute.ts'
import { connectRequest } from '../../../src/watcher/dcs/zookeeper-common/protocol.ts'
import { NamedServers } from '../../../src/watcher/dcs/zookeeper-common/servers.ts'
import type { ZooKeeperConfig } from '../../../src/watcher/dcs/zookeeper-common/section.ts'
import { CertificateAuthority, replaceFile } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePort } from '../../support/net/ports.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { IS_NEW, onlyFor, OPEN } from '../../support/zookeeper/client.ts'
import { ZooKeeperEnsemble } from '../../support/zookeeper/ensemble.ts'
import { OldServer } from '../../support/zookeeper/old-server.ts'
import { ZooKeeperObserver } from './zookeeper-observer.ts'

const SCOPE = '/service/demo'
const LEADER = `${SCOPE}/leader`
const RARELY = 60_000
const member = (port: number): string => JSON.stringify({ conn_url: `postgres://127.0.0.1:${port}/postgres` })

/** Returns what is said of a ZooKeeper that cannot be read, without its address; no secret is in it. */
async function refusal(endpoint: string, access: Partial<ZooKeeperConfig> = {}): Promise<string> {
  await using observer = new ZooKeeperObserver([endpoint], { access })
  const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
  const text = lost.type === 'lost' ? inspect(lost.error, { depth: 4 }) : ''
  for (const { credential } of access.auth ?? []) assert.ok(!text.includes(credential), text)
  const begin = `ZooKeeper at ${endpoint} cannot be read: `
  assert.ok(observer.reasons[0]?.startsWith(begin), text)
  return observer.reasons[0]?.slice(begin.length) ?? ''
}

/** Makes a session that says nothing after it has made an ephemeral node. */
async function silentSession(port: number, path: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(connectRequest(900))
  await once(socket, 'data')
  const [xid, create, rights, isEphemeral] = [1, 1, 31, 1]
  const node = new JuteWriter().int(xid).int(create).text(path).buffer(Buffer.alloc(0))
  socket.write(node.int(1).int(rights).text('world').text('anyone').int(isEphemeral).packet())
  return socket
}

describe('one ZooKeeper', () => {
  let zookeeper: ZooKeeperEnsemble
  before(async () => (zookeeper = await ZooKeeperEnsemble.start()))
  after(async () => zookeeper.close())
  beforeEach(async () => {
    for (const path of ['/service', '/root']) await zookeeper.client.deleteAll(path)
  })

  test('is watched: each leader, in order, and nothing of another scope or group', async () => {
    const { client, hosts } = zookeeper
    const strange = ['demo2', 'dem', 'demo-', 'demo/0', 'demo0', 'demo/members/pg0']
    for (const scope of strange) await client.put(`/service/${scope}/leader`, 'stranger')
    await client.put(`${SCOPE}/initialize`, '7')
    await using observer = new ZooKeeperObserver(hosts, { intervalMs: RARELY })
    await observer.leader(null)
    for (const scope of strange) await client.put(`/service/${scope}/leader`, 'stranger2')
    for (const name of ['pg0', 'pg1', 'pg2']) {
      await client.put(LEADER, name)
      await observer.leader(name)
    }
    assert.equal(observer.cluster.systemId, '7')
    assert.deepEqual(observer.leaders, [null, 'pg0', 'pg1', 'pg2'])
    assert.deepEqual(observer.cluster.members, [])
    assert.deepEqual(observer.reasons, [])
  })

  test('gives a lock another session when it is taken again by the same name', async () => {
    const { client, hosts } = zookeeper
    await client.create(LEADER, 'pg0')
    await using observer = new ZooKeeperObserver(hosts, { intervalMs: RARELY })
    await observer.leader('pg0')
    const { session } = observer.cluster.leader ?? {}
    await client.put(LEADER, 'pg0')
    await client.put(`${SCOPE}/config`, '{"ttl": 20}')
    await observer.until('the configuration', () => observer.cluster.ttlMs === 20_000)
    assert.equal(observer.cluster.leader?.session, session)
    await client.delete(LEADER)
    await client.create(LEADER, 'pg0')
    await observer.until('another session', () => (observer.cluster.leader?.session ?? session) !== session)
  })

  for (const [what, startOld] of [
    ['a server', null],
    ['a server from before 3.6, whose watches report one change', (port: number) => OldServer.start(port)],
    ['a server with WatchManagerOptimized, whose do the same', (port: number) => OldServer.start(port, true)],
  ] as const)
    test(`loses the leader at once and a member some time later, of ${what}`, async () => {
      const { client, server } = zookeeper
      await using old = (await startOld?.(server.port)) ?? null
      for (const name of ['pg0', 'pg1']) await client.put(`${SCOPE}/members/${name}`, member(1))
      const holder = client.as()
      await holder.create(LEADER, 'pg0', { ephemeral: true })
      await client.delete(`${SCOPE}/members/pg0`)
      await holder.create(`${SCOPE}/members/pg0`, member(1), { ephemeral: true })
      await using observer = new ZooKeeperObserver([`127.0.0.1:${old?.port ?? server.port}`], { intervalMs: RARELY })
      await observer.leader('pg0')
      // Made again within some milliseconds: nothing is published but its new value.
      await client.delete(`${SCOPE}/members/pg1`)
      await client.create(`${SCOPE}/members/pg1`, member(2))
      await observer.until('its new value', () => observer.cluster.members[1]?.port === 2)
      await client.put(`${SCOPE}/members/pg2`, member(3))
      await observer.until('a new member', () => observer.cluster.members.length === 3)
      // Both are gone with one transaction.
      await holder.close()
      await observer.until('the member is gone', () => observer.cluster.members.length === 2)
      assert.deepEqual(observer.states, ['pg0 pg1: pg0', 'pg0 pg1 pg2: pg0', 'pg0 pg1 pg2: nobody', 'pg1 pg2: nobody'])
      await client.put(LEADER, 'pg1')
      await observer.leader('pg1')
      await client.deleteAll('/service')
      await observer.until(
        'all is gone',
        () => observer.cluster.systemId === null && observer.cluster.members.length === 0,
      )
      await client.put(LEADER, 'pg2')
      await observer.leader('pg2')
      assert.deepEqual(observer.reasons, [])
      if (old !== null) assert.equal(old.refused, 1)
    })

  test('still lists a member that was being made again when the connection was lost', async () => {
    const { client, server } = zookeeper
    const relay = await Relay.start(server.port)
    await client.put(LEADER, 'pg0')
    await client.put(`${SCOPE}/members/pg1`, member(1))
    await using observer = new ZooKeeperObserver([`127.0.0.1:${relay.port}`], { intervalMs: RARELY })
    await observer.leader('pg0')
    await client.delete(`${SCOPE}/members/pg1`)
    relay.resume()
    const from = observer.seen.length
    await observer.until('it is read again', ({ type }) => type === 'snapshot', { from })
    await client.create(`${SCOPE}/members/pg1`, member(2))
    await observer.until('its new value', () => observer.cluster.members[0]?.port === 2)
    assert.deepEqual(observer.states, ['pg1: pg0'])
    await relay.close()
  })

  test('is published as it was at a moment, where a node is written again before it is read', async () => {
    const { client, server } = zookeeper
    await using relay = await Relay.start(server.port)
    await client.put(`${SCOPE}/members/pg0`, member(1))
    await client.put(`${SCOPE}/status`, '{"optime":1}')
    await using observer = new ZooKeeperObserver([`127.0.0.1:${relay.port}`], { intervalMs: RARELY })
    await observer.until('the position', () => observer.cluster.optime === 1)
    const release = relay.hold()
    // It asks for the position, and the answer comes with the last one.
    await client.put(`${SCOPE}/status`, '{"optime":2}')
    await client.put(`${SCOPE}/members/pg0`, member(2))
    await client.put(`${SCOPE}/status`, '{"optime":3}')
    release()
    await observer.until('the last position', () => observer.cluster.optime === 3)
    const moments = observer.snapshots.map(({ cluster }) => `${cluster.optime} ${cluster.members[0]?.port}`)
    assert.deepEqual([...new Set(moments)], ['1 1', '3 2'])
  })

  test('is read at the next address of its name where one does not serve', async () => {
    const { client, server } = zookeeper
    await client.put(LEADER, 'pg0')
    const dead = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => dead.listen(server.port, '127.0.0.2', resolve))
    const lookups = new Lookups({ resolve: async () => Promise.resolve(['127.0.0.2', '127.0.0.1']) })
    const name = `zookeeper.example.org:${server.port}`
    await using observer = new ZooKeeperObserver(new NamedServers([name], lookups))
    await observer.leader('pg0')
    assert.equal(observer.last?.endpoint, `127.0.0.1:${server.port}`)
    assert.equal(observer.losses[0]?.endpoint, `127.0.0.2:${server.port}`)
    dead.close()
  })

  test('is found by Exhibitor, whose list stays while it does not answer, and is followed', async () => {
    const { client, server } = zookeeper
    await client.put(LEADER, 'pg0')
    const [first, relay] = [await Relay.start(server.port), await Relay.start(server.port)]
    let list: object | null = { servers: ['127.0.0.1'], port: first.port }
    let asked = 0
    const exhibitor = createHttpServer((request, response) => {
      asked++
      const isList = request.url === '/exhibitor/v1/cluster/list' && list !== null
      response.writeHead(isList ? 200 : 500).end(JSON.stringify(list))
    })
    await using stack = new AsyncDisposableStack()
    stack.defer(() => void exhibitor.close())
    for (const each of [first, relay]) stack.defer(() => each.close())
    await new Promise<void>((resolve) => exhibitor.listen(0, '127.0.0.1', resolve))
    const address = exhibitor.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    // The first of them does not answer at all.
    const place = { hosts: ['127.0.0.3', '127.0.0.1'], port, pollMs: 1000 }
    await using observer = new ZooKeeperObserver(new Ensemble(place, new Lookups()))
    await observer.leader('pg0')
    list = { servers: ['127.0.0.1'], port: relay.port }
    const before = asked
    // The second time shows that the first list has been taken.
    await until('it is asked again', () => asked >= before + 2)
    // The connection that serves stays.
    await client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    assert.equal(observer.last?.endpoint, `127.0.0.1:${first.port}`)
    await using later = new ZooKeeperObserver(new Ensemble(place, new Lookups()))
    await later.leader('pg1')
    assert.equal(later.last?.endpoint, `127.0.0.1:${relay.port}`)
    list = null
    await first.close()
    await until('the other server is read', () => observer.last?.endpoint === `127.0.0.1:${relay.port}`)
    relay.resume()
    await until('it is read again', () => later.losses.length > 0 && later.last?.type === 'snapshot')
    await using never = new ZooKeeperObserver(new Ensemble(place, new Lookups()))
    await never.until('it is lost', ({ type }) => type === 'lost')
    assert.match(
      never.reasons[0] ?? '',
      /: no Exhibitor lists the servers of ZooKeeper \(127\.0\.0\.3:\d+: .*; 127\.0\.0\.1:\d+: it answers 500\)$/,
    )
  })

  test('is read below a chroot, whether it is there yet or not', async () => {
    const { client, hosts } = zookeeper
    await using observer = new ZooKeeperObserver(hosts, { access: { chroot: '/root/patroni' }, intervalMs: RARELY })
    await observer.leader(null)
    await client.put('/service/demo/leader', 'stranger')
    await client.put('/root/patroni/service/demo/leader', 'pg0')
    await observer.leader('pg0')
    assert.deepEqual(observer.leaders, [null, 'pg0'])
  })

  test('says what else is there where the cluster is not', async () => {
    const { client, hosts } = zookeeper
    const absent = async (): Promise<string> => {
      await using observer = new ZooKeeperObserver(hosts)
      await observer.leader(null)
      const last = observer.last?.notices?.find(({ event }) => event === 'no-cluster')
      return last?.message ?? ''
    }
    assert.match(
      await absent(),
      /^this ZooKeeper has no keys of any Patroni cluster: is it the right one, and the right chroot/,
    )
    await client.put('/db/prod/leader', 'x')
    assert.match(await absent(), /^this ZooKeeper has no cluster below \/service\/, but \/db\/prod$/)
    await client.put('/service/demo1/initialize', '7')
    assert.match(await absent(), /^this ZooKeeper has no cluster "demo" below \/service\/: did you mean "demo1"\?/)
    await client.put('/service/demo/0/initialize', '7')
    assert.match(await absent(), /^scope "demo" is a Citus cluster with group 0: set citus\.group/)
    await client.deleteAll('/db')
  })

  test('is noticed within an interval and the time of a read when nothing gets through', async () => {
    const { client, server } = zookeeper
    await client.put(LEADER, 'pg0')
    const relay = await Relay.start(server.port)
    await using observer = new ZooKeeperObserver([`127.0.0.1:${relay.port}`])
    await observer.leader('pg0')
    relay.hang()
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /no answer within 500 ms$/)
    relay.resume()
    await client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    await relay.close()
  })

  test('is given up after two thirds of the session when it is silent, without any read', async () => {
    const { client, server } = zookeeper
    await client.put(LEADER, 'pg0')
    const relay = await Relay.start(server.port)
    await using observer = new ZooKeeperObserver([`127.0.0.1:${relay.port}`], { intervalMs: RARELY, timeoutMs: RARELY })
    await observer.leader('pg0')
    relay.hang()
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /no sign of it for (?:4\d{3}|5\d{3}) ms$/)
    await relay.close()
  })

  test('keeps the session without any read, while others that say nothing expire', async () => {
    await using short = await ZooKeeperEnsemble.start({ lines: ['maxSessionTimeout=900'] })
    const { client, hosts, server } = short
    await client.put(LEADER, 'pg0')
    await using observer = new ZooKeeperObserver(hosts, { intervalMs: RARELY, timeoutMs: RARELY })
    await observer.leader('pg0')
    // The first may have begun before the last word of the observer.
    for (const path of ['/silent0', '/silent1']) {
      const socket = await silentSession(server.port, path)
      await until('its node is there', async () => (await client.get(path)) !== null)
      await until('it has expired', async () => (await client.get(path)) === null)
      socket.destroy()
    }
    await client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    assert.deepEqual(observer.reasons, [])
  })

  test('is read by all clusters over one connection, which ends with the last of them', async () => {
    const { client, hosts } = zookeeper
    await client.put(LEADER, 'pg0')
    const connections = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
    const before = connections()
    const all = Array.from({ length: 70 }, () => new ZooKeeperObserver(hosts))
    await Promise.all(all.map((observer) => observer.leader('pg0')))
    assert.equal(connections(), before + 1)
    await client.put(LEADER, 'pg1')
    await Promise.all(all.map((observer) => observer.leader('pg1')))
    await Promise.all(all.map((observer) => observer.stop()))
    await until('it is closed', () => connections() === before)
    assert.deepEqual(
      all.flatMap(({ reasons }) => reasons),
      [],
    )
  })

  test('is a loss that names node and right, for a user that may not read a node', async () => {
    const { client, hosts } = zookeeper
    const [endpoint = ''] = hosts
    const login = 'patroni:pass:word'
    await client.put(`${SCOPE}/initialize`, '7')
    await client.create(LEADER, 'pg0', { acl: onlyFor(login) })
    const right = 'the right to read (r) on that node and all below it'
    assert.equal(
      await refusal(endpoint),
      `an anonymous client may not read ${LEADER}: set zookeeper.auth_data (or zookeeper.cert and zookeeper.key) to one that has ${right}`,
    )
    assert.equal(
      await refusal(endpoint, { auth: [{ scheme: 'digest', credential: 'patroni:wrong' }] }),
      `the digest user of zookeeper.auth_data may not read ${LEADER}: add ${right} with setAcl`,
    )
    assert.match(
      await refusal(endpoint, { auth: [{ scheme: 'kerberos', credential: 'x:y' }] }),
      /^it refuses zookeeper\.auth_data \(another scheme\): the server has no such scheme/,
    )
    const auth = [{ scheme: 'digest', credential: login }]
    await using observer = new ZooKeeperObserver(hosts, { access: { auth } })
    await observer.leader('pg0')
    // A right that is lost later is no node that is gone.
    const other = client.as(auth)
    await other.setAcl(LEADER, onlyFor('other:secret'))
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.ok(observer.leaders.every((name) => name === 'pg0'))
    await client.as([{ scheme: 'digest', credential: 'other:secret' }]).setAcl(LEADER, OPEN)
    await other.close()
  })
})

describe('a server that is no ZooKeeper, or none that serves', () => {
  let listener: Server
  let answer: (socket: Socket) => void
  let endpoint: string
  before(async () => {
    listener = createServer((socket) => {
      socket.on('error', () => undefined)
      answer(socket)
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const address = listener.address()
    endpoint = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  after(() => listener.close())

  const cases: readonly [what: string, answer: (socket: Socket) => void, message: RegExp][] = [
    [
      'a server for HTTP',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /^it answers in HTTP: correct zookeeper\.hosts$/,
    ],
    [
      'a server for SSH',
      (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
      /^it does not answer in the protocol of ZooKeeper$/,
    ],
    [
      'a server that closes at once',
      (socket) => socket.end(),
      /^it closed the connection: a server does so without a quorum/,
    ],
    [
      'a server that is not serving',
      (socket) =>
        socket.once('data', (bytes) =>
          socket.end(bytes.toString() === 'srvr' ? 'This ZooKeeper instance is not currently serving requests\n' : ''),
        ),
      /^it does not serve requests: it is cut off from the other servers of its ensemble, or these are down$/,
    ],
    ['a server that is silent', () => undefined, /^no answer within 1000 ms$/],
    [
      'a packet that is too short',
      (socket) => socket.write(Buffer.from([0, 0, 0, 2, 0, 0])),
      /^its answer ends before it is complete$/,
    ],
  ]
  for (const [what, how, message] of cases)
    test(`${what} is named`, async () => {
      answer = how
      assert.match(await refusal(endpoint), message)
    })

  test('a port without a listener is named', async () => {
    assert.match(await refusal(`127.0.0.1:${await freePort()}`), /ECONNREFUSED/)
  })
})

if (IS_NEW)
  describe('a ZooKeeper with TLS', () => {
    let dir: TempDir
    let ca: CertificateAuthority
    let zookeeper: ZooKeeperEnsemble
    let plain: ZooKeeperEnsemble
    let endpoint: string
    let access: Partial<ZooKeeperConfig>
    before(async () => {
      dir = TempDir.create('zookeeper-tls')
      ca = CertificateAuthority.create(dir.path)
      // Of another name: nobody compares it.
      const server = ca.server('server', { hosts: ['zk.example.org'] })
      const client = ca.client('router')
      ;[zookeeper, plain] = await Promise.all([
        ZooKeeperEnsemble.start({ tls: { ca: ca.cert, server, client } }),
        ZooKeeperEnsemble.start(),
      ])
      endpoint = zookeeper.hosts[0] ?? ''
      access = { tls: true, caFile: ca.cert, certFile: client.cert, keyFile: client.key }
      await zookeeper.client.put(LEADER, 'pg0')
    })
    after(async () => {
      await Promise.all([zookeeper.close(), plain.close()])
      await dir.remove()
    })

    test('is read with a client certificate, whatever the name in its own is', async () => {
      await using observer = new ZooKeeperObserver([endpoint], { access })
      await observer.leader('pg0')
      await using careless = new ZooKeeperObserver([endpoint], { access: { ...access, caFile: null, verify: false } })
      await careless.leader('pg0')
    })

    test('is named with the setting that is wrong', async () => {
      const other = CertificateAuthority.create(dir.path, 'other')
      assert.match(
        await refusal(endpoint, { ...access, caFile: other.cert }),
        /no CA in zookeeper\.cacert \(.*\) signed its certificate/,
      )
      assert.match(
        await refusal(endpoint, { ...access, certFile: null, keyFile: null }),
        /it may require a client certificate \(ssl\.clientAuth\), so set zookeeper\.cert and zookeeper\.key$/,
      )
      assert.match(await refusal(endpoint), /^it requires TLS: set zookeeper\.use_ssl: true$/)
      assert.match(
        await refusal(plain.hosts[0] ?? '', access),
        /^it does not use TLS: set zookeeper\.use_ssl: false, or use its secureClientPort$/,
      )
    })

    test('gets a session with other certificates when the files are replaced, and none is lost for that', async () => {
      const used = { cert: join(dir.path, 'used.crt'), key: join(dir.path, 'used.key') }
      const [one, other] = [ca.client('one'), ca.client('other')]
      replaceFile(used.cert, one.cert)
      replaceFile(used.key, one.key)
      await using observer = new ZooKeeperObserver([endpoint], {
        access: { ...access, certFile: used.cert, keyFile: used.key },
        intervalMs: 100,
      })
      await observer.leader('pg0')
      replaceFile(used.cert, other.cert)
      replaceFile(used.key, other.key)
      await until('they are used', () => observer.lines.some((line) => /certificate/.test(line)))
      await zookeeper.client.put(LEADER, 'pg1')
      await observer.leader('pg1')
      assert.deepEqual(observer.reasons, [])
    })
  })
