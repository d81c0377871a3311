/** The REST client over TLS: what it trusts, what it shows, and what it says when that does not do. */
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer, type Server, type ServerOptions } from 'node:https'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { Lookups } from '../../../src/names/lookups.ts'
import type { RestApiConfig } from '../../../src/config/config.ts'
import { RestClient } from '../../../src/watcher/checks/rest-client.ts'
import { CertificateAuthority, type CertificatePair, replaceFile } from '../../support/files/certificates.ts'
import { freePort, listens } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Api } from './api.ts'

const PLAIN: RestApiConfig = { caFile: null, certFile: null, keyFile: null, keyPassword: null, insecure: false }
const NEVER = new AbortController().signal

const execute = promisify(execFile)

let dir: TempDir
let ca: CertificateAuthority
let otherCa: CertificateAuthority
let server: CertificatePair
let client: CertificatePair

before(() => {
  dir = TempDir.create('rest')
  ca = CertificateAuthority.create(dir.path)
  otherCa = CertificateAuthority.create(dir.path, 'other')
  server = ca.server()
  client = ca.client()
})
after(async () => dir.remove())

/** What a server needs to show this certificate, and to ask for those of `clients`. */
function showing(pair: CertificatePair, clients: string | null = null): ServerOptions {
  const asks = clients === null ? {} : { ca: readFileSync(clients), requestCert: true, rejectUnauthorized: true }
  return { cert: readFileSync(pair.cert), key: readFileSync(pair.key), ...asks }
}

/** `restapi.verify_client: required` where there is a CA of clients. */
async function https(
  stack: AsyncDisposableStack,
  options: ServerOptions,
): Promise<{ url: string; tls: Server; issuers: Set<string> }> {
  const issuers = new Set<string>()
  const tls = createHttpsServer(options, (request, response) => {
    if (request.socket instanceof TLSSocket) issuers.add(String(request.socket.getPeerX509Certificate()?.issuer))
    response.end('{}')
  })
  const { port } = stack.use(await Api.start(tls))
  return { url: `https://127.0.0.1:${port}`, tls, issuers }
}

/** The reason, or `reply`. */
async function ask(url: string, config: Partial<RestApiConfig>): Promise<string> {
  const rest = new RestClient({ ...PLAIN, ...config }, 10_000, new Lookups())
  const reply = await rest.get(url, '/primary', NEVER)
  await rest.close()
  return reply.kind === 'none' ? reply.reason : reply.kind
}

const certOf = ({ cert, key }: CertificatePair): Partial<RestApiConfig> => ({ certFile: cert, keyFile: key })

/** Speaks HTTP by itself; `take` gets each connection. */
async function raw(stack: AsyncDisposableStack, take: (socket: TLSSocket) => void): Promise<{ url: string; api: Api }> {
  const api = stack.use(await Api.start(createTlsServer({ ...showing(server), allowHalfOpen: true }, take)))
  return { url: `https://127.0.0.1:${api.port}`, api }
}

const ANSWER = 'HTTP/1.0 200 OK\r\n\r\n{}'

describe('a question over TLS', () => {
  test('is ended by the router, so that no kernel waits with the answer', async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = await raw(stack, (socket) => socket.on('end', () => socket.end(ANSWER)).resume())
    assert.equal(await ask(url, { caFile: ca.cert }), 'reply')
  })

  test('is put again where a proxy takes that for a client that has left, which is remembered', async () => {
    await using stack = new AsyncDisposableStack()
    const { url, api } = await raw(stack, (socket) => {
      // It answers after a while, if the client is still there.
      const timer = setTimeout(() => socket.end(ANSWER), 50)
      socket.on('end', () => socket.destroy()).on('close', () => clearTimeout(timer))
      socket.resume()
    })
    const rest = new RestClient({ ...PLAIN, caFile: ca.cert }, 10_000, new Lookups())
    for (const accepted of [2, 3, 4]) {
      assert.equal((await rest.get(url, '/primary', NEVER)).kind, 'reply')
      assert.equal(api.accepted, accepted)
    }
    await rest.close()
  })
})

