import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../../../src/config/config.ts'
import type { Environment } from '../../../src/config/env.ts'
import type { ConfigResult } from '../../../src/config/load.ts'
import { formatProblems } from '../../../src/config/file/problem.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { isEtcd3 } from '../../../src/watcher/dcs/etcd3/section.ts'

const BASE = 'scope: demo\netcd3: {hosts: ["a:1"]}\n'

function load(text: string | null, env: Environment = {}): ConfigResult {
  return loadConfig({ file: text === null ? null : 'router.yml', text, env })
}

function valid(text: string | null, env: Environment = {}): Config {
  const result = load(text, env)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config
}

/** Without what is the same twice. */
function validButKeys(text: string | null, env: Environment = {}): Omit<Config, 'keys'> {
  const { keys, ...config } = valid(text, env)
  assert.deepEqual(keys, config.clusters)
  return config
}

function problems(text: string | null, env: Environment = {}): string {
  const result = load(text, env)
  assert.ok(!result.ok, 'the configuration was accepted')
  return formatProblems(result.problems)
}

const ANY_MEMBER = {
  balance: 'roundrobin',
  maxLagBytes: null,
  tags: {},
  fallback: 'none',
  closeFallback: false,
} as const
const OPEN_ETCD = { auth: null, caFile: null, certFile: null, keyFile: null } as const

const ETCD = { kind: 'etcd3', endpoints: ['a:1'], srv: null, protocol: 'http', useProxies: false, ...OPEN_ETCD }

const DEFAULTS: Omit<Config, 'keys'> = {
  file: 'router.yml',
  clusters: [
    {
      name: 'demo',
      scope: 'demo',
      namespace: 'service',
      citusGroup: null,
      localMember: null,
      dcs: ETCD,
      restApi: { caFile: null, certFile: null, keyFile: null, keyPassword: null, insecure: false },
      proxy: {
        listeners: [
          { name: 'primary', binds: [{ kind: 'tcp', host: null, port: 5000 }], route: 'primary', ...ANY_MEMBER },
          { name: 'replicas', binds: [{ kind: 'tcp', host: null, port: 5001 }], route: 'replica', ...ANY_MEMBER },
        ],
        address: 'conn_url',
        trust: 'proof',
        check: { intervalMs: 2000, fastIntervalMs: 100, timeoutMs: 1000, rise: 1, fall: 3 },
        hold: { timeoutMs: 45_000, maxConnections: 10_000, refuseTls: 'answer' },
        maxConnections: 0,
        timeouts: { connectMs: 4000, clientMs: 1_800_000, serverMs: 1_800_000 },
        tcpKeepaliveMs: 15_000,
        drainTimeoutMs: 30_000,
      },
    },
  ],
  templates: [],
  hooks: [],
  track: { files: [] },
  stateDir: null,
  admin: {
    socket: { path: '/run/patroni-router/admin.sock', isDefault: true, mode: null, group: null },
    http: {
      binds: [{ kind: 'tcp', host: '127.0.0.1', port: 7000 }],
      isDefault: true,
      ...{ tls: null, tokenFile: null, hosts: [] },
    },
  },
  logging: { level: 'info', format: 'auto', connections: false },
}

test('everything besides scope and etcd3 has a default', () => {
  assert.deepEqual(validButKeys(BASE), DEFAULTS)
})

test('sections and keys without a value are the default', () => {
  assert.deepEqual(
    validButKeys(`${BASE}ctl:\nrestapi:\nproxy:\nadmin:\nlogging:\nnamespace:\nstate_dir:\nfile:\nrest:\n`),
    DEFAULTS,
  )
  assert.deepEqual(
    validButKeys(
      `${BASE}proxy: {check: , hold: {timeout: }, listeners: , max_connections: }\nadmin: {bind: }\ntemplates:\nhooks:\ntrack:\nclusters:\n`,
    ),
    DEFAULTS,
  )
})

test('no file is needed', () => {
  const config = validButKeys(null, { PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'a:1' })
  assert.deepEqual(config, { ...DEFAULTS, file: null })
})

