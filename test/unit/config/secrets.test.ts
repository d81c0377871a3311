import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Environment } from '../../../src/config/env.ts'
import { loadConfig } from '../../support/router/load-config.ts'

const MARK = 'h0rse_battery'

/** Everything of a configuration that can be printed: problems or warnings. */
function output(text: string | null, env: Environment = {}): string {
  const result = loadConfig({ file: text === null ? null : 'patroni.yml', text, env })
  return JSON.stringify(result.ok ? result.warnings : result.problems)
}

/** The sections of other DCS that would go over etcd3, with faults. */
const FIRST: Readonly<Record<string, string>> = {
  etcd: `{password: ${MARK}, hosts: 'u:${MARK}@a:1', srv: 'u:${MARK}@a', srv_suffix: '.${MARK}', url: 'http://${MARK}@a:1'}`,
  consul: `{token: [${MARK}], url: 'http://u:${MARK}/w@a:1', host: '${MARK}@a', scheme: ${MARK}, verify: ${MARK}, dc: [${MARK}], consistency: ${MARK}, cacert: [${MARK}], port: ${MARK}}`,
}

/** A secret in every place of Patroni's file that can hold one. */
const FILE = `scope: demo
namespace: service
name: pg1
etcd3:
  hosts: ['a:1', 'b:2']
  username: ${MARK}
  password: ${MARK}
  url: http://user:${MARK}@etcd:2379
  proxy: https://user:${MARK}@etcd:2379
  protocol: ${MARK}
  port: ${MARK}
  srv: ${MARK}
  cacert: /${MARK}
  key: /${MARK}
  use_proxies: ${MARK}
zookeeper: {key_password: ${MARK}, auth_data: {digest: 'u:${MARK}'}}
kubernetes: {labels: {x: ${MARK}}}
exhibitor: {hosts: ['${MARK}@a'], port: ${MARK}, poll_interval: ${MARK}, auth_data: {${MARK}: [x]}}
raft: {password: ${MARK}, self_addr: 'u:${MARK}@a:1', partner_addrs: ['u:${MARK}@b:1']}
restapi:
  authentication: {username: u, password: ${MARK}}
  keyfile_password: ${MARK}
  cafile: [${MARK}]
ctl:
  authentication: {username: u, password: ${MARK}}
  keyfile_password: [${MARK}]
  certfile: {x: ${MARK}}
  insecure: ${MARK}
bootstrap:
  users: {admin: {password: ${MARK}}}
  users: {admin: {password: ${MARK}}}
postgresql:
  authentication:
    replication: {username: r, password: ${MARK}}
    superuser: {username: s, password: ${MARK}}
    rewind: {username: w, password: '${MARK}'}
  parameters:
    primary_conninfo: "host=a password=${MARK}"
citus: {database: ${MARK}, group: ${MARK}}
password: ${MARK}
`

test('a file full of faults and secrets is refused without a secret', () => {
  const text = output(FILE)
  assert.match(text, /etcd3\.protocol/)
  assert.match(text, /citus\.group/)
  assert.match(text, /keyfile_password/)
  assert.ok(!text.includes(MARK), text)
})

for (const [name, section] of Object.entries(FIRST))
  test(`a section ${name} full of faults and secrets is refused without a secret`, () => {
    const whole = output(`${FILE}${name}: ${section}\n`)
    assert.ok(whole.includes(`${name}.`), whole)
    assert.ok(!whole.includes(MARK), whole)
    const alone = output(`scope: demo\n${name}: ${section}\n`)
    assert.ok(alone.split('path').length > 3, alone)
    assert.ok(!alone.includes(MARK), alone)
    for (let end = 1; end < section.length; end++) {
      const shown = output(`scope: demo\n${name}: ${section.slice(0, end)}\n`)
      assert.ok(!shown.includes(MARK), `${section.slice(0, end)} -> ${shown}`)
    }
  })

test('the warnings about Consul and raft show no secret', () => {
  const sections = [
    `consul: {url: 'http://u:${MARK}@a:1/${MARK}', token: ${MARK}, verify: '${MARK}', key: /${MARK}}`,
    `consul: {host: a, ${MARK}}`,
    `raft: {self_addr: 'a:1', password: ${MARK}, ${MARK}}`,
    `raft: {password: ${MARK}}`,
    `raft: {partner_addrs: ['${MARK}:x', {a: ${MARK}}, 'http://u:${MARK}@a:1']}`,
    `raft: {self_addr: 'a:1'}\nrestapi: {connect_address: 'u:${MARK}@a', authentication: {password: ${MARK}}}`,
  ]
  for (const section of sections) {
    const shown = output(`scope: demo\n${section}\n`)
    assert.match(shown, /consul|raft|restapi/)
    assert.ok(!shown.includes(MARK), `${section} -> ${shown}`)
  }
})

