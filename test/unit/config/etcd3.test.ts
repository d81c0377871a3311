import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveDcs } from '../../../src/config/etcd3.ts'

type Section = Readonly<Record<string, unknown>>

const ENDPOINTS: readonly (readonly [section: Section, endpoints: readonly string[]])[] = [
  [{ hosts: ['a:1', 'b:2'] }, ['a:1', 'b:2']],
  [{ hosts: 'a:1,b:2' }, ['a:1', 'b:2']],
  [{ hosts: 'a:1, b' }, ['a:1', 'b:2379']],
  [{ hosts: ['a'], port: 2380 }, ['a:2380']],
  [{ hosts: ['a:1'], port: 2380 }, ['a:1']],
  [{ hosts: ['http://a:1', 'HTTP://b'] }, ['a:1', 'b:2379']],
  [{ hosts: ['[::1]:1', '[::1]', 'fd00::2'] }, ['[::1]:1', '[::1]:2379', '[fd00::2]:2379']],
  [{ hosts: ['a:1', 'a:1'] }, ['a:1']],
  [{ host: '10.0.0.1' }, ['10.0.0.1:2379']],
  [{ host: 'etcd-1.example.org:2380' }, ['etcd-1.example.org:2380']],
  [{ host: 'a:1', port: 2 }, ['a:2']],
  [{ url: 'http://a:1' }, ['a:1']],
  [{ url: 'http://a/' }, ['a:2379']],
  [{ url: 'http://a', protocol: 'https' }, ['a:2379']],
  [{ url: 'http://[::1]:1/x' }, ['[::1]:1']],
  [{ hosts: ['a:1'], url: '', proxy: null, username: '', cacert: null, retries: 3 }, ['a:1']],
]

for (const [section, endpoints] of ENDPOINTS)
  test(`${JSON.stringify(section)} is ${endpoints.join(', ')}`, () => {
    const { value, faults } = resolveDcs({ etcd3: section })
    assert.deepEqual(faults, [])
    assert.deepEqual(value, { kind: 'etcd3', endpoints, protocol: 'http', useProxies: false })
  })

const PRECEDENCE: readonly (readonly [section: Section, endpoint: string, unused: readonly string[]])[] = [
  [{ proxy: 'http://p:1', url: 'http://u:1', hosts: ['h:1'], host: 'o:1' }, 'p:1', ['url', 'hosts', 'host']],
  [{ url: 'http://u:1', hosts: ['h:1'], host: 'o:1' }, 'u:1', ['hosts', 'host']],
  [{ hosts: ['h:1'], host: 'o:1' }, 'h:1', ['host']],
  [{ srv: 'example.org', hosts: ['h:1'] }, 'h:1', ['srv']],
]

for (const [section, endpoint, unused] of PRECEDENCE)
  test(`of ${Object.keys(section).join(', ')} the one that Patroni prefers is taken, with a warning for the others`, () => {
    const { value, warnings } = resolveDcs({ etcd3: section })
    assert.deepEqual(value?.endpoints, [endpoint])
    assert.deepEqual(
      warnings.map(({ path }) => path.join('.')),
      unused.map((key) => `etcd3.${key}`),
    )
  })

test('a proxy and use_proxies turn the discovery off', () => {
  assert.equal(resolveDcs({ etcd3: { proxy: 'http://p:1' } }).value?.useProxies, true)
  assert.equal(resolveDcs({ etcd3: { hosts: 'a', use_proxies: true } }).value?.useProxies, true)
})

