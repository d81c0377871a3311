/** What etcd over API v2 requires of its clients, and what is said where the router does not have it: users, TLS, API v2. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { EtcdV2Cluster } from '../../support/etcd/v2-cluster.ts'
import { CertificateAuthority, type CertificatePair, replaceFile } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Etcd2Observer } from './etcd2-observer.ts'

const LEADER = '/service/demo/leader'
const AUTH = { username: 'router', password: 'ho%rse@b:attery' }
const READER = { ...AUTH, prefixes: ['/service/demo/'], readOnly: true }
const SECRET = 'wrong_one'

/** Returns what is said of an etcd that cannot be read, without its address; it shows no password. */
async function refusal(settings: ConstructorParameters<typeof Etcd2Observer>[0]): Promise<string> {
  await using observer = new Etcd2Observer(settings)
  const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
  const text = lost.type === 'lost' ? inspect(lost.error, { depth: 4 }) : ''
  for (const secret of [SECRET, AUTH.password, btoa(`router:${SECRET}`)]) assert.ok(!text.includes(secret), text)
  const [endpoint = ''] = settings.endpoints
  const begin = `etcd at ${endpoint} cannot be read: `
  assert.ok(observer.reasons[0]?.startsWith(begin), text)
  return observer.reasons[0]?.slice(begin.length) ?? ''
}

describe('an etcd v2 with users', () => {
  let etcd: EtcdV2Cluster
  before(async () => {
    etcd = await EtcdV2Cluster.start()
    await etcd.enableAuth(READER, { username: 'other', password: SECRET, prefixes: ['/service/demo2/'] })
  })
  after(async () => etcd.close())

  test('is observed by a user with read access below the prefix only', async () => {
    await etcd.client.set(LEADER, 'pg0')
    const access = { auth: AUTH }
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, access, useProxies: false, discoverMs: 100 })
    await observer.leader('pg0')
    await etcd.client.set(LEADER, 'pg1')
    await observer.leader('pg1')
    await until('some reads have confirmed it', () => observer.snapshots.length > 4)
    assert.deepEqual(observer.reasons, [])
  })

  const RIGHT = "a role that may read /service/demo/* (etcdctl role grant ROLE -read -path '/service/demo/*')"
  const userRefused = (name: string): string =>
    `it refuses user "${name}": correct etcd.username or etcd.password, or give the user ${RIGHT}`
  const REFUSALS = [
    ['a wrong password', { ...AUTH, password: SECRET }, userRefused('router')],
    ['an unknown user', { username: 'nobody', password: SECRET }, userRefused('nobody')],
    ['no user', null, `it requires a user: set etcd.username and etcd.password, of a user with ${RIGHT}`],
    ['a user of another cluster', { username: 'other', password: SECRET }, userRefused('other')],
  ] as const
  for (const [title, auth, message] of REFUSALS)
    test(`says what to do about ${title}, and no password`, async () => {
      assert.equal(await refusal({ endpoints: etcd.hosts, access: { auth } }), message)
    })

  test('is not queried in a hurry by a user that it refuses', async () => {
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, access: { auth: { ...AUTH, password: SECRET } } })
    await until('it is refused twice', () => observer.losses.length === 2)
    const [first, second] = observer.losses
    assert.ok((second?.at ?? 0) - (first?.at ?? 0) > 4000)
  })

  test('that loses its user in the middle of a session says so', async () => {
    const brief = { username: 'brief', password: 'z' }
    await etcd.addUser({ ...brief, prefixes: ['/service/demo/'] })
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, access: { auth: brief } })
    await observer.until('it is read', ({ type }) => type === 'snapshot')
    await etcd.client.auth('DELETE', 'users/brief')
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.equal(observer.reasons[0], `etcd at ${etcd.hosts[0] ?? ''} cannot be read: ${userRefused('brief')}`)
  })
})

