import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ClusterConfig } from '../../../src/config/config.ts'
import type { Environment } from '../../../src/config/env.ts'
import { formatProblems } from '../../../src/config/file/problem.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { isEtcd3 } from '../../../src/watcher/dcs/etcd3/section.ts'

function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
}

function load(text: string | null, env: Environment = {}) {
  return loadConfig({ file: text === null ? null : 'patroni.yml', text, env })
}

function valid(text: string): { readonly warnings: readonly string[]; readonly cluster: ClusterConfig | undefined } {
  const result = load(text)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return { warnings: result.warnings, cluster: result.config.clusters[0] }
}

const NO_FILES = { caFile: null, certFile: null, keyFile: null } as const
const OPEN_ETCD2 = { kind: 'etcd', srv: null, protocol: 'http', useProxies: false, auth: null, ...NO_FILES } as const

function endpoints(cluster: ClusterConfig | undefined): readonly string[] | null {
  return cluster !== undefined && isEtcd3(cluster.dcs) ? cluster.dcs.endpoints : null
}

for (const n of [0, 1, 2]) {
  const text = fixture(`patroni-postgres${n}.yml`)

  test(`postgres${n}.yml of Patroni is valid as it is once its cluster is in etcd3`, () => {
    const result = load(text.replace(/^etcd:$/m, 'etcd3:'))
    assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
    assert.deepEqual(result.warnings, [])
    const [cluster] = result.config.clusters
    assert.deepEqual(
      [cluster?.scope, cluster?.namespace, cluster?.localMember],
      ['batman', 'service', `postgresql${n}`],
    )
    assert.deepEqual(endpoints(cluster), ['127.0.0.1:2379'])
  })

  test(`postgres${n}.yml of Patroni, which uses etcd v2, is valid as it is`, () => {
    const { warnings, cluster } = valid(text)
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      [cluster?.scope, cluster?.localMember, cluster?.dcs],
      ['batman', `postgresql${n}`, { ...OPEN_ETCD2, endpoints: ['127.0.0.1:2379'] }],
    )
  })

  test(`postgres${n}.yml of Patroni with raft is valid as it is`, () => {
    const raft =
      'raft:\n  data_dir: .\n  self_addr: 127.0.0.1:2222\n  partner_addrs:\n  - 127.0.0.1:2223\n  - 10.0.0.9:2224\n'
    const { warnings, cluster } = valid(text.replace(/^etcd:\n.*\n/m, raft))
    assert.deepEqual(warnings, [])
    const port = 8008 + n
    assert.deepEqual(cluster?.dcs, {
      kind: 'raft',
      urls: [`http://127.0.0.1:${port}`, `http://10.0.0.9:${port}`],
    })
  })

  test(`postgres${n}.yml of Patroni is valid with rest beside its own DCS`, () => {
    const { warnings, cluster } = valid(`${text}\nrest: {urls: [http://127.0.0.1:8008]}\n`)
    const line = text.split('\n').indexOf('etcd:') + 1
    assert.deepEqual(warnings, [`patroni.yml:${line}:1: etcd: not used: rest is there too and takes precedence`])
    assert.deepEqual(cluster?.dcs, { kind: 'rest', urls: ['http://127.0.0.1:8008'] })
  })
}

test("the file of Debian's pg_createconfig_patroni is valid as it is", () => {
  const result = load(fixture('debian-15-main.yml'))
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  assert.deepEqual(result.warnings, [])
  const [cluster] = result.config.clusters
  assert.deepEqual([cluster?.scope, cluster?.namespace, cluster?.localMember], ['15-main', 'postgresql-common', 'pg1'])
  assert.deepEqual(endpoints(cluster), ['10.0.0.1:2379', '10.0.0.2:2379'])
})

/** As installers write them: one host, then the DCS that it has. */
const HOST = `scope: pgsql-cluster
namespace: /service
name: pg-1
log: {level: INFO, dir: /var/log/patroni}
restapi:
  listen: 10.128.64.140:8008
  connect_address: 10.128.64.140:8008
`

