import assert from 'node:assert/strict'
import { test } from 'node:test'
import { merge, type Environment } from '../../../src/config/env.ts'
import { formatProblems } from '../../../src/config/file/problem.ts'
import { loadConfig, readEnvironment } from '../../support/router/load-config.ts'

const HOSTS: readonly (readonly [string, unknown])[] = [
  [`'a:1','b:2'`, ['a:1', 'b:2']],
  ['a:1,b:2', ['a:1', 'b:2']],
  [' a:1 , b:2 ', ['a:1', 'b:2']],
  ['a', ['a']],
  [`["a:1",'b']`, ['a:1', 'b']],
  ['- a:1\n- b:2', ['a:1', 'b:2']],
  ['10.0.0.1:2379,10.0.0.2:2379', ['10.0.0.1:2379', '10.0.0.2:2379']],
  [`['[::1]:2379']`, ['[::1]:2379']],
  [`'[::1]:2379','b:1'`, ['[::1]:2379', 'b:1']],
  ['[::1]:2379', ['[::1]:2379']],
]

for (const [text, list] of HOSTS)
  test(`PATRONI_ETCD3_HOSTS ${JSON.stringify(text)} is read as Patroni reads it`, () => {
    assert.deepEqual(readEnvironment({ PATRONI_ETCD3_HOSTS: text }).tree, { etcd3: { hosts: list } })
  })

test('every variable that means something has the place that it has in the file', () => {
  const { tree, problems, origins } = readEnvironment({
    PATRONI_SCOPE: 'demo',
    PATRONI_NAMESPACE: '/ns/',
    PATRONI_NAME: 'pg1',
    PATRONI_CITUS_GROUP: '0',
    PATRONI_CITUS_DATABASE: 'citus',
    PATRONI_ETCD3_HOST: 'a:1',
    PATRONI_ETCD3_PORT: '2380',
    PATRONI_ETCD3_URL: 'http://a:1',
    PATRONI_ETCD3_PROXY: 'http://b:1',
    PATRONI_ETCD3_SRV: 'example.org',
    PATRONI_ETCD3_USE_PROXIES: 'on',
    PATRONI_ETCD3_PROTOCOL: 'http',
    PATRONI_ETCD3_USERNAME: 'u',
    PATRONI_ETCD3_PASSWORD: 'p',
    PATRONI_ETCD3_CACERT: '/ca',
    PATRONI_ETCD3_CERT: '/cert',
    PATRONI_ETCD3_KEY: '/key',
    PATRONI_CTL_INSECURE: 'no',
    PATRONI_CTL_CACERT: '/ctl-ca',
    PATRONI_CTL_CERTFILE: '/ctl-cert',
    PATRONI_CTL_KEYFILE: '/ctl-key',
    PATRONI_CTL_KEYFILE_PASSWORD: 'pw',
    PATRONI_RESTAPI_CAFILE: '/rest-ca',
    PATRONI_RESTAPI_CONNECT_ADDRESS: 'a:8008',
    PATRONI_RESTAPI_CERTFILE: '/rest-cert',
    PATRONI_RESTAPI_LISTEN: 'b:8009',
    PATRONI_POSTGRESQL_LISTEN: '*:5432',
    PATRONI_SUPERUSER_PASSWORD: 'x',
    HOME: '/root',
  })
  assert.deepEqual(problems, [])
  assert.deepEqual(tree, {
    scope: 'demo',
    namespace: '/ns/',
    name: 'pg1',
    citus: { group: 0, database: 'citus' },
    etcd3: {
      host: 'a:1',
      port: 2380,
      url: 'http://a:1',
      proxy: 'http://b:1',
      srv: 'example.org',
      use_proxies: true,
      protocol: 'http',
      username: 'u',
      password: 'p',
      cacert: '/ca',
      cert: '/cert',
      key: '/key',
    },
    ctl: { insecure: false, cacert: '/ctl-ca', certfile: '/ctl-cert', keyfile: '/ctl-key', keyfile_password: 'pw' },
    restapi: { cafile: '/rest-ca', certfile: '/rest-cert', connect_address: 'a:8008', listen: 'b:8009' },
  })
  assert.equal(origins.get('etcd3.use_proxies'), 'PATRONI_ETCD3_USE_PROXIES')
})

