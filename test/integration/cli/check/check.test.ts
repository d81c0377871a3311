import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { check } from '../../../../src/cli/check/check.ts'
import type { Trying } from '../../../../src/cli/check/listeners.ts'
import { CertificateAuthority } from '../../../support/files/certificates.ts'
import { TempDir } from '../../../support/files/temp.ts'
import { FakeIo } from '../../../support/router/fake-io.ts'

const ETCD = "scope: demo\netcd3: {hosts: 'etcd1:2379'}\n"
let dir: TempDir
before(() => {
  dir = TempDir.create('check')
  writeFileSync(join(dir.path, 'file'), '')
  mkdirSync(join(dir.path, 'directory'))
  CertificateAuthority.create(dir.path).client()
  symlinkSync(join(dir.path, 'nowhere'), join(dir.path, 'dangling'))
})
after(() => dir.remove())

/** A machine on which all addresses are free, and no router runs. */
const FREE: Trying = {
  listen: () => Promise.resolve(),
  knock: () => Promise.resolve(false),
  running: () => Promise.resolve(null),
}

const fails =
  (code: string): Trying['listen'] =>
  () =>
    Promise.reject(Object.assign(new Error(`listen ${code}`), { code }))

interface Checked {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `check` of a configuration file; `DIR` in it is the temporary directory, in what is printed as well. */
async function checked(text: string, trying: Partial<Trying> = {}, startup = false): Promise<Checked> {
  const config = join(dir.path, 'router.yml')
  writeFileSync(config, text.replaceAll('DIR', dir.path))
  const io = new FakeIo()
  const code = await check({ config, startup }, io, { ...FREE, ...trying })
  return { code, stdout: io.stdout.replaceAll(dir.path, 'DIR'), stderr: io.stderr.replaceAll(dir.path, 'DIR') }
}

const SUMMARIES: readonly (readonly [title: string, text: string, lines: readonly string[]])[] = [
  [
    'etcd with all there is to get in',
    `scope: demo
etcd3: {hosts: 'a:1', protocol: https, username: u, password: s3cret, cacert: DIR/ca.crt, cert: DIR/client.crt, key: DIR/client.key}
`,
    [
      'DCS       etcd3 over https at a:1 (seeds, the others are discovered), CA DIR/ca.crt, client certificate, user and password',
    ],
  ],
  [
    'etcd over TLS with the CA of the system',
    "scope: demo\netcd3: {hosts: 'a:1', protocol: https, use_proxies: true}\n",
    ['DCS       etcd3 over https at a:1 (only these), CA of the system'],
  ],
  [
    'members instead of a DCS',
    'scope: demo\nrest: {urls: [http://a:8008, https://b:8008]}\n',
    ['DCS       none: the members are queried, beginning with http://a:8008, https://b:8008'],
  ],
  [
    'a description instead of a DCS, and members that are not asked',
    'scope: demo\nfile: {path: file}\nproxy: {trust: dcs}\n',
    [
      'DCS       none: the cluster is described in DIR/file',
      'members   not checked before use (trust: dcs): the leader is the one that the DCS names',
    ],
  ],
  [
    'poolers and a state directory',
    `${ETCD}proxy: {address: proxy_url}\nstate_dir: DIR/state\n`,
    ['members   reached at their proxy_url if they have one, otherwise at their conn_url', 'state_dir DIR/state'],
  ],
  [
    'listeners with everything',
    `${ETCD}proxy:
  listeners:
    primary: {bind: ['127.0.0.1:5000', '[::1]:5000', DIR/db.sock], route: primary}
    near: {bind: '*:5001', route: replica, max_lag: 16MB, tags: {dc: a, rank: 1}, fallback: primary}
    back: {bind: '*:5002', route: sync, max_lag: 1000, fallback: primary, close_fallback: true}
    all: {bind: ':5003', route: any}
`,
    [
      'listener  primary on 127.0.0.1:5000 and [::1]:5000 and DIR/db.sock, route primary',
      'listener  near on *:5001, route replica, at most 16MB behind, tags {dc: a, rank: 1}, else the primary',
      'listener  back on *:5002, route sync, at most 1000B behind, else the primary, until one of these is back',
      'listener  all on *:5003, route any',
    ],
  ],
]

for (const [title, text, lines] of SUMMARIES)
  test(`tells what would run: ${title}`, async () => {
    const { code, stdout } = await checked(text)
    assert.equal(code, 0)
    for (const line of lines) assert.ok(stdout.split('\n').includes(`  ${line}`), `${line}\nis not in\n${stdout}`)
    assert.doesNotMatch(stdout, /s3cret/)
  })

test('defaults are not listed', async () => {
  assert.doesNotMatch((await checked(ETCD)).stdout, /members {3}|state_dir|behind|tags|else the/)
})

const FOUND: readonly (readonly [title: string, text: string, problems: readonly string[]])[] = [
  [
    'certificates for etcd that are not there',
    "scope: demo\netcd3: {hosts: 'a:1', protocol: https, cacert: DIR/ca, cert: DIR/directory, key: DIR/key}\n",
    [
      'DIR/ca: no such file: CA certificates for etcd (etcd3.cacert)',
      'DIR/directory: is not a file: client certificate for etcd (etcd3.cert)',
      'DIR/key: no such file: key of the client certificate for etcd (etcd3.key)',
    ],
  ],
  [
    'certificate files that hold no certificate, and a key of another one',
    `scope: demo\netcd3: {hosts: 'a:1', protocol: https, cacert: DIR/file}\n` +
      'ctl: {certfile: DIR/ca.crt, keyfile: DIR/client.key}\n',
    [
      'the certificate files DIR/ca.crt (ctl.certfile), DIR/client.key (ctl.keyfile) do not fit together: ' +
        'error:05800074:x509 certificate routines::key values mismatch',
      'the certificate file DIR/file (etcd3.cacert) is invalid: it holds no certificate in PEM',
    ],
  ],
  [
    'a description of the cluster that is not there',
    'scope: demo\nfile: {path: cluster.yml}\n',
    ['DIR/cluster.yml: no such file: description of the cluster (file.path)'],
  ],
  [
    'a description of the cluster that is a directory',
    'scope: demo\nfile: {path: DIR/directory}\n',
    ['DIR/directory: is not a file: description of the cluster (file.path)'],
  ],
  ['a state_dir that is a file', `${ETCD}state_dir: DIR/file\n`, ['state_dir: DIR/file: is not a directory']],
  [
    'a group of the admin socket that is not there',
    `${ETCD}admin: {group: no-such-group}\n`,
    ['admin.group: there is no group no-such-group'],
  ],
  [
    'a state_dir without the directory that it is in',
    `${ETCD}state_dir: DIR/stat/router\n`,
    ['state_dir: DIR/stat/router: cannot be made: DIR/stat: no such directory'],
  ],
  [
    'a Unix socket without its directory',
    `${ETCD}proxy: {listeners: {p: {bind: DIR/run/db.sock, route: any}}}\n`,
    ['proxy.listeners.p.bind: DIR/run/db.sock: its directory: no such directory'],
  ],
  [
    'a Unix socket below a file',
    `${ETCD}proxy: {listeners: {p: {bind: DIR/file/db.sock, route: any}}}\n`,
    ['proxy.listeners.p.bind: DIR/file/db.sock: its directory: is not a directory'],
  ],
  [
    'Unix sockets in the place of something else',
    `${ETCD}proxy: {listeners: {p: {bind: [DIR/file, DIR/dangling], route: any}}}\n`,
    [
      'proxy.listeners.p.bind: DIR/file: is there and is not a socket',
      'proxy.listeners.p.bind: DIR/dangling: is there and is not a socket',
    ],
  ],
  [
    'one name of several that does not resolve',
    `${ETCD}proxy: {listeners: {p: {bind: ['127.0.0.1:1', 'does-not-exist.invalid:1', DIR/x], route: any}}}\n`,
    ['proxy.listeners.p.bind: does-not-exist.invalid: the name does not resolve'],
  ],
]

for (const [title, text, problems] of FOUND)
  test(`reports ${title}`, async () => {
    const { code, stdout, stderr } = await checked(text)
    assert.equal(stderr, problems.map((problem) => `${problem}\n`).join(''))
    assert.deepEqual([code, stdout], [2, ''])
  })

test('unusable certificate files prevent no start', async () => {
  const { code, stderr } = await checked(`${ETCD}ctl: {cacert: DIR/file}\n`, {}, true)
  assert.equal(code, 0)
  assert.match(stderr, /^warning: the certificate file DIR\/file \(ctl\.cacert or restapi\.cafile\) is invalid: /)
})

test('certificates for etcd do not matter without TLS', async () => {
  const { code, stderr } = await checked("scope: demo\netcd3: {hosts: 'a:1', cacert: DIR/missing}\n")
  assert.equal(code, 0)
  assert.doesNotMatch(stderr, /no such file/)
})

test('accepts a socket that is there, a state_dir that is there or could be made, and touches nothing', async () => {
  const server = createServer().listen(join(dir.path, 'live.sock'))
  await once(server, 'listening')
  try {
    await checked(ETCD)
    const entries = readdirSync(dir.path, { recursive: true }).toSorted()
    for (const state of ['directory', 'state'])
      assert.deepEqual(
        (({ code, stderr }) => [code, stderr])(
          await checked(
            `${ETCD}state_dir: DIR/${state}\nproxy: {listeners: {p: {bind: [DIR/live.sock, DIR/new.sock], route: any}}}\n`,
          ),
        ),
        [0, ''],
      )
    assert.deepEqual(readdirSync(dir.path, { recursive: true }).toSorted(), entries)
    assert.equal(server.listening, true)
  } finally {
    server.close()
    await once(server, 'close')
  }
})

test('finds what keeps track files from being written, and which of them are one', async () => {
  const files = [
    'DIR/a.track',
    'DIR/new/a.track',
    'DIR/file/a.track',
    'DIR/no/such/a.track',
    'DIR/directory',
    'DIR/link/a.track',
  ]
  symlinkSync(dir.path, join(dir.path, 'link'))
  const list = files.map((path) => `    - {path: ${path}, when: primary}\n`).join('')
  const { code, stderr } = await checked(`${ETCD}track:\n  files:\n${list}`)
  assert.equal(code, 2)
  assert.deepEqual(stderr.trim().split('\n'), [
    'track.files.2.path: DIR/file/a.track: its directory is not a directory',
    'track.files.3.path: DIR/no/such/a.track: DIR/no: no such directory',
    'track.files.4.path: DIR/directory: is there and is not a file',
    'track.files.5.path: DIR/link/a.track is the file of track.files.0',
  ])
  const { stdout } = await checked(`${ETCD}name: pg1\ntrack: {files: [{path: DIR/a.track, when: local-leader}]}\n`)
  assert.match(stdout, /^ {2}track {5}DIR\/a\.track while local-leader pg1$/m)
})

test('says of several clusters whose each part is, and what they have in common once', async () => {
  writeFileSync(join(dir.path, 'a.hbs'), 'a')
  const parts = `clusters: {one: , two: {scope: other}}
templates:
  - {source: DIR/a.hbs, destination: DIR/one.cfg, cluster: one}
  - {source: DIR/a.hbs, destination: DIR/all.cfg, clusters: all}
hooks:
  - {on: open, command: [DIR/file]}
  - {on: open, command: [none-of-that-name]}
`
  const { stderr } = await checked(`${ETCD.replace('scope: demo\n', 'ctl: {cacert: DIR/none}\n')}${parts}`)
  const told = stderr.trim().split('\n')
  assert.deepEqual(
    told.map((line) => line.split(': ')[0]),
    ['DIR/none', 'hooks.0.command', 'hooks.1.command'],
  )
  const { stdout } = await checked(`${ETCD.replace('scope: demo\n', '')}${parts.replace(/hooks:[^]*/, '')}`)
  assert.match(stdout, /^ {2}cluster {3}one in namespace service$/m)
  assert.match(stdout, /^ {2}cluster {3}two: other in namespace service$/m)
  assert.match(stdout, /a\.hbs -> DIR\/one\.cfg, of one$/m)
  assert.match(stdout, /a\.hbs -> DIR\/all\.cfg, of one and two$/m)
})

test('warnings of the configuration are shown with exit 0, and beside errors', async () => {
  const strange = 'DIR/router.yml:3:7: ctl.insecur: not used: Patroni has no such key in ctl; did you mean "insecure"?'
  const doubtful = await checked(`${ETCD}ctl: {insecur: yes}\n`)
  assert.equal(doubtful.code, 0)
  assert.equal(doubtful.stderr, `warning: ${strange}\n`)
  const wrong = await checked(`${ETCD}ctl: {insecur: yes}\nproxy: {hold: {timeout: 5}}\n`)
  assert.equal(wrong.code, 2)
  const [first, second] = wrong.stderr.split('\n')
  assert.equal(first, `warning: ${strange}`)
  assert.match(second ?? '', /^DIR\/router\.yml:4:16: proxy\.hold\.timeout: /)
})

const LISTENERS = `${ETCD}proxy: {listeners: {p: {bind: [':5000', DIR/live.sock], route: any}}}\nadmin: {bind: off}\n`

test('a port that is in use is an error, and before a start a warning: it may be free then', async () => {
  const busy = { listen: fails('EADDRINUSE') }
  const text = 'proxy.listeners.p.bind: *:5000: the port is in use by another process\n'
  const { code, stderr } = await checked(LISTENERS, busy)
  assert.deepEqual([code, stderr], [2, text])
  const atStart = await checked(LISTENERS, busy, true)
  assert.deepEqual([atStart.code, atStart.stderr], [0, `warning: ${text}`])
})

test('ports of the running router are noted, and not tried', async () => {
  const held = [dir.path, 'live.sock'].join('/')
  const running = (): ReturnType<Trying['running']> => Promise.resolve(['[::]:5000', held])
  const { code, stdout, stderr } = await checked(LISTENERS, { listen: fails('EADDRINUSE'), running })
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^ {2}note {6}proxy\.listeners\.p\.bind: \*:5000: held by the router that runs$/m)
  const another = await checked(LISTENERS, {
    listen: fails('EADDRINUSE'),
    running: () => Promise.resolve(['[::]:50000']),
  })
  assert.equal(another.code, 2)
  const denied = await checked(LISTENERS, { listen: fails('EADDRINUSE'), running: () => Promise.resolve('denied') })
  assert.equal(denied.code, 0)
  assert.match(
    denied.stderr,
    /^warning: .*in use, perhaps by the router that runs, whose admin socket this user may not/,
  )
})

