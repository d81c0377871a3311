/** An etcd with TLS, certificates of clients, and all of them replaced while the router observes. */
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lookups } from '../../../src/names/lookups.ts'
import { CertificateAuthority, type CertificatePair, replaceFile } from '../../support/files/certificates.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Observer } from './observer.ts'

/** Enough for some checks of the files, and some reads, at the interval of the observer. */
const CHECKS_MS = 800

const LEADER = '/service/demo/leader'

type Files = { readonly caFile: string; readonly certFile: string; readonly keyFile: string }

async function firstLoss(settings: ConstructorParameters<typeof Observer>[0]): Promise<string> {
  await using observer = new Observer(settings)
  const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
  return lost.type === 'lost' ? lost.error.message : ''
}

describe('an etcd with TLS', () => {
  let dir: TempDir
  let ca: CertificateAuthority
  let etcd: EtcdCluster
  before(async () => {
    dir = TempDir.create('tls')
    ca = CertificateAuthority.create(dir.path)
    etcd = await EtcdCluster.start({ tls: { ca: ca.cert, server: ca.server() } })
  })
  after(async () => {
    await etcd.close()
    await dir.remove()
  })
  beforeEach(async () => etcd.client.put(LEADER, 'pg0'))

  for (const host of ['127.0.0.1', 'localhost'])
    test(`is observed by the name ${host}, without a warning of Node's`, async () => {
      const warnings: Error[] = []
      const onWarning = (warning: Error): unknown => warnings.push(warning)
      process.on('warning', onWarning)
      const access = { protocol: 'https', caFile: ca.cert } as const
      await using observer = new Observer({ endpoints: [`${host}:${etcd.server.port}`], access })
      await observer.leader('pg0')
      await etcd.client.put(LEADER, 'pg1')
      await observer.leader('pg1')
      process.off('warning', onWarning)
      assert.deepEqual(observer.losses, [])
      assert.deepEqual(warnings, [])
    })

  test('is observed where the first addresses of its name are dead', async () => {
    const lookups = new Lookups({ resolve: () => Promise.resolve(['127.0.0.9', '127.0.0.8', '127.0.0.1']) })
    const access = { protocol: 'https', caFile: ca.cert } as const
    await using observer = new Observer({ endpoints: [`localhost:${etcd.server.port}`], access, lookups })
    await observer.leader('pg0')
    assert.deepEqual(observer.losses, [])
  })

  test('is refused where the configured CA did not sign its certificate, or none is configured', async () => {
    const other = CertificateAuthority.create(dir.path, 'other').cert
    const refuse = (caFile: string | null): Promise<string> =>
      firstLoss({ endpoints: etcd.hosts, access: { protocol: 'https', caFile } })
    const message = await refuse(other)
    assert.ok(message.includes(`no CA in etcd3.cacert (${other}) signed its certificate`), message)
    assert.match(await refuse(null), /set etcd3\.cacert to the file of the CA that signed its certificate$/)
  })

  test('is refused by an address that its certificate does not name', async () => {
    const alien = await EtcdCluster.start({
      tls: { ca: ca.cert, server: ca.server('alien', { hosts: ['127.0.0.1', 'etcd'] }) },
    })
    const endpoints = [`localhost:${alien.server.port}`]
    const message = await firstLoss({ endpoints, access: { protocol: 'https', caFile: ca.cert } })
    assert.match(message, /its certificate is for different names .*DNS:etcd/)
    await alien.close()
  })

  test('reports that it requires TLS to a router without TLS, and the other way round', async () => {
    assert.match(await firstLoss({ endpoints: etcd.hosts }), /it requires TLS: set etcd3\.protocol: https/)
    const plain = await EtcdCluster.start()
    const message = await firstLoss({ endpoints: plain.hosts, access: { protocol: 'https', caFile: ca.cert } })
    assert.match(message, /it does not use TLS: set etcd3\.protocol: http /)
    await plain.close()
  })

  test('is not observed while a certificate file is missing, which is named, and then is', async () => {
    const caFile = join(dir.path, 'late.crt')
    await using observer = new Observer({ endpoints: etcd.hosts, access: { protocol: 'https', caFile } })
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(
      lost.type === 'lost' ? lost.error.message : '',
      /certificate file .*late\.crt \(etcd3\.cacert\) cannot be read/,
    )
    copyFileSync(ca.cert, caFile)
    await observer.leader('pg0')
  })
})