const FAULTS: readonly (readonly [etcd3: unknown, path: string, message: RegExp])[] = [
  [{}, 'etcd3.hosts', /no address of etcd: set etcd3.hosts or PATRONI_ETCD3_HOSTS/],
  [null, 'etcd3.hosts', /no address of etcd/],
  [{ hosts: [] }, 'etcd3.hosts', /no address of etcd/],
  ['a:1', 'etcd3', /must be a mapping/],
  [{ hosts: ['a:1', 'b:x'] }, 'etcd3.hosts.1', /must be an address/],
  [{ hosts: ['a:1', ''] }, 'etcd3.hosts.1', /must be an address/],
  [{ hosts: [1] }, 'etcd3.hosts.0', /must be text/],
  [{ hosts: 5 }, 'etcd3.hosts', /must be text/],
  [{ host: 'a:0' }, 'etcd3.host', /must be an address/],
  [{ host: 'a:65536' }, 'etcd3.host', /must be an address/],
  [{ host: '10.0.0.256' }, 'etcd3.host', /must be an address/],
  [{ host: '[::x]:1' }, 'etcd3.host', /must be an address/],
  [{ host: 'a b' }, 'etcd3.host', /must be an address/],
  [{ host: 'unix:///run/x' }, 'etcd3.host', /must be an address/],
  [{ host: 'a', port: '1' }, 'etcd3.port', /must be a port/],
  [{ url: 'a:1' }, 'etcd3.url', /must be a URL/],
  [{ url: 'ftp://a' }, 'etcd3.url', /http:/],
  [{ url: ['http://a'] }, 'etcd3.url', /must be a URL/],
  [{ url: 'https://a:1' }, 'etcd3.url', /TLS .*not available in this version/],
  [{ proxy: 'http://u:p@a:1' }, 'etcd3.proxy', /authentication .*not available in this version/],
  [{ hosts: ['https://a:1'] }, 'etcd3.hosts.0', /TLS .*not available in this version/],
  [{ hosts: 'a', protocol: 'https' }, 'etcd3.protocol', /TLS .*not available in this version/],
  [{ hosts: 'a', protocol: 'grpc' }, 'etcd3.protocol', /http/],
  [{ hosts: 'a', username: 'u' }, 'etcd3.username', /authentication .*not available in this version/],
  [{ hosts: 'a', password: 'p' }, 'etcd3.password', /authentication .*not available in this version/],
  [{ hosts: 'a', cacert: '/x' }, 'etcd3.cacert', /TLS .*not available in this version/],
  [{ hosts: 'a', cert: '/x' }, 'etcd3.cert', /TLS .*not available in this version/],
  [{ hosts: 'a', key: '/x' }, 'etcd3.key', /TLS .*not available in this version/],
  [{ hosts: 'a', use_proxies: 'yes' }, 'etcd3.use_proxies', /must be true or false/],
  [{ srv: 'example.org' }, 'etcd3.srv', /SRV .*not available in this version: set etcd3.hosts/],
  [{ discovery_srv: 'example.org' }, 'etcd3.discovery_srv', /SRV/],
]

for (const [etcd3, path, message] of FAULTS)
  test(`${JSON.stringify(etcd3)} is a fault of ${path}`, () => {
    const { value, faults } = resolveDcs({ etcd3 })
    assert.equal(value, null)
    assert.deepEqual(
      faults.map((fault) => fault.path.join('.')),
      [path],
    )
    assert.match(faults[0]?.message ?? '', message)
  })

for (const dcs of ['etcd', 'consul', 'zookeeper', 'exhibitor', 'kubernetes', 'raft'])
  test(`${dcs} without etcd3 is refused by name, and beside etcd3 only a warning`, () => {
    const alone = resolveDcs({ [dcs]: { host: 'a' } })
    assert.deepEqual(
      alone.faults.map(({ path }) => path),
      [[dcs]],
    )
    assert.match(alone.faults[0]?.message ?? '', /only etcd3 is/)
    const beside = resolveDcs({ [dcs]: { host: 'a' }, etcd3: { hosts: 'b' } })
    assert.deepEqual(beside.value?.endpoints, ['b:2379'])
    assert.deepEqual(
      beside.warnings.map(({ path }) => path),
      [[dcs]],
    )
  })

test('for etcd v2 it says why the keys cannot be seen through v3', () => {
  assert.match(resolveDcs({ etcd: { host: 'a' } }).faults[0]?.message ?? '', /v2 API/)
})

test('no DCS at all names the key and the variable', () => {
  const { faults } = resolveDcs({ scope: 'demo', etcd: null })
  assert.deepEqual(faults, [
    { path: ['etcd3', 'hosts'], message: 'where is the cluster? set etcd3.hosts or PATRONI_ETCD3_HOSTS' },
  ])
})
