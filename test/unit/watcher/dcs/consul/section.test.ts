import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConsulConfig, resolveConsul } from '../../../../../src/watcher/dcs/consul/section.ts'
import { consul } from '../../../../../src/watcher/dcs/consul/kind.ts'

type Section = Readonly<Record<string, unknown>>

const DEFAULT: ConsulConfig = {
  kind: 'consul',
  endpoint: '127.0.0.1:8500',
  protocol: 'http',
  token: null,
  verify: true,
  caFile: null,
  certFile: null,
  keyFile: null,
  dc: null,
  consistency: 'default',
  variables: [],
}

/** The section, and what differs from the default; `unused`: the keys of the warnings. */
const READ: readonly (readonly [section: Section, found: Partial<ConsulConfig>, unused?: readonly string[]])[] = [
  [{}, {}],
  [{ host: '' }, {}],
  [
    { host: '127.0.0.1:8500', register_service: true, service_tags: ['a'], checks: [], service_check_interval: '5s' },
    {},
  ],
  [{ host: 'a' }, { endpoint: 'a:8500' }],
  [{ host: 'a:1' }, { endpoint: 'a:1' }],
  [{ host: 'a:1', port: 2 }, { endpoint: 'a:2' }],
  [{ host: 'a', port: '8501' }, { endpoint: 'a:8501' }],
  [{ host: 'a', port: '' }, { endpoint: 'a:8500' }],
  [{ port: 8501 }, { endpoint: '127.0.0.1:8501' }],
  [{ host: '[::1]:1' }, { endpoint: '[::1]:1' }],
  [{ host: 'fd00::1:8501' }, { endpoint: '[fd00::1]:8501' }],
  [
    { host: 'a', scheme: 'HTTPS' },
    { endpoint: 'a:8500', protocol: 'https' },
  ],
  [{ url: 'http://a:1' }, { endpoint: 'a:1' }],
  [{ url: 'https://a/' }, { endpoint: 'a:8500', protocol: 'https' }],
  [{ url: 'https://[fd00::1]' }, { endpoint: '[fd00::1]:8500', protocol: 'https' }],
  [{ url: '' }, {}],
  [
    { url: 'https://a:1', host: 'b:2', port: 3, scheme: 'http' },
    { endpoint: 'a:1', protocol: 'https' },
    ['host', 'port', 'scheme'],
  ],
  [{ url: 'http://u:p@a:1' }, { endpoint: 'a:1' }, ['url']],
  [{ url: 'http://a:1/consul' }, { endpoint: 'a:1' }, ['url']],
  [{ url: 'http://u@a:1/?x=1' }, { endpoint: 'a:1' }, ['url', 'url']],
  [
    { token: 'f0o', dc: 'dc1', consistency: 'stale' },
    { token: 'f0o', dc: 'dc1', consistency: 'stale' },
  ],
  [{ token: '', dc: null, consistency: '' }, {}],
  [
    { scheme: 'https', verify: false },
    { protocol: 'https', verify: false },
  ],
  [
    { scheme: 'https', verify: 'off' },
    { protocol: 'https', verify: false },
  ],
  [
    { scheme: 'https', verify: 0 },
    { protocol: 'https', verify: false },
  ],
  [
    { scheme: 'https', verify: 'YES' },
    { protocol: 'https', verify: true },
  ],
  [{ scheme: 'https', verify: 'perhaps' }, { protocol: 'https', verify: true }, ['verify']],
  [
    { scheme: 'https', verify: null },
    { protocol: 'https', verify: true },
  ],
  [{ scheme: 'https', cacert: '/ca', verify: false }, { protocol: 'https', caFile: '/ca', verify: true }, ['verify']],
  [
    { scheme: 'https', cacert: '/ca', ca_cert: '/b' },
    { protocol: 'https', caFile: '/ca' },
  ],
  [
    { scheme: 'https', ca_cert: '/b' },
    { protocol: 'https', caFile: '/b' },
  ],
  [
    { scheme: 'https', cert: '/c', key: '/k' },
    { protocol: 'https', certFile: '/c', keyFile: '/k' },
  ],
  [
    { scheme: 'https', cert: '/c' },
    { protocol: 'https', certFile: '/c' },
  ],
  [{ scheme: 'https', key: '/k' }, { protocol: 'https' }, ['key']],
  [{ cacert: '/ca', cert: '/c', key: '/k' }, {}, ['cacert', 'cert', 'key']],
  // The variables of the client library.
  [{ $CONSUL_HTTP_ADDR: 'e:1' }, { endpoint: 'e:1' }],
  [{ $CONSUL_HTTP_ADDR: '' }, {}],
  [{ host: 'a', $CONSUL_HTTP_ADDR: 'e:1' }, { endpoint: 'e:1' }, ['$CONSUL_HTTP_ADDR']],
  [{ host: 'a', $CONSUL_HTTP_ADDR: 'a:8500' }, { endpoint: 'a:8500' }],
  [{ url: 'https://a:1', $CONSUL_HTTP_ADDR: 'e:1' }, { endpoint: 'e:1', protocol: 'https' }, ['$CONSUL_HTTP_ADDR']],
  [{ port: 1, $CONSUL_HTTP_ADDR: 'e:1' }, { endpoint: 'e:1' }, ['$CONSUL_HTTP_ADDR']],
  // What only py-consul 1.6.1 and later understand, and then only where nothing is written.
  [{ $CONSUL_HTTP_ADDR: 'https://e:1' }, { endpoint: 'e:1', protocol: 'https' }],
  [{ $CONSUL_HTTP_ADDR: '[::1]:1' }, { endpoint: '[::1]:1' }],
  [{ host: 'a', $CONSUL_HTTP_ADDR: 'https://e:1' }, { endpoint: 'a:8500' }, ['$CONSUL_HTTP_ADDR']],
  [{ host: 'a', $CONSUL_HTTP_ADDR: 'e' }, { endpoint: 'a:8500' }, ['$CONSUL_HTTP_ADDR']],
  [{ $CONSUL_HTTP_SSL: 'true' }, { protocol: 'https' }],
  [{ $CONSUL_HTTP_SSL: 'false' }, {}],
  [{ $CONSUL_HTTP_SSL: '' }, {}],
  [{ $CONSUL_HTTP_SSL: '1' }, {}],
  [{ scheme: 'http', $CONSUL_HTTP_SSL: 'true' }, { protocol: 'https' }, ['$CONSUL_HTTP_SSL']],
  [{ scheme: 'https', $CONSUL_HTTP_SSL: 'true' }, { protocol: 'https' }],
  [{ url: 'https://a:1', $CONSUL_HTTP_SSL: 'false' }, { endpoint: 'a:1' }, ['$CONSUL_HTTP_SSL']],
  [
    { $CONSUL_HTTP_SSL: 'true', cacert: '/ca' },
    { protocol: 'https', caFile: '/ca' },
  ],
  [
    { scheme: 'https', $CONSUL_HTTP_SSL_VERIFY: 'false' },
    { protocol: 'https', verify: false },
  ],
  [
    { scheme: 'https', verify: true, $CONSUL_HTTP_SSL_VERIFY: 'false' },
    { protocol: 'https', verify: false },
    ['$CONSUL_HTTP_SSL_VERIFY'],
  ],
  [
    { scheme: 'https', verify: false, $CONSUL_HTTP_SSL_VERIFY: 'no' },
    { protocol: 'https', verify: false },
  ],
  [
    { scheme: 'https', cacert: '/ca', $CONSUL_HTTP_SSL_VERIFY: 'no' },
    { protocol: 'https', caFile: '/ca' },
  ],
  [{ $CONSUL_HTTP_SSL_VERIFY: '' }, {}],
  [{ $CONSUL_HTTP_TOKEN: 'e' }, { token: 'e' }],
  [{ token: 't', $CONSUL_HTTP_TOKEN: 'e' }, { token: 'e' }, ['$CONSUL_HTTP_TOKEN']],
  [{ token: 't', $CONSUL_HTTP_TOKEN: '' }, { token: 't' }],
  [{ $PATRONI_CONSUL_SCHEME: 'https' }, {}, ['$PATRONI_CONSUL_SCHEME']],
]

