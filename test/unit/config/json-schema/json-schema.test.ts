/** The JSON Schema beside `check`: it accepts what `check` accepts, and rejects each fault of one value or key. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseYaml } from '../../../../src/config/file/yaml.ts'
import { type Key, KEYS, problemsOf, rejection, withValue } from './judges.ts'
import { FEW, VALUES } from './values.ts'

const ROOT = join(import.meta.dirname, '../../../..')

/** Faults that only `check` can see: they lie between keys, in another file, or in how YAML is read. */
const BETWEEN: Readonly<Record<string, RegExp>> = {
  'a key that the environment or another file may have':
    /^(?:scope: is required|[\w.]*etcd3?\.hosts: no address of etcd|[\w.]*restapi\.connect_address: no member is known|[\w.]*kubernetes\.labels: is required|[\w.]*zookeeper\.hosts: no address|[\w.]*exhibitor\.(?:hosts: no address|port: is required))/,
  'user and password of etcd are set together': /etcd3?\.(?:username|password): .* without etcd3?\./,
  'what is empty and means something to Patroni':
    /: is empty, and (?:none to Patroni|yet Patroni takes it|yet goes over)/,
  'a DCS that is not supported needs rest beside it': /this DCS is not supported yet/,
  'two sections that say where the cluster is': /are both set/,
  'names that Kubernetes has to accept': /is no name of a (?:namespace|cluster) in Kubernetes/,
  'the name of a cluster': /is not the name of a cluster/,
  'close_fallback needs a fallback': /close_fallback: needs fallback/,
  'lag, tags and fallback have no meaning on some routes': /cannot be used with the route/,
  'fast_interval is at most interval': /fast_interval: .* is longer than the interval/,
  'debounce.min is at most debounce.max': /is longer than the maximum/,
  'a path that is already used': /is in state_dir|is a file of templates|is the (?:path|destination|source) of/,
  'keys and prefix belong together': /prefix: has no keys beside it/,
  'a check of the old file': /check: names the destination/,
  'what a hook waits for': /after: is neither a reload group/,
  'a member is of local-leader alone': /member: cannot be used with/,
  'a key of a certificate needs that': /key_file: needs admin\.tls\.cert_file/,
  'addresses of HTTP are free': /is taken by/,
  'text that a template engine was to fill in': /holds a placeholder/,
}

/** Of one value, and yet more than a pattern can see. */
const BEYOND_PATTERNS: Readonly<Record<string, RegExp>> = {
  'bytes of names and paths, where characters are counted': /too long/,
}

/** Something of each section, so that each key has a place. */
const BASE = {
  scope: 'one',
  name: 'pg1',
  etcd3: { hosts: 'a:1' },
  state_dir: '/state',
  proxy: { listeners: { one: { bind: '*:5000', route: 'replica' } } },
  templates: [{ source: 'a', destination: '/b' }],
  hooks: [{ on: 'open', command: 'a' }],
  track: { files: [{ path: '/t', when: 'primary' }] },
}

/** Where each DCS of Patroni is the one that counts. */
const COUNTING: Readonly<Record<string, object>> = {
  etcd: { hosts: 'a:1' },
  consul: { host: 'a' },
  kubernetes: { labels: { a: 'b' } },
  zookeeper: { hosts: 'a' },
  exhibitor: { hosts: ['a'], port: 1 },
  raft: { self_addr: 'a:1' },
}

/** A file in which the keys of a section have a place, and little else: each is read thousands of times. */
function baseFor(section: string): object {
  const { scope, etcd3, hooks, track, ...rest } = BASE
  const { [section]: own } = COUNTING
  if (own !== undefined) return { scope, hooks, [section]: own }
  return {
    scope,
    etcd3,
    hooks,
    track,
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => name === section)),
  }
}