test('every key of every section is used', () => {
  const config = validButKeys(`
scope: demo
namespace: //teams//db/
name: pg1
citus: {database: citus, group: 2}
etcd3: {proxy: 'http://p:1'}
ctl: {cacert: /ca, certfile: /cert, keyfile: /key, keyfile_password: secret, insecure: yes}
restapi: {cafile: /other-ca}
proxy:
  listeners:
    write: {bind: '127.0.0.1:6000', route: primary}
    read: {bind: '[::1]:0', route: replica, balance: roundrobin, fallback: none}
    reports:
      bind: ['10.0.0.1:6002, [fd00::1]:6002', unix@/run/reports.sock]
      route: async
      max_lag: 16MB
      tags: {dc: a, rank: 2, spare: no}
      fallback: primary
      close_fallback: yes
  address: proxy_url
  check: {interval: 1s, fast_interval: 50ms, timeout: 500ms, rise: 2, fall: 4}
  trust: dcs
  hold: {timeout: 1m30s, max_connections: 5, refuse_tls: close}
  max_connections: 7
  timeouts: {connect: 1s, client: 0, server: 2h}
  tcp_keepalive: 30s
  drain_timeout: 0
state_dir: /var/lib/router
admin: {socket: /tmp/a.sock, mode: '0660', group: postgres}
logging: {level: debug, format: json, connections: true}
`)
  assert.deepEqual(config, {
    file: 'router.yml',
    clusters: [
      {
        name: 'demo',
        scope: 'demo',
        namespace: 'teams/db',
        citusGroup: 2,
        localMember: 'pg1',
        dcs: { kind: 'etcd3', endpoints: ['p:1'], srv: null, protocol: 'http', useProxies: true, ...OPEN_ETCD },
        restApi: { caFile: '/ca', certFile: '/cert', keyFile: '/key', keyPassword: 'secret', insecure: true },
        proxy: {
          listeners: [
            {
              name: 'write',
              binds: [{ kind: 'tcp', host: '127.0.0.1', port: 6000 }],
              route: 'primary',
              ...ANY_MEMBER,
            },
            { name: 'read', binds: [{ kind: 'tcp', host: '::1', port: 0 }], route: 'replica', ...ANY_MEMBER },
            {
              name: 'reports',
              binds: [
                { kind: 'tcp', host: '10.0.0.1', port: 6002 },
                { kind: 'tcp', host: 'fd00::1', port: 6002 },
                { kind: 'unix', path: '/run/reports.sock' },
              ],
              route: 'async',
              balance: 'roundrobin',
              maxLagBytes: 16 * 1024 * 1024,
              tags: { dc: 'a', rank: 2, spare: false },
              fallback: 'primary',
              closeFallback: true,
            },
          ],
          address: 'proxy_url',
          trust: 'dcs',
          check: { intervalMs: 1000, fastIntervalMs: 50, timeoutMs: 500, rise: 2, fall: 4 },
          hold: { timeoutMs: 90_000, maxConnections: 5, refuseTls: 'close' },
          maxConnections: 7,
          timeouts: { connectMs: 1000, clientMs: 0, serverMs: 7_200_000 },
          tcpKeepaliveMs: 30_000,
          drainTimeoutMs: 0,
        },
      },
    ],
    templates: [],
    hooks: [],
    track: { files: [] },
    stateDir: '/var/lib/router',
    admin: { socket: { path: '/tmp/a.sock', isDefault: false, mode: 0o660, group: 'postgres' } },
    logging: { level: 'debug', format: 'json', connections: true },
  })
})

test('the environment goes over the file', () => {
  const env = {
    PATRONI_SCOPE: 'other',
    PATRONI_NAMESPACE: '/ns/',
    PATRONI_NAME: 'pg2',
    PATRONI_CITUS_GROUP: '1',
    PATRONI_CITUS_DATABASE: 'citus',
    PATRONI_ETCD3_HOSTS: `'b:1','c:2'`,
    PATRONI_CTL_INSECURE: 'on',
    PATRONI_RESTAPI_CAFILE: '/ca',
  }
  const [cluster] = valid(`${BASE}name: pg1\nrestapi: {cafile: /file-ca}\n`, env).clusters
  assert.ok(cluster)
  const { scope, namespace, localMember, citusGroup, dcs, restApi } = cluster
  assert.deepEqual([scope, namespace, localMember, citusGroup], ['other', 'ns', 'pg2', 1])
  assert.ok(isEtcd3(dcs))
  assert.deepEqual(dcs.endpoints, ['b:1', 'c:2'])
  assert.deepEqual([restApi.caFile, restApi.insecure], ['/ca', true])
})