for (const [section, found, unused = []] of READ)
  test(`${JSON.stringify(section)} is ${JSON.stringify(found)}`, () => {
    const { value, faults, warnings } = resolveConsul(section)
    assert.deepEqual(faults, [])
    assert.deepEqual({ ...value, variables: [] }, { ...DEFAULT, ...found })
    assert.deepEqual(
      warnings.map(({ path }) => path.join('.')),
      unused.map((key) => `consul.${key}`),
    )
    assert.ok(warnings.every(({ message }) => /not used|overrides consul\./.test(message)))
  })

for (const [section, counting] of [
  [{ host: 'a', token: 't' }, []],
  [
    { host: 'a', $CONSUL_HTTP_ADDR: 'e:1', $CONSUL_HTTP_SSL: 'true', $CONSUL_HTTP_TOKEN: 'e' },
    ['TOKEN', 'ADDR', 'SSL'],
  ],
  [{ host: 'a', $CONSUL_HTTP_ADDR: 'https://e:1', $CONSUL_HTTP_TOKEN: '' }, []],
  [{ $CONSUL_HTTP_ADDR: 'https://e:1' }, ['ADDR']],
] as const)
  test(`of ${JSON.stringify(section)} these variables count: ${counting.join(', ')}`, () => {
    const { value } = resolveConsul(section)
    assert.deepEqual(new Set(value?.variables), new Set(counting.map((name) => `CONSUL_HTTP_${name}`)))
  })