describe('a REST API with TLS', () => {
  test('of an unknown CA is silent, and says what to set', async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = await https(stack, showing(server))
    assert.match(await ask(url, {}), /unable to (verify|get)|self-signed/)
    assert.match(await ask(url, {}), /cannot be reached: .*set ctl\.cacert .*, or set ctl\.insecure$/)
    assert.match(
      await ask(url, { caFile: otherCa.cert }),
      /no CA in ctl\.cacert \(.*other\.crt\) signed its certificate/,
    )
    assert.equal(await ask(url, { caFile: ca.cert }), 'reply')
    assert.equal(await ask(url, { insecure: true }), 'reply')
  })

  test('at an address with a zone has a certificate for the address, and the zone is not sent', async () => {
    await using stack = new AsyncDisposableStack()
    const hosts: unknown[] = []
    const pair = ca.server('zone', { hosts: ['::1'] })
    const tls = createHttpsServer(showing(pair), (request, response) => {
      const { socket } = request
      hosts.push([request.headers.host, socket instanceof TLSSocket ? socket.servername : null])
      response.end('{}')
    })
    const { port } = stack.use(await Api.start(tls, '::1'))
    assert.equal(await ask(`https://[::1%25lo]:${port}`, { caFile: ca.cert }), 'reply')
    assert.deepEqual(hosts, [[`[::1]:${port}`, false]])
  })

  test('of another name is silent, unless that is left out', async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = await https(stack, showing(ca.server('elsewhere', { hosts: ['pg9.example.com'] })))
    assert.match(
      await ask(url, { caFile: ca.cert }),
      /for different names \(.*127\.0\.0\.1.*\).*connect_address.*ctl\.insecure/,
    )
    assert.equal(await ask(url, { caFile: ca.cert, insecure: true }), 'reply')
  })

  test('with an expired certificate is silent, and says so', async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = await https(stack, showing(ca.server('expired', { days: -1 })))
    assert.match(
      await ask(url, { caFile: ca.cert }),
      /certificate has expired: .*needs a new certificate, or set ctl\.insecure/,
    )
    assert.equal(await ask(url, { caFile: ca.cert, insecure: true }), 'reply')
  })

  test('without TLS is silent, and says so', async () => {
    await using api = await Api.start(createHttpServer((_request, response) => response.end('{}')))
    assert.match(
      await ask(`https://127.0.0.1:${api.port}`, { caFile: ca.cert }),
      /it does not use TLS: .*http, not https/,
    )
  })

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${maxVersion} that requires a client certificate gets it, and without one says what to set`, async () => {
      await using stack = new AsyncDisposableStack()
      const { url } = await https(stack, { ...showing(server, ca.cert), maxVersion })
      assert.match(await ask(url, { caFile: ca.cert }), /so set ctl\.certfile and ctl\.keyfile/)
      const foreign = await ask(url, { caFile: ca.cert, ...certOf(otherCa.client('foreign')) })
      assert.match(foreign, /may not accept the client certificate, ctl\.certfile \(.*foreign\.crt\)/)
      assert.equal(await ask(url, { caFile: ca.cert, ...certOf(client) }), 'reply')
    })
  }

  test('that refuses a client after the handshake, as Python does, is quoted', async () => {
    const port = await freePort()
    const files = ['-cert', server.cert, '-key', server.key, '-CAfile', ca.cert]
    const verify = ['-Verify', '1', '-verify_return_error', '-www']
    const openssl = ['s_server', '-accept', `127.0.0.1:${port}`, '-quiet', ...files, ...verify]
    const child = spawn('openssl', openssl, { cwd: dir.path, stdio: 'ignore' })
    await until('it listens', () => listens(port))
    const url = `https://127.0.0.1:${port}`
    assert.match(await ask(url, { caFile: ca.cert }), /it refuses \(.*certificate required\): .*set ctl\.certfile/)
    const foreign = certOf(otherCa.client('alien'))
    assert.match(await ask(url, { caFile: ca.cert, ...foreign }), /it refuses \(.*unknown ca\): .*ctl\.certfile/)
    assert.equal(await ask(url, { caFile: ca.cert, ...certOf(client) }), 'reply')
    child.kill('SIGKILL')
  })

  test('is verified with a client certificate even if that is to be left out, its name excepted, as by Patroni', async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = await https(stack, showing(ca.server('nowhere', { hosts: ['pg9.example.com'] }), ca.cert))
    const config = { ...certOf(client), insecure: true }
    assert.match(await ask(url, config), /set ctl\.cacert .*with ctl\.certfile, ctl\.insecure leaves out the name only/)
    assert.equal(await ask(url, { ...config, caFile: ca.cert }), 'reply')
  })

  test('with a CA of the system is trusted', async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = await https(stack, showing(server))
    const source = (path: string): string => new URL(`../../../src/${path}`, import.meta.url).href
    const script = `import { RestClient } from '${source('watcher/checks/rest-client.ts')}'
      import { Lookups } from '${source('names/lookups.ts')}'
      const rest = new RestClient(${JSON.stringify(PLAIN)}, 10_000, new Lookups())
      const reply = await rest.get('${url}', '/primary', new AbortController().signal)
      console.log(reply.kind === 'none' ? reply.reason : reply.kind)`
    const asked = async (trusted: string): Promise<string> => {
      const env = { ...process.env, SSL_CERT_FILE: trusted, SSL_CERT_DIR: dir.mkdir(`none-${basename(trusted)}`) }
      const { stdout } = await execute(process.execPath, ['--input-type=module-typescript', '-e', script], { env })
      return stdout.trim()
    }
    assert.equal(await asked(ca.cert), 'reply')
    assert.match(
      await asked(otherCa.cert),
      /cannot be reached: unable to verify the first certificate: set ctl\.cacert to/,
    )
  })

  test('takes an encrypted key; invalid certificates are an answer that is not given, without a word of the password', async () => {
    const keyFile = join(dir.path, 'encrypted.key')
    const passout = ['-aes256', '-passout', 'pass:secret-passphrase']
    execFileSync('openssl', ['ec', '-in', client.key, ...passout, '-out', keyFile], { stdio: 'ignore' })
    await using stack = new AsyncDisposableStack()
    const { url } = await https(stack, showing(server, ca.cert))
    const config = { ...PLAIN, caFile: ca.cert, certFile: client.cert, keyFile }
    assert.equal(await ask(url, { ...config, keyPassword: 'secret-passphrase' }), 'reply')
    for (const broken of [
      { ...config, keyPassword: 'wrong-secret' },
      { ...config, certFile: server.cert, keyPassword: 'secret-passphrase' },
      { ...PLAIN, caFile: keyFile },
    ]) {
      const reason = await ask(url, broken)
      assert.match(reason, /the certificate files? .* (?:is invalid|do not fit together)/)
      assert.doesNotMatch(reason, /secret/)
    }
    assert.match(
      await ask(url, { caFile: join(dir.path, 'missing.crt') }),
      /^its REST API .*: the certificate file .*missing\.crt \(ctl\.cacert\) cannot be read: ENOENT/,
    )
  })

  test('is asked once invalid certificates are valid, which is logged once, and one without TLS all the time', async () => {
    await using stack = new AsyncDisposableStack()
    const { url } = await https(stack, showing(server))
    const api = stack.use(await Api.start(createHttpServer((_request, response) => response.end('{}'))))
    const caFile = join(dir.path, 'later.crt')
    const lines: string[] = []
    const tell = (_fields: object, message: string): void => void lines.push(message)
    const rest = new RestClient({ ...PLAIN, caFile }, 10_000, new Lookups(), {
      debug: tell,
      info: tell,
      warn: tell,
      error: tell,
    })
    assert.equal((await rest.get(api.url, '/primary', NEVER)).kind, 'reply')
    assert.deepEqual(lines, [])
    for (let times = 0; times < 3; times++) assert.equal((await rest.get(url, '/primary', NEVER)).kind, 'none')
    assert.equal((await rest.get(api.url, '/primary', NEVER)).kind, 'reply')
    replaceFile(caFile, ca.cert)
    await until('it answers', async () => (await rest.get(url, '/primary', NEVER)).kind === 'reply')
    await rest.close()
    const said = lines.join('\n')
    assert.match(
      said,
      /^REST API: .* file \S+later\.crt \(ctl\.cacert\) cannot be read: ENOENT.*\nREST API: .* are usable now$/,
    )
    assert.doesNotMatch(said, /stay in use/)
  })
})