for (const [text, namespace] of [
  ['/service/', 'service'],
  ['service', 'service'],
  ['/a/b/', 'a/b'],
  ['a//b', 'a/b'],
  ['/', ''],
] as const)
  test(`the namespace ${text} is ${JSON.stringify(namespace)}`, () => {
    assert.equal(valid(`${BASE}namespace: ${text}\n`).clusters[0]?.namespace, namespace)
  })

test('a key without a certificate is not used, as in Patroni', () => {
  const restApi = valid(`${BASE}ctl: {keyfile: /k, keyfile_password: p}\n`).clusters[0]?.restApi
  assert.deepEqual([restApi?.keyFile, restApi?.keyPassword], [null, null])
})

const INVALID: readonly (readonly [title: string, text: string, problem: string])[] = [
  [
    'no scope',
    'etcd3: {hosts: a}',
    'router.yml: scope: is required: the name of the cluster, as in patroni.yml (or PATRONI_SCOPE)',
  ],
  [
    'an empty scope',
    'etcd3: {hosts: a}\nscope: ""',
    'router.yml:2:1: scope: is required: the name of the cluster, as in patroni.yml (or PATRONI_SCOPE)',
  ],
  ['a scope that is a number', 'etcd3: {hosts: a}\nscope: 12', 'router.yml:2:1: scope: must be text: quote it'],
  [
    'a misspelt section',
    `${BASE}prxoy: {}`,
    'router.yml:3:1: prxoy: neither a section of Patroni nor of patroni-router; did you mean "proxy"?',
  ],
  [
    'a misspelt section of Patroni',
    `${BASE}postgres: {}`,
    'router.yml:3:1: postgres: neither a section of Patroni nor of patroni-router; did you mean "postgresql"?',
  ],
  [
    'a section of something else',
    `${BASE}haproxy_conf: {}`,
    'router.yml:3:1: haproxy_conf: neither a section of Patroni nor of patroni-router; the sections of patroni-router are proxy, admin, logging, state_dir, file, rest, templates, hooks, track, clusters',
  ],
  [
    'an unknown key of proxy',
    `${BASE}proxy:\n  hodl: {}`,
    'router.yml:4:3: proxy.hodl: unknown key; did you mean "hold"?',
  ],
  [
    'an unknown key of check',
    `${BASE}proxy:\n  check: {intervall: 1s}`,
    'router.yml:4:11: proxy.check.intervall: unknown key; did you mean "interval"?',
  ],
  [
    'an unknown key of hold',
    `${BASE}proxy: {hold: {time_out: 1s}}`,
    'router.yml:3:16: proxy.hold.time_out: unknown key; did you mean "timeout"?',
  ],
  [
    'an unknown key of timeouts',
    `${BASE}proxy: {timeouts: {conect: 1s}}`,
    'router.yml:3:20: proxy.timeouts.conect: unknown key; did you mean "connect"?',
  ],
  [
    'an unknown key of a listener',
    `${BASE}proxy: {listeners: {p: {bind: ':1', route: primary, balanse: x}}}`,
    'router.yml:3:53: proxy.listeners.p.balanse: unknown key; did you mean "balance"?',
  ],
  [
    'an unknown key of admin',
    `${BASE}admin: {sokcet: /x}`,
    'router.yml:3:9: admin.sokcet: unknown key; did you mean "socket"?',
  ],
  [
    'an unknown key of logging',
    `${BASE}logging: {levl: info}`,
    'router.yml:3:11: logging.levl: unknown key; did you mean "level"?',
  ],
  [
    'an unknown key with nothing near',
    `${BASE}proxy: {timeouts: {xyzzy: 1s}}`,
    'router.yml:3:20: proxy.timeouts.xyzzy: unknown key; valid here: connect, client, server',
  ],
  [
    'a duration without a unit',
    `${BASE}proxy: {hold: {timeout: 45}}`,
    'router.yml:3:16: proxy.hold.timeout: 45 needs a unit: ms, s, m or h, like 3s',
  ],
  [
    'an interval of nothing',
    `${BASE}proxy: {check: {interval: 0}}`,
    'router.yml:3:17: proxy.check.interval: must be longer than 0',
  ],
  [
    'a connect timeout of nothing',
    `${BASE}proxy: {timeouts: {connect: 0s}}`,
    'router.yml:3:20: proxy.timeouts.connect: must be longer than 0',
  ],
  [
    'rise 0',
    `${BASE}proxy: {check: {rise: 0}}`,
    'router.yml:3:17: proxy.check.rise: 0 is not a whole number of 1 or more',
  ],
  [
    'fall 1.5',
    `${BASE}proxy: {check: {fall: 1.5}}`,
    'router.yml:3:17: proxy.check.fall: 1.5 is not a whole number of 1 or more',
  ],
  [
    'a negative limit',
    `${BASE}proxy: {max_connections: -1}`,
    'router.yml:3:9: proxy.max_connections: -1 is not a whole number of 0 or more',
  ],
  [
    'a hold for nobody',
    `${BASE}proxy: {hold: {max_connections: 0}}`,
    'router.yml:3:16: proxy.hold.max_connections: 0 is not a whole number of 1 or more; to hold no connection set hold.timeout to 0',
  ],
  [
    'a fast interval longer than the interval',
    `${BASE}proxy: {check: {interval: 1s, fast_interval: 1500ms}}`,
    'router.yml:3:31: proxy.check.fast_interval: 1s500ms is longer than the interval of 1s',
  ],
  [
    'an interval shorter than the default fast interval',
    `${BASE}proxy: {check: {interval: 50ms}}`,
    'router.yml:3:9: proxy.check.fast_interval: 100ms is longer than the interval of 50ms',
  ],
  ['a section that is a word', `${BASE}proxy: on`, 'router.yml:3:1: proxy: must be a mapping, not true'],
  [
    'a subsection that is a list',
    `${BASE}proxy: {check: []}`,
    'router.yml:3:9: proxy.check: must be a mapping, not a list',
  ],
  [
    'no listener',
    `${BASE}proxy: {listeners: {}}`,
    'router.yml:3:9: proxy.listeners: at least one listener is needed where there are no templates, hooks and track files',
  ],
  [
    'a list of listeners',
    `${BASE}proxy: {listeners: []}`,
    'router.yml:3:9: proxy.listeners: must be a mapping, not a list',
  ],
  [
    'an empty listener',
    `${BASE}proxy: {listeners: {p: }}`,
    'router.yml:3:21: proxy.listeners.p: must be a mapping, not nothing',
  ],
  [
    'a listener without bind',
    `${BASE}proxy: {listeners: {p: {route: primary}}}`,
    `router.yml:3:21: proxy.listeners.p.bind: is required, like '*:5000'`,
  ],
  [
    'a listener without route',
    `${BASE}proxy: {listeners: {p: {bind: ':1'}}}`,
    'router.yml:3:21: proxy.listeners.p.route: is required: one of primary, replica, sync, async, read-only, standby-leader, any',
  ],
  [
    'an unknown route',
    `${BASE}proxy: {listeners: {p: {bind: ':1', route: replicas}}}`,
    'router.yml:3:37: proxy.listeners.p.route: "replicas" is not one of primary, replica, sync, async, read-only, standby-leader, any; did you mean "replica"?',
  ],
  [
    'a bad address',
    `${BASE}proxy: {listeners: {p: {bind: localhost, route: primary}}}`,
    `router.yml:3:25: proxy.listeners.p.bind: "localhost" has no port: write it like '*:5000' or 127.0.0.1:5000`,
  ],
  [
    'two listeners on one address',
    `${BASE}proxy: {listeners: {a: {bind: ':1', route: primary}, b: {bind: '*:1', route: replica}}}`,
    'router.yml:3:58: proxy.listeners.b.bind: "*:1" is taken by the listener a ("*:1")',
  ],
  [
    'a listener with an odd name',
    `${BASE}proxy: {listeners: {'a b': {bind: ':1', route: primary}}}`,
    'router.yml:3:21: proxy.listeners.(not a plain name): the name of a listener is made of letters, digits, _, . and -, beginning with a letter or digit',
  ],
  [
    'an unknown balance',
    `${BASE}proxy: {listeners: {p: {bind: ':1', route: replica, balance: leastconn}}}`,
    'router.yml:3:53: proxy.listeners.p.balance: "leastconn" is not available in this version: use roundrobin',
  ],
  [
    'a socket for everybody',
    `${BASE}admin: {mode: '0666'}`,
    "router.yml:3:9: admin.mode: 0666 lets every user of this machine connect: use '0660', and admin.group for those who may",
  ],
  [
    'a socket that its own user cannot open',
    `${BASE}admin: {mode: '0060'}`,
    "router.yml:3:9: admin.mode: 0060 does not let the router's own user connect: use '0660' or '0600'",
  ],
  [
    'a socket with more than permissions',
    `${BASE}admin: {mode: '4660'}`,
    "router.yml:3:9: admin.mode: 4660 does not let the router's own user connect: use '0660' or '0600'",
  ],
  [
    'a socket that its group can only read',
    `${BASE}admin: {mode: 0640}`,
    "router.yml:3:9: admin.mode: 0640 does not let the group connect, which takes the right to write: use '0660' or '0600'",
  ],
  [
    'a mode that keeps the group out that is named',
    `${BASE}admin: {mode: '0600', group: postgres}`,
    "router.yml:3:9: admin.mode: does not let admin.group connect: use '0660', or leave one of them out",
  ],
  [
    'a mode that is none',
    `${BASE}admin: {mode: rw}`,
    `router.yml:3:9: admin.mode: "rw" is not how permissions are written: octal and quoted, like '0644'`,
  ],
  [
    'a group that cannot be one',
    `${BASE}admin: {group: 'a b'}`,
    'router.yml:3:9: admin.group: must be the name or the number of a group',
  ],
  [
    'another word for the mode',
    `${BASE}admin: {permissions: '0660'}`,
    'router.yml:3:9: admin.permissions: unknown key; did you mean "mode"?',
  ],
  [
    'admin.bind',
    `${BASE}admin: {bind: '127.0.0.1:7000'}`,
    'router.yml:3:9: admin.bind: not available in this version: remove it; the admin socket is there',
  ],
  [
    'admin.token_file',
    `${BASE}admin: {token_file: /x}`,
    'router.yml:3:9: admin.token_file: not available in this version: remove it; access to the admin socket is a matter of file permissions',
  ],
  [
    'a relative socket',
    `${BASE}admin: {socket: a.sock}`,
    'router.yml:3:9: admin.socket: "a.sock" is not an absolute path',
  ],
  [
    'a socket path that is too long',
    `${BASE}admin: {socket: /${'x'.repeat(107)}}`,
    'router.yml:3:9: admin.socket: is too long: a socket path has at most 107 bytes',
  ],
  [
    'an unknown level',
    `${BASE}logging: {level: INFO}`,
    'router.yml:3:11: logging.level: "INFO" is not one of trace, debug, info, warn, error, fatal; did you mean "info"?',
  ],
  [
    'another log format',
    `${BASE}logging: {format: logfmt}`,
    'router.yml:3:11: logging.format: "logfmt" is not one of auto, json, text',
  ],
  [
    'no DCS',
    'scope: demo',
    'router.yml: etcd3.hosts: no DCS is configured: set etcd3.hosts or PATRONI_ETCD3_HOSTS, etcd.hosts, consul.host, zookeeper.hosts, exhibitor.hosts, kubernetes.labels, raft.self_addr, rest.urls or file.path',
  ],
  [
    'a quoted Citus group',
    `${BASE}citus: {group: '0'}`,
    'router.yml:3:9: citus.group: must be a whole number, 0 (the coordinator) or more, without quotes',
  ],
  [
    'a negative Citus group',
    `${BASE}citus: {group: -1}`,
    'router.yml:3:9: citus.group: must be a whole number, 0 (the coordinator) or more, without quotes',
  ],
  ['ctl that is a word', `${BASE}ctl: x`, 'router.yml:3:1: ctl: must be a mapping'],
  [
    'a quoted boolean of ctl',
    `${BASE}ctl: {insecure: 'false'}`,
    'router.yml:3:7: ctl.insecure: must be true or false, without quotes',
  ],
  [
    'a certificate that is a number',
    `${BASE}ctl: {certfile: 5}`,
    'router.yml:3:7: ctl.certfile: must be text: quote it',
  ],
  ['a CA that is a list', `${BASE}restapi: {cafile: []}`, 'router.yml:3:11: restapi.cafile: must be text: quote it'],
  ['a section of ours twice', `${BASE}proxy: {}\nproxy: {}`, 'router.yml:4:1: proxy: is written twice'],
  [
    'a listener twice',
    `${BASE}proxy:\n  listeners:\n    p: {bind: ':1', route: primary}\n    p: {bind: ':2', route: replica}`,
    'router.yml:6:5: proxy.listeners.p: is written twice',
  ],
  [
    'a listener that YAML takes for a boolean',
    `${BASE}proxy:\n  listeners:\n    no: {bind: ':1', route: primary}`,
    'router.yml:5:5: proxy.listeners.no: is not read as text: put it in quotes',
  ],
  [
    'a listener that YAML takes for an octal number',
    `${BASE}proxy:\n  listeners:\n    010: {bind: ':1', route: primary}`,
    'router.yml:5:5: proxy.listeners.010: is not read as text: put it in quotes',
  ],
  [
    'a tag that YAML takes for a boolean',
    `${BASE}proxy:\n  listeners:\n    p: {bind: ':1', route: any, tags: {on: 1}}`,
    'router.yml:5:40: proxy.listeners.p.tags.on: is not read as text: put it in quotes',
  ],
  [
    'an unknown key that YAML takes for a boolean',
    `${BASE}admin: {no: x}`,
    'router.yml:3:9: admin.no: unknown key; valid here: socket, mode, group',
  ],
  [
    'a misspelt dynamic setting',
    `${BASE}synchronous_mod: true`,
    'router.yml:3:1: synchronous_mod: neither a section of Patroni nor of patroni-router; did you mean "synchronous_mode"?',
  ],
  ['a list', '- scope', 'router.yml:1:1: must be a mapping: sections and keys, each with a colon'],
  ['text', 'scope', 'router.yml:1:1: must be a mapping: sections and keys, each with a colon'],
  [
    'a prototype',
    `${BASE}__proto__: {scope: x}`,
    'router.yml:3:1: __proto__: neither a section of Patroni nor of patroni-router; the sections of patroni-router are proxy, admin, logging, state_dir, file, rest, templates, hooks, track, clusters',
  ],
]