const LIBRARY = /must be true or false, in small letters/

const FAULTS: readonly (readonly [section: unknown, path: string, message: RegExp])[] = [
  [null, 'consul', /is empty, and none to Patroni: set consul\.host/],
  ['a:1', 'consul', /must be a mapping/],
  [[], 'consul', /must be a mapping/],
  [{ host: 'a b' }, 'consul.host', /must be one address, without blanks$/],
  [{ host: 'a:1,b:1' }, 'consul.host', /must be one address/],
  [{ host: 5 }, 'consul.host', /must be text like 10\.0\.0\.1:8500/],
  [{ host: '::1' }, 'consul.host', /must have an IPv6 address in brackets, like \[fd00::1\]:8500/],
  [{ host: 'a:x' }, 'consul.host', /must be an address like/],
  [{ host: 'u:p@a:1' }, 'consul.host', /must be without user and password: Patroni sends only consul\.token/],
  [{ host: 'https://a:1' }, 'consul.host', /must be without http:\/\/ or https:\/\/: that is consul\.scheme/],
  [{ host: 'a', port: 'x' }, 'consul.port', /must be a port/],
  [{ host: 'a', port: 0 }, 'consul.port', /must be a port/],
  [{ host: 'a:1', port: null }, 'consul.port', /is empty, and yet goes over the port in consul\.host/],
  [{ host: 'a', scheme: 'tls' }, 'consul.scheme', /must be http or https/],
  [{ url: 'a:1' }, 'consul.url', /must be a URL like http:\/\/10\.0\.0\.1:8500/],
  [{ url: 'ftp://a' }, 'consul.url', /must begin with http/],
  [{ url: 5 }, 'consul.url', /must be a URL/],
  [{ url: 'http://u:a/b@a:1' }, 'consul.url', /must have no \/, \? or # in user and password.*set consul\.token/],
  [{ url: '', host: 'a' }, 'consul.url', /is empty, and yet Patroni takes it for 127\.0\.0\.1:8500: remove it/],
  [{ url: null, scheme: 'https' }, 'consul.url', /is empty/],
  [{ token: 5 }, 'consul.token', /must be text: put it in quotes/],
  [{ token: 'a\nb' }, 'consul.token', /must be text of visible ASCII characters/],
  [{ token: 't', $CONSUL_HTTP_TOKEN: 'a b' }, 'consul.$CONSUL_HTTP_TOKEN', /visible ASCII/],
  [{ dc: 5 }, 'consul.dc', /must be text/],
  [{ consistency: 'Stale' }, 'consul.consistency', /must be one of default, consistent, stale: .* does not start/],
  [{ consistency: ['stale'] }, 'consul.consistency', /must be one of/],
  [{ group: 1 }, 'consul.group', /write it as citus\.group/],
  [{ scheme: 'https', cacert: 5 }, 'consul.cacert', /must be the path of a file/],
  [{ $CONSUL_HTTP_ADDR: 'e' }, 'consul.$CONSUL_HTTP_ADDR', /must be an address with a port, like 10\.0\.0\.1:8500/],
  [{ $CONSUL_HTTP_ADDR: 'https://e' }, 'consul.$CONSUL_HTTP_ADDR', /with a port/],
  [{ $CONSUL_HTTP_ADDR: 'e:x' }, 'consul.$CONSUL_HTTP_ADDR', /with a port/],
  [{ $CONSUL_HTTP_ADDR: ':8500' }, 'consul.$CONSUL_HTTP_ADDR', /with a port/],
  [{ $CONSUL_HTTP_ADDR: 'unix:///run/x' }, 'consul.$CONSUL_HTTP_ADDR', /with a port/],
  [{ scheme: 'https', $CONSUL_HTTP_SSL: '1' }, 'consul.$CONSUL_HTTP_SSL', LIBRARY],
  [{ scheme: 'https', $CONSUL_HTTP_SSL: '' }, 'consul.$CONSUL_HTTP_SSL', LIBRARY],
  [{ url: 'https://a', $CONSUL_HTTP_SSL: 'yes' }, 'consul.$CONSUL_HTTP_SSL', LIBRARY],
  [{ $CONSUL_HTTP_SSL: 'TRUE' }, 'consul.$CONSUL_HTTP_SSL', LIBRARY],
  [{ scheme: 'https', $CONSUL_HTTP_SSL_VERIFY: '' }, 'consul.$CONSUL_HTTP_SSL_VERIFY', LIBRARY],
  [{ scheme: 'https', $CONSUL_HTTP_SSL_VERIFY: 'True' }, 'consul.$CONSUL_HTTP_SSL_VERIFY', LIBRARY],
  [{ scheme: 'https', verify: true, $CONSUL_HTTP_SSL_VERIFY: '0' }, 'consul.$CONSUL_HTTP_SSL_VERIFY', LIBRARY],
]

for (const [section, path, message] of FAULTS)
  test(`${JSON.stringify(section)} is a fault of ${path}`, () => {
    const { value, faults } = resolveConsul(section)
    assert.equal(value, null)
    assert.deepEqual(
      faults.map((fault) => fault.path.join('.')),
      [path],
    )
    assert.match(faults[0]?.message ?? '', message)
  })

test('it is described without its token', () => {
  const config: ConsulConfig = { ...DEFAULT, token: 's3cret', dc: 'dc1' }
  assert.equal(consul.describe(config), 'consul over http at 127.0.0.1:8500, datacenter dc1, token')
  const https = { protocol: 'https', certFile: '/c' } as const
  assert.equal(
    consul.describe({ ...DEFAULT, ...https }),
    'consul over https at 127.0.0.1:8500, CA of the system, client certificate',
  )
  assert.match(consul.describe({ ...DEFAULT, ...https, verify: false }), /certificate not verified/)
})
