import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DcsConfig } from '../../../src/config/config.ts'
import type { Environment } from '../../../src/config/env.ts'
import { formatProblems } from '../../../src/config/file/problem.ts'
import { loadConfig } from '../../support/router/load-config.ts'

interface Loaded {
  readonly dcs: DcsConfig | null
  readonly problems: string
  readonly warnings: readonly string[]
}

function load(text: string, env: Environment = {}, file = '/etc/router/router.yml'): Loaded {
  const result = loadConfig({ file, text: `scope: demo\n${text}\n`, env })
  if (!result.ok) return { dcs: null, problems: formatProblems(result.problems), warnings: [] }
  return { dcs: result.config.clusters[0]?.dcs ?? null, problems: '', warnings: result.warnings }
}

const URLS: readonly (readonly [title: string, urls: string, expected: readonly string[]])[] = [
  ['one', '[http://10.0.0.1:8008]', ['http://10.0.0.1:8008']],
  ['one as a text', 'http://10.0.0.1:8008', ['http://10.0.0.1:8008']],
  ['commas', "'http://a:8008, http://b:8008'", ['http://a:8008', 'http://b:8008']],
  [
    'commas in a list',
    "['http://a:8008,http://b:8008', 'http://c:8008']",
    ['http://a:8008', 'http://b:8008', 'http://c:8008'],
  ],
  ['the same one twice', '[http://a:8008, http://A:8008/]', ['http://a:8008']],
  ['https and IPv6', "['https://[fd00::1]:8008']", ['https://[fd00::1]:8008']],
  [
    'a link-local address',
    "['http://[fe80::1%25eth0]:8008/patroni', 'http://[fe80::1%eth0]:8008']",
    ['http://[fe80::1%25eth0]:8008'],
  ],
  ['the port of the scheme', '[https://patroni.example.org:443]', ['https://patroni.example.org']],
  [
    "Patroni's own paths",
    '[http://a:8008/, http://b:8008/patroni, http://c:8008/cluster]',
    ['http://a:8008', 'http://b:8008', 'http://c:8008'],
  ],
]

for (const [title, urls, expected] of URLS)
  test(`rest.urls: ${title}`, () => {
    assert.deepEqual(load(`rest: {urls: ${urls}}`), {
      dcs: { kind: 'rest', urls: expected },
      problems: '',
      warnings: [],
    })
  })

const FILES: readonly (readonly [path: string, configFile: string, expected: string])[] = [
  ['/srv/cluster.yml', '/etc/router/router.yml', '/srv/cluster.yml'],
  ['cluster.yml', '/etc/router/router.yml', '/etc/router/cluster.yml'],
  ['../a//cluster.yml', '/etc/router/router.yml', '/etc/a/cluster.yml'],
  ['cluster.yml', 'router.yml', 'cluster.yml'],
  ['cluster.yml', 'conf/router.yml', 'conf/cluster.yml'],
]

for (const [path, configFile, expected] of FILES)
  test(`file.path ${path} in ${configFile} is ${expected}`, () => {
    assert.deepEqual(load(`file: {path: ${path}}`, {}, configFile).dcs, { kind: 'file', path: expected })
  })

const URL = 'must be a URL like http://10.0.0.1:8008'
const USERINFO = 'must be without user and password: Patroni requires none for reading'
const PATH = 'must end after the port: the router adds the path'