for (const [title, text, problem] of INVALID)
  test(`${title} is refused with its place and its remedy`, () => {
    assert.equal(problems(text), problem)
  })

test('keys of Patroni that are no text are no matter of the router', () => {
  valid(`${BASE}postgresql: {parameters: {on: 1, 010: x}}\ntags: {no: 1}\n`)
})

test('a listener cannot be lost by its name', () => {
  const text = `${BASE}proxy: {listeners: {__proto__: {bind: ':1', route: primary}, p: {bind: ':2', route: primary}}}`
  assert.match(problems(text), /proxy.listeners.__proto__: the name of a listener/)
})

test('all problems are reported at once, in the order of the file', () => {
  const text = `
prxoy: 1
etcd3: {hosts: ['a:x'], use_proxies: 1}
ctl: {insecure: 5}
proxy:
  hodl: 1
  check: {interval: 1s, fast_interval: 2s, rise: 0, foo: 1}
  listeners:
    a: {bind: '*:5000', route: primry}
    b: {bind: [':x', ':5000'], route: snyc, tags: {dc: }, max_lag: -1, balnce: x}
admin: {bind: x, socket: y}
logging: {level: loud}
track: {fils: []}
logging: {}
`
  const result = load(text, { PATRONI_CITUS_GROUP: 'x', PATRONI_CTL_CACERT: '' })
  assert.ok(!result.ok)
  assert.deepEqual(
    result.problems.map(({ line, path }) => [line, path]),
    [
      [2, 'prxoy'],
      [3, 'etcd3.hosts.0'],
      [3, 'etcd3.use_proxies'],
      [4, 'ctl.insecure'],
      [6, 'proxy.hodl'],
      [7, 'proxy.check.fast_interval'],
      [7, 'proxy.check.rise'],
      [7, 'proxy.check.foo'],
      [9, 'proxy.listeners.a.route'],
      [10, 'proxy.listeners.b.bind.0'],
      [10, 'proxy.listeners.b.bind.1'],
      [10, 'proxy.listeners.b.route'],
      [10, 'proxy.listeners.b.tags.dc'],
      [10, 'proxy.listeners.b.max_lag'],
      [10, 'proxy.listeners.b.balnce'],
      [11, 'admin.bind'],
      [11, 'admin.socket'],
      [13, 'track.fils'],
      [14, 'logging'],
      [null, 'scope'],
      [null, 'PATRONI_CITUS_GROUP'],
    ],
  )
})

