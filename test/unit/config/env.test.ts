import assert from 'node:assert/strict'
import { test } from 'node:test'
import { merge, readEnvironment } from '../../../src/config/env.ts'

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
    restapi: { cafile: '/rest-ca' },
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

for (const [name, section] of [
  ['PATRONI_ETCD_HOST', 'etcd'],
  ['PATRONI_CONSUL_HOST', 'consul'],
  ['PATRONI_ZOOKEEPER_HOSTS', 'zookeeper'],
  ['PATRONI_EXHIBITOR_HOSTS', 'exhibitor'],
  ['PATRONI_KUBERNETES_LABELS', 'kubernetes'],
  ['PATRONI_RAFT_SELF_ADDR', 'raft'],
] as const)
  test(`${name} says that the DCS is ${section}, and its value is not kept`, () => {
    assert.deepEqual(readEnvironment({ [name]: 'x' }).tree, { [section]: {} })
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