const INVALID: readonly (readonly [title: string, text: string, problem: string])[] = [
  ['rest without urls', 'rest: {}', '2:1: rest.urls: is required: the REST API of a member, like http://10.0.0.1:8008'],
  ['no urls', 'rest: {urls: }', '2:8: rest.urls: is required: the REST API of a member, like http://10.0.0.1:8008'],
  [
    'an empty list of urls',
    'rest: {urls: []}',
    '2:8: rest.urls: is required: the REST API of a member, like http://10.0.0.1:8008',
  ],
  [
    'an empty text of urls',
    "rest: {urls: ''}",
    '2:8: rest.urls: is required: the REST API of a member, like http://10.0.0.1:8008',
  ],
  ['a comma too many', "rest: {urls: 'http://a:8008,'}", `2:8: rest.urls: ${URL}`],
  ['a list with nothing in it', 'rest:\n  urls:\n    - http://a:8008\n    -', `5:6: rest.urls.1: ${URL}`],
  ['no scheme', 'rest: {urls: [10.0.0.1:8008]}', `2:15: rest.urls.0: ${URL}`],
  ['a name without a scheme', 'rest: {urls: [pg1:8008]}', `2:15: rest.urls.0: ${URL}`],
  ['another scheme', 'rest: {urls: [postgres://a:5432]}', `2:15: rest.urls.0: ${URL}`],
  ['a scheme without slashes', "rest: {urls: ['http:a:8008']}", `2:15: rest.urls.0: ${URL}`],
  ['an impossible address', 'rest: {urls: [http://10.0.0.256:8008]}', `2:15: rest.urls.0: ${URL}`],
  ['an impossible port', 'rest: {urls: [http://a:80080]}', `2:15: rest.urls.0: ${URL}`],
  ['IPv6 without brackets', "rest: {urls: ['http://fd00::1:8008']}", `2:15: rest.urls.0: ${URL}`],
  ['a number', 'rest: {urls: 8008}', `2:8: rest.urls: ${URL}`],
  ['a mapping in the list', 'rest: {urls: [{host: a}]}', `2:15: rest.urls.0: ${URL}`],
  ['no port', 'rest: {urls: [http://10.0.0.1]}', '2:15: rest.urls.0: has no port: the one of Patroni is usually 8008'],
  [
    'no port of IPv6',
    "rest: {urls: ['http://[fd00::1]/']}",
    '2:15: rest.urls.0: has no port: the one of Patroni is usually 8008',
  ],
  ['a path', 'rest: {urls: [http://a:8008/primary]}', `2:15: rest.urls.0: ${PATH}`],
  ['a query', "rest: {urls: ['http://a:8008/?x=1']}", `2:15: rest.urls.0: ${PATH}`],
  ['user and password', 'rest: {urls: [http://admin:s3cret@a:8008]}', `2:15: rest.urls.0: ${USERINFO}`],
  ['a user alone', 'rest: {urls: [http://s3cret@a:8008]}', `2:15: rest.urls.0: ${USERINFO}`],
  ['a password with an @', "rest: {urls: ['http://u:a@s3cret@a:8008']}", `2:15: rest.urls.0: ${USERINFO}`],
  ['a password with a slash', "rest: {urls: ['http://u:s3cret/@a:8008']}", `2:15: rest.urls.0: ${URL}`],
  [
    'rest as a text',
    'rest: http://u:s3cret@a:8008',
    '2:1: rest: must be a mapping like {urls: [http://10.0.0.1:8008]}, not text',
  ],
  [
    'rest as a list',
    'rest: [http://a:8008]',
    '2:1: rest: must be a mapping like {urls: [http://10.0.0.1:8008]}, not a list',
  ],
  ['a misspelt urls', 'rest: {url: http://a:8008}', '2:8: rest.url: unknown key; did you mean "urls"?'],
  ['hosts of rest', 'rest: {hosts: [a]}', '2:8: rest.hosts: unknown key; did you mean "urls"?'],
  [
    'another key of rest',
    'rest: {urls: [http://a:8008], interval: 2s}',
    '2:31: rest.interval: unknown key; valid here: urls',
  ],
  ['file without path', 'file: {}', '2:1: file.path: is required: a YAML file that describes the cluster'],
  ['an empty path', 'file: {path: }', '2:8: file.path: is required: a YAML file that describes the cluster'],
  ['a path that is a number', 'file: {path: 5}', '2:8: file.path: 5 is not the path of a file'],
  ['a path that is a list', 'file: {path: [a]}', '2:8: file.path: a list is not the path of a file'],
  ['file as a text', 'file: cluster.yml', '2:1: file: must be a mapping like {path: cluster.yml}, not text'],
  ['a misspelt path', 'file: {pth: cluster.yml}', '2:8: file.pth: unknown key; did you mean "path"?'],
  [
    'the configuration itself',
    'file: {path: ./router.yml}',
    '2:8: file.path: is the configuration file itself: the cluster is described in a file of its own',
  ],
  [
    'file and rest',
    'file: {path: a}\nrest: {urls: [http://a:8008]}',
    '3:1: rest: file and rest are both set: keep one of them',
  ],
  ['rest written twice', 'rest: {urls: [http://a:8008]}\nrest: {urls: [http://b:8008]}', '3:1: rest: is written twice'],
  [
    'trust: dcs with rest',
    'rest: {urls: [http://a:8008]}\nproxy: {trust: dcs}',
    '3:9: proxy.trust: dcs needs a DCS that can be read, and with rest only the members are: use proof',
  ],
  [
    'address: proxy_url with rest',
    'rest: {urls: [http://a:8008]}\nproxy: {address: proxy_url}',
    "3:9: proxy.address: with rest only conn_url is known: Patroni's REST API does not show the proxy_url of a member",
  ],
]

