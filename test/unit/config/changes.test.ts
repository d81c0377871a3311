import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changesBetween, type Settings } from '../../../src/config/changes.ts'
import type { Environment } from '../../../src/config/env.ts'
import { loadConfig } from '../../support/router/load-config.ts'

const HEAD = 'scope: demo\netcd3: {hosts: [10.0.0.1:2379]}\n'

function settings(text: string | null, env: Environment = {}): Settings {
  const result = loadConfig({ file: text === null ? null : '/etc/router/config.yml', text, env })
  assert.ok(result.ok, JSON.stringify(result))
  return result.settings
}

/** The lines between two files, each of which begins with a cluster unless it has one. */
function changes(before: string, after: string): readonly string[] {
  const [old, now] = [before, after].map((text) => settings(/^(?:scope|clusters):/m.test(text) ? text : HEAD + text))
  assert.ok(old !== undefined && now !== undefined)
  return changesBetween(old, now)
}

interface Row {
  readonly title: string
  readonly before: string
  readonly after: string
  readonly lines: readonly string[]
}

function row(title: string, before: string, after: string, ...lines: readonly string[]): Row {
  return { title, before, after, lines }
}

const RW = "rw: {bind: '127.0.0.1:5000', route: primary}"
const RO = "ro: {bind: '127.0.0.1:5001', route: replica}"
const TEMPLATE = '{source: a.hbs, destination: /etc/a.cfg}'
const OTHER = '{source: b.hbs, destination: /etc/b.cfg}'
const TWO = 'clusters: {a: {etcd3: {hosts: [a:1]}}, b: {etcd3: {hosts: [b:1]}}}\n'
const THEIRS = "{bind: ':5000', route: primary, cluster: a}"