const INSTALLED: readonly (readonly [title: string, dcs: string, expected: unknown])[] = [
  [
    'with etcd v2 and a list of hosts',
    'etcd:\n  hosts:\n  - 10.128.64.140:2379\n  - 10.128.64.142:2379\n',
    { ...OPEN_ETCD2, endpoints: ['10.128.64.140:2379', '10.128.64.142:2379'] },
  ],
  [
    'with etcd v2 and text',
    'etcd:\n  hosts: 10.128.64.140:2379,10.128.64.142:2379\n  protocol: https\n  cacert: /etc/ca.crt\n  username: root\n  password: s3cret\n',
    {
      ...{ ...OPEN_ETCD2, endpoints: ['10.128.64.140:2379', '10.128.64.142:2379'], protocol: 'https' },
      ...{ caFile: '/etc/ca.crt', auth: { username: 'root', password: 's3cret' } },
    },
  ],
  [
    'with etcd v2 and DNS',
    'etcd: {srv: pg.example.org}\n',
    { ...OPEN_ETCD2, endpoints: [], srv: { domain: 'pg.example.org', suffix: null } },
  ],
  [
    'with Consul',
    'consul: {host: 127.0.0.1:8500}\n',
    {
      ...{ kind: 'consul', endpoint: '127.0.0.1:8500', protocol: 'http', token: null, verify: true, dc: null },
      ...NO_FILES,
      consistency: 'default',
      variables: [],
    },
  ],
  [
    'with Consul and its services',
    "consul:\n  url: https://127.0.0.1:8501\n  token: 's3cret'\n  dc: dc1\n  cacert: /etc/consul/ca.pem\n  consistency: stale\n" +
      '  register_service: true\n  service_check_interval: 5s\n  service_tags: [a]\n  checks: []\n  service_check_tls_server_name: null\n',
    {
      ...{ kind: 'consul', endpoint: '127.0.0.1:8501', protocol: 'https', token: 's3cret', verify: true, dc: 'dc1' },
      ...{ ...NO_FILES, caFile: '/etc/consul/ca.pem', consistency: 'stale', variables: [] },
    },
  ],
  [
    'with raft',
    "raft:\n  data_dir: /var/lib/raft\n  self_addr: 10.128.64.140:2222\n  partner_addrs: ['10.128.64.142:2222', '10.128.64.143:2222']\n  password: s3cret\n",
    { kind: 'raft', urls: ['http://10.128.64.140:8008', 'http://10.128.64.142:8008', 'http://10.128.64.143:8008'] },
  ],
]

for (const [title, dcs, expected] of INSTALLED)
  test(`a patroni.yml ${title} is valid as it is`, () => {
    const { warnings, cluster } = valid(HOST + dcs)
    assert.deepEqual([warnings, cluster?.localMember, cluster?.dcs], [[], 'pg-1', expected])
  })

test("a patroni.yml with a router's sections in it is one configuration", () => {
  const result = load(`${fixture('debian-15-main.yml')}proxy: {hold: {timeout: 10s}}\n`)
  assert.ok(result.ok)
  assert.equal(result.config.clusters[0]?.proxy.hold.timeoutMs, 10_000)
})

test('every other section and dynamic setting of Patroni is accepted', () => {
  const sections = ['log', 'bootstrap', 'postgresql', 'watchdog', 'tags', 'standby_cluster', 'slots', 'ignore_slots']
  const scalars = [
    'thread_pool_size',
    'thread_stack_size',
    'ttl',
    'loop_wait',
    'retry_timeout',
    'failsafe_mode',
    'pause',
  ]
  const text = [...sections.map((key) => `${key}: {x: 1}`), ...scalars.map((key) => `${key}: 5`)].join('\n')
  const result = load(`scope: demo\netcd3: {host: a, retries: 3}\n${text}\n`)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
})

test("the environment of Patroni's docker-compose files is enough", () => {
  const result = load(null, {
    ETCDCTL_ENDPOINTS: 'http://etcd1:2379,http://etcd2:2379,http://etcd3:2379',
    PATRONI_ETCD3_HOSTS: "'etcd1:2379','etcd2:2379','etcd3:2379'",
    PATRONI_SCOPE: 'demo',
    PATRONI_CITUS_GROUP: '0',
    PATRONI_CITUS_DATABASE: 'citus',
    PATRONI_RESTAPI_USERNAME: 'admin',
    PATRONI_RESTAPI_PASSWORD: 'admin',
    PATRONI_admin_OPTIONS: 'createdb,createrole',
    PGSSLMODE: 'verify-ca',
  })
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  assert.deepEqual(result.warnings, [])
  const [cluster] = result.config.clusters
  assert.deepEqual([cluster?.citusGroup, endpoints(cluster)], [0, ['etcd1:2379', 'etcd2:2379', 'etcd3:2379']])
})

test("the environment of Patroni's Kubernetes example is a configuration", () => {
  const result = load(null, {
    PATRONI_KUBERNETES_POD_IP: '10.1.2.3',
    PATRONI_KUBERNETES_NAMESPACE: 'default',
    PATRONI_KUBERNETES_BYPASS_API_SERVICE: 'true',
    PATRONI_KUBERNETES_USE_ENDPOINTS: 'true',
    PATRONI_KUBERNETES_LABELS: '{application: patroni, cluster-name: patronidemo}',
    PATRONI_SUPERUSER_PASSWORD: 'zalando',
    PATRONI_SCOPE: 'patronidemo',
    PATRONI_NAME: 'patronidemo-0',
    PATRONI_POSTGRESQL_PGPASS: '/tmp/pgpass',
    PATRONI_RESTAPI_LISTEN: '0.0.0.0:8008',
  })
  assert.ok(result.ok)
  assert.deepEqual(result.warnings, [])
  const [cluster] = result.config.clusters
  assert.deepEqual(
    [cluster?.dcs.kind, cluster?.namespace, cluster?.localMember],
    ['kubernetes', 'default', 'patronidemo-0'],
  )
})