test('a bad value that came from the environment is reported with the name of the variable', () => {
  const env = { PATRONI_ETCD3_HOSTS: 'a:1,b:x', PATRONI_ETCD3_PORT: '70000', PATRONI_CITUS_GROUP: 'x' }
  assert.equal(
    problems('scope: demo\n', env),
    [
      'environment: PATRONI_ETCD3_PORT: must be a port, 1 to 65535',
      'environment: PATRONI_ETCD3_HOSTS: must be an address like 10.0.0.1:2379 or [fd00::1]:2379',
      'environment: PATRONI_CITUS_GROUP: must be a whole number, 0 or more',
    ].join('\n'),
  )
})

test('without file and environment it says what is needed', () => {
  assert.match(problems(null), /^environment: scope: .*\nenvironment: etcd3.hosts: .*$/)
})

test('a value that works but may surprise is a warning with its place', () => {
  const result = load(`scope: a\nscope: demo\n${BASE.slice(12)}raft: {self_addr: x}\ncitus: {group: 1}\n`)
  assert.ok(result.ok)
  assert.deepEqual(result.warnings, [
    'router.yml:2:1: scope: is written twice: the last one counts, as in Patroni',
    'router.yml:4:1: raft: not used: Patroni uses etcd3 instead (the first by name whose client library is installed)',
    'router.yml:5:9: citus.group: used here, but Patroni ignores it without citus.database',
  ])
})