test('an empty variable is one that is not set', () => {
  const env = { PATRONI_SCOPE: '', PATRONI_ETCD3_HOSTS: '', PATRONI_CITUS_GROUP: '', PATRONI_CONSUL_HOST: '' }
  assert.deepEqual(readEnvironment(env).tree, {})
})

for (const [name, value] of [
  ['PATRONI_CITUS_GROUP', 'one'],
  ['PATRONI_CITUS_GROUP', '-1'],
  ['PATRONI_CITUS_GROUP', '01'],
  ['PATRONI_ETCD3_PORT', 'x'],
  ['PATRONI_ETCD3_USE_PROXIES', 'maybe'],
  ['PATRONI_CTL_INSECURE', '2'],
] as const)
  test(`${name}=${value} is a problem that names the variable`, () => {
    const { problems } = readEnvironment({ [name]: value })
    assert.deepEqual(
      problems.map(({ file, path }) => [file, path]),
      [['environment', name]],
    )
  })

/** What Patroni makes of a variable, and its key; null: nothing. */
const READ: readonly (readonly [variable: string, value: string, key: string | null, read?: unknown])[] = [
  ['PATRONI_CONSUL_HOST', 'a:8500', 'consul.host'],
  ['PATRONI_CONSUL_PORT', '8501', 'consul.port', 8501],
  ['PATRONI_CONSUL_PORT', 'tcp://10.0.0.1:8500', null],
  ['PATRONI_CONSUL_URL', 'http://a:8500', 'consul.url'],
  ['PATRONI_CONSUL_TOKEN', 'x', 'consul.token'],
  ['PATRONI_CONSUL_VERIFY', 'off', 'consul.verify', false],
  ['PATRONI_CONSUL_CACERT', '/a', 'consul.cacert'],
  ['PATRONI_CONSUL_DC', 'dc1', 'consul.dc'],
  ['PATRONI_CONSUL_CONSISTENCY', 'stale', 'consul.consistency'],
  ['PATRONI_CONSUL_NAMESPACE', '/x/', 'consul.namespace'],
  ['PATRONI_ZOOKEEPER_HOSTS', "'a:1','b:2'", 'zookeeper.hosts', ['a:1', 'b:2']],
  ['PATRONI_ZOOKEEPER_HOSTS', '[', null],
  // It stays text, which Patroni takes for true.
  ['PATRONI_ZOOKEEPER_USE_SSL', 'false', 'zookeeper.use_ssl', 'false'],
  ['PATRONI_ZOOKEEPER_VERIFY', 'off', 'zookeeper.verify', false],
  ['PATRONI_ZOOKEEPER_AUTH_DATA', 'digest: u:p', 'zookeeper.auth_data', { digest: 'u:p' }],
  ['PATRONI_ZOOKEEPER_KEY_PASSWORD', 'x', 'zookeeper.key_password'],
  ['PATRONI_EXHIBITOR_HOSTS', 'a, b', 'exhibitor.hosts', ['a', 'b']],
  ['PATRONI_EXHIBITOR_PORT', '8181', 'exhibitor.port', 8181],
  ['PATRONI_EXHIBITOR_POLL_INTERVAL', '5', null],
  ['PATRONI_KUBERNETES_LABELS', 'a: b', 'kubernetes.labels', { a: 'b' }],
  ['PATRONI_KUBERNETES_LABELS', '{a: b, c: d}', 'kubernetes.labels', { a: 'b', c: 'd' }],
  ['PATRONI_KUBERNETES_USE_ENDPOINTS', 'yes', 'kubernetes.use_endpoints', true],
  ['PATRONI_KUBERNETES_RETRIABLE_HTTP_CODES', '429,502', 'kubernetes.retriable_http_codes', [429, 502]],
  ['PATRONI_KUBERNETES_PORT', 'tcp://10.0.0.1:443', null],
  ['PATRONI_CONSUL_REGISTER_SERVICE', 'on', 'consul.register_service', true],
  ['PATRONI_CONSUL_REGISTER_SERVICE', 'perhaps', null],
  ['PATRONI_CONSUL_SERVICE_TAGS', 'a,b', 'consul.service_tags', ['a', 'b']],
  ['PATRONI_CONSUL_CHECKS', 'a,b', 'consul.checks', ['a', 'b']],
  ['PATRONI_CONSUL_CHECKS', '[', null],
  ['PATRONI_CONSUL_SCHEME', 'https', null],
  ['PATRONI_CONSUL_ca_cert', '/a', null],
  ['PATRONI_ETCD_HOST', 'a:1', 'etcd.host'],
  ['PATRONI_ETCD_HOSTS', "'a:1','b:2'", 'etcd.hosts', ['a:1', 'b:2']],
  ['PATRONI_etcd_HOST', 'a', 'etcd.host'],
  ['PATRONI_Etcd_HOST', 'a', 'etcd.host'],
  ['PATRONI_ETCD_host', 'a', null],
  ['patroni_ETCD_HOST', 'a', null],
  ['PATRONI_ETCD_PORT', '2379', 'etcd.port', 2379],
  ['PATRONI_ETCD_SRV', 'example.org', 'etcd.srv'],
  ['PATRONI_ETCD_SRV_SUFFIX', 'main', 'etcd.srv_suffix'],
  ['PATRONI_ETCD3_SRV_SUFFIX', 'main', 'etcd3.srv_suffix'],
  ['PATRONI_ETCD_DISCOVERY_SRV', 'example.org', null],
  ['PATRONI_ETCD_VERSION', '3.4', null],
  ['PATRONI_ETCD_PASSWORD', 'x', null],
  ['PATRONI_ETCD_USERNAME', 'x', null],
  ['PATRONI_ETCD3_PASSWORD', 'x', null],
  ['PATRONI_RAFT_SELF_ADDR', 'a:1', 'raft.self_addr'],
  ['PATRONI_RAFT_PARTNER_ADDRS', "'a:1', 'b:1'", 'raft.partner_addrs', ['a:1', 'b:1']],
  ['PATRONI_RAFT_PARTNER_ADDRS', '- a:1\n- b:1', 'raft.partner_addrs', ['a:1', 'b:1']],
  ['PATRONI_RAFT_BIND_ADDR', 'a:1', 'raft.bind_addr'],
  ['PATRONI_RAFT_DATA_DIR', '/a', 'raft.data_dir'],
  ['PATRONI_RAFT_PASSWORD', 'x', 'raft.password'],
  ['PATRONI_RAFT_MIN_TIMEOUT', '0.4', 'raft.min_timeout'],
  ['PATRONI_RAFT_MIN_TIMEOUT', 'x', null],
  ['PATRONI_raft_SELF_ADDR', 'a:1', null],
  ['PATRONI_RAFT_NODES', 'x', null],
]