const ROWS: readonly Row[] = [
  row('a comment', '# one\n', '# two\n\n'),
  row('another way to write a duration', 'proxy: {check: {interval: 1s}}', 'proxy: {check: {interval: 1000ms}}'),
  row('another way to write a size', listeners(RO, 'max_lag: 1MB'), listeners(RO, 'max_lag: 1048576')),
  row('a default that is written', '', 'proxy: {hold: {timeout: 45s}, max_connections: 0}\nlogging: {level: info}'),
  row(
    'the default listeners, written',
    '',
    "proxy: {listeners: {primary: {bind: '*:5000', route: primary}, replicas: {bind: ':5001', route: replica}}}",
  ),
  row('the only cluster, named', listeners(RW), listeners(RW, 'cluster: demo')),
  row('keys that are not used', 'loop_wait: 10\nbootstrap: {a: 1}', 'loop_wait: 20\nbootstrap: {b: 1}'),
  row(
    'a relative path, written absolute',
    `templates: [${TEMPLATE}]`,
    `templates: [${TEMPLATE.replace('a.h', '/etc/router/a.h')}]`,
  ),
  row(
    'a value',
    'proxy: {check: {interval: 1s}}',
    'proxy: {check: {interval: 2500ms}}',
    'proxy.check.interval: 1s -> 2500ms',
  ),
  row('a value in place of a default', '', 'proxy: {check: {rise: 2}}', 'proxy.check.rise: 1 (default) -> 2'),
  row(
    'a value that is gone',
    'proxy: {hold: {timeout: 1m}}',
    'proxy: {hold: {}}',
    'proxy.hold.timeout: 1m -> 45s (default)',
  ),
  row('a section that is gone', 'admin: {socket: /run/a.sock}', '', 'admin.socket: /run/a.sock -> not set'),
  row('a setting without a section', 'state_dir: /a', 'state_dir: /b', 'state_dir: /a -> /b'),
  row('the log', 'logging: {level: debug}', 'logging: {level: warn}', 'logging.level: debug -> warn'),
  row(
    'an address',
    listeners(RW),
    listeners(RW.replace('5000', '6000')),
    'proxy.listeners.rw.bind: 127.0.0.1:5000 -> 127.0.0.1:6000',
  ),
  row(
    'an address that is added',
    listeners(RW),
    listeners(RW.replace("'127.0.0.1:5000'", "[127.0.0.1:5000, '[::1]:5000']")),
    'proxy.listeners.rw.bind: 127.0.0.1:5000 -> [127.0.0.1:5000, [::1]:5000]',
  ),
  row('a tag', listeners(RO, 'tags: {dc: a}'), listeners(RO, 'tags: {dc: b}'), 'proxy.listeners.ro.tags.dc: a -> b'),
  row(
    'a listener that is added and one that is removed',
    listeners(RW),
    listeners(RO, 'max_lag: 1MB'),
    'proxy.listeners.rw: removed',
    'proxy.listeners.ro: added (bind 127.0.0.1:5001, route replica, max_lag 1MB)',
  ),
  row(
    'listeners in place of the default ones',
    '',
    listeners(RW),
    'proxy.listeners.primary: removed',
    'proxy.listeners.replicas: removed',
    'proxy.listeners.rw: added (bind 127.0.0.1:5000, route primary)',
  ),
  row(
    'a default listener at another address',
    '',
    "proxy: {listeners: {primary: {bind: ':6000', route: primary}, replicas: {bind: ':5001', route: replica}}}",
    'proxy.listeners.primary.bind: [*:5000] -> :6000',
  ),
  row(
    'the order of listeners',
    `proxy: {listeners: {${RW}, ${RO}}}`,
    `proxy: {listeners: {${RO}, ${RW}}}`,
    'proxy.listeners: in another order',
  ),
  row(
    'the proxy that is switched off',
    '',
    `templates: [${TEMPLATE}]`,
    ...['proxy.listeners.primary: removed', 'proxy.listeners.replicas: removed', 'templates[/etc/a.cfg]: added'],
  ),
  row(
    'a template that another is put before',
    `templates: [${TEMPLATE}]`,
    `templates: [${OTHER}, ${TEMPLATE}]`,
    'templates[/etc/b.cfg]: added',
  ),
  row(
    'templates in another order',
    `templates: [${TEMPLATE}, ${OTHER}]`,
    `templates: [${OTHER}, ${TEMPLATE}]`,
    'templates: in another order',
  ),
  row(
    'permissions, with and without quotes',
    `templates: [${TEMPLATE.replace('}', ', mode: 0640}')}]`,
    `templates: [${TEMPLATE.replace('}', ", mode: '600', group: web}")}]`,
    'templates[/etc/a.cfg].group: not set -> web',
    'templates[/etc/a.cfg].mode: 0640 -> 0600',
  ),
  row(
    'commands and their variables, without their values',
    `templates: [${TEMPLATE.replace('}', ', check: a s3cret, reload: [b, s3cret], env: {A: s3cret}}')}]`,
    `templates: [${TEMPLATE.replace('}', ', check: c s3cret, reload: [d, s3cret], env: {A: s3cret2}, timeout: 5s}')}]`,
    'templates[/etc/a.cfg].check: changed',
    'templates[/etc/a.cfg].reload: changed',
    'templates[/etc/a.cfg].timeout: 30s (default) -> 5s',
    'templates[/etc/a.cfg].env: changed',
  ),
  row(
    'what one template sets for its group, once',
    `state_dir: /s\ntemplates: [${grouped('reload: a')}, {source: b, destination: /etc/b, reload_group: g}]`,
    `state_dir: /s\ntemplates: [${grouped('reload: b')}, {source: b, destination: /etc/b, reload_group: g}]`,
    'templates[/etc/a].reload: changed',
  ),
  row(
    'a hook by its name, wherever it is',
    'hooks: [{name: x, on: open, command: a}, {name: y, on: open, command: b}]',
    'hooks: [{name: z, on: any, command: a}, {name: x, on: [open, none], command: a}, {name: y, on: open, command: c}]',
    'hooks[z]: added',
    'hooks[x].on: open -> [open, none]',
    'hooks[y].command: changed',
  ),
  row(
    'a hook without a name that another is put before',
    'hooks: [{on: open, command: a}]',
    'hooks: [{on: none, command: b}, {on: open, command: a}]',
    'hooks[0]: added',
  ),
  row(
    'hooks without names in another order',
    'hooks: [{on: open, command: a}, {on: none, command: b}]',
    'hooks: [{on: none, command: b}, {on: open, command: a}]',
    'hooks: in another order',
  ),
  row(
    'track files by their paths',
    'track: {files: [{path: /a, when: primary}, {path: /b, when: primary}]}',
    'track: {files: [{path: /c, when: primary}, {path: /b, when: replicas}]}',
    'track.files[/a]: removed',
    'track.files[/c]: added',
    'track.files[/b].when: primary -> replicas',
  ),
  row('the DCS, without a value', HEAD, HEAD.replace('10.0.0.1', '10.0.0.2'), 'etcd3.hosts: changed'),
  row(
    'what is added to and removed from the section of the DCS',
    'scope: demo\netcd3: {hosts: [a:1], username: u, password: s3cret}',
    'scope: demo\netcd3: {hosts: [a:1], protocol: https}',
    'etcd3.protocol: added',
    'etcd3.username: removed',
    'etcd3.password: removed',
  ),
  row('another DCS', HEAD, 'scope: demo\nconsul: {host: a}', 'consul: used instead of etcd3'),
  row(
    'settings of Patroni',
    HEAD,
    `${HEAD}name: pg1\nnamespace: n\nctl: {insecure: true}\nrestapi: {cafile: /ca, listen: 'a:1'}\n`,
    'name: added',
    'ctl.insecure: added',
    'restapi.cafile: added',
    'namespace: added',
  ),
  row('another cluster', HEAD, HEAD.replace('demo', 'other'), 'scope: changed'),
  row(
    'a cluster that is added',
    `${TWO}proxy: {listeners: {rw: ${THEIRS}}}`,
    `${TWO.replace('b: {', 'c: {etcd3: {hosts: [c:1]}}, b: {')}proxy: {listeners: {rw: ${THEIRS}}}`,
    'clusters.c: added',
  ),
  row(
    'the DCS of one cluster, and its settings',
    `${TWO}proxy: {listeners: {rw: ${THEIRS}}}`,
    `${TWO.replace('[a:1]}', '[a:2]}, proxy: {check: {interval: 5s}, trust: dcs}')}proxy: {listeners: {rw: ${THEIRS}}}`,
    'clusters.a.etcd3.hosts: changed',
    'clusters.a.proxy.trust: proof (default) -> dcs',
    'clusters.a.proxy.check.interval: 2s (default) -> 5s',
  ),
  row(
    'a setting at the top that each cluster has itself',
    `clusters: {a: {etcd3: {hosts: [a:1]}, proxy: {trust: proof}}}\nproxy: {trust: proof, max_connections: 1}`,
    `clusters: {a: {etcd3: {hosts: [a:1]}, proxy: {trust: proof}}}\nproxy: {trust: dcs, max_connections: 2}`,
    'proxy.max_connections: 1 -> 2',
  ),
  row(
    'what clusters inherit, once',
    `etcd3: {hosts: [a:1]}\nclusters: {a: , b: }\nproxy: {listeners: {rw: ${THEIRS}}}`,
    `etcd3: {hosts: [b:1]}\nclusters: {a: , b: }\nproxy: {check: {interval: 1s}, listeners: {rw: ${THEIRS}}}`,
    'etcd3.hosts: changed',
    'proxy.check.interval: 2s (default) -> 1s',
  ),
  row(
    'a listener that leads to another cluster',
    `${TWO}proxy: {listeners: {rw: ${THEIRS}}}`,
    `${TWO}proxy: {listeners: {rw: ${THEIRS.replace('cluster: a', 'cluster: b')}}}`,
    'proxy.listeners.rw.cluster: a -> b',
  ),
  row(
    'values that differ beyond what is shown',
    `state_dir: /${'x'.repeat(200)}a`,
    `state_dir: /${'x'.repeat(200)}b`,
    'state_dir: changed',
  ),
]

