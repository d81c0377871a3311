/** What listens where etcd v3 should, and what lies where Patroni's keys should. */
import assert from 'node:assert/strict'
import { createServer as createHttp, type RequestListener, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CertificateAuthority } from '../../support/files/certificates.ts'
import { Child } from '../../support/processes/child.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { freePort, listens } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Observer } from './observer.ts'

const LEADER = '/service/demo/leader'
const AUTH = { username: 'router', password: 'horse_battery' }

/** What is told first of whatever listens there. */
async function firstLoss(server: TcpServer | Server | string, access: object = {}): Promise<string> {
  let endpoint = server
  if (typeof endpoint !== 'string') {
    const listening = endpoint
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
    endpoint = `127.0.0.1:${(listening.address() as AddressInfo).port}`
  }
  await using observer = new Observer({ endpoints: [endpoint], access: { auth: AUTH, ...access } })
  const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
  if (typeof server !== 'string') server.close()
  assert.ok(lost.type === 'lost')
  assert.ok(!lost.error.message.includes(AUTH.password))
  assert.ok(lost.error.message.startsWith(`etcd at ${endpoint} cannot be read: `), lost.error.message)
  return lost.error.message
}

const v2: RequestListener = (request, response) => {
  response.statusCode = request.url === '/version' ? 200 : 404
  response.end(request.url === '/version' ? '{"etcdserver":"2.3.8","etcdcluster":"2.3.0"}' : '404 page not found\n')
}

describe('where no etcd v3 answers', () => {
  test('an etcd with nothing but v2 is named, with its version', async () => {
    const message = await firstLoss(createHttp(v2))
    assert.match(message, /it is etcd 2\.3\.8, which has API v2 only: use the section etcd, as Patroni has to$/)
  })

  test('so it is behind TLS', async () => {
    await using dir = TempDir.create('v2')
    const ca = CertificateAuthority.create(dir.path)
    const { cert, key } = ca.server()
    const server = createHttps({ cert: readFileSync(cert), key: readFileSync(key) }, v2)
    assert.match(await firstLoss(server, { protocol: 'https', caFile: ca.cert }), /it is etcd 2\.3\.8/)
  })

  test('an etcd without TLS is recognised also where it closes the connection instead of answering', async () => {
    await using dir = TempDir.create('plain')
    const ca = CertificateAuthority.create(dir.path)
    const version = '{"etcdserver":"3.4.23","etcdcluster":"3.4.0"}'
    const plain = createTcp((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', ([first]) => {
        // The first byte of TLS.
        if (first === 0x16) socket.resetAndDestroy()
        else socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${version.length}\r\n\r\n${version}`)
      })
    })
    const message = await firstLoss(plain, { protocol: 'https', caFile: ca.cert })
    assert.match(message, /it does not use TLS: set etcd3\.protocol: http /)
  })

  test('a proxy that passes HTTP/1.1 only is distinguished from etcd itself, with the remedy', async () => {
    await using etcd = await EtcdCluster.start()
    await using dir = TempDir.create('proxy')
    const port = await freePort()
    const file = join(dir.path, 'haproxy.cfg')
    writeFileSync(
      file,
      `defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
listen etcd
  bind 127.0.0.1:${port}
  server etcd ${etcd.hosts[0] ?? ''}
`,
    )
    const haproxy = await Child.start('haproxy', ['-db', '-f', file], { cwd: dir.path, logFile: join(dir.path, 'log') })
    await haproxy.until('it listens', () => listens(port))
    const message = await firstLoss(`127.0.0.1:${port}`)
    assert.match(
      message,
      /the proxy in front of etcd 3\.\d+\.\d+ answers HTTP\/1\.1 and not gRPC .* name etcd itself in etcd3\.hosts/,
    )
  })

  test('anything else with HTTP/1.1 is reported as that', async () => {
    const message = await firstLoss(createHttp((_, response) => response.writeHead(403).end('<html>')))
    assert.match(message, /it answers HTTP\/1\.1 and not gRPC .*HAProxy: mode tcp/)
  })

  test('an answer without an end, a redirect, and silence are no reason to wait', async () => {
    const endless = createHttp((_, response) => {
      const timer = setInterval(() => response.write('x'.repeat(1000)), 10)
      response.once('close', () => clearInterval(timer))
    })
    assert.match(await firstLoss(endless), /it answers HTTP\/1\.1/)
    const asked: (string | undefined)[] = []
    const redirect = createHttp(({ url }, response) => {
      asked.push(url)
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    assert.match(await firstLoss(redirect), /it answers HTTP\/1\.1/)
    assert.deepEqual(asked, ['/version'])
    const silent = createTcp((socket) => socket.resume().on('error', () => undefined))
    assert.match(await firstLoss(silent), / cannot be read: no answer in time$/)
  })

  test('an answer that switches to another protocol is no reason to wait for ever', async () => {
    const switching = createTcp((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      )
    })
    assert.match(await firstLoss(switching), /no connection: |Protocol error/)
  })

  test('a peer that hangs up is reported as such', async () => {
    assert.match(await firstLoss(createTcp((socket) => socket.destroy())), /no connection: /)
    assert.match(
      await firstLoss(`127.0.0.1:${await freePort()}`),
      /no connection: connect ECONNREFUSED 127\.0\.0\.1:\d+$/,
    )
  })
})

describe('a value of 10 MB below the prefix', () => {
  test('is ignored, in a list and in an event, and the cluster is read on', async () => {
    await using etcd = await EtcdCluster.start({ args: ['--max-request-bytes', String(32 * 1024 * 1024)] })
    const large = 'x'.repeat(10 * 1024 * 1024)
    await etcd.client.put('/service/demo/members/large', large)
    await etcd.client.put('/service/demo/members/pg0', '{"conn_url":"postgres://127.0.0.1:5432/postgres"}')
    await etcd.client.put(LEADER, 'pg0')
    await using observer = new Observer({ endpoints: etcd.hosts, timeoutMs: 5000 })
    await observer.leader('pg0')
    await etcd.client.put('/service/demo/members/huge', large)
    await etcd.client.put('/service/demo/config', large)
    await until('it is ignored', () => observer.cluster.ignoredKeys.length === 2)
    assert.deepEqual(
      observer.cluster.ignoredKeys.map(({ key, reason }) => `${key}: ${reason}`),
      ['members/huge: the value is too large', 'members/large: the value is too large'],
    )
    await etcd.client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    const { members, ttlMs } = observer.cluster
    assert.deepEqual([members.map(({ name }) => name), ttlMs], [['pg0'], null])
    assert.deepEqual(observer.losses, [])
  })
})