for (const [title, text, problem] of INVALID)
  test(`${title} is refused with its place and its remedy, and without a secret`, () => {
    const lines = load(text).problems.split('\n')
    assert.ok(lines.includes(`/etc/router/router.yml:${problem}`), lines.join('\n'))
    assert.ok(!lines.join().includes('s3cret'))
  })

test('trust: dcs goes with file, and so does address: proxy_url', () => {
  assert.equal(load('file: {path: a}\nproxy: {trust: dcs, address: proxy_url}').problems, '')
})

const OWN: readonly (readonly [name: string, text: string])[] = [
  ['rest', 'rest: {urls: [http://a:8008]}'],
  ['file', 'file: {path: a}'],
]

for (const [name, text] of OWN) {
  for (const other of ['consul', 'etcd', 'etcd3', 'exhibitor', 'kubernetes', 'raft', 'zookeeper'])
    test(`${other} beside ${name} is not used, and that is a warning`, () => {
      const { dcs, warnings } = load(`${other}: {hosts: 5, password: s3cret}\n${text}`)
      assert.equal(dcs?.kind, name)
      const [first, ...others] = warnings
      assert.equal(first, `/etc/router/router.yml:2:1: ${other}: not used: ${name} is there too and takes precedence`)
      assert.ok(!others.join().includes('s3cret'))
    })

  test(`etcd3 of the environment beside ${name} is not used, and the warning names the variable`, () => {
    const { warnings } = load(text, { PATRONI_ETCD3_HOSTS: 'a:1', PATRONI_ETCD3_PASSWORD: 's3cret' })
    assert.deepEqual(warnings, [
      `environment: PATRONI_ETCD3_HOSTS: not used: ${name} is there too and takes precedence`,
    ])
  })

  test(`an etcd3 section without anything beside ${name} is no etcd3 section`, () => {
    assert.deepEqual(load(`etcd3:\n${text}`).warnings, [])
  })
}

test('an empty section says nothing about where the cluster is', () => {
  for (const text of ['rest:', 'file:'])
    assert.match(
      load(text).problems,
      /etcd3\.hosts: no DCS is configured: set etcd3\.hosts .*, rest\.urls or file\.path$/,
    )
})

const SECTIONS: Readonly<Record<string, string>> = {
  consul: '{host: a}',
  etcd: '{hosts: a}',
  etcd3: '{hosts: a}',
  exhibitor: '{hosts: [a], port: 1}',
  kubernetes: '{labels: {a: b}}',
  raft: '{self_addr: "a:1"}',
  zookeeper: '{hosts: a}',
}

/** The order of Patroni, whatever that of the file. */
const NAMES = Object.keys(SECTIONS)

for (const [at, name] of NAMES.entries())
  test(`of several sections ${name} counts before ${NAMES.slice(at + 1).join(', ') || 'none'}, as for Patroni`, () => {
    const later = NAMES.slice(at + 1).toReversed()
    const text = [...later, name].map((each) => `${each}: ${SECTIONS[each] ?? ''}`).join('\n')
    const { dcs, warnings } = load(text)
    assert.equal(dcs?.kind, name)
    const why = `not used: Patroni uses ${name} instead (the first by name whose client library is installed)`
    const expected = later.map((each, line) => `/etc/router/router.yml:${line + 2}:1: ${each}: ${why}`)
    assert.deepEqual(warnings.toSorted(), expected.toSorted())
  })