describe('an etcd that identifies users by their certificates', () => {
  let dir: TempDir
  let ca: CertificateAuthority
  let server: CertificatePair
  let users: readonly CertificatePair[]
  let etcd: EtcdCluster
  before(async () => {
    dir = TempDir.create('mtls')
    ca = CertificateAuthority.create(dir.path)
    server = ca.server()
    users = ['first', 'second', 'third'].map((name) => ca.client(name))
    etcd = await EtcdCluster.start({ tls: { ca: ca.cert, server, client: ca.client('test', { commonName: '' }) } })
    const access = { password: null, prefixes: ['/service/demo/'], readOnly: true }
    await etcd.enableAuth(...['first', 'second', 'third'].map((username) => ({ username, ...access })))
  })
  after(async () => {
    await etcd.close()
    await dir.remove()
  })
  beforeEach(async () => etcd.client.put(LEADER, 'pg0'))

  /** Files of the router's own, with the certificate of the first user. */
  function installed(name: string): Files {
    const path = dir.mkdir(name)
    const files = { caFile: join(path, 'ca.crt'), certFile: join(path, 'tls.crt'), keyFile: join(path, 'tls.key') }
    replaceFile(files.caFile, ca.cert)
    install(files, users[0])
    return files
  }

  function install(files: Files, pair: CertificatePair | undefined): void {
    assert.ok(pair !== undefined)
    replaceFile(files.certFile, pair.cert)
    replaceFile(files.keyFile, pair.key)
  }

  test('is observed without a password', async () => {
    await using observer = new Observer({ endpoints: etcd.hosts, access: { protocol: 'https', ...installed('good') } })
    await observer.leader('pg0')
    assert.deepEqual(observer.losses, [])
  })

  test('says what to do about no certificate, that of a stranger, and that of a user who may not', async () => {
    const files = installed('bad')
    const refusal = (own: object): Promise<string> =>
      firstLoss({ endpoints: etcd.hosts, access: { protocol: 'https', ...files, ...own } })
    const none = await refusal({ certFile: null, keyFile: null })
    assert.match(none, /it may require a client certificate, so set etcd3\.cert and etcd3\.key/)
    install(files, CertificateAuthority.create(dir.path, 'stranger').client('mallory'))
    assert.match(await refusal({}), /it may not accept the client certificate, etcd3\.cert \(.*tls\.crt\)/)
    install(files, ca.client('nobody'))
    assert.match(await refusal({}), /user "nobody" \(of the client certificate\) may not read \/service\/demo\//)
  })

  test('is observed with the new certificate once it has replaced the old one, without a loss or a missed change', async () => {
    const files = installed('replaced')
    await using gate = await Gate.open(etcd.server.port)
    await using observer = new Observer({ endpoints: [gate.endpoint], access: { protocol: 'https', ...files } })
    await observer.leader('pg0')
    const names = ['pg0']
    const stop = new AbortController()
    const changing = (async () => {
      while (!stop.signal.aborted) {
        const name = `pg${names.length}`
        names.push(name)
        await etcd.client.put(LEADER, name)
        await observer.leader(name)
      }
    })()
    try {
      for (const [index, before] of ['first', 'second'].entries()) {
        const next = users[index + 1]
        // Half of the pair does not count, for however many checks.
        replaceFile(files.certFile, next?.cert ?? '')
        await sleep(CHECKS_MS)
        assert.equal(gate.accepted, index + 1)
        replaceFile(files.keyFile, next?.key ?? '')
        await until('only the new connection is left', () => gate.accepted === index + 2 && gate.sockets.size === 1)
        await etcd.client.call('auth/user/revoke', { user: before, name: before, role: before })
        await sleep(CHECKS_MS)
        await etcd.client.call('auth/user/grant', { user: before, role: before })
      }
    } finally {
      stop.abort()
      await changing
    }
    assert.deepEqual(observer.leaders, names)
    assert.deepEqual(observer.losses, [])
    const half =
      /^etcd: the certificate files .*tls\.crt \(etcd3\.cert\), .* do not fit together: .*; the files that were read before stay in use$/
    const count = /^etcd: the certificate files have been replaced and are in use$/
    const expected = [half, count, half, count]
    assert.equal(observer.lines.length, expected.length, observer.lines.join('\n'))
    for (const [index, line] of observer.lines.entries()) assert.match(line, expected[index] ?? /^$/)
  })

  test('is observed on while the certificate that has replaced the old one is refused, and with the next one', async () => {
    const files = installed('refused')
    await using gate = await Gate.open(etcd.server.port)
    await using observer = new Observer({ endpoints: [gate.endpoint], access: { protocol: 'https', ...files } })
    await observer.leader('pg0')
    install(files, CertificateAuthority.create(dir.path, 'stranger2').client('mallory'))
    await until('it was tried', () => gate.accepted === 2 && gate.sockets.size === 1)
    await until('it is told', () => observer.lines.length > 0)
    assert.match(
      observer.lines[0] ?? '',
      /^etcd: with the certificate files as they are now .*it may not accept .*etcd3\.cert \(.*; the files that were read before stay in use$/,
    )
    await etcd.client.put(LEADER, 'pg1')
    await observer.leader('pg1')
    install(files, users[1])
    await until('only the new connection is left', () => gate.accepted === 3 && gate.sockets.size === 1)
    await etcd.client.put(LEADER, 'pg2')
    await observer.leader('pg2')
    assert.deepEqual(observer.losses, [])
    assert.deepEqual(observer.lines.slice(1), ['etcd: the certificate files have been replaced and are in use'])
    // With certificates that are of no use, what was there before counts for a new connection too, and is told.
    rmSync(files.keyFile)
    gate.cut()
    const lost = await observer.until('it is lost', ({ type }) => type === 'lost')
    assert.match(lost.type === 'lost' ? lost.error.message : '', /and the certificate file .*tls\.key .*cannot be read/)
    await etcd.client.put(LEADER, 'pg3')
    await observer.leader('pg3')
    replaceFile(files.keyFile, users[1]?.key ?? '')
    await until('it is told', () => observer.lines.at(-1) === 'etcd: the certificate files are usable again')
    assert.equal(observer.lines.length, 4, observer.lines.join('\n'))
  })

  test('may get a certificate of another CA, and its clients that CA, in either order', async () => {
    const files = installed('rotated')
    const next = CertificateAuthority.create(dir.path, 'next')
    const [oldServer, oldCa] = [readFileSync(server.cert), readFileSync(ca.cert)]
    const oldKey = readFileSync(server.key)
    await using gate = await Gate.open(etcd.server.port)
    await using observer = new Observer({ endpoints: [gate.endpoint], access: { protocol: 'https', ...files } })
    await observer.leader('pg0')
    const other = next.server('next-server')
    replaceFile(server.key, other.key)
    replaceFile(server.cert, other.cert)
    try {
      // The session that is open goes on.
      const from = observer.seen.length
      await until('it is read on', () => observer.seen.length > from + 3)
      replaceFile(files.caFile, next.cert)
      await until('only the new connection is left', () => gate.accepted === 2 && gate.sockets.size === 1)
      assert.deepEqual(observer.losses, [])
      // First the CAs of both, then the server's, then the old CA goes: no connection is ever refused.
      writeFileSync(files.caFile, Buffer.concat([readFileSync(next.cert), oldCa]))
      await until('only the new connection is left', () => gate.accepted === 3 && gate.sockets.size === 1)
    } finally {
      writeFileSync(server.key, oldKey)
      writeFileSync(server.cert, oldServer)
    }
    gate.cut()
    await until('it is read again', () => observer.losses.length > 0 && observer.last?.type === 'snapshot')
    assert.equal(observer.losses.length, 1)
  })
})

/** In front of an etcd; counts connections. */
class Gate implements AsyncDisposable {
  readonly sockets = new Set<Socket>()
  accepted = 0
  readonly #server: Server

  private constructor(target: number) {
    this.#server = createServer((socket) => {
      this.accepted++
      this.sockets.add(socket)
      const onward = connect({ port: target, host: '127.0.0.1' })
      socket.pipe(onward).pipe(socket)
      socket.on('error', () => onward.destroy())
      onward.on('error', () => socket.destroy())
      onward.once('close', () => socket.destroy())
      socket.once('close', () => {
        this.sockets.delete(socket)
        onward.destroy()
      })
    })
  }

  static async open(target: number): Promise<Gate> {
    const gate = new Gate(target)
    await new Promise<void>((resolve) => gate.#server.listen(0, '127.0.0.1', resolve))
    return gate
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