for (const [variable, value, key, read = value] of READ)
  test(`${variable}=${value} ${key === null ? 'sets nothing' : `sets ${key}`}, as for Patroni`, () => {
    const [section = '', below = ''] = key?.split('.') ?? []
    const { tree, origins } = readEnvironment({ [variable]: value })
    assert.deepEqual(tree, key === null ? {} : { [section]: { [below]: read } })
    assert.deepEqual([...origins], key === null ? [] : [[key, variable]])
  })

test('user and password of etcd count beside a section of the file or of another variable', () => {
  for (const name of ['etcd', 'etcd3']) {
    const login = { [`PATRONI_${name.toUpperCase()}_USERNAME`]: 'u', [`PATRONI_${name.toUpperCase()}_PASSWORD`]: 'p' }
    assert.deepEqual(readEnvironment(login).tree, {})
    assert.deepEqual(readEnvironment(login, { [name]: { hosts: 'a' } }).tree, {
      [name]: { username: 'u', password: 'p' },
    })
    const host = { [`PATRONI_${name.toUpperCase()}_HOST`]: 'a' }
    assert.deepEqual(readEnvironment({ ...login, ...host }).tree, {
      [name]: { host: 'a', username: 'u', password: 'p' },
    })
  }
})

test('a password alone makes no section that goes over the one of the file', () => {
  const text = 'scope: demo\netcd3: {hosts: a}\n'
  const result = loadConfig({ file: 'p.yml', text, env: { PATRONI_ETCD_PASSWORD: 'x', PATRONI_ETCD_USERNAME: 'y' } })
  assert.ok(result.ok)
  assert.deepEqual([result.config.clusters[0]?.dcs.kind, result.warnings], ['etcd3', []])
})