test('the order is the same where a section is in the environment', () => {
  const why = 'not used: Patroni uses etcd instead (the first by name whose client library is installed)'
  const one = load('etcd3: {hosts: a}', { PATRONI_ETCD_HOSTS: 'b:1' })
  assert.deepEqual([one.dcs?.kind, one.warnings], ['etcd', [`/etc/router/router.yml:2:1: etcd3: ${why}`]])
  const two = load('etcd: {hosts: a}', { PATRONI_ETCD3_HOSTS: 'b:1', PATRONI_ETCD3_PASSWORD: 's3cret' })
  assert.deepEqual([two.dcs?.kind, two.warnings], ['etcd', [`environment: PATRONI_ETCD3_HOSTS: ${why}`]])
})

test('an empty section counts where it is {}, and not where it has no value', () => {
  assert.equal(load('etcd:\netcd3: {hosts: a}').dcs?.kind, 'etcd3')
  assert.equal(load('consul:\netcd3: {hosts: a}').dcs?.kind, 'etcd3')
  assert.match(load('etcd: {}\netcd3: {hosts: a}').problems, /2:1: etcd\.hosts: no address of etcd: set etcd\.hosts/)
  assert.equal(load('consul: {}\netcd3: {hosts: a}').dcs?.kind, 'consul')
  assert.match(load('consul:').problems, /2:1: consul: is empty, and none to Patroni/)
  assert.match(load('raft:').problems, /2:1: raft: is empty, and none to Patroni/)
  assert.match(load('etcd:').problems, /2:1: etcd\.hosts: no address of etcd/)
})

test('in PATRONI_CONFIGURATION a section without a value counts', () => {
  const whole = (text: string): Environment => ({ PATRONI_CONFIGURATION: `scope: demo\n${text}\n` })
  const read = loadConfig({ file: null, text: null, env: whole('consul:\netcd3: {hosts: a}') })
  assert.equal(read.ok && read.config.clusters[0]?.dcs.kind, 'consul')
  const refused = loadConfig({ file: null, text: null, env: whole('etcd:\netcd3: {hosts: a}') })
  assert.match(refused.ok ? '' : formatProblems(refused.problems), /etcd\.hosts: no address of etcd/)
})

test('the namespace is that of the section that counts', () => {
  const namespaceOf = (text: string): string | undefined => {
    const result = loadConfig({ file: 'r.yml', text: `scope: demo\n${text}`, env: {} })
    return result.ok ? result.config.clusters[0]?.namespace : formatProblems(result.problems)
  }
  assert.equal(namespaceOf('consul: {host: a, namespace: x}\netcd3: {hosts: a, namespace: y}'), 'x')
  assert.equal(namespaceOf('consul: {host: a}\netcd3: {hosts: a, namespace: y}'), 'service')
  assert.equal(namespaceOf('etcd: {hosts: a, namespace: /x/y/}\nrest: {urls: ["http://a:1"]}'), 'x/y')
  assert.equal(namespaceOf('raft: {self_addr: "a:1", namespace: z}'), 'z')
  const kubernetes = 'kubernetes: {labels: {a: b}, namespace: db}'
  assert.equal(namespaceOf(kubernetes), 'db')
  assert.match(namespaceOf(`${kubernetes}\nnamespace:`) ?? '', /r\.yml:3:1: namespace: is empty, and yet goes over/)
})