test('users that become required, and no longer, in the middle of a session of etcd v2 do not end it', async () => {
  await using etcd = await EtcdV2Cluster.start()
  await using observer = new Etcd2Observer({ endpoints: etcd.hosts, access: { auth: AUTH }, intervalMs: 100 })
  await observer.leader(null)
  for (const [name, change] of [
    ['pg0', () => etcd.enableAuth(READER)],
    ['pg1', () => etcd.disableAuth()],
  ] as const) {
    await change()
    await etcd.client.set(LEADER, name)
    await observer.leader(name)
    const from = observer.seen.length
    await until('it is read', () => observer.seen.length > from + 3)
  }
  assert.deepEqual(observer.reasons, [])
})

describe('an etcd without API v2', () => {
  let etcd: EtcdCluster
  let v2: EtcdV2Cluster
  before(async () => ([etcd, v2] = await Promise.all([EtcdCluster.start(), EtcdV2Cluster.start()])))
  after(async () => Promise.all([etcd.close(), v2.close()]))

  test('is reported as such, with what to do about it', async () => {
    await using observer = new Etcd2Observer({ endpoints: etcd.hosts, access: { auth: AUTH } })
    await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.equal(
      observer.reasons[0],
      `etcd at ${etcd.hosts[0] ?? ''} cannot be read: it has no API v2 (etcd 3.4 and 3.5 have it with --enable-v2, ` +
        '3.6 has none): if Patroni uses etcd3, remove the section etcd, which Patroni would take first; else name an ' +
        'etcd with API v2 in etcd.hosts',
    )
  })

  test('disturbs nothing beside one that has it, before or after it', async () => {
    await v2.client.set(LEADER, 'pg0')
    for (const endpoints of [
      [...etcd.hosts, ...v2.hosts],
      [...v2.hosts, ...etcd.hosts],
    ]) {
      await using observer = new Etcd2Observer({ endpoints, discoverMs: 50 })
      await observer.leader('pg0')
      await until('it is confirmed', () => observer.snapshots.length > 3)
      assert.equal(observer.reasons.length, endpoints[0] === etcd.hosts[0] ? 1 : 0)
      assert.deepEqual(
        observer.notices.filter((subject) => subject.startsWith('http')),
        [],
      )
    }
  })
})