test('a variable of the client library of Consul is named, and its value is not shown', () => {
  const values = [MARK, `http://u:${MARK}@h`, `${MARK}:1`, `u:${MARK}@h:1`, `a ${MARK}`, `${MARK}\n`, '1', 'true']
  for (const name of ['CONSUL_HTTP_ADDR', 'CONSUL_HTTP_SSL', 'CONSUL_HTTP_SSL_VERIFY', 'CONSUL_HTTP_TOKEN'])
    for (const value of values) {
      const section = '{host: a, scheme: https, token: t, verify: true}'
      const shown = output(`scope: demo\nconsul: ${section}\n`, { [name]: value })
      assert.ok(!shown.includes(MARK), `${name}=${value} -> ${shown}`)
      assert.ok(shown.includes(name) || (value === 'true' && /_SSL/.test(name)), `${name}=${value} -> ${shown}`)
      assert.ok(!shown.includes('$'), shown)
    }
})

test('the faults and warnings about access to etcd show no secret', () => {
  const sections = [
    `{hosts: a, password: ${MARK}}`,
    `{hosts: a, username: [${MARK}], password: {x: ${MARK}}}`,
    `{hosts: ['u:${MARK}@a:1']}`,
    `{hosts: ['https://u:${MARK}@a:1'], protocol: http}`,
    `{url: 'http://${MARK}@a:1'}`,
    `{url: 'http://:${MARK}@a:1'}`,
    `{url: 'http://u:${MARK}@a:x'}`,
    `{url: 'http://u:${MARK}/w@a:1'}`,
    `{url: 'http://${MARK}:1/w@a:1'}`,
    `{hosts: ['u:${MARK}@a:1 b:2']}`,
    `{hosts: ['https://u:${MARK}/w@a:1']}`,
    `{url: 'ftp://u:${MARK}@a:1'}`,
    `{url: 'http://u:${MARK}@a:1', username: ${MARK}, password: ${MARK}, protocol: https}`,
    `{proxy: 'http://u:${MARK}@a:1', url: 'http://u:${MARK}@b:1', cacert: /${MARK}, cert: /${MARK}, key: /${MARK}}`,
    `{hosts: a, protocol: https, key: /${MARK}, cacert: [${MARK}]}`,
  ]
  for (const [section, name] of sections.flatMap(
    (each) =>
      [
        [each, 'etcd3'],
        [each, 'etcd'],
      ] as const,
  )) {
    const shown = output(`scope: demo\n${name}: ${section}\n`)
    assert.ok(shown.includes(`${name}.`), shown)
    assert.ok(!shown.includes(MARK), `${section} -> ${shown}`)
  }
})

test('no way to break the file, line by line, makes a secret come out', () => {
  const lines = FILE.split('\n')
  const breaks: readonly ((line: string) => string)[] = [
    (line) => `${line} "`,
    (line) => `${line} '`,
    (line) => `\t${line}`,
    (line) => ` ${line}`,
    (line) => line.replace(': ', ':'),
    (line) => line.replaceAll(': ', ':'),
    (line) => line.replace(': ', ': *'),
    (line) => line.replace(': ', ': &'),
    (line) => line.replace(': ', ': !'),
    (line) => line.replace(': ', ': !!'),
    (line) => line.replace(': ', ': @'),
    (line) => line.replace(': ', ': ['),
    (line) => line.replace(': ', ': {'),
    (line) => line.replace(': ', ': |\n'),
    (line) => line.replace(': ', ': "\\q'),
    (line) => line.replace(': ', ' : - '),
    (line) => line.replace(': ', '\n'),
    (line) => line.replace(/^ +/, ''),
    (line) => line.replace(/^ +/, '? '),
    (line) => line.replace(/[}\]]/, ''),
    (line) => line.replace(/^(\s*)(.*): (.*)$/, '$1$3: $2'.replace('$3', '{$3}')),
    (line) => `---\n${line}`,
    (line) => `%${line}`,
    (line) => `<<: ${line}`,
    (line) => `<<: *${MARK} ${line}`,
  ]
  for (const [index, line] of lines.entries())
    for (const broken of breaks) {
      const text = lines.with(index, broken(line)).join('\n')
      const shown = output(text)
      assert.ok(!shown.includes(MARK), `${JSON.stringify(broken(line))} -> ${shown}`)
    }
})