test('a port of HTTP that is in use is an error where it is configured, and else a warning', async () => {
  const busy = {
    listen: (host: string, port: number) => (port === 7000 ? fails('EADDRINUSE')(host, port) : Promise.resolve()),
  }
  const text = 'admin.bind: 127.0.0.1:7000: the port is in use by another process'
  const usual = await checked(`${ETCD}proxy: {drain_timeout: 1s}\n`, busy)
  assert.deepEqual([usual.code, usual.stderr], [0, `warning: ${text}: HTTP is off then\n`])
  const configured = await checked(`${ETCD}admin: {bind: '127.0.0.1:7000'}\n`, busy)
  assert.deepEqual([configured.code, configured.stderr], [2, `${text}\n`])
  const running = (): ReturnType<Trying['running']> => Promise.resolve(['[::]:5000', '[::]:5001', '127.0.0.1:7000'])
  const held = await checked(`${ETCD}admin: {bind: '127.0.0.1:7000'}\n`, { ...busy, running })
  assert.match(held.stdout, /^ {2}note {6}admin\.bind: 127\.0\.0\.1:7000: held by the router that runs$/m)
})

test('tokens that others can read, and a certificate that is none, are found', async () => {
  writeFileSync(join(dir.path, 'tokens'), 'ops:0123456789abcdef\n', { mode: 0o644 })
  const { code, stderr } = await checked(
    `${ETCD}admin: {bind: ':7000', token_file: DIR/tokens, tls: {cert_file: DIR/file}}\n`,
  )
  assert.equal(code, 2)
  assert.match(stderr, /^admin\.token_file: DIR\/tokens can be used by every user of this machine: chmod o= it$/m)
  assert.match(stderr, /DIR\/file \(admin\.tls\.cert_file\)/)
  assert.doesNotMatch(stderr, /0123456789/)
})

