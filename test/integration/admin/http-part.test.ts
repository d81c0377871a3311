/** HTTP as a part of a router: addresses that are busy or move, certificates and tokens that change. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { after, afterEach, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { EventLoopDelay } from '../../../src/admin/metrics/event-loop-delay.ts'
import type { HttpConfig } from '../../../src/config/config.ts'
import { HttpPart } from '../../../src/router/http-part.ts'
import { sampleStatus } from '../../unit/admin/sample.ts'
import { CertificateAuthority } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePorts } from '../../support/net/ports.ts'
import { notedActs, TOKEN } from './http-client.ts'

describe('HTTP of a router', () => {
  let dir: TempDir
  let busy: Server
  let ports: readonly number[]
  let part: HttpPart
  let log: string[]

  before(async () => {
    dir = TempDir.create('http-part')
    ports = await freePorts(2)
    busy = createServer().listen(0, '127.0.0.1')
    await once(busy, 'listening')
  })
  afterEach(() => part.close())
  after(async () => {
    busy.close()
    await dir.remove()
  })

  const busyPort = (): number => (busy.address() as AddressInfo).port
  const path = (name: string): string => join(dir.path, name)

  function config(onPorts: readonly number[], changes: Partial<HttpConfig> = {}): HttpConfig {
    const binds = onPorts.map((port) => ({ kind: 'tcp', host: '127.0.0.1', port }) as const)
    return { binds, isDefault: false, tls: null, tokenFile: null, hosts: [], ...changes }
  }

  function build(first: HttpConfig): HttpPart {
    log = []
    const eventLoopDelay = new EventLoopDelay()
    const logger = pino({}, { write: (text: string) => void log.push((JSON.parse(text) as { event: string }).event) })
    part = new HttpPart(first, {
      log: logger,
      status: () => sampleStatus(),
      acts: notedActs([]),
      history: null,
      eventLoopDelay,
    })
    return part
  }

  /** Takes another configuration, as a reload does; returns what has come of it. */
  async function reload(next: HttpConfig, isTaken = (): boolean => false): Promise<string> {
    const prepared = await part.prepare(next, isTaken)
    if (prepared.refused.length > 0) {
      prepared.abandon()
      return prepared.refused.map(({ reason }) => reason ?? '').join()
    }
    const [report] = prepared.commit()
    await part.openAgain()
    await part.resync()
    return report?.outcome ?? ''
  }

  /** Returns the status of an answer; 0: there is none. */
  async function answer(port: number, how: 'http' | 'https' = 'http', token?: string): Promise<number> {
    const options = {
      ...{ port, host: '127.0.0.1', agent: false, method: token === undefined ? 'GET' : 'POST' },
      path: token === undefined ? '/live' : '/api/v1/hold',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    }
    const sent = how === 'http' ? request(options) : requestTls({ ...options, rejectUnauthorized: false })
    sent.end(token === undefined ? '' : '{}')
    try {
      const [received] = (await once(sent, 'response')) as [{ statusCode: number; resume: () => void }]
      received.resume()
      return received.statusCode
    } catch {
      return 0
    }
  }

  /** Returns that of the certificate at a port, on a connection of its own. */
  async function fingerprint(port: number): Promise<string> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }

  test('starts without a default address that is in use, with a warning, and not without a configured one', async () => {
    await build(config([busyPort()], { isDefault: true })).start()
    assert.deepEqual(log, ['http-unavailable'])
    const { addresses, fault } = part.status() ?? {}
    assert.deepEqual(addresses, [])
    assert.match(
      fault ?? '',
      /^HTTP cannot bind 127\.0\.0\.1:\d+ \(admin\.bind\): the port is in use by another process/,
    )
    const held = createServer().listen(0, '127.0.0.1')
    await once(held, 'listening')
    const { port } = held.address() as AddressInfo
    await part.close()
    await build(config([port], { isDefault: true })).start()
    assert.equal((await part.resync()).length, 1)
    held.close()
    await once(held, 'close')
    assert.deepEqual(await part.resync(), [])
    assert.deepEqual([await answer(port), part.status()?.fault], [200, null])
    await part.close()
    await assert.rejects(build(config([ports[0] ?? 0, busyPort()])).start(), { code: 'BIND_FAILED' })
    assert.equal(await answer(ports[0] ?? 0), 0)
  })

  test('comes, moves and goes with a reload, all or nothing', async () => {
    const [one = 0, two = 0] = ports
    await build(config([])).start()
    assert.equal(part.status(), null)
    assert.equal(await reload(config([one])), 'added')
    assert.equal(await reload(config([one])), 'kept')
    assert.match(await reload(config([two, busyPort()])), /in use by another process/)
    assert.deepEqual([await answer(one), await answer(two)], [200, 0])
    assert.equal(await reload(config([two])), 'reconfigured')
    assert.deepEqual([await answer(one), await answer(two)], [0, 200])
    // An address that a listener has is free only when all have committed.
    assert.equal(await reload(config([one, two]), () => true), 'reconfigured')
    assert.deepEqual([await answer(one), await answer(two)], [200, 200])
    assert.equal(await reload(config([])), 'removed')
    assert.deepEqual([await answer(one), part.status()], [0, null])
  })

  test('is HTTPS with a certificate, also at an address that it has, and keeps one that can no longer be used', async () => {
    const [one = 0] = ports
    const { cert: certFile, key: keyFile } = CertificateAuthority.create(dir.path).server()
    const tls = { certFile, keyFile }
    await build(config([one])).start()
    assert.match(await reload(config([one], { tls: { ...tls, keyFile: path('none') } })), /\(admin\.tls\.key_file\)/)
    assert.equal(await answer(one), 200)
    assert.equal(await reload(config([one], { tls })), 'reconfigured')
    assert.deepEqual([await answer(one), await answer(one, 'https')], [0, 200])
    const first = await fingerprint(one)
    const renewed = CertificateAuthority.create(dir.mkdir('renewed')).server()
    for (const which of ['cert', 'key'] as const) copyFileSync(renewed[which], { cert: certFile, key: keyFile }[which])
    assert.deepEqual(await part.resync(), [])
    const second = await fingerprint(one)
    assert.equal(await reload(config([one], { tls, hosts: ['router1'] })), 'reconfigured')
    assert.deepEqual([first === second, (await fingerprint(one)) === second], [false, true])
    writeFileSync(certFile, 'nothing')
    assert.match((await part.resync()).join(), /the former certificate stays in use/)
    assert.equal(log.at(-1), 'http-tls-unusable')
    assert.equal(await answer(one, 'https'), 200)
    assert.equal(await reload(config([one])), 'reconfigured')
    assert.deepEqual([await answer(one), await answer(one, 'https')], [200, 0])
  })

  test('takes tokens of a file that only its users can read, and again after a reload', async () => {
    const [one = 0] = ports
    const tokenFile = path('tokens')
    writeFileSync(tokenFile, `# who may act\nops:${TOKEN}\n`, { mode: 0o640 })
    await build(config([one], { tokenFile })).start()
    assert.deepEqual([await answer(one, 'http', TOKEN), await answer(one, 'http', `${TOKEN}x`)], [200, 401])
    writeFileSync(tokenFile, `ops:${TOKEN}x\n`)
    assert.equal(await answer(one, 'http', TOKEN), 200)
    await part.resync()
    assert.deepEqual([await answer(one, 'http', TOKEN), await answer(one, 'http', `${TOKEN}x`)], [401, 200])
    chmodSync(tokenFile, 0o644)
    await part.resync()
    assert.equal(log.at(-1), 'http-tokens-unusable')
    assert.equal(await answer(one, 'http', `${TOKEN}x`), 200)
    await rm(tokenFile)
    assert.match((await part.resync()).join(), /^HTTP: no act is possible: .* does not exist$/)
    assert.equal(await answer(one, 'http', `${TOKEN}x`), 401)
    writeFileSync(tokenFile, `ops:${TOKEN}x\n`, { mode: 0o640 })
    assert.deepEqual(await part.resync(), [])
    chmodSync(tokenFile, 0o644)
    assert.match((await part.resync()).join(), /^HTTP: the former tokens stay in force: .* every user/)
    writeFileSync(path('open'), `ops:${TOKEN}\n`, { mode: 0o644 })
    const refused = await reload(config([one], { tokenFile: path('open') }))
    assert.match(refused, /^admin\.token_file: \S+ can be used by every user of this machine: chmod o= it$/)
    assert.equal(await reload(config([one])), 'reconfigured')
    assert.equal(await answer(one, 'http', `${TOKEN}x`), 401)
    await part.close()
    await build(config([one], { tokenFile })).start()
    assert.deepEqual([log, await answer(one, 'http', TOKEN)], [['http-tokens-unusable', 'http-refused'], 401])
  })
})