/** Where a value that is not read may be anything. */
const OTHERS: readonly unknown[] = [
  { scope: 'one', etcd3: { url: 'http://a:1', hosts: 5, host: 5, port: 'x', username: 5 } },
  { scope: 'one', etcd3: { proxy: 'http://a:1', url: 5, hosts: 'a b' } },
  { scope: 'one', etcd3: { hosts: 'a:1', host: 5, cacert: 'a', ca_cert: 5 } },
  { scope: 'one', rest: { urls: 'http://a:1' }, etcd3: { hosts: 5, protocol: 'ftp', group: 1 }, consul: 5 },
  { scope: 'one', rest: { urls: 'http://a:1' }, etcd3: 5 },
  { scope: 'one', rest: { urls: 'http://a:1' }, consul: { token: 5 }, etcd3: { namespace: 5 } },
  { scope: 'one', etcd3: { srv: 'a.org', discovery_srv: 'b.org', srv_suffix: '', cacert: 'a' } },
  { scope: 'one', etcd3: { srv: 5, srv_suffix: 'a', proxy: 'http://a:1' } },
  { scope: 'one', etcd3: { srv: 5, srv_domain: 'b.org' } },
  { scope: 'one', etcd3: { hosts: 'a', srv_suffix: 5 } },
  { scope: 'one', etcd: { hosts: 'a:1' }, etcd3: 5, raft: 5 },
  { scope: 'one', consul: {}, etcd: 5, etcd3: { hosts: 5 } },
  { scope: 'one', consul: { url: 'http://a/', host: 5, port: 'x', scheme: 5, verify: 'perhaps' } },
  { scope: 'one', consul: { host: 'a', cacert: 'a', ca_cert: 5 } },
  { scope: 'one', raft: { partner_addrs: ['a:1', 'b'] }, restapi: { connect_address: 'a', certfile: 5 } },
  { clusters: { a: { scope: 'a', etcd3: { hosts: 'a:1' } } }, scope: 5, etcd3: 5, rest: 5, proxy: LISTENERS('a') },
  {
    clusters: { a: { name: 'x', ctl: {}, citus: {}, restapi: {}, namespace: 'x', file: { path: 'a' }, etcd3: 5 } },
    ...{ name: 5, ctl: 5, citus: 5, restapi: 5, namespace: 5, file: 5, postgresql: { name: 5 }, proxy: LISTENERS('a') },
  },
]

function LISTENERS(cluster: string): object {
  return { listeners: { p: { bind: '*:1', route: 'primary', cluster } } }
}

const text = (tree: unknown): string => JSON.stringify(tree)
const pathOf = ({ path }: Key): string => path.join('.')

/** The first key of each form is tried with every value, the others with a few. */
const trials = KEYS.flatMap((key) => {
  const formOf = ({ form }: Key): string => text({ ...form, description: null, default: null })
  const isFirst = KEYS.find((other) => formOf(other) === formOf(key)) === key
  return (isFirst ? VALUES : FEW).map((value) => {
    const file = text(withValue(baseFor(key.path[0] ?? ''), key.path, value))
    return { file, problems: problemsOf(file) }
  })
})

test('the schema accepts every value that check accepts, at every key', () => {
  let accepted = 0
  for (const { file, problems } of trials) {
    if (problems.length > 0) continue
    accepted += 1
    assert.equal(rejection(file), '', file)
  }
  assert.ok(accepted > 300, `${accepted} files`)
})

test('the schema rejects every value that check rejects by itself, at every key', () => {
  let rejected = 0
  const others = [...Object.values(BETWEEN), ...Object.values(BEYOND_PATTERNS)]
  for (const { file, problems } of trials) {
    const wrong = problems.filter((problem) => !others.some((other) => other.test(problem)))
    if (wrong.length === 0) continue
    rejected += 1
    assert.notEqual(rejection(file), '', `${file}\n${wrong.join('\n')}`)
  }
  assert.ok(rejected > 2000, `${rejected} files`)
})

test('a value that nothing reads may be anything, for check and for the schema', () => {
  for (const other of OTHERS) {
    assert.deepEqual(problemsOf(text(other)), [], text(other))
    assert.equal(rejection(text(other)), '', text(other))
  }
})