const STRANGE: readonly (readonly [text: string, warning: string])[] = [
  [
    'etcd3: {hosts: a, pasword: s3cret}',
    '2:19: etcd3.pasword: not used: Patroni has no such key in etcd3; did you mean "password"?',
  ],
  [
    'etcd3: {hosts: a, cafile: s3cret}',
    '2:19: etcd3.cafile: not used: Patroni has no such key in etcd3; did you mean "cacert"?',
  ],
  [
    'etcd3: {hosts: a, pass: s3cret}',
    '2:19: etcd3.pass: not used: Patroni has no such key in etcd3; did you mean "password"?',
  ],
  [
    'etcd3: {hosts: a, tls: true}',
    '2:19: etcd3.tls: not used: Patroni has no such key in etcd3; did you mean "protocol: https"?',
  ],
  ['etcd3: {hosts: a, zzz: s3cret}', '2:19: etcd3.zzz: not used: Patroni has no such key in etcd3'],
  [
    'etcd3: {hosts: a}\nctl: {insecur: yes}',
    '3:7: ctl.insecur: not used: Patroni has no such key in ctl; did you mean "insecure"?',
  ],
  [
    'etcd3: {hosts: a}\nrestapi: {cacert: s3cret}',
    '3:11: restapi.cacert: not used: Patroni has no such key in restapi; did you mean "cafile"?',
  ],
  [
    'etcd3: {hosts: a}\ncitus: {groop: 1}',
    '3:9: citus.groop: not used: Patroni has no such key in citus; did you mean "group"?',
  ],
  [
    'etcd3: {hosts: a}\nlog: {levle: s3cret}',
    '3:7: log.levle: not used: Patroni has no such key in log; did you mean "level"?',
  ],
  [
    'consul: {host: a, tokn: s3cret}',
    '2:19: consul.tokn: not used: Patroni has no such key in consul; did you mean "token"?',
  ],
  [
    'etcd: {hosts: a, endpoints: s3cret}',
    '2:18: etcd.endpoints: not used: Patroni has no such key in etcd; did you mean "hosts"?',
  ],
  [
    'raft: {self_addr: "a:1", partners: s3cret}',
    '2:26: raft.partners: not used: Patroni has no such key in raft; did you mean "partner_addrs"?',
  ],
  [
    'zookeeper: {hosts: a, host: s3cret}',
    '2:23: zookeeper.host: not used: Patroni has no such key in zookeeper; did you mean "hosts"?',
  ],
  [
    'clusters: {a: {etcd3: {hosts: a, usernam: s3cret}}}\nproxy: {listeners: {}}\nhooks: [{on: any, command: [x]}]',
    '2:34: clusters.a.etcd3.usernam: not used: Patroni has no such key in etcd3; did you mean "username"?',
  ],
]