test('a file that is cut off anywhere shows no secret', () => {
  for (let end = 0; end < FILE.length; end++) {
    const shown = output(FILE.slice(0, end))
    assert.ok(!shown.includes(MARK.slice(0, 5)), `${FILE.slice(Math.max(0, end - 30), end)} -> ${shown}`)
  }
})

test('secrets below sections of ours by a slip of indentation are not shown', () => {
  const shown = output(`scope: demo
etcd3: {hosts: a}
proxy:
  password: ${MARK}
  authentication: {password: ${MARK}}
  check: {interval: {password: ${MARK}}, fall: [${MARK}]}
  listeners:
    'user:${MARK}@x': {bind: 'user:${MARK}@host:5000', route: {x: ${MARK}}}
`)
  assert.match(shown, /proxy\.password/)
  assert.ok(!shown.includes(MARK), shown)
})

test('a value in place of a section or a list is not shown: it can be a command', () => {
  const command = `curl -H X-Token:${MARK} http://chat.local`
  const places = [
    ...['hooks', 'templates', 'clusters', 'track', 'proxy', 'admin', 'logging', 'etcd3', 'rest', 'file'],
    ...['ctl', 'restapi', 'citus'],
  ].map((section) => `${section}: '${command}'`)
  const below = [
    ...[`hooks: ['${command}']`, `templates: ['${command}']`, `clusters: {a: '${command}'}`],
    ...[`track: {files: '${command}'}`, `track: {files: ['${command}']}`, `proxy: {listeners: '${command}'}`],
    ...[`proxy: {listeners: {a: '${command}'}}`, `proxy: {listeners: {a: {bind: '*:1', tags: '${command}'}}}`],
    ...[`proxy: {check: '${command}'}`, `hooks: [{on: open, command: a, env: '${command}'}]`],
    ...[`templates: [{debounce: '${command}'}]`, `hooks: [{on: open, command: {'${command}': x}}]`],
    ...[`hooks: [{on: open, command: a, env: {A: ['${command}'], '${command}': x}}]`],
  ]
  for (const text of [...places, ...below]) {
    const shown = output(`scope: demo\n${text}\n`)
    assert.notEqual(shown, '[]')
    assert.ok(!shown.includes(MARK), `${text} -> ${shown}`)
  }
})

test('a key that is written twice in a section of Patroni is reported without its name when it is data', () => {
  const shown = output(`scope: demo\netcd3: {hosts: a}\nzookeeper: {auth_data: {${MARK}: x, ${MARK}: y}}\n`)
  assert.match(shown, /zookeeper.auth_data: is written twice/)
  assert.ok(!shown.includes(MARK), shown)
})

test('a bad value of the environment is not shown', () => {
  const names = ['HOSTS', 'HOST', 'URL', 'PROXY', 'PROTOCOL', 'USERNAME', 'PASSWORD', 'CACERT', 'CERT', 'KEY', 'PORT']
  const others = [
    'CTL_INSECURE',
    'CTL_KEYFILE_PASSWORD',
    'CITUS_GROUP',
    'ETCD3_USE_PROXIES',
    'ETCD3_SRV',
    ...['RAFT_PASSWORD', 'RAFT_SELF_ADDR', 'RAFT_PARTNER_ADDRS', 'RESTAPI_CONNECT_ADDRESS', 'ETCD_HOSTS', 'ETCD_URL'],
    ...['ETCD_SRV', 'ETCD_SRV_SUFFIX', 'ETCD_PASSWORD', 'CONSUL_HOST', 'CONSUL_URL', 'CONSUL_TOKEN', 'CONSUL_VERIFY'],
    ...['CONSUL_PORT', 'CONSUL_DC', 'CONSUL_CONSISTENCY', 'CONSUL_CACERT', 'CONSUL_SCHEME', 'CONSUL_CHECKS'],
  ]
  for (const name of [...names.map((key) => `ETCD3_${key}`), ...others])
    for (const value of [MARK, `http://u:${MARK}@h`, `[${MARK}`, `'${MARK}`, `{${MARK}: *x}`, `ftp://${MARK}/`]) {
      const shown = output(null, { [`PATRONI_${name}`]: value })
      assert.ok(!shown.includes(MARK), `${name}=${value} -> ${shown}`)
    }
})

test('a bad value of a key of ours that is no secret is shown', () => {
  assert.match(output('scope: demo\netcd3: {hosts: a}\nproxy: {hold: {timeout: 3 parsecs}}\n'), /3 parsecs/)
})