test('Kubernetes says nothing about the DCS with what it sets for Services of such names', () => {
  for (const name of ['ETCD', 'ETCD3', 'CONSUL', 'KUBERNETES', 'ZOOKEEPER', 'RAFT', 'CITUS', 'ETCD_CLIENT']) {
    const { tree, problems, empty } = readEnvironment({
      [`PATRONI_${name}_SERVICE_HOST`]: '10.0.0.1',
      [`PATRONI_${name}_SERVICE_PORT`]: '2379',
      [`PATRONI_${name}_SERVICE_PORT_CLIENT`]: '2379',
      [`PATRONI_${name}_PORT`]: 'tcp://10.0.0.1:2379',
      [`PATRONI_${name}_PORT_2379_TCP`]: 'tcp://10.0.0.1:2379',
      [`PATRONI_${name}_PORT_2379_TCP_PROTO`]: 'tcp',
      [`PATRONI_${name}_PORT_2379_TCP_PORT`]: '2379',
      [`PATRONI_${name}_PORT_2379_TCP_ADDR`]: '10.0.0.1',
    })
    assert.deepEqual([tree, problems, empty.size], [{}, [], 0], name)
  }
})

test('the name of a section can be in small letters, as for Patroni', () => {
  const { tree, origins } = readEnvironment({ PATRONI_etcd3_HOSTS: 'a:1', PATRONI_Etcd3_PROTOCOL: 'https' })
  assert.deepEqual(tree, { etcd3: { hosts: ['a:1'], protocol: 'https' } })
  assert.equal(origins.get('etcd3.hosts'), 'PATRONI_etcd3_HOSTS')
})

test('an empty variable of a DCS with another client library, or of a later one, makes no section', () => {
  const env = { PATRONI_CONSUL_HOST: '', PATRONI_RAFT_SELF_ADDR: '' }
  const result = loadConfig({ file: 'p.yml', text: 'scope: demo\netcd3: {hosts: a}\n', env })
  assert.ok(result.ok)
  assert.deepEqual([result.config.clusters[0]?.dcs.kind, result.warnings], ['etcd3', []])
  const v2 = loadConfig({ file: 'p.yml', text: 'scope: demo\netcd: {hosts: a}\n', env: { PATRONI_ETCD3_HOSTS: '' } })
  assert.ok(v2.ok)
})

const BASE = 'scope: demo\netcd3: {hosts: a, cacert: /ca, protocol: https, username: u, password: p}\n'

