import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DcsResult } from '../../../../../src/config/dcs/kind.ts'
import { type EtcdConfig, resolveEtcd } from '../../../../../src/watcher/dcs/etcd-common/section.ts'

type Section = Readonly<Record<string, unknown>>

function resolveEtcd3(section: unknown): DcsResult<EtcdConfig> {
  return resolveEtcd('etcd3', section)
}

const ENDPOINTS: readonly (readonly [section: Section, endpoints: readonly string[]])[] = [
  [{ hosts: ['a:1', 'b:2'] }, ['a:1', 'b:2']],
  [{ hosts: 'a:1,b:2' }, ['a:1', 'b:2']],
  [{ hosts: 'a:1, b' }, ['a:1', 'b:2379']],
  [{ hosts: ['a'], port: 2380 }, ['a:2380']],
  [{ hosts: ['a:1'], port: 2380 }, ['a:1']],
  [{ hosts: ['http://a:1', 'HTTP://b'] }, ['a:1', 'b:2379']],
  [{ hosts: ['a'], port: '2380' }, ['a:2380']],
  [{ hosts: ['[::1]:1', '[::1]'] }, ['[::1]:1', '[::1]:2379']],
  // Without brackets, as patroni/utils.py `split_host_port` has it: the last colon is the port.
  [{ hosts: ['::1:2579', '2001:db8::10:2379'] }, ['[::1]:2579', '[2001:db8::10]:2379']],
  [{ hosts: '2001:db8::11:2479, 2001:db8:0:0:0:0:0:12:2379' }, ['[2001:db8::11]:2479', '[2001:db8:0:0:0:0:0:12]:2379']],
  [{ hosts: ['http://fd00::2:2379'] }, ['[fd00::2]:2379']],
  [{ host: 'fd00::2:2380' }, ['[fd00::2]:2380']],
  [{ host: 'fd00::2:2380', port: 1 }, ['[fd00::2]:1']],
  [{ url: 'http://[fe80::1%25eth0]:2380/' }, ['[fe80::1%eth0]:2380']],
  [{ hosts: ['[fe80::1%eth0]:2380', 'fe80::1%eth1:2380'] }, ['[fe80::1%eth0]:2380', '[fe80::1%eth1]:2380']],
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
    const { value, faults } = resolveEtcd3(section)
    assert.deepEqual(faults, [])
    const access = { protocol: 'http', auth: null, caFile: null, certFile: null, keyFile: null }
    assert.deepEqual(value, { kind: 'etcd3', endpoints, srv: null, useProxies: false, ...access })
  })

const PRECEDENCE: readonly (readonly [section: Section, endpoint: string, unused: readonly string[]])[] = [
  [{ proxy: 'http://p:1', url: 'http://u:1', hosts: ['h:1'], host: 'o:1' }, 'p:1', ['url', 'hosts', 'host']],
  [{ url: 'http://u:1', hosts: ['h:1'], host: 'o:1' }, 'u:1', ['hosts', 'host']],
  [{ hosts: ['h:1'], host: 'o:1' }, 'h:1', ['host']],
  [{ srv: 'example.org', proxy: 'http://p:1' }, 'p:1', ['srv']],
]

for (const [section, endpoint, unused] of PRECEDENCE)
  test(`of ${Object.keys(section).join(', ')} the one that Patroni prefers is taken, with a warning for the others`, () => {
    const { value, warnings } = resolveEtcd3(section)
    assert.deepEqual(value?.endpoints, [endpoint])
    assert.deepEqual(
      warnings.map(({ path }) => path.join('.')),
      unused.map((key) => `etcd3.${key}`),
    )
  })

test('a proxy and use_proxies turn the discovery off', () => {
  assert.equal(resolveEtcd3({ proxy: 'http://p:1' }).value?.useProxies, true)
  assert.equal(resolveEtcd3({ hosts: 'a', use_proxies: true }).value?.useProxies, true)
})

