/** Consul as the router reads it: the fake one, or a real one where PATRONI_ROUTER_TEST_CONSUL names it. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { inspect } from 'node:util'
import type { ConsulConfig } from '../../../src/watcher/dcs/consul/section.ts'
import { ConsulServer } from '../../support/consul/server.ts'
import { CertificateAuthority, replaceFile } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePort } from '../../support/net/ports.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { ConsulObserver, INTERVAL_MS, TIMEOUT_MS } from './consul-observer.ts'

const PREFIX = 'service/demo/'
const LEADER = `${PREFIX}leader`

/** Returns what is said of a Consul that cannot be read, without its address; it shows no token. */
async function refusal(endpoint: string, access: Partial<ConsulConfig> = {}): Promise<string> {
  await using observer = new ConsulObserver(endpoint, access)
  const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
  const text = lost.type === 'lost' ? inspect(lost.error, { depth: 4 }) : ''
  assert.ok(typeof access.token !== 'string' || !text.includes(access.token), text)
  const begin = `Consul at ${endpoint} cannot be read: `
  assert.ok(observer.reasons[0]?.startsWith(begin), text)
  return observer.reasons[0]?.slice(begin.length) ?? ''
}

describe('one Consul', () => {
  let consul: ConsulServer
  let endpoint: string
  before(async () => {
    consul = await ConsulServer.start()
    endpoint = `127.0.0.1:${consul.port}`
  })
  after(async () => consul.close())
  beforeEach(async () => consul.client.deletePrefix(PREFIX))

  test('is watched: each leader, in order, and nothing of another scope', async () => {
    await consul.client.put(`${PREFIX}initialize`, '7')
    await consul.client.put('service/demo2/leader', 'other')
    await using observer = new ConsulObserver(endpoint)
    await observer.leader(null)
    assert.equal(observer.cluster.systemId, '7')
    for (const name of ['pg0', 'pg1', 'pg2']) {
      await consul.client.put(LEADER, name)
      await observer.leader(name)
    }
    assert.deepEqual(observer.leaders, [null, 'pg0', 'pg1', 'pg2'])
    await until('reads confirm it', () => observer.snapshots.length > 8)
    assert.deepEqual(observer.reasons, [])
  })

  test('gives another session to a lock that is taken again by the same name after its session was destroyed', async () => {
    const [one, other] = [
      await consul.client.createSession({ ttlSeconds: 10 }),
      await consul.client.createSession({ ttlSeconds: 10 }),
    ]
    assert.ok(await consul.client.acquire(LEADER, 'pg0', one))
    await using observer = new ConsulObserver(endpoint)
    await observer.leader('pg0')
    const { session } = observer.cluster.leader ?? {}
    await consul.client.renewSession(one)
    assert.ok(await consul.client.acquire(LEADER, 'pg0', one))
    assert.equal(observer.cluster.leader?.session, session)
    await consul.client.destroySession(one)
    await observer.leader(null)
    await until('its lock delay is over', async () => consul.client.acquire(LEADER, 'pg0', other))
    const from = observer.seen.length - 1
    await observer.leader('pg0', from)
    assert.notEqual(observer.cluster.leader?.session, session)
    await consul.client.destroySession(other)
  })

  test('is noticed within an interval and the time of a read when nothing gets through, though no key changes', async () => {
    await consul.client.put(LEADER, 'pg0')
    const relay = await Relay.start(consul.port)
    await using observer = new ConsulObserver(`127.0.0.1:${relay.port}`)
    await observer.leader('pg0')
    const since = performance.now()
    relay.hang()
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.ok(lost.at - since < INTERVAL_MS + TIMEOUT_MS + 1000, `${lost.at - since} ms`)
    assert.match(observer.reasons[0] ?? '', /no answer within \d+ ms/)
    await consul.client.put(LEADER, 'pg1')
    relay.resume()
    await observer.leader('pg1')
    await relay.close()
  })

  test('that is restored to an earlier state is reported as restored, once, with the keys of that state', async () => {
    await consul.client.put(LEADER, 'pg0')
    const snapshot = await consul.client.snapshot()
    await consul.client.put(LEADER, 'pg1')
    await using observer = new ConsulObserver(endpoint)
    await observer.leader('pg1')
    await consul.client.restore(snapshot)
    await observer.leader('pg0', observer.seen.length)
    assert.equal(observer.snapshots.filter(({ restored }) => restored).length, 1)
  })

  test('without the cluster is read without haste while others write', async () => {
    await using observer = new ConsulObserver(endpoint)
    await observer.until('it is read', ({ type }) => type === 'snapshot')
    for (let write = 0; write < 200; write++) await consul.client.put('elsewhere/key', String(write))
    await consul.client.put(LEADER, 'pg0')
    await observer.leader('pg0')
    assert.deepEqual(observer.reasons, [])
  })

  test('with a scope that is misspelt leads to the right one', async () => {
    await consul.client.put('service/dema/leader', 'pg0')
    await using observer = new ConsulObserver(endpoint)
    await until('it is said', () => observer.last?.notices?.[0]?.message.includes('did you mean "dema"?'))
    await consul.client.deletePrefix('service/dema/')
  })

  test('of which the datacenter does not exist says so, and another program is none', async () => {
    assert.match(await refusal(endpoint, { dc: 'nowhere' }), /^it has no datacenter nowhere: correct consul\.dc/)
    assert.match(await refusal(endpoint, { protocol: 'https' }), /^it does not use TLS: set consul\.scheme: http/)
    assert.match(await refusal(`127.0.0.1:${await freePort()}`), /ECONNREFUSED/)
  })
})

