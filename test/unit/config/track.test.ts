import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Config } from '../../../src/config/config.ts'
import type { ConfigResult } from '../../../src/config/load.ts'
import { formatProblems } from '../../../src/config/file/problem.ts'
import { loadConfig } from '../../support/router/load-config.ts'

const BASE = 'scope: demo\netcd3: {hosts: a}\n'
const FILE = '/etc/router/config.yml'

function load(text: string): ConfigResult {
  return loadConfig({ file: FILE, text, env: {} })
}

function valid(text: string): Config {
  const result = load(text)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config
}

describe('track files', () => {
  test('have a path and a condition; the member is by default the one on this host', () => {
    const { track } = valid(`${BASE}name: pg1
track:
  files:
    - {path: /run/x//leader.track, when: local-leader}
    - {path: /run/x/pg9.track, when: local-leader, member: pg9}
    - {path: /run/x/primary.track, when: primary}
    - {path: /run/x/replicas.track, when: replicas, cluster: demo}
`)
    assert.deepEqual(track.files, [
      { path: '/run/x/leader.track', cluster: 'demo', condition: { name: 'local-leader', member: 'pg1' } },
      { path: '/run/x/pg9.track', cluster: 'demo', condition: { name: 'local-leader', member: 'pg9' } },
      { path: '/run/x/primary.track', cluster: 'demo', condition: { name: 'primary' } },
      { path: '/run/x/replicas.track', cluster: 'demo', condition: { name: 'replicas' } },
    ])
  })

  test('of a cluster have the local member of that cluster', () => {
    const { track } = valid(`
etcd3: {hosts: a}
clusters: {one: {name: pg1}, two: {name: pg2}}
track:
  files:
    - {path: /a, when: local-leader, cluster: two}
`)
    assert.deepEqual(track.files[0]?.condition, { name: 'local-leader', member: 'pg2' })
  })

  test('leave the proxy off unless it has a section, as templates do', () => {
    const files = 'track: {files: [{path: /a, when: primary}]}\n'
    assert.equal(valid(`${BASE}${files}`).clusters[0]?.proxy.listeners.length, 0)
    assert.equal(valid(`${BASE}${files}proxy: {trust: dcs}\n`).clusters[0]?.proxy.listeners.length, 2)
    assert.equal(valid(`${BASE}track: {files: []}\n`).clusters[0]?.proxy.listeners.length, 2)
    assert.equal(valid(`${BASE}${files}proxy: {listeners: {}}\n`).clusters[0]?.proxy.listeners.length, 0)
  })
})

const WRONG: readonly (readonly [title: string, file: string, problem: string])[] = [
  ['no path', 'when: primary', 'path: is required: the absolute path of the file to write'],
  ['a relative path', 'path: a, when: primary', 'path: "a" is not an absolute path'],
  ['a directory', 'path: /run/, when: primary', 'path: "/run/" is a directory: a file name is needed, too'],
  ['no condition', 'path: /a', 'when: is required: one of local-leader, primary, replicas'],
  [
    'a condition of keepalived',
    'path: /a, when: MASTER',
    'when: "MASTER" is not one of local-leader, primary, replicas; did you mean "local-leader"?',
  ],
  [
    'no member',
    'path: /a, when: local-leader',
    'member: is required: the Patroni member on this host (or set name, or PATRONI_NAME)',
  ],
  [
    'a member that is a number',
    'path: /a, when: local-leader, member: 5',
    'member: must be the name of a member, as text',
  ],
  [
    'a member where it means nothing',
    'path: /a, when: primary, member: pg1',
    'member: cannot be used with primary: only local-leader is about one member',
  ],
  ['another word', 'file: /a, when: primary, path: /b', 'file: unknown key; did you mean "path"?'],
  ['the configuration file', `path: ${FILE}, when: primary`, 'path: is the configuration file'],
  [
    'the admin socket',
    'path: /run/patroni-router/admin.sock, when: primary',
    'path: is the admin socket (admin.socket)',
  ],
  ['a file in state_dir', 'path: /var/state/x, when: primary', 'path: is in state_dir'],
  ['a file of a template', 'path: /t, when: primary', 'path: is a file of templates.0'],
  ['the source of a template', 'path: /etc/router/a, when: primary', 'path: is a file of templates.0'],
  ['the backup of a template', 'path: /t.bak, when: primary', 'path: is a file of templates.0'],
  ['the socket of a listener', 'path: /run/pg.sock, when: primary', 'path: is the socket of a listener'],
  ['too long a name', `path: /${'x'.repeat(201)}, when: primary`, 'path: has too long a name: at most 200 bytes'],
]

for (const [title, file, problem] of WRONG)
  test(`track: ${title} is refused with its place and its remedy`, () => {
    const others =
      'templates: [{source: a, destination: /t, backup: true}]\nproxy: {listeners: {p: {bind: /run/pg.sock, route: primary}}}\n'
    const text = `${BASE}state_dir: /var/state\n${others}track:\n  files:\n    - {${file}}\n`
    const result = load(text)
    assert.ok(!result.ok, 'the configuration was accepted')
    const told = result.problems.map(({ line, path, message }) => `${line ?? 0} ${path}: ${message}`)
    assert.ok(told.includes(`8 track.files.0.${problem}`), told.join('\n'))
  })

test('no two track files have the same path', () => {
  const result = load(`${BASE}track:\n  files:\n    - {path: /a, when: primary}\n    - {path: //a, when: replicas}\n`)
  assert.ok(!result.ok)
  assert.match(formatProblems(result.problems), /:6:8: track.files.1.path: is the path of track.files.0 already$/)
})