function listeners(listener: string, more = ''): string {
  return `proxy: {listeners: {${more === '' ? listener : listener.replace(/\}$/, `, ${more}}`)}}}`
}

function grouped(more: string): string {
  return `{source: a, destination: /etc/a, reload_group: g, ${more}}`
}

describe('changes between two configurations', () => {
  for (const { title, before, after, lines } of ROWS)
    test(`${title}: ${lines.length === 0 ? 'nothing' : lines.join('; ')}`, () => {
      assert.deepEqual(changes(before, after), lines)
      assert.deepEqual(changes(before, before), [])
    })

  test('is empty backwards where it is forwards', () => {
    for (const { title, before, after, lines } of ROWS)
      assert.equal(changes(after, before).length > 0, lines.length > 0, title)
  })

  test('is in the words of the environment where that says it', () => {
    const env = { PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'a:1' }
    const [before, after] = [settings(null, env), settings('state_dir: /s\n', env)]
    assert.deepEqual(changesBetween(before, after), ['state_dir: not set -> /s'])
  })

  test('shows no secret', () => {
    const secret = (mark: string): string =>
      `scope: ${mark}\netcd3: {hosts: [a:1], username: ${mark}, password: ${mark}}\nctl: {keyfile_password: ${mark}, certfile: ${mark}}\n` +
      `hooks: [{on: open, command: ${mark}, env: {A: ${mark}}}]\ntemplates: [{source: a, destination: /a, env: {A: ${mark}}}]\n`
    const lines = changesBetween(settings(secret('h0rse')), settings(secret('batt3ry'))).join('\n')
    assert.doesNotMatch(lines, /h0rse|batt3ry/)
    assert.match(lines, /etcd3\.password: changed/)
    assert.match(lines, /hooks\[0\]\.env: changed/)
  })

  test('names every key that is in both, however it is written', () => {
    const listener = "env: {bind: ':1', route: primary}, check: {bind: ':2', route: any}"
    const before = `proxy: {listeners: {${listener}}}`
    assert.deepEqual(changes(before, before.replace(':1', ':3').replace('any', 'read-only')), [
      'proxy.listeners.env.bind: :1 -> :3',
      'proxy.listeners.check.route: any -> read-only',
    ])
  })
})
