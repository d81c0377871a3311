import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { connect } from 'node:tls'
import { CertificateAuthority, type CertificatePair, replaceFile } from '../support/files/certificates.ts'
import { EtcdCluster } from '../support/etcd/cluster.ts'
import { createLoadTable } from '../support/clients/load.ts'
import { PatroniCluster } from '../support/patroni/cluster.ts'
import { type LogLine, RouterProcess } from '../support/router/process.ts'
import { TempDir } from '../support/files/temp.ts'
import { clock, until } from '../support/until.ts'
import { settled } from './support/settled.ts'
import { assertNobodyNotices, etcdOf, viewOf } from './support/unnoticed.ts'

// A cluster that lets nobody in without a certificate and a password: etcd with mutual TLS, users and tokens that last a
// few seconds, Patroni's REST API with `verify_client: required`. Nothing of it may cost a client anything.

const TOKEN_TTL_S = 4

let files: TempDir
let first: CertificateAuthority
let second: CertificateAuthority
/** What the router alone reads. */
let own: { readonly ca: string; readonly client: CertificatePair }
let etcdServer: CertificatePair
let restServer: CertificatePair
let etcd: EtcdCluster
let cluster: PatroniCluster
let router: RouterProcess

before(async () => {
  files = TempDir.create('access')
  first = CertificateAuthority.create(files.path, 'first')
  second = CertificateAuthority.create(files.path, 'second')
  // Servers and Patroni trust both authorities from the beginning, the router only the first.
  const both = join(files.path, 'both.crt')
  writeFileSync(both, readFileSync(first.cert, 'utf8') + readFileSync(second.cert, 'utf8'))
  etcdServer = first.server('etcd')
  restServer = first.server('rest')
  const patroni = first.client('patroni', { commonName: '' })
  const client = first.client('router', { commonName: '' })
  own = { ca: join(files.path, 'router-ca.crt'), client }
  copyFileSync(first.cert, own.ca)
  etcd = await EtcdCluster.start({
    members: 3,
    tls: { ca: both, server: etcdServer, client: patroni },
    tokenTtlSeconds: TOKEN_TTL_S,
  })
  const users = { patroni: login('patroni'), router: login('router') }
  await etcd.enableAuth(
    { ...users.patroni, prefixes: ['/service/'] },
    { ...users.router, prefixes: ['/service/demo/'], readOnly: true },
  )
  cluster = await PatroniCluster.start({
    dcs: etcd,
    dcsLogin: users.patroni,
    restTls: { ca: both, server: restServer, client: patroni },
    restLogin: login('api'),
  })
  router = await RouterProcess.forCluster(cluster, {
    config: {
      etcd3: {
        ...{ hosts: etcd.hosts, protocol: 'https', ...users.router },
        ...{ cacert: own.ca, cert: client.cert, key: client.key },
      },
      ctl: { cacert: own.ca, certfile: client.cert, keyfile: client.key },
    },
  })
  await createLoadTable((await cluster.leader()).pgPort)
})

after(async () => {
  await router[Symbol.asyncDispose]()
  await cluster.stop()
  await etcd.close()
  await files.remove()
})

beforeEach(async () => {
  await settled(cluster, router)
})

function login(username: string): { username: string; password: string } {
  return { username, password: `secret of ${username}` }
}

/** Whether what listens on this port shows that certificate; rejects while nothing does. */
async function hasCertificate(port: number, file: string): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerCertificate().fingerprint256 === new X509Certificate(readFileSync(file)).fingerprint256
  } finally {
    socket.destroy()
  }
}

/** As far as the router's log goes: all that is not as it should be in a quiet hour. */
const isTrouble = ({ event }: LogLine): boolean =>
  [
    'dcs-lost',
    'fenced',
    'primary-promoting',
    'primary-unconfirmed',
    'primary-none',
    'primary-unlocked',
    'replica-down',
  ].includes(String(event))

test('tokens that expire all the time cost no session, no connection, and not even a line in the log', async () => {
  const from = router.log.length
  await assertNobodyNotices(cluster, router, async () => {
    const end = clock() + 3 * TOKEN_TTL_S * 1000
    await until('three tokens have expired', () => clock() > end)
  })
  assert.deepEqual(router.log.slice(from).filter(isTrouble), [])
  const [candidate] = await cluster.replicas()
  await cluster.switchover({ candidate: candidate?.name ?? '' })
  await until('the router has seen a change since', () =>
    router.log.slice(from).some(({ event, to }) => event === 'leader-changed' && to === candidate?.name),
  )
})

test('all certificates replaced by those of another authority cost no session and no connection', async () => {
  const from = router.log.length
  await assertNobodyNotices(cluster, router, async () => {
    // As a rotation is done: trust both, then the servers, then the clients, then no longer trust the first.
    replaceFile(own.ca, cluster.settings.restTls?.ca ?? '')
    const servers = [etcdServer, restServer].map((pair, index) => [pair, second.server(`new${index}`)] as const)
    const renewed = second.client('renewed', { commonName: '' })
    for (const [old, fresh] of [...servers, [own.client, renewed] as const]) {
      replaceFile(old.cert, fresh.cert)
      replaceFile(old.key, fresh.key)
    }
    await until('the router has read them', () =>
      router.log.slice(from).some(({ event, msg }) => event === 'certificates-read' && msg.startsWith('REST API')),
    )
    replaceFile(own.ca, second.cert)
    // Until it reads its configuration again Patroni has the certificate of the authority that is no longer trusted.
    for (const member of cluster.members) member.patroni.signal('SIGHUP')
    for (const { name, restPort } of cluster.members)
      await until(`${name} has its new certificate`, () => hasCertificate(restPort, restServer.cert))
    await until('every member proves itself by its new certificate', async () => {
      const view = await viewOf(router)
      return view.primary.state === 'open' && view.members.every(({ isLeader, replica }) => isLeader || replica.usable)
    })
  })
  assert.deepEqual(
    router.log.slice(from).filter(({ event }) => event === 'fenced'),
    [],
  )
})

test('the loss of the etcd member that is read costs nothing either, over TLS and with a token of another one', async () => {
  const server = await etcdOf(router, etcd)
  await assertNobodyNotices(cluster, router, async () => {
    await server.kill()
    await until('the router reads another one', async () => (await etcdOf(router, etcd)) !== server)
  })
  await server.start()
})

test('no password and no token is in the log, in status, or in what check says', async () => {
  const stdout = await until('check finds nothing wrong', async () => {
    const { stdout, stderr } = await router.command('check', '--online')
    assert.doesNotMatch(stdout + stderr, /secret of|eyJ/)
    if (stderr !== '') throw new Error(stderr)
    return stdout
  })
  assert.match(stdout, /leader pg\d/)
  const said = [router.output(), JSON.stringify(await router.status()), stdout].join('\n')
  assert.doesNotMatch(said, /secret of|eyJ/)
})