test('a port that this user may not have is a warning, and says which right a service needs', async () => {
  const { code, stderr } = await checked(LISTENERS, { listen: fails('EACCES') })
  assert.equal(code, 0)
  assert.match(stderr, /^warning: .*\*:5000: this user may not listen .*CAP_NET_BIND_SERVICE\n$/)
})

test('without IPv6 every address is every one of IPv4; an address of another machine is not tried', async () => {
  const tried: string[] = []
  const listen: Trying['listen'] = (host, port) => {
    tried.push(host)
    return host === '::' ? fails('EAFNOSUPPORT')(host, port) : Promise.resolve()
  }
  const { code, stderr } = await checked(
    `${ETCD}proxy: {listeners: {p: {bind: [':5000', '192.168.255.1:5001'], route: any}}}\nadmin: {bind: off}\n`,
    { listen },
  )
  assert.equal(code, 0)
  assert.deepEqual(tried, ['::', '0.0.0.0'])
  assert.equal(stderr, 'warning: proxy.listeners.p.bind: 192.168.255.1: not an address of this machine now\n')
})

test('a Unix socket on which another process listens is an error; a socket that is left over is not', async () => {
  const path = join(dir.path, 'taken.sock')
  const server = createServer().listen(path)
  await once(server, 'listening')
  try {
    const text = `${ETCD}proxy: {listeners: {p: {bind: DIR/taken.sock, route: any}}}\n`
    const { code, stderr } = await checked(text, { knock: (knocked) => Promise.resolve(knocked === path) })
    assert.deepEqual([code, stderr], [2, 'proxy.listeners.p.bind: DIR/taken.sock: another process listens there\n'])
    assert.equal((await checked(text)).code, 0)
  } finally {
    server.close()
    await once(server, 'close')
  }
})