/** Each mapping whose keys are all known, with the path below it where an unknown one is put. */
const STRICT = [
  ...[
    '',
    'proxy',
    'proxy.listeners.one',
    'proxy.check',
    'proxy.hold',
    'proxy.timeouts',
    'admin',
    'admin.tls',
    'logging',
  ],
  ...['templates.0', 'templates.0.debounce', 'hooks.0', 'track', 'track.files.0', 'rest', 'file', 'clusters.one'],
  ...['clusters.one.proxy', 'clusters.one.proxy.check', 'clusters.one.rest', 'clusters.one.file'],
]

test('the schema rejects an unknown key where check does, and nowhere else', () => {
  const mappings = new Set(KEYS.flatMap(({ path }) => path.slice(0, -1).join('.')))
  const open = [...mappings].filter((path) => !STRICT.includes(path)).toSorted()
  for (const path of [...STRICT, ...open]) {
    if (['proxy.listeners', 'clusters'].includes(path)) continue
    for (const word of ['strange', 'Timeout', 'hots']) {
      const file = text(withValue(BASE, [...path.split('.').filter((key) => key !== ''), word], 5))
      const isUnknown = problemsOf(file).some((problem) => /unknown key|neither a section/.test(problem))
      assert.equal(isUnknown, STRICT.includes(path), file)
      if (isUnknown) assert.match(rejection(file), /additional properties/, file)
    }
  }
  for (const path of open)
    assert.match(path, /etcd|consul|zookeeper|exhibitor|kubernetes|raft|citus|ctl|restapi|postgresql/)
})

test('the schema rejects a section without a key that has to be in it', () => {
  const required = KEYS.filter(({ isRequired }) => isRequired)
  assert.deepEqual(required.filter(({ path }) => path[0] !== 'clusters').map(pathOf), [
    ...['rest.urls', 'file.path', 'proxy.listeners.one.bind', 'proxy.listeners.one.route'],
    ...['templates.0.source', 'templates.0.destination', 'hooks.0.on', 'hooks.0.command'],
    ...['track.files.0.path', 'track.files.0.when'],
  ])
  for (const { path } of required) {
    const file = text(withValue(withValue(BASE, path, 1), path))
    assert.notDeepEqual(problemsOf(file), [], file)
    assert.match(rejection(file), /must have required property/, file)
  }
})

