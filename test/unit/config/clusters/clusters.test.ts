import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Config } from '../../../../src/config/config.ts'
import type { ConfigResult } from '../../../../src/config/load.ts'
import { formatProblems } from '../../../../src/config/file/problem.ts'
import { loadConfig } from '../../../support/router/load-config.ts'
import { isEtcd3 } from '../../../../src/watcher/dcs/etcd3/section.ts'

const FILE = '/etc/router/config.yml'
const TWO = `
etcd3: {hosts: 'a:1', username: u, password: secret}
clusters:
  orders:
  billing: {scope: pay, namespace: /other/}
proxy:
  listeners:
    orders: {bind: ':5000', route: primary, cluster: orders}
    billing: {bind: ':5001', route: primary, cluster: billing}
`

function load(text: string, env: Record<string, string> = {}): ConfigResult {
  return loadConfig({ file: FILE, text, env })
}

function valid(text: string, env: Record<string, string> = {}): Config {
  const result = load(text, env)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config
}

/** Without the name of the file. */
function problems(text: string): string[] {
  const result = load(text)
  assert.ok(!result.ok, 'the configuration was accepted')
  return formatProblems(result.problems).replaceAll(`${FILE}:`, '').split('\n')
}

describe('several clusters', () => {
  test('are named; sections at the top count for each that has none of its own', () => {
    const { clusters } = valid(TWO)
    assert.deepEqual(
      clusters.map(({ name, scope, namespace, dcs }) => [name, scope, namespace, isEtcd3(dcs) && dcs.auth]),
      [
        ['orders', 'orders', 'service', { username: 'u', password: 'secret' }],
        ['billing', 'pay', 'other', { username: 'u', password: 'secret' }],
      ],
    )
  })

  test('have the listeners that name them, and no others', () => {
    const { clusters } = valid(TWO)
    assert.deepEqual(
      clusters.map(({ proxy }) => proxy.listeners.map(({ name }) => name)),
      [['orders'], ['billing']],
    )
  })

  test('of a Citus cluster share its scope', () => {
    const { clusters } = valid(`
scope: demo
etcd3: {hosts: a}
clusters:
  coordinator: {citus: {group: 0, database: app}}
  worker1: {citus: {group: 1, database: app}}
templates: [{source: a, destination: /a, clusters: all}]
`)
    assert.deepEqual(
      clusters.map(({ name, scope, citusGroup }) => [name, scope, citusGroup]),
      [
        ['coordinator', 'demo', 0],
        ['worker1', 'demo', 1],
      ],
    )
  })

  test('take over no part of an etcd section when they have one, and no etcd at all when they have another source', () => {
    const { clusters } = valid(`
etcd3: {hosts: a, username: u, password: secret}
templates: [{source: a, destination: /a, clusters: all}]
clusters:
  one: {etcd3: {hosts: b}}
  two: {rest: {urls: ['http://c:8008']}}
  three: {file: {path: c.yml}}
`)
    assert.deepEqual(
      clusters.map(({ dcs }) => (isEtcd3(dcs) ? [dcs.endpoints, dcs.auth] : dcs.kind)),
      [[['b:2379'], null], 'rest', 'file'],
    )
  })

  test('have their own way to the members, key by key, and their own pace', () => {
    const { clusters } = valid(`${TWO}  trust: dcs
  check: {interval: 5s}
ctl: {cacert: /ca}
name: pg1
`)
    const own = valid(
      TWO.replace(
        '/other/}',
        '/other/, name: pg9, ctl: {cacert: /other}, proxy: {trust: dcs, address: proxy_url, check: {fall: 9}}}',
      ),
    ).clusters
    assert.deepEqual(
      clusters.map(({ proxy, restApi, localMember }) => [
        proxy.trust,
        proxy.check.intervalMs,
        restApi.caFile,
        localMember,
      ]),
      [
        ['dcs', 5000, '/ca', 'pg1'],
        ['dcs', 5000, '/ca', 'pg1'],
      ],
    )
    assert.deepEqual(
      own.map(({ proxy, restApi, localMember }) => [
        proxy.trust,
        proxy.address,
        proxy.check.fall,
        restApi.caFile,
        localMember,
      ]),
      [
        ['proof', 'conn_url', 3, null, null],
        ['dcs', 'proxy_url', 9, '/other', 'pg9'],
      ],
    )
  })

  test('get the environment where the file has them at the top', () => {
    const { clusters } = valid(TWO, { PATRONI_ETCD3_HOSTS: 'z:9', PATRONI_NAMESPACE: 'env' })
    assert.deepEqual(
      clusters.map(({ namespace, dcs }) => [namespace, isEtcd3(dcs) && dcs.endpoints]),
      [
        ['env', ['z:9']],
        ['other', ['z:9']],
      ],
    )
  })

  test('that are one need not be named, and have the default listeners', () => {
    const { clusters, templates, hooks, track } = valid(`
etcd3: {hosts: a}
clusters: {orders: }
proxy:
templates: [{source: a, destination: /a}]
hooks: [{on: open, command: x}]
track: {files: [{path: /t, when: primary}]}
`)
    const [only] = clusters
    assert.equal(only?.proxy.listeners.length, 0)
    assert.equal(valid('etcd3: {hosts: a}\nclusters: {orders: }\n').clusters[0]?.proxy.listeners.length, 2)
    assert.deepEqual(templates[0]?.subject, { kind: 'cluster', cluster: 'orders' })
    assert.equal(hooks[0]?.cluster, 'orders')
    assert.equal(track.files[0]?.cluster, 'orders')
  })

  test('are what templates are about: one of them, some, or all', () => {
    const { templates } = valid(`${TWO}templates:
  - {source: a, destination: /a, cluster: billing}
  - {source: a, destination: /b, clusters: [billing, orders]}
  - {source: a, destination: /c, clusters: all}
`)
    assert.deepEqual(
      templates.map(({ subject }) => subject),
      [
        { kind: 'cluster', cluster: 'billing' },
        { kind: 'clusters', clusters: ['billing', 'orders'] },
        { kind: 'clusters', clusters: ['orders', 'billing'] },
      ],
    )
  })

  test('with files for all of them need no listeners', () => {
    const { clusters } = valid(
      'etcd3: {hosts: a}\nclusters: {one: , two: }\ntrack: {files: [{path: /a, when: primary, cluster: two}]}\n',
    )
    assert.deepEqual(
      clusters.map(({ proxy }) => proxy.listeners.length),
      [0, 0],
    )
  })

  test('may be a hundred by one anchor', () => {
    const entries = Array.from({ length: 150 }, (_, index) => `  c${index}: {etcd3: *e}\n`).join('')
    const text = `x: &e {hosts: a}\nclusters:\n${entries}track: {files: [{path: /a, when: primary, cluster: c7}]}\n`
    assert.equal(valid(text.replace('x: &e {hosts: a}', 'etcd3: &e {hosts: a}')).clusters.length, 150)
  })

  test('each run a hook that names none', () => {
    const { hooks } = valid(`${TWO}hooks:\n  - {on: open, command: a}\n  - {on: open, command: b, cluster: billing}\n`)
    assert.deepEqual(
      hooks.map(({ name, cluster }) => [name, cluster]),
      [
        ['hooks[0]', 'orders'],
        ['hooks[0]', 'billing'],
        ['hooks[1]', 'billing'],
      ],
    )
  })
})