const ACCESS: readonly (readonly [section: Section, access: Partial<EtcdConfig>, unused: readonly string[]])[] = [
  [{ hosts: 'a', username: 'u', password: 'p' }, { auth: { username: 'u', password: 'p' } }, []],
  [{ url: 'http://u:p@a' }, { auth: { username: 'u', password: 'p' }, endpoints: ['a:2379'] }, []],
  // As Patroni has them: the last @ counts, the first colon, and %40 stays.
  [{ url: 'http://u:p@:x%40@a:1' }, { auth: { username: 'u', password: 'p@:x%40' }, endpoints: ['a:1'] }, []],
  [{ url: 'http://a', username: 'u', password: 'p' }, { auth: null }, ['username', 'password']],
  [{ proxy: 'http://u:p@a', password: 'x' }, { auth: { username: 'u', password: 'p' } }, ['password']],
  [{ hosts: 'a', protocol: 'https' }, { protocol: 'https', endpoints: ['a:2379'] }, []],
  [{ url: 'https://a' }, { protocol: 'https', endpoints: ['a:2379'] }, []],
  [{ hosts: ['https://a', 'b'] }, { protocol: 'https', endpoints: ['a:2379', 'b:2379'] }, []],
  [{ host: 'https://a:1', protocol: 'https' }, { protocol: 'https', endpoints: ['a:1'] }, []],
  [{ url: 'http://a', protocol: 'https' }, { protocol: 'http' }, ['protocol']],
  [{ url: 'http://a', port: '2380' }, { endpoints: ['a:2379'] }, ['port']],
  [
    { hosts: 'a', protocol: 'https', cacert: '/ca', cert: 'tls.crt', key: './tls.key' },
    { caFile: '/ca', certFile: 'tls.crt', keyFile: './tls.key' },
    [],
  ],
  [{ hosts: 'a', protocol: 'https', ca_cert: '/ca' }, { caFile: '/ca' }, []],
  [{ hosts: 'a', protocol: 'https', cacert: '/ca', ca_cert: '/other' }, { caFile: '/ca' }, []],
  [{ hosts: 'a', protocol: 'https', cert: '/both' }, { certFile: '/both', keyFile: null }, []],
  [{ hosts: 'a', protocol: 'https', key: '/k' }, { certFile: null, keyFile: null }, ['key']],
  [{ hosts: 'a', cacert: '/ca', cert: '/c', key: '/k' }, { caFile: null, certFile: null }, ['cacert', 'cert', 'key']],
]

for (const [section, access, unused] of ACCESS)
  test(`${JSON.stringify(section)} is reached with ${JSON.stringify(access)}`, () => {
    const { value, faults, warnings } = resolveEtcd3(section)
    assert.deepEqual(faults, [])
    assert.deepEqual({ ...value, ...access }, value)
    assert.deepEqual(
      warnings.map(({ path }) => path.join('.')),
      unused.map((key) => `etcd3.${key}`),
    )
    assert.ok(warnings.every(({ message }) => message.startsWith('not used')))
  })

const SRV: readonly (readonly [
  section: Section,
  found: Partial<Pick<EtcdConfig, 'srv' | 'endpoints' | 'protocol' | 'useProxies' | 'auth' | 'caFile'>>,
  unused: readonly string[],
])[] = [
  [{ srv: 'example.org' }, { srv: { domain: 'example.org', suffix: null }, endpoints: [], protocol: 'http' }, []],
  [{ srv: 'example.org.', srv_suffix: 'main' }, { srv: { domain: 'example.org.', suffix: 'main' } }, []],
  [{ srv: '_x.example.org', srv_suffix: '' }, { srv: { domain: '_x.example.org', suffix: null } }, []],
  [{ discovery_srv: 'a.org' }, { srv: { domain: 'a.org', suffix: null } }, []],
  [{ srv: 'a.org', discovery_srv: 'b.org' }, { srv: { domain: 'b.org', suffix: null } }, ['srv']],
  [
    { srv: 'a.org', discovery_srv: 'b.org', srv_domain: 'c.org' },
    { srv: { domain: 'c.org', suffix: null } },
    ['srv', 'discovery_srv'],
  ],
  // The addresses count where DNS names none.
  [{ srv: 'a.org', hosts: ['h:1'] }, { srv: { domain: 'a.org', suffix: null }, endpoints: ['h:1'] }, []],
  [{ srv: 'a.org', host: 'h' }, { srv: { domain: 'a.org', suffix: null }, endpoints: ['h:2379'] }, []],
  [
    { srv: 'a.org', url: 'https://u:p@h:1', cacert: '/ca' },
    {
      srv: { domain: 'a.org', suffix: null },
      endpoints: ['h:1'],
      protocol: 'https',
      auth: { username: 'u', password: 'p' },
    },
    [],
  ],
  [{ srv: 'a.org', use_proxies: true }, { srv: { domain: 'a.org', suffix: null }, useProxies: true }, []],
  // A record can say https.
  [{ srv: 'a.org', cacert: '/ca' }, { caFile: '/ca', protocol: 'http' }, []],
  [{ srv: 'a.org', proxy: 'http://p:1' }, { srv: null, endpoints: ['p:1'] }, ['srv']],
  [{ hosts: 'h', srv_suffix: 'x' }, { srv: null }, ['srv_suffix']],
  [{ hosts: 'h', srv: '', discovery_srv: null }, { srv: null }, []],
]

