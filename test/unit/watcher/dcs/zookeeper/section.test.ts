import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zookeeper } from '../../../../../src/watcher/dcs/zookeeper/kind.ts'
import { type NamedServersConfig, resolveZooKeeper } from '../../../../../src/watcher/dcs/zookeeper/section.ts'

type Section = Readonly<Record<string, unknown>>

const DEFAULT: NamedServersConfig = {
  kind: 'zookeeper',
  endpoints: ['a:2181'],
  chroot: '',
  tls: false,
  verify: true,
  caFile: null,
  certFile: null,
  keyFile: null,
  keyPassword: null,
  auth: [],
}
const TLS = { use_ssl: true }

/** The section besides `hosts: a`, and what differs from the default; `warned`: the keys of the warnings. */
const READ: readonly (readonly [section: Section, found: Partial<NamedServersConfig>, warned?: readonly string[]])[] = [
  [{}, {}],
  [{ hosts: 'a:1' }, { endpoints: ['a:1'] }],
  [{ hosts: 'a:1, b ,[::1]:3' }, { endpoints: ['a:1', 'b:2181', '[::1]:3'] }],
  [{ hosts: ['a:1', 'b'] }, { endpoints: ['a:1', 'b:2181'] }],
  [{ hosts: ['a:1,b:2', 'c'] }, { endpoints: ['a:1', 'b:2', 'c:2181'] }],
  [{ hosts: 'a:1,a:1' }, { endpoints: ['a:1'] }],
  [{ hosts: 'a:1,b:2/root' }, { endpoints: ['a:1', 'b:2'], chroot: '/root' }],
  [{ hosts: ['a:1', 'b/root/p2/'] }, { endpoints: ['a:1', 'b:2181'], chroot: '/root/p2' }],
  [{ hosts: 'a/' }, {}],
  [TLS, { tls: true }],
  [{ use_ssl: 1 }, { tls: true }],
  [{ use_ssl: '' }, {}],
  [{ use_ssl: 'true' }, { tls: true }],
  // Python takes any text for true.
  [{ use_ssl: 'false' }, { tls: true }, ['use_ssl']],
  [
    { ...TLS, verify: false },
    { tls: true, verify: false },
  ],
  [
    { ...TLS, verify: null },
    { tls: true, verify: false },
  ],
  [{ ...TLS, verify: 'no' }, { tls: true }, ['verify']],
  [
    { ...TLS, cacert: '/ca' },
    { tls: true, caFile: '/ca' },
  ],
  [
    { ...TLS, cert: '/c', key: '/k', key_password: 'p' },
    { tls: true, certFile: '/c', keyFile: '/k', keyPassword: 'p' },
  ],
  [{ ...TLS, cert: '/c' }, { tls: true }, ['cert']],
  [{ ...TLS, key: '/k' }, { tls: true }, ['key']],
  [{ cacert: '/ca', cert: '/c', key: '/k', verify: false }, { verify: false }, ['cacert', 'cert', 'key']],
  [{ auth_data: { digest: 'u:p:q' } }, { auth: [{ scheme: 'digest', credential: 'u:p:q' }] }],
  [{ auth_data: { x: 'y' } }, { auth: [{ scheme: 'x', credential: 'y' }] }],
  [{ auth_data: null, set_acls: { 'CN=a': ['ALL'] } }, {}],
  [{ exhibitor: { hosts: ['e'], port: 1 } }, {}, ['exhibitor']],
]

for (const [section, found, warned = []] of READ)
  test(`${JSON.stringify(section)} is ${JSON.stringify(found)}`, () => {
    const { value, faults, warnings } = resolveZooKeeper({ hosts: 'a', ...section })
    assert.deepEqual(faults, [])
    assert.deepEqual(value, { ...DEFAULT, ...found })
    assert.deepEqual(
      warnings.map(({ path }) => path.join('.')),
      warned.map((key) => `zookeeper.${key}`),
    )
  })

