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

  test(`postgres${n}.yml of Patroni, which uses etcd v2, has only its DCS as a problem`, () => {
    const result = load(text)
    assert.ok(!result.ok)
    assert.deepEqual(
      result.problems.map(({ path }) => path),
      ['etcd'],
    )
    assert.equal(result.problems[0]?.line, text.split('\n').indexOf('etcd:') + 1)
    assert.match(result.problems[0].message, /not supported yet .*v2 API.*: add rest: \{urls: \[\.\.\.\]\}/)
  })

  test(`postgres${n}.yml of Patroni with raft has only its DCS as a problem`, () => {
    const raft = "raft:\n  self_addr: 127.0.0.1:2222\n  partner_addrs: ['127.0.0.1:2223']\n"
    const result = load(text.replace(/^etcd:\n.*\n/m, raft))
    assert.ok(!result.ok)
    assert.equal(
      formatProblems(result.problems).replace(/:\d+:\d+/, ''),
      'patroni.yml: raft: this DCS is not supported yet: ' +
        'add rest: {urls: [...]}, which reads the REST API of the members and works with any DCS',
    )
  })

  test(`postgres${n}.yml of Patroni is valid with rest beside its own DCS`, () => {
    const result = load(`${text}\nrest: {urls: [http://127.0.0.1:8008]}\n`)
    assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
    assert.deepEqual(result.warnings, [])
    assert.deepEqual(result.config.clusters[0]?.dcs, { kind: 'rest', urls: ['http://127.0.0.1:8008'] })
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

test("the environment of Patroni's Kubernetes example has only its DCS as a problem", () => {
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
  assert.ok(!result.ok)
  assert.match(
    formatProblems(result.problems),
    /^environment: PATRONI_KUBERNETES_\w+: this DCS is not supported yet: add rest: .*$/,
  )
})