const WRONG: readonly (readonly [title: string, text: string, problem: string | readonly string[]])[] = [
  ['none', 'etcd3: {hosts: a}\nclusters: {}\n', '2:1: clusters: is empty: name at least one cluster'],
  ['a list', 'scope: x\netcd3: {hosts: a}\nclusters: [orders]\n', '3:1: clusters: must be a mapping, not a list'],
  [
    'a name that is none',
    'etcd3: {hosts: a}\nclusters: {a/b: }\n',
    '2:12: clusters.(not a plain name): the name of a cluster is made of letters, digits, _, . and -, beginning with a letter or digit',
  ],
  [
    'an unknown key',
    TWO.replace('scope: pay', 'scop: pay'),
    '5:13: clusters.billing.scop: unknown key; did you mean "scope"?',
  ],
  [
    'listeners of its own',
    TWO.replace('scope: pay', 'proxy: {listeners: {}}'),
    '5:21: clusters.billing.proxy.listeners: unknown key; valid here: address, check, trust',
  ],
  [
    'no DCS',
    'clusters: {orders: }\n',
    '1:12: clusters.orders.etcd3.hosts: no DCS is configured: set etcd3.hosts or PATRONI_ETCD3_HOSTS, etcd.hosts, consul.host, zookeeper.hosts, exhibitor.hosts, kubernetes.labels, raft.self_addr, rest.urls or file.path',
  ],
  [
    'a fault in a section at the top, once',
    TWO.replace("'a:1'", "'a:x'"),
    '2:9: etcd3.hosts: must be an address like 10.0.0.1:2379 or [fd00::1]:2379',
  ],
  [
    'a fault in a section of its own',
    TWO.replace('scope: pay', "etcd3: {hosts: 'a:x'}"),
    '5:21: clusters.billing.etcd3.hosts: must be an address like 10.0.0.1:2379 or [fd00::1]:2379',
  ],
  [
    'a pace that cannot be kept',
    TWO.replace('scope: pay', 'proxy: {check: {fast_interval: 1m}}'),
    '5:29: clusters.billing.proxy.check.fast_interval: 1m is longer than the interval of 2s',
  ],
  [
    'trust in a DCS that is none',
    TWO.replace('scope: pay', "rest: {urls: 'http://a:1'}, proxy: {trust: dcs}"),
    '5:49: clusters.billing.proxy.trust: dcs needs a DCS that can be read, and with rest only the members are: use proof',
  ],
  [
    'the same twice',
    'scope: demo\netcd3: {hosts: a}\nclusters: {one: , two: }\nproxy: {listeners: {p: {bind: ":1", route: primary, cluster: one}}}\n',
    '3:19: clusters.two: is the same cluster as one: scope "demo", with the same DCS, namespace and Citus group',
  ],
  [
    'a cluster that is written twice',
    `${TWO}\n`.replace('  billing: {', '  orders: {'),
    [
      '5:3: clusters.orders: is written twice',
      '9:46: proxy.listeners.billing.cluster: "billing" is not the name of a cluster; there is orders',
    ],
  ],
  [
    'a listener that names none',
    TWO.replace(', cluster: orders', ''),
    '8:5: proxy.listeners.orders.cluster: is required: one of orders, billing',
  ],
  [
    'a listener of a cluster that is not there',
    TWO.replace('cluster: orders', 'cluster: ordrs'),
    '8:45: proxy.listeners.orders.cluster: "ordrs" is not the name of a cluster; did you mean "orders"?',
  ],
  [
    'no listeners',
    'etcd3: {hosts: a}\nclusters: {one: , two: }\n',
    '2:1: clusters: with several clusters there are no default listeners: name them in proxy.listeners',
  ],
  [
    'no listeners in a section',
    'etcd3: {hosts: a}\nclusters: {one: , two: }\nproxy: {trust: dcs}\n',
    '3:1: proxy.listeners: with several clusters there are no default listeners: name them in proxy.listeners',
  ],
  [
    'a template that names none',
    `${TWO}templates: [{source: a, destination: /a}]\n`,
    '10:13: templates.0.cluster: is required: one of orders, billing; or clusters: all, and {{#each clusters}} in the template',
  ],
  [
    'a template of one and of all',
    `${TWO}templates: [{source: a, destination: /a, cluster: orders, clusters: all}]\n`,
    '10:59: templates.0.clusters: cannot be used together with cluster: keep one of them',
  ],
  [
    'a template of strangers',
    `${TWO}templates: [{source: a, destination: /a, clusters: [orders, payment, orders]}]\n`,
    [
      '10:61: templates.0.clusters.1: "payment" is not the name of a cluster; there are orders, billing',
      '10:70: templates.0.clusters.2: is named twice',
    ],
  ],
  [
    'a template of none',
    `${TWO}templates: [{source: a, destination: /a, clusters: every}]\n`,
    '10:42: templates.0.clusters: "every" is neither all nor a list of names',
  ],
  [
    'keys in a template of several',
    `${TWO}templates: [{source: a, destination: /a, clusters: all, keys: [/]}]\n`,
    '10:57: templates.0.keys: belong to the DCS of one cluster: use cluster, not clusters',
  ],
  [
    'keys of a cluster that has none',
    `${TWO.replace('scope: pay', 'file: {path: x}')}templates: [{source: a, destination: /a, cluster: billing, keys: [/]}]\n`,
    '10:60: templates.0.keys: needs etcd3, etcd, consul, zookeeper or exhibitor: file has no other keys than the cluster',
  ],
  [
    'a hook of a stranger',
    `${TWO}hooks: [{on: open, command: a, cluster: x}]\n`,
    '10:32: hooks.0.cluster: "x" is not the name of a cluster; there are orders, billing',
  ],
  [
    'a track file that names none',
    `${TWO}track: {files: [{path: /t, when: primary}]}\n`,
    '10:17: track.files.0.cluster: is required: one of orders, billing',
  ],
  [
    'a hook that waits for the file of another cluster',
    `${TWO}templates: [{source: a, destination: /a, cluster: orders}]\nhooks: [{on: open, command: a, after: /a}]\n`,
    '11:32: hooks.0.after: is about orders: a hook of billing would wait for another cluster',
  ],
  [
    'a number as a name',
    TWO.replaceAll('billing', "'10'"),
    [`5:3: clusters.10: is a number: the name of a cluster has a letter, too`],
  ],
  [
    'an octal number as a name',
    TWO.replace('  billing:', '  010:').replaceAll('billing', "'010'"),
    [`5:3: clusters.010: is a number: the name of a cluster has a letter, too`],
  ],
  [
    'a name that YAML takes for a boolean or a fraction',
    `etcd3: {hosts: a}\nproxy: {listeners: {p: {bind: ':1', route: any, cluster: '1.50'}}}\nclusters:\n  no: {}\n  1.50: {scope: b}\n`,
    [
      '4:3: clusters.no: is not read as text: put it in quotes',
      '5:3: clusters.1.50: is not read as text: put it in quotes',
    ],
  ],
  [
    'names of clusters that YAML takes for something else',
    `${TWO}templates: [{source: a, destination: /a, clusters: [no]}]\nhooks: [{on: open, command: a, cluster: 1.50}]\n`,
    ['10:53: templates.0.clusters.0: must be text: quote it', '11:32: hooks.0.cluster: must be text: quote it'],
  ],
  [
    'a cluster that is text',
    'etcd3: {hosts: a}\nclusters:\n  a: etcd3:{password:hunter2}\n',
    '3:3: clusters.a: must be a mapping, not text',
  ],
  [
    'the same with its hosts in another order',
    `clusters:\n  one: {etcd3: {hosts: 'a,b'}, scope: x}\n  two: {etcd3: {hosts: [b, a]}, scope: x}\nproxy: {listeners: {p: {bind: ":1", route: primary, cluster: one}}}\n`,
    '3:3: clusters.two: is the same cluster as one: scope "x", with the same DCS, namespace and Citus group',
  ],
  ['a source of two scopes', TWO.replace('scope: pay', 'ctl: 5'), '5:13: clusters.billing.ctl: must be a mapping'],
  [
    'a cluster that is named where none is',
    "scope: demo\netcd3: {hosts: a}\nproxy: {listeners: {p: {bind: ':1', route: primary, cluster: x}}}\n",
    '3:53: proxy.listeners.p.cluster: "x" is not the name of a cluster; there is demo',
  ],
]

for (const [title, text, problem] of WRONG)
  test(`clusters: ${title} is refused with its place and its remedy`, () => {
    assert.deepEqual(problems(text), typeof problem === 'string' ? [problem] : problem)
  })

test('no problem shows a secret of a cluster', () => {
  const text = `
clusters:
  a: {etcd3: {hosts: 'u:hunter2@x', url: 5, password: hunter2, port: hunter2}, ctl: {keyfile_password: [hunter2]}}
  b: {etcd3: {hosts: x}, hunter2:secret: , rest: {urls: 'http://u:hunter2@x:1'}}
`
  assert.doesNotMatch(problems(text).join('\n'), /hunter2/)
})