describe('certificate files that are replaced', () => {
  /** The router's own files, and a client with them that records what it logs. */
  function installed(name: string): { files: Required<CertFiles>; rest: RestClient; lines: string[] } {
    const path = dir.mkdir(name)
    const files = { caFile: join(path, 'ca.crt'), certFile: join(path, 'tls.crt'), keyFile: join(path, 'tls.key') }
    install(files, ca.cert, client)
    const lines: string[] = []
    const tell = (_fields: object, message: string): void => void lines.push(message)
    const rest = new RestClient({ ...PLAIN, ...files }, 10_000, new Lookups(), {
      debug: tell,
      info: tell,
      warn: tell,
      error: tell,
    })
    return { files, rest, lines }
  }

  type CertFiles = { caFile: string; certFile: string; keyFile: string }

  function install({ caFile, certFile, keyFile }: CertFiles, cacert: string, { cert, key }: CertificatePair): void {
    replaceFile(caFile, cacert)
    replaceFile(certFile, cert)
    replaceFile(keyFile, key)
  }

  test('count, CA and both certificates, while questions continue, and no question fails', async () => {
    await using stack = new AsyncDisposableStack()
    const { url, tls, issuers } = await https(stack, showing(server, ca.cert))
    const { files, rest } = installed('rotation')
    const both = join(dir.path, 'both.crt')
    writeFileSync(both, readFileSync(ca.cert, 'utf8') + readFileSync(otherCa.cert, 'utf8'))
    const reasons: string[] = []
    let [asked, going] = [0, true]
    const askAway = async (): Promise<void> => {
      while (going) {
        const reply = await rest.get(url, '/primary', NEVER)
        asked++
        if (reply.kind === 'none') reasons.push(reply.reason)
      }
    }
    const asking = [askAway(), askAway()]
    const someMore = async (): Promise<unknown> => {
      const from = asked
      return until('questions are asked', () => asked >= from + 10)
    }
    await someMore()
    const [newServer, newClient] = [otherCa.server('server2'), otherCa.client('client2')]
    // As it is done: first everybody trusts both, then certificates change, then the old CA goes.
    tls.setSecureContext(showing(server, both))
    replaceFile(files.caFile, both)
    await someMore()
    tls.setSecureContext(showing(newServer, both))
    await someMore()
    replaceFile(files.certFile, newClient.cert)
    await someMore()
    replaceFile(files.keyFile, newClient.key)
    await until('the new certificate is shown', () => [...issuers].some((issuer) => issuer.includes('test other')))
    tls.setSecureContext(showing(newServer, otherCa.cert))
    replaceFile(files.caFile, otherCa.cert)
    await someMore()
    going = false
    await Promise.all(asking)
    await rest.close()
    assert.deepEqual(reasons, [])
  })

  test('a moment before the server changes count for its next question', async () => {
    await using stack = new AsyncDisposableStack()
    const { url, tls } = await https(stack, showing(server, ca.cert))
    const { files, rest, lines } = installed('moment')
    assert.equal((await rest.get(url, '/primary', NEVER)).kind, 'reply')
    install(files, otherCa.cert, otherCa.client('client3'))
    tls.setSecureContext(showing(otherCa.server('server3'), otherCa.cert))
    assert.equal((await rest.get(url, '/primary', NEVER)).kind, 'reply')
    assert.deepEqual(lines, ['REST API: the certificate files have been replaced and are in use'])
    await rest.close()
  })

  test('by half do not count, which is logged once, and in the reason where a question fails', async () => {
    await using stack = new AsyncDisposableStack()
    const { url, tls } = await https(stack, showing(server, ca.cert))
    const { files, rest, lines } = installed('half')
    const newClient = ca.client('client4')
    assert.equal((await rest.get(url, '/primary', NEVER)).kind, 'reply')
    replaceFile(files.certFile, newClient.cert)
    await until(
      'it is told',
      async () => (await rest.get(url, '/primary', NEVER)).kind === 'reply' && lines.length === 1,
    )
    tls.setSecureContext(showing(otherCa.server('server5'), ca.cert))
    for (let times = 0; times < 3; times++) {
      const reply = await rest.get(url, '/primary', NEVER)
      assert.match(
        reply.kind === 'none' ? reply.reason : '',
        /no CA in ctl\.cacert.*\(and the certificate files .* do not fit together/,
      )
    }
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /tls\.crt.* do not fit together.*; the files that were read before stay in use/)
    tls.setSecureContext(showing(server, ca.cert))
    replaceFile(files.keyFile, newClient.key)
    await until(
      'they count',
      async () => (await rest.get(url, '/primary', NEVER)).kind === 'reply' && lines.length === 2,
    )
    assert.match(lines[1] ?? '', /replaced and are in use/)
    await rest.close()
  })
})