/** As people write them; each is wrong in one place. */
const WRONG: readonly string[] = [
  'scope: [demo]',
  'scope: no',
  'scope: 5',
  'services: {}',
  'Proxy: {}',
  'proxy: []',
  'proxy: yes',
  'proxy: {listeners: [primary]}',
  'proxy: {listeners: {primary: null}}',
  "proxy: {listeners: {primary: '*:5000'}}",
  'proxy: {listeners: {primary: {bind: 5000, route: primary}}}',
  "proxy: {listeners: {primary: {bind: '5000', route: primary}}}",
  "proxy: {listeners: {primary: {bind: '*:70000', route: primary}}}",
  "proxy: {listeners: {primary: {bind: 'fd00::1:5000:x', route: primary}}}",
  "proxy: {listeners: {primary: {bind: '::1:5000', route: primary}}}",
  'proxy: {listeners: {primary: {bind: run/db.sock, route: primary}}}',
  "proxy: {listeners: {'my primary': {bind: '*:5000', route: primary}}}",
  "proxy: {listeners: {primary: {bind: '*:5000', route: master}}}",
  "proxy: {listeners: {primary: {bind: '*:5000', route: [primary]}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, max_lag: 16M}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, max_lag: 16mb}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, max_lag: -1}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, max_lag: 1.5}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, balance: leastconn}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, tags: [dc]}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, tags: {dc: [a]}}}}",
  "proxy: {listeners: {replicas: {bind: '*:5001', route: replica, fallback: yes}}}",
  'proxy: {hold: {timeout: 45}}',
  "proxy: {hold: {timeout: '45'}}",
  'proxy: {hold: {timeout: 45 s}}',
  'proxy: {hold: {timeout: 45sec}}',
  'proxy: {hold: {timeout: 1d}}',
  'proxy: {hold: {max_connections: 0}}',
  "proxy: {hold: {max_connections: '100'}}",
  'proxy: {check: {interval: 0}}',
  'proxy: {check: {rise: 0}}',
  'proxy: {check: {interval: 2}}',
  'proxy: {timeouts: {connect: 0s}}',
  'proxy: {timeouts: {idle: 1m}}',
  'proxy: {max_connections: -1}',
  'proxy: {trust: etcd}',
  'proxy: {address: api_url}',
  'proxy: {tcp_keepalive: true}',
  'admin: {socket: admin.sock}',
  "admin: {socket: ''}",
  "admin: {bind: '127.0.0.1'}",
  'admin: {bind: /run/http.sock}',
  'admin: {bind: on}',
  'admin: {token_file: token}',
  'admin: {tls: yes}',
  "admin: {hosts: ['router:7000']}",
  'logging: {level: warning}',
  'logging: {level: INFO}',
  'logging: {format: logfmt}',
  'logging: debug',
  'state_dir: state',
  'state_dir: [/var/lib]',
  'templates: {source: a, destination: /b}',
  'templates: [haproxy.cfg.hbs]',
  'templates: [{source: a}]',
  'templates: [{destination: /a}]',
  'templates: [{source: a, destination: b}]',
  'templates: [{source: a, destination: /etc/}]',
  'templates: [{src: a, dest: /b}]',
  'templates: [{source: a, destination: /b, mode: 644}]',
  "templates: [{source: a, destination: /b, mode: 'u=rw'}]",
  "templates: [{source: a, destination: /b, owner: 'haproxy:haproxy'}]",
  'templates: [{source: a, destination: /b, check: true}]',
  "templates: [{source: a, destination: /b, check: 'haproxy -c -f {{.src}}'}]",
  "templates: [{source: a, destination: /b, reload: ''}]",
  'templates: [{source: a, destination: /b, reload: []}]',
  'templates: [{source: a, destination: /b, reload: [systemctl, {reload: haproxy}]}]',
  'templates: [{source: a, destination: /b, env: [A=b]}]',
  'templates: [{source: a, destination: /b, env: {A: 1}}]',
  'templates: [{source: a, destination: /b, env: {a-b: c}}]',
  'templates: [{source: a, destination: /b, env: {PATRONI_ROUTER_STATE: c}}]',
  'templates: [{source: a, destination: /b, debounce: 1s}]',
  'templates: [{source: a, destination: /b, debounce: {min: 0}}]',
  'templates: [{source: a, destination: /b, on_empty: delete}]',
  "templates: [{source: a, destination: /b, backup: 'yes'}]",
  'templates: [{source: a, destination: /b, clusters: one}]',
  'templates: [{source: a, destination: /b, clusters: []}]',
  'templates: [{source: a, destination: /b, keys: [5]}]',
  'hooks: {on: open, command: a}',
  'hooks: [{on: [], command: a}]',
  'hooks: [{on: master, command: a}]',
  'hooks: [{on: open}]',
  'hooks: [{command: a}]',
  "hooks: [{on: open, command: 'a {{staged}}'}]",
  'hooks: [{on: open, command: a, timeout: 30}]',
  'hooks: [{on: open, command: a, working_dir: run}]',
  'hooks: [{on: open, command: a, name: my hook}]',
  'track: [{path: /a, when: primary}]',
  'track: {files: {path: /a, when: primary}}',
  'track: {files: [{path: a, when: primary}]}',
  'track: {files: [{path: /a, when: leader}]}',
  'track: {files: [{path: /a}]}',
  "track: {files: [{path: /a, when: local-leader, member: ''}]}",
  'clusters: [a, b]',
  'clusters: {}',
  'clusters: {a b: {}}',
  "clusters: {'1': {}}",
  'clusters: {a: []}',
  'clusters: {a: {logging: {}}}',
  'clusters: {a: {proxy: {hold: {}}}}',
  "clusters: {a: {scope: ''}}",
  'etcd3: []',
  'etcd3: a:2379',
  'etcd3: {hosts: 2379}',
  'etcd3: {hosts: []}',
  'etcd3: {hosts: [a:2379, 5]}',
  "etcd3: {hosts: 'a:2379 b:2379'}",
  "etcd3: {hosts: 'a:2379;b:2379'}",
  "etcd3: {hosts: 'user:password@a:2379'}",
  "etcd3: {hosts: ['::1']}",
  "etcd3: {hosts: 'a:2379', port: 0}",
  "etcd3: {hosts: 'a:2379', protocol: tls}",
  "etcd3: {hosts: 'a:2379', protocol: HTTPS}",
  "etcd3: {hosts: 'a:2379', use_proxies: 'no'}",
  "etcd3: {hosts: 'a:2379', cacert: [a]}",
  "etcd3: {hosts: 'a:2379', username: 5, password: x}",
  "etcd3: {hosts: 'a:2379', group: 1}",
  "etcd3: {url: 'a:2379'}",
  "etcd3: {url: 'http://user@a:2379'}",
  "etcd3: {host: 'a:2379,b:2379'}",
  'rest: {}',
  'rest: http://a:8008',
  'rest: {urls: a:8008}',
  'rest: {urls: http://a}',
  'rest: {urls: http://u:p@a:8008}',
  'rest: {urls: http://a:8008/primary}',
  'rest: {url: http://a:8008}',
  'file: cluster.yml',
  'file: {path: 5}',
  "file: {path: ''}",
  'citus: {group: -1}',
  "citus: {group: '0'}",
  'citus: {database: 5}',
  'ctl: {insecure: 1}',
  'ctl: {cacert: [a]}',
  'ctl: []',
  'restapi: {cafile: true}',
  'restapi: a:8008',
  'namespace: [service]',
  'name: 5',
  'postgresql: {name: 5}',
]