const FAULTS: readonly (readonly [section: unknown, path: string, message: RegExp])[] = [
  [null, 'zookeeper', /is empty, and none to Patroni: set zookeeper\.hosts/],
  ['a:1', 'zookeeper', /must be a mapping, with the key hosts/],
  [{}, 'zookeeper.hosts', /no address of ZooKeeper: set zookeeper\.hosts or PATRONI_ZOOKEEPER_HOSTS/],
  [{ hosts: [] }, 'zookeeper.hosts', /no address of ZooKeeper/],
  [{ hosts: '' }, 'zookeeper.hosts', /no address of ZooKeeper/],
  [{ hosts: 'a,' }, 'zookeeper.hosts', /must be an address like/],
  [{ hosts: '/root' }, 'zookeeper.hosts', /must be an address like/],
  [{ hosts: 5 }, 'zookeeper.hosts', /must be text like 10\.0\.0\.1:2181/],
  [{ hosts: ['a', { b: 1 }] }, 'zookeeper.hosts.1', /must be text like/],
  [{ hosts: ['a', 'b:x'] }, 'zookeeper.hosts.1', /must be an address like 10\.0\.0\.1:2181/],
  [{ hosts: 'a b' }, 'zookeeper.hosts', /must be one address, without blanks: several are separated by commas/],
  [{ hosts: 'zk://a:1' }, 'zookeeper.hosts', /must be without a scheme: TLS is zookeeper\.use_ssl/],
  [{ hosts: 'u:p@a:1' }, 'zookeeper.hosts', /must be without user and password: those are zookeeper\.auth_data/],
  [{ hosts: ['a/root', 'b/root'] }, 'zookeeper.hosts.0', /the chroot stands once, behind the last host/],
  [{ hosts: 'a//b' }, 'zookeeper.hosts', /must have a chroot like \/patroni/],
  [{ hosts: 'a/../b' }, 'zookeeper.hosts', /must have a chroot like \/patroni/],
  [{ hosts: 'a', auth_data: 'u:p' }, 'zookeeper.auth_data', /must be a mapping like \{digest: user:password\}$/],
  [{ hosts: 'a', auth_data: { digest: 5 } }, 'zookeeper.auth_data', /with text for each scheme/],
  [{ hosts: 'a', auth_data: { 'u:s3cret': null } }, 'zookeeper.auth_data', /with text for each scheme/],
  [{ hosts: 'a', auth_data: { digest: 's3cret' } }, 'zookeeper.auth_data.digest', /must be like user:password/],
  [{ hosts: 'a', ...TLS, cert: '/c', key: '/k', key_password: 5 }, 'zookeeper.key_password', /must be text/],
  [{ hosts: 'a', ...TLS, cacert: 5 }, 'zookeeper.cacert', /must be the path of a file/],
  [{ hosts: 'a', group: 1 }, 'zookeeper.group', /Patroni takes it for the Citus group/],
]

for (const [section, path, message] of FAULTS)
  test(`${JSON.stringify(section)} is wrong at ${path}`, () => {
    const { value, faults } = resolveZooKeeper(section)
    assert.equal(value, null)
    assert.deepEqual(
      faults.map((fault) => fault.path.join('.')),
      [path],
    )
    assert.match(faults[0]?.message ?? '', message)
    assert.ok(faults.every((fault) => !fault.message.includes('s3cret')))
  })

test('is described without a password, and is the same as another whose hosts are in another order', () => {
  const resolve = (section: Section): NamedServersConfig => {
    const { value } = resolveZooKeeper(section)
    assert.ok(value)
    return value
  }
  const one = resolve({
    hosts: 'a,b/root',
    ...TLS,
    cacert: '/ca',
    cert: '/c',
    key: '/k',
    auth_data: { digest: 'u:s3cret' },
  })
  assert.equal(
    zookeeper.describe(one),
    'zookeeper over TLS at a:2181, b:2181, chroot /root, CA /ca, client certificate, auth digest',
  )
  const place = { namespace: 'service', scope: 'demo', citusGroup: null }
  const identity = (section: Section): string => JSON.stringify(zookeeper.identify(resolve(section), place))
  assert.equal(identity({ hosts: 'b,a/root' }), identity({ hosts: 'a,b/root', auth_data: { digest: 'u:p' } }))
  assert.notEqual(identity({ hosts: 'b,a/root' }), identity({ hosts: 'a,b' }))
})