describe('an etcd v2 with TLS', () => {
  let dir: TempDir
  let ca: CertificateAuthority
  let etcd: EtcdV2Cluster
  let strict: EtcdV2Cluster
  let plain: EtcdV2Cluster
  let client: CertificatePair
  before(async () => {
    dir = TempDir.create('tls')
    ca = CertificateAuthority.create(dir.path)
    const server = ca.server()
    client = ca.client('first')
    ;[etcd, strict, plain] = await Promise.all([
      EtcdV2Cluster.start({ tls: { ca: ca.cert, server } }),
      EtcdV2Cluster.start({ tls: { ca: ca.cert, server, client: ca.client('test', { commonName: '' }) } }),
      EtcdV2Cluster.start(),
    ])
  })
  after(async () => {
    await Promise.all([etcd.close(), strict.close(), plain.close()])
    await dir.remove()
  })
  beforeEach(async () => Promise.all([etcd, strict].map((each) => each.client.set(LEADER, 'pg0'))))

  const tls = (caFile: string | null, pair: CertificatePair | null = null) =>
    ({ protocol: 'https', caFile, certFile: pair?.cert ?? null, keyFile: pair?.key ?? null }) as const

  for (const host of ['127.0.0.1', 'localhost'])
    test(`is observed by the name ${host}, without a warning of Node's`, async () => {
      const warnings: Error[] = []
      const onWarning = (warning: Error): unknown => warnings.push(warning)
      process.on('warning', onWarning)
      await using observer = new Etcd2Observer({ endpoints: [`${host}:${etcd.server.port}`], access: tls(ca.cert) })
      await observer.leader('pg0')
      await etcd.client.set(LEADER, 'pg1')
      await observer.leader('pg1')
      process.off('warning', onWarning)
      assert.deepEqual(observer.reasons, [])
      assert.deepEqual(warnings, [])
    })

  test('is refused where the configured CA did not sign its certificate, or none is configured', async () => {
    const other = CertificateAuthority.create(dir.path, 'other').cert
    assert.equal(
      await refusal({ endpoints: etcd.hosts, access: tls(other) }),
      `unable to verify the first certificate: no CA in etcd.cacert (${other}) signed its certificate; correct one or the other`,
    )
    assert.equal(
      await refusal({ endpoints: etcd.hosts, access: tls(null) }),
      'unable to verify the first certificate: set etcd.cacert to the file of the CA that signed its certificate',
    )
  })

  test('is refused by an address that its certificate does not name', async () => {
    const pair = ca.server('alien', { hosts: ['127.0.0.1', 'etcd'] })
    await using alien = await EtcdV2Cluster.start({ tls: { ca: ca.cert, server: pair } })
    const message = await refusal({ endpoints: [`localhost:${alien.server.port}`], access: tls(ca.cert) })
    assert.match(message, /^its certificate is for different names .*DNS:etcd.* use a name that the certificate has$/)
  })

  test('reports that it requires TLS to a router without TLS, and the other way round', async () => {
    assert.equal(
      await refusal({ endpoints: etcd.hosts, access: { auth: AUTH } }),
      'it requires TLS: set etcd.protocol: https (or begin etcd.url with https://)',
    )
    assert.equal(
      await refusal({ endpoints: plain.hosts, access: { ...tls(ca.cert), auth: AUTH } }),
      'it does not use TLS: set etcd.protocol: http (or begin etcd.url with http://), or use its port for TLS',
    )
  })

  test('that requires a client certificate is observed with one, and says so without one, or with that of a stranger', async () => {
    await using observer = new Etcd2Observer({ endpoints: strict.hosts, access: tls(ca.cert, client) })
    await observer.leader('pg0')
    const none = await refusal({ endpoints: strict.hosts, access: tls(ca.cert) })
    assert.match(none, /it may require a client certificate, so set etcd\.cert and etcd\.key$/)
    const mallory = CertificateAuthority.create(dir.path, 'stranger').client('mallory')
    assert.match(
      await refusal({ endpoints: strict.hosts, access: tls(ca.cert, mallory) }),
      /it may not accept the client certificate, etcd\.cert \(.*mallory\.crt\): its --trusted-ca-file must contain the CA/,
    )
    assert.deepEqual(observer.reasons, [])
  })

  test('is observed with certificate files that replace others, without a loss, and a half pair does not count', async () => {
    const files = { caFile: ca.cert, certFile: join(dir.path, 'tls.crt'), keyFile: join(dir.path, 'tls.key') }
    const next = ca.client('second')
    replaceFile(files.certFile, client.cert)
    replaceFile(files.keyFile, client.key)
    const access = { protocol: 'https', ...files } as const
    await using observer = new Etcd2Observer({ endpoints: strict.hosts, access, intervalMs: 100 })
    await observer.leader('pg0')
    replaceFile(files.certFile, next.cert)
    await until('half of it is reported', () => observer.lines.length === 1)
    await strict.client.set(LEADER, 'pg1')
    await observer.leader('pg1')
    replaceFile(files.keyFile, next.key)
    await until('they are in use', () => observer.lines.length === 2)
    await strict.client.set(LEADER, 'pg2')
    await observer.leader('pg2')
    assert.match(observer.lines[0] ?? '', /^etcd: the certificate files .*\(etcd\.cert\).* do not fit together: /)
    assert.equal(observer.lines[1], 'etcd: the certificate files have been replaced and are in use')
    assert.deepEqual(observer.reasons, [])
    assert.deepEqual(observer.leaders, ['pg0', 'pg1', 'pg2'])
  })
})