describe('a Consul of two servers', () => {
  test('without a leader is lost, and read again when it has one', async () => {
    await using consul = await ConsulServer.start({ witness: true, holdMs: 100 })
    await consul.client.put(LEADER, 'pg0')
    await using observer = new ConsulObserver(`127.0.0.1:${consul.port}`)
    await observer.leader('pg0')
    await consul.loseLeader()
    await observer.until('it is lost', ({ type }) => type === 'lost')
    const stale = new ConsulObserver(`127.0.0.1:${consul.port}`, { consistency: 'stale' })
    await stale.until('it is lost', ({ type }) => type === 'lost')
    assert.equal(stale.snapshots.length, 0, 'an answer that may be old was taken')
    await stale.stop()
    const from = observer.seen.length
    await consul.regainLeader()
    await observer.leader('pg0', from)
  })
})

describe('a Consul with ACLs', () => {
  let consul: ConsulServer
  let endpoint: string
  before(async () => {
    consul = await ConsulServer.start({ acl: true })
    endpoint = `127.0.0.1:${consul.port}`
  })
  after(async () => consul.close())

  test('is read with the right to read the keys of the cluster alone', async () => {
    await consul.client.put(LEADER, 'pg0')
    const token = await consul.addToken({ keyPrefix: PREFIX, policy: 'read' })
    await using observer = new ConsulObserver(endpoint, { token })
    await observer.leader('pg0')
    await consul.client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    assert.deepEqual(observer.reasons, [])
  })

  test('that gives no right is not taken for one without a cluster', async () => {
    const rule = 'key_prefix "service/demo/" { policy = "read" } ("list" where acl.enable_key_list_policy is on)'
    const token = await consul.addToken({ keyPrefix: 'elsewhere/', policy: 'read' })
    assert.equal(
      await refusal(endpoint, { token }),
      `the token of consul.token may not read service/demo/: give it a policy with ${rule}`,
    )
    assert.equal(await refusal(endpoint), `it requires a token: set consul.token to one whose policy has ${rule}`)
    const unknown = await refusal(endpoint, { token: 'b1946ac9-2ba5-4c5e-9b2d-000000000000' })
    assert.match(unknown, /correct consul\.token \(PATRONI_CONSUL_TOKEN\)$/)
  })
})

describe('a Consul with TLS', () => {
  let dir: TempDir
  let ca: CertificateAuthority
  before(() => {
    dir = TempDir.create('consul-tls')
    ca = CertificateAuthority.create(dir.path, 'ca')
  })
  after(async () => dir.remove())

  test('is read with its CA and a client certificate, which may be replaced, and says what is missing', async () => {
    const [server, client, next] = [ca.server(), ca.client('one'), ca.client('two')]
    await using consul = await ConsulServer.start({ tls: { ca: ca.cert, server, client } })
    const endpoint = `127.0.0.1:${consul.port}`
    await consul.client.put(LEADER, 'pg0')
    const access = { protocol: 'https', caFile: ca.cert, certFile: client.cert, keyFile: client.key } as const
    await using observer = new ConsulObserver(endpoint, access)
    await observer.leader('pg0')
    replaceFile(client.cert, next.cert)
    replaceFile(client.key, next.key)
    await until('they are in use', () => observer.lines.some((line) => /have been replaced and are in use/.test(line)))
    await consul.client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    assert.deepEqual(observer.reasons, [])

    const other = CertificateAuthority.create(dir.path, 'other')
    assert.match(await refusal(endpoint), /^it requires TLS: set consul\.scheme: https/)
    assert.match(await refusal(endpoint, { protocol: 'https' }), /set consul\.cacert to the file of the CA/)
    assert.match(await refusal(endpoint, { ...access, caFile: other.cert }), /no CA in consul\.cacert \(.*signed/)
    const without = await refusal(endpoint, { ...access, certFile: null, keyFile: null })
    assert.match(without, /so set consul\.cert and consul\.key$/)
  })
})