for (const [section, found, unused] of SRV)
  test(`${JSON.stringify(section)} is found with ${JSON.stringify(found)}`, () => {
    const { value, faults, warnings } = resolveEtcd3(section)
    assert.deepEqual(faults, [])
    assert.deepEqual({ ...value, ...found }, value)
    assert.deepEqual(
      warnings.map(({ path }) => path.join('.')),
      unused.map((key) => `etcd3.${key}`),
    )
  })

const FAULTS: readonly (readonly [etcd3: unknown, path: string, message: RegExp])[] = [
  [{}, 'etcd3.hosts', /no address of etcd: set etcd3.hosts or PATRONI_ETCD3_HOSTS/],
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
  [
    { host: 'a b' },
    'etcd3.host',
    /must be one address, without blanks: several are separated by commas, in etcd3\.hosts$/,
  ],
  [{ hosts: '10.1.0.1:2379;10.1.0.2:2379' }, 'etcd3.hosts', /separated by commas/],
  [{ hosts: '10.1.0.1:2379 10.1.0.2:2379' }, 'etcd3.hosts', /separated by commas/],
  [{ hosts: ['http://a:1 http://b:2'] }, 'etcd3.hosts.0', /separated by commas/],
  [{ host: 'a:1,b:2' }, 'etcd3.host', /separated by commas/],
  [{ url: 'http://a:1,http://b:2' }, 'etcd3.url', /separated by commas/],
  [{ hosts: ['10.0.0.1:2379:2380'] }, 'etcd3.hosts.0', /must be an address like/],
  [{ url: 'https://root:p%40ss:w/rd@etcd.local:2379' }, 'etcd3.url', /must have no \/, \? or # in user and password/],
  [{ url: 'https://root:1/x@a:1' }, 'etcd3.url', /user and password/],
  [{ proxy: 'https://root:p@x#y@a:1' }, 'etcd3.proxy', /user and password/],
  [{ hosts: ['https://u:p/x@a:1'] }, 'etcd3.hosts.0', /must be without user and password/],
  [{ host: 'unix:///run/x' }, 'etcd3.host', /must be an address/],
  [{ hosts: ['fd00::2'] }, 'etcd3.hosts.0', /must have an IPv6 address in brackets, like \[fd00::1\]:2379/],
  [{ hosts: '::1' }, 'etcd3.hosts', /in brackets/],
  [{ hosts: ['2001:db8:0:0:0:0:0:12'] }, 'etcd3.hosts.0', /in brackets/],
  [{ hosts: ['2001:db8::a:b'] }, 'etcd3.hosts.0', /in brackets/],
  [{ hosts: ['2001:db8::'] }, 'etcd3.hosts.0', /in brackets/],
  [{ host: '::1', port: 2379 }, 'etcd3.host', /in brackets/],
  [{ url: 'http://2001:db8::10:2379' }, 'etcd3.url', /in brackets/],
  [{ proxy: 'http://u:p@fd00::2' }, 'etcd3.proxy', /in brackets/],
  [{ host: 'a', port: '1' }, 'etcd3.port', /must be without quotes: .* beside etcd3\.hosts only$/],
  [{ host: 'a', port: '65536' }, 'etcd3.port', /must be a port/],
  [{ hosts: 'a', port: 'x' }, 'etcd3.port', /must be a port/],
  [{ url: 'a:1' }, 'etcd3.url', /must be a URL/],
  [{ url: 'ftp://a' }, 'etcd3.url', /http:/],
  [{ url: ['http://a'] }, 'etcd3.url', /must be a URL/],
  [{ url: 'http://u@a:1' }, 'etcd3.url', /must have both user and password before the @/],
  [{ url: 'http://:p@a:1' }, 'etcd3.url', /must have both user and password before the @/],
  [{ hosts: ['http://a:1', 'https://b:1'] }, 'etcd3.hosts.1', /another protocol .* set etcd3\.protocol: https/],
  [{ hosts: ['http://a:1'], protocol: 'https' }, 'etcd3.hosts.0', /another protocol/],
  [{ hosts: ['u:p@a:1'] }, 'etcd3.hosts.0', /must be without user and password: those are etcd3\.username/],
  [{ hosts: 'a', protocol: 'grpc' }, 'etcd3.protocol', /must be http or https/],
  [{ hosts: 'a', username: 'u' }, 'etcd3.username', /is not used without etcd3\.password/],
  [{ hosts: 'a', password: 'p' }, 'etcd3.password', /is not used without etcd3\.username/],
  [{ hosts: 'a', username: 'u', password: 1234 }, 'etcd3.password', /must be text: put it in quotes/],
  [{ hosts: 'a', protocol: 'https', cacert: true }, 'etcd3.cacert', /must be the path of a file/],
  [{ hosts: 'a', use_proxies: 'yes' }, 'etcd3.use_proxies', /must be true or false/],
  [{ srv: 'exa mple.org' }, 'etcd3.srv', /must be the name of a domain/],
  [{ srv: 'http://example.org' }, 'etcd3.srv', /must be the name of a domain/],
  [{ srv: '10.0.0.1' }, 'etcd3.srv', /must be the name of a domain/],
  [{ srv: '.example.org' }, 'etcd3.srv', /must be the name of a domain/],
  [{ srv: 'a'.repeat(184) }, 'etcd3.srv', /must be the name of a domain/],
  [{ srv: ['example.org'] }, 'etcd3.srv', /must be the name of a domain/],
  [{ srv_domain: 5 }, 'etcd3.srv_domain', /must be the name of a domain/],
  [{ srv: 'example.org', discovery_srv: '', hosts: 'a' }, 'etcd3.discovery_srv', /is empty, and yet Patroni takes it/],
  [{ srv: 'example.org', srv_domain: null, hosts: 'a' }, 'etcd3.srv_domain', /is empty, and yet Patroni takes it/],
  [{ srv: 'example.org', srv_suffix: 'a.b' }, 'etcd3.srv_suffix', /must be a part of a name/],
  [{ srv: 'example.org', srv_suffix: 5 }, 'etcd3.srv_suffix', /must be a part of a name/],
  [{ srv: 'example.org', hosts: 'a b' }, 'etcd3.hosts', /separated by commas/],
  [{ srv: '', srv_suffix: 'x' }, 'etcd3.hosts', /no address of etcd/],
]

for (const [etcd3, path, message] of FAULTS)
  test(`${JSON.stringify(etcd3)} is a fault of ${path}`, () => {
    const { value, faults } = resolveEtcd3(etcd3)
    assert.equal(value, null)
    assert.deepEqual(
      faults.map((fault) => fault.path.join('.')),
      [path],
    )
    assert.match(faults[0]?.message ?? '', message)
  })

test('each message about the section etcd names its keys, and none of those of etcd3', () => {
  let messages = 0
  const sections = [
    ...FAULTS.map(([section]) => section),
    ...[ACCESS, PRECEDENCE, SRV].flat().map(([section]) => section),
  ]
  for (const section of sections) {
    const v3 = resolveEtcd('etcd3', section)
    const v2 = resolveEtcd('etcd', section)
    const renamed = JSON.stringify(v3).replaceAll('etcd3', 'etcd').replaceAll('ETCD3', 'ETCD')
    assert.equal(JSON.stringify(v2), renamed)
    messages += v2.faults.length + v2.warnings.length
  }
  assert.ok(messages > 60, String(messages))
})