for (const [text, warning] of STRANGE)
  test(`a key that no Patroni has is a warning without its value: ${warning}`, () => {
    const result = load(`scope: demo\n${text}\n`)
    assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
    assert.deepEqual(result.warnings, [`router.yml:${warning}`])
  })

test('a secret that has become a key is not shown', () => {
  const result = load(`${BASE.replace('}', ', username: u, password: p, s3cret}')}ctl: {s3cret: , insecur: }\n`)
  assert.ok(result.ok)
  assert.deepEqual(result.warnings, [
    'router.yml:2:1: etcd3: has a key without a value that Patroni does not have',
    'router.yml:3:1: ctl: has a key without a value that Patroni does not have',
    'router.yml:3:17: ctl.insecur: not used: Patroni has no such key in ctl; did you mean "insecure"?',
  ])
})

test('every key of the sections that Patroni documents is accepted without a word', () => {
  const result = load(`
scope: demo
etcd3: {hosts: [a], use_proxies: no, protocol: https, username: u, password: p, cacert: /c, cert: /c, key: /k, srv: example.org, srv_suffix: x, namespace: n}
ctl: {insecure: no, cacert: /c, certfile: /c, keyfile: /k, keyfile_password: p, authentication: {username: u, password: p}}
restapi:
  {listen: x, connect_address: x, authentication: {}, certfile: x, keyfile: x, keyfile_password: x, cafile: x, ciphers: x,
   verify_client: none, allowlist: [], allowlist_include_members: yes, http_extra_headers: {}, https_extra_headers: {},
   request_queue_size: 5, server_tokens: minimal, thread_pool_size: 5}
log: {type: json, level: INFO, traceback_level: ERROR, format: x, dateformat: x, static_fields: {}, max_queue_size: 1,
      dir: /x, mode: 0644, file_size: 1, file_num: 1, loggers: {}, deduplicate_heartbeat_logs: yes}
watchdog: {mode: off, device: /dev/watchdog, safety_margin: 5}
`)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  assert.deepEqual(result.warnings, [])
})

