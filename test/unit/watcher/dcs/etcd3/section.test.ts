import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Etcd3Config, resolveEtcd3 } from '../../../../../src/watcher/dcs/etcd3/section.ts'

type Section = Readonly<Record<string, unknown>>

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
    assert.deepEqual(value, { kind: 'etcd3', endpoints, useProxies: false, ...access })
  })

const PRECEDENCE: readonly (readonly [section: Section, endpoint: string, unused: readonly string[]])[] = [
  [{ proxy: 'http://p:1', url: 'http://u:1', hosts: ['h:1'], host: 'o:1' }, 'p:1', ['url', 'hosts', 'host']],
  [{ url: 'http://u:1', hosts: ['h:1'], host: 'o:1' }, 'u:1', ['hosts', 'host']],
  [{ hosts: ['h:1'], host: 'o:1' }, 'h:1', ['host']],
  [{ srv: 'example.org', hosts: ['h:1'] }, 'h:1', ['srv']],
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

const ACCESS: readonly (readonly [section: Section, access: Partial<Etcd3Config>, unused: readonly string[]])[] = [
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
  [{ srv: 'example.org' }, 'etcd3.srv', /SRV .*not available in this version: set etcd3.hosts/],
  [{ discovery_srv: 'example.org' }, 'etcd3.discovery_srv', /SRV/],
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