const AGAINST_FILE: readonly (readonly [env: Environment, problem: string])[] = [
  [
    { PATRONI_ETCD3_CACERT: '' },
    'PATRONI_ETCD3_CACERT: is empty, and overrides etcd3.cacert of the file, as in Patroni: unset it',
  ],
  [
    { PATRONI_ETCD3_HOSTS: '' },
    'PATRONI_ETCD3_HOSTS: is empty, and overrides etcd3.hosts of the file, as in Patroni: unset it',
  ],
  [
    { PATRONI_ETCD_HOSTS: '' },
    'PATRONI_ETCD_HOSTS: is empty, and yet makes a section etcd, which Patroni uses instead of etcd3: unset it',
  ],
  [
    { PATRONI_ETCD3_HOSTS: '[::1]:2379,[::2]:2379' },
    'PATRONI_ETCD3_HOSTS: cannot be read by Patroni, which keeps etcd3.hosts of the file: put each address in quotes',
  ],
  [
    { PATRONI_ETCD3_PASSWORD: 'x' },
    'PATRONI_ETCD3_PASSWORD: Patroni keeps etcd3.password of the file unless another variable of etcd3 is set: keep one of them',
  ],
]

for (const [env, problem] of AGAINST_FILE)
  test(`a variable that Patroni reads otherwise beside the file is an error: ${problem}`, () => {
    const result = loadConfig({ file: 'patroni.yml', text: BASE, env })
    assert.ok(!result.ok)
    const shown = formatProblems(result.problems)
    assert.ok(shown.startsWith(`environment: ${problem}`), shown)
    assert.equal(result.problems.length, 1)
  })

test('empty variables and a password without others say nothing where the file is silent', () => {
  const text = 'scope: demo\netcd3: {hosts: a, username: u}\n'
  const env = { PATRONI_ETCD3_CACERT: '', PATRONI_ETCD3_HOST: '', PATRONI_ETCD3_PASSWORD: 'x', PATRONI_NAME: '' }
  const result = loadConfig({ file: 'patroni.yml', text, env })
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  assert.deepEqual(result.warnings, [])
  const rest = loadConfig({
    file: 'p',
    text: 'scope: a\nrest: {urls: [http://a:1]}\n',
    env: { PATRONI_ETCD_HOSTS: '' },
  })
  assert.ok(rest.ok)
})

test('a value that reads alike in file and environment stays as it is in the file', () => {
  assert.deepEqual(merge({ a: '1', b: 1, c: 'True', d: true }, { a: 1, b: '1', c: true, d: false }), {
    a: '1',
    b: 1,
    c: 'True',
    d: false,
  })
})

test('the environment goes over the file key by key', () => {
  const file = { scope: 'a', etcd3: { hosts: ['x:1'], use_proxies: true }, ctl: null, restapi: 'broken' }
  const env = { scope: 'b', etcd3: { hosts: ['y:1'] }, ctl: { insecure: true }, restapi: { cafile: '/ca' } }
  assert.deepEqual(merge(file, env), {
    scope: 'b',
    etcd3: { hosts: ['y:1'], use_proxies: true },
    ctl: { insecure: true },
    restapi: { cafile: '/ca' },
  })
})

test('the variables of a Pod count for each cluster in Kubernetes, and for no other', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443', CONSUL_HTTP_TOKEN: 'x' }
  const text = `
proxy: {listeners: {a: {bind: '*:1', route: primary, cluster: one}}}
clusters:
  one: {kubernetes: {labels: {a: b}}}
  two: {kubernetes: {labels: {a: b}, namespace: two}}
  three: {consul: {host: a}}
`
  const result = loadConfig({ file: 'p.yml', text, env })
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  assert.deepEqual(
    result.config.clusters.map(({ namespace, dcs }) => [namespace, 'service' in dcs ? dcs.service : null]),
    [
      ['default', { host: '10.96.0.1', port: 443 }],
      ['two', { host: '10.96.0.1', port: 443 }],
      ['service', null],
    ],
  )
  const wrong = loadConfig({ file: 'p.yml', text, env: { ...env, KUBERNETES_SERVICE_PORT: 'x' } })
  assert.match(wrong.ok ? '' : formatProblems(wrong.problems), /^environment: KUBERNETES_SERVICE_PORT: must be a port/)
})