test('top-level keys that begin with x- or a dot hold anchors and are accepted without a word', () => {
  const result = load(`x-peers: &peers
  hosts: 10.0.0.1:2379,10.0.0.2:2379
.tls: &tls {protocol: http}
x-listener: &listener {route: replica}
scope: shop
etcd3:
  <<: [*peers, *tls]
proxy: {listeners: {r: {<<: *listener, bind: '*:1'}}}
`)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  assert.deepEqual(result.warnings, [])
  const [cluster] = result.config.clusters
  assert.deepEqual(cluster !== undefined && isEtcd3(cluster.dcs) && cluster.dcs.endpoints, [
    '10.0.0.1:2379',
    '10.0.0.2:2379',
  ])
  assert.match(problems(`${BASE}templtes: []\n`), /3:1: templtes: .*did you mean "templates"\?/)
  assert.match(problems(`${BASE}xtemplates: []\n`), /3:1: xtemplates: .*did you mean "templates"\?/)
})

test('the namespace may be in etcd3, and the name in postgresql, as for Patroni', () => {
  const text = 'scope: demo\netcd3: {hosts: a, namespace: /teams/}\npostgresql: {name: pg7}\n'
  const [cluster] = valid(text).clusters
  assert.deepEqual([cluster?.namespace, cluster?.localMember], ['teams', 'pg7'])
  const [other] = valid(`${text}namespace: top\nname: pg1\n`).clusters
  assert.deepEqual([other?.namespace, other?.localMember], ['top', 'pg1'])
})

test('in a patroni.yml a Citus group without a database is none, as for Patroni', () => {
  const result = load(`${BASE}citus: {group: 1}\npostgresql: {listen: x}\n`)
  assert.ok(result.ok)
  assert.equal(result.config.clusters[0]?.citusGroup, null)
  assert.deepEqual(result.warnings, [
    'router.yml:3:9: citus.group: not used: Patroni ignores it without citus.database',
  ])
  assert.equal(valid(`${BASE}citus: {group: 1, database: ''}\npostgresql: {}\n`).clusters[0]?.citusGroup, 1)
})

test('YAML errors come alone, with line and column', () => {
  assert.match(
    problems(`${BASE}proxy:\n  listeners:\n    p: {bind: *:5000}\n`),
    /^router.yml:5:15: not valid YAML: .* quote/,
  )
})