test('a directory of the admin socket that cannot be made is an error', async () => {
  const { code, stderr } = await checked(`${ETCD}admin: {socket: DIR/file/sub/admin.sock}\n`)
  assert.equal(code, 2)
  assert.match(
    stderr,
    /^admin\.socket: DIR\/file\/sub\/admin\.sock: its directory cannot be made or written: DIR\/file/,
  )
  assert.equal((await checked(`${ETCD}admin: {socket: DIR/a/b/admin.sock}\n`)).code, 0)
})

test('a path in the way of the admin socket is an error: a file, a directory, another process', async () => {
  for (const name of ['file', 'directory', 'dangling']) {
    const { code, stderr } = await checked(`${ETCD}admin: {socket: DIR/${name}}\n`, {}, true)
    assert.deepEqual([code, stderr], [2, `admin.socket: DIR/${name}: is there and is not a socket\n`])
  }
  const server = createServer().listen(join(dir.path, 'stranger.sock'))
  await once(server, 'listening')
  try {
    const text = `${ETCD}admin: {socket: DIR/stranger.sock}\n`
    const listens = { knock: () => Promise.resolve(true) }
    const said = 'admin.socket: DIR/stranger.sock: another process listens there\n'
    const { code, stderr } = await checked(text, listens)
    assert.deepEqual([code, stderr], [2, said])
    const atStart = await checked(text, listens, true)
    assert.deepEqual([atStart.code, atStart.stderr], [0, `warning: ${said}`])
    for (const running of [[], 'denied'] as const)
      assert.equal((await checked(text, { ...listens, running: () => Promise.resolve(running) })).code, 0)
    assert.equal((await checked(text)).code, 0)
  } finally {
    server.close()
    await once(server, 'close')
  }
})