const RAFT: readonly (readonly [text: string, env: Environment, urls: readonly string[]])[] = [
  ["raft: {self_addr: '10.0.0.1:2222'}", {}, ['http://10.0.0.1:8008']],
  [
    "raft: {self_addr: '10.0.0.1:2222', partner_addrs: ['10.0.0.2:2222', '10.0.0.3:2222']}\nrestapi: {connect_address: '10.0.0.1:8009'}",
    {},
    ['http://10.0.0.1:8009', 'http://10.0.0.2:8009', 'http://10.0.0.3:8009'],
  ],
  [
    "raft: {partner_addrs: 'a:2222, b:2223'}\nrestapi: {connect_address: c}",
    {},
    ['http://c:8008', 'http://a:8008', 'http://b:8008'],
  ],
  [
    "raft: {partner_addrs: ['[fd00::1]:2222', 'fd00::2:2222']}\nrestapi: {connect_address: 'fd00::3:8010', certfile: /c}",
    {},
    ['https://[fd00::3]:8010', 'https://[fd00::1]:8010', 'https://[fd00::2]:8010'],
  ],
  // As in Patroni's own postgres0.yml: all on one host.
  [
    "raft: {self_addr: '127.0.0.1:2222', partner_addrs: ['127.0.0.1:2223', '127.0.0.1:2224']}\nrestapi: {connect_address: '127.0.0.1:8008'}",
    {},
    ['http://127.0.0.1:8008'],
  ],
  ["raft: {}\nrestapi: {connect_address: 'a:443', certfile: /c}", {}, ['https://a']],
  ["raft: {partner_addrs: ['b:1']}\nrestapi: {listen: '0.0.0.0:8009'}", {}, ['http://b:8009']],
  ["raft: {partner_addrs: ['b:1']}\nrestapi: {listen: '0.0.0.0'}", {}, ['http://b:8008']],
  ["raft: {partner_addrs: ['b:1']}", { PATRONI_RESTAPI_LISTEN: '[::]:8010' }, ['http://b:8010']],
  [
    '',
    {
      PATRONI_RAFT_SELF_ADDR: 'a:1',
      PATRONI_RAFT_PARTNER_ADDRS: "'b:1','c:1'",
      PATRONI_RAFT_PASSWORD: 's3cret',
      PATRONI_RESTAPI_CONNECT_ADDRESS: 'a:8011',
      PATRONI_RESTAPI_CERTFILE: '/c',
    },
    ['https://a:8011', 'https://b:8011', 'https://c:8011'],
  ],
]

for (const [text, env, urls] of RAFT)
  test(`${text}${text === '' ? JSON.stringify(env) : ''} becomes ${urls.join(', ')}`, () => {
    assert.deepEqual(load(text, env), { dcs: { kind: 'raft', urls }, problems: '', warnings: [] })
  })

const RAFT_FAULTS: readonly (readonly [text: string, problem: string])[] = [
  [
    'raft: {password: s3cret}',
    'restapi.connect_address: no member is known: set restapi.connect_address, raft.partner_addrs or rest.urls',
  ],
  ['raft: s3cret', '2:1: raft: must be a mapping, with the key partner_addrs'],
  [
    "raft: {self_addr: 'a b'}",
    '2:8: raft.self_addr: must be one address, without blanks: several are separated by commas, in raft.partner_addrs',
  ],
  ['raft: {self_addr: 5}', '2:8: raft.self_addr: must be text like 10.0.0.1:2222'],
  ["raft: {self_addr: 'http://a:1'}", '2:8: raft.self_addr: must be without http:// or https://'],
  [
    "raft: {partner_addrs: ['a:1', 'u:s3cret@a:1']}",
    '2:31: raft.partner_addrs.1: must be without user and password: raft has none but raft.password',
  ],
  ['raft: {partner_addrs: [{s3cret: 1}]}', '2:24: raft.partner_addrs.0: must be text like 10.0.0.1:2222'],
  [
    "raft: {self_addr: 'a:1'}\nrestapi: {connect_address: 'a:x'}",
    '3:11: restapi.connect_address: must be an address like 10.0.0.1:8008 or [fd00::1]:8008',
  ],
  [
    "raft: {self_addr: 'a:1'}\nrestapi: {connect_address: 5}",
    '3:11: restapi.connect_address: must be text like 10.0.0.1:8008',
  ],
  [
    "raft: {self_addr: 'a:1'}\nproxy: {trust: dcs}",
    '3:9: proxy.trust: dcs needs a DCS that can be read, and with raft only the members are: use proof',
  ],
  [
    "raft: {self_addr: 'a:1'}\nproxy: {address: proxy_url}",
    "3:9: proxy.address: with raft only conn_url is known: Patroni's REST API does not show the proxy_url of a member",
  ],
]

for (const [text, problem] of RAFT_FAULTS)
  test(`${text} is refused: ${problem}`, () => {
    const { problems } = load(text)
    assert.match(problems, /^[^\n]*$/)
    assert.ok(problems.endsWith(problem), problems)
    assert.ok(!problems.includes('s3cret'))
  })

test('connect_address and certfile of restapi may be anything beside another DCS than raft', () => {
  assert.equal(load('etcd3: {hosts: a}\nrestapi: {connect_address: 5, certfile: [a]}').problems, '')
})