/** The rest of the file is right. */
function around(line: string): string {
  const key = line.split(':', 1)[0] ?? ''
  const rest = { scope: 'demo', etcd3: { hosts: 'a:1' }, ...(['rest', 'file'].includes(key) ? { etcd3: null } : {}) }
  const others = Object.entries(rest).filter(([name]) => name !== key)
  return [...others.map(([name, value]) => `${name}: ${text(value)}`), line].join('\n')
}

for (const line of WRONG)
  test(`the schema rejects ${line}`, () => {
    assert.notDeepEqual(problemsOf(around(line)), [], line)
    assert.notEqual(rejection(around(line)), '', line)
  })

test('the schema accepts every configuration of the examples, the documents and Patroni', () => {
  const files = globSync(['examples/**/*.{yml,yaml}', 'test/unit/config/fixtures/*.yml'], { cwd: ROOT })
  const whole = files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const)
  const blocks = globSync(['README.md', 'docs/*.md', 'examples/**/*.md'], { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^```ya?ml\n(.*?)^```/gms)].map(
      ([, block = '']) => [file, block] as const,
    ),
  )
  let accepted = 0
  for (const [file, content] of [...whole, ...blocks]) {
    const isPatronis = file.includes('fixtures/')
    const read = isPatronis ? content.replace(/^etcd:$/m, 'etcd3:') : content
    if (!parseYaml(read).ok || (!isPatronis && problemsOf(read).length > 0)) continue
    accepted += 1
    assert.equal(rejection(read), '', `${file}\n${read}`)
    assert.equal(rejection(content), '', file)
  }
  assert.ok(accepted > 15, `${accepted} configurations`)
})

test('keys that begin with x- or a dot are accepted, and a file without anything in it', () => {
  for (const file of ['x-peers: &a [b]', '.anchors: {a: 1}', '', '{}']) assert.equal(rejection(file), '', file)
})

test('each key has a description in whole sentences, and a default that it accepts', () => {
  for (const key of KEYS) {
    const { description = '', default: written } = key.form
    assert.match(description, /^\S.*\.$/s, pathOf(key))
    assert.ok(description.length < 330, `${pathOf(key)}: ${description.length} characters`)
    if (written !== undefined && key.path[0] !== 'clusters')
      assert.equal(rejection(text(withValue(BASE, key.path, written))), '', pathOf(key))
  }
})