test('the addresses of the examples are a warning that names place and value, also where some have been replaced', async () => {
  const example = readFileSync(new URL('../../../../examples/standalone/config.yml', import.meta.url), 'utf8')
  const hosts = /hosts: (.*)/.exec(example)?.[1] ?? ''
  for (const [list, values] of [
    [hosts, '10.0.0.1:2379, 10.0.0.2:2379, 10.0.0.3:2379 are as in the examples of the documentation'],
    [hosts.replace('10.0.0.1', '10.7.0.1').replace('10.0.0.3', 'etcd3'), '10.0.0.2:2379 is as in the examples'],
  ] as const) {
    const { code, stderr } = await checked(`scope: demo\netcd3: {hosts: ${list}}\n`)
    assert.equal(code, 0)
    assert.match(stderr, new RegExp(`^warning: DIR/router\\.yml:2:9: etcd3\\.hosts: ${values}.*\n$`))
  }
})

test('one address by two names is an error: a host name, IPv4 in IPv6, a directory by a link', async () => {
  symlinkSync(dir.path, join(dir.path, 'same'))
  const both = async (one: string, other: string): Promise<string> => {
    const listeners = `{p: {bind: '${one}', route: any}, q: {bind: '${other}', route: any}}`
    const { code, stderr } = await checked(`${ETCD}proxy: {listeners: ${listeners}}\n`)
    return `${code} ${stderr.replace(/^warning: .*\n/gm, '').trimEnd()}`
  }
  // Which of them localhost is depends on /etc/hosts.
  assert.match(
    await both('localhost:27100', '127.0.0.1:27100,[::1]:27100'),
    /^2 proxy\.listeners\.q\.bind: (127\.0\.0\.1|\[::1\]):27100: is taken by the listener p \("localhost:27100"\)$/,
  )
  assert.equal(
    await both('DIR/a.sock', 'DIR/same/a.sock'),
    '2 proxy.listeners.q.bind: DIR/same/a.sock: is taken by the listener p ("DIR/a.sock")',
  )
  assert.match(await both('[::ffff:127.0.0.1]:27100', '127.0.0.1:27100'), /^2 .* is taken by the listener p/)
  assert.match(await both('0.0.0.0:27100', '[::ffff:127.0.0.1]:27100'), /^2 .* is taken by the listener p/)
  assert.equal(await both('127.0.0.1:27100', '127.0.0.2:27100'), '0 ')
})
