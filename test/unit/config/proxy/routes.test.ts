import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListenerConfig } from '../../../../src/config/config.ts'
import type { ConfigResult } from '../../../../src/config/load.ts'
import { formatProblems } from '../../../../src/config/file/problem.ts'
import { loadConfig } from '../../../support/router/load-config.ts'

const BASE = "scope: demo\netcd3: {hosts: 'a:1'}\n"

function load(text: string): ConfigResult {
  return loadConfig({ file: 'router.yml', text: BASE + text, env: {} })
}

function listener(keys: string): ListenerConfig {
  const result = load(`proxy: {listeners: {p: {bind: ':1', ${keys}}}}`)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  const [found] = result.config.clusters[0]?.proxy.listeners ?? []
  assert.ok(found)
  return found
}

for (const route of ['primary', 'replica', 'sync', 'async', 'read-only', 'standby-leader', 'any'])
  test(`${route} is a route`, () => {
    assert.equal(listener(`route: ${route}`).route, route)
  })

const MEANT: readonly (readonly [written: string, meant: string])[] = [
  ['Replica', 'replica'],
  ['replicas', 'replica'],
  ['PRIMARY', 'primary'],
  ['primry', 'primary'],
  ['leader', 'primary'],
  ['master', 'primary'],
  ['Read-Write', 'primary'],
  ['standby', 'replica'],
  ['slave', 'replica'],
  ['read_only', 'read-only'],
  ['readonly', 'read-only'],
  ['standby_leader', 'standby-leader'],
  ['standbyleader', 'standby-leader'],
  ['synchronous', 'sync'],
  ['asynchronous', 'async'],
  ['all', 'any'],
  ['replicas', 'replica'],
  ['replicas_sync', 'sync'],
  ['replicas_async', 'async'],
  ['sync_standby', 'sync'],
  ['masters', 'primary'],
]

for (const [written, meant] of MEANT)
  test(`a route ${written} is refused, with ${meant} as what may have been meant`, () => {
    const result = load(`proxy:\n  listeners:\n    p: {bind: ':1', route: ${written}}`)
    assert.ok(!result.ok)
    assert.equal(
      formatProblems(result.problems),
      `router.yml:5:21: proxy.listeners.p.route: "${written}" is not one of primary, replica, sync, async, read-only, ` +
        `standby-leader, any; did you mean "${meant}"?`,
    )
  })

const LAGS: readonly (readonly [written: string, bytes: number | null])[] = [
  ['16MB', 16_777_216],
  ["'16 MB'", 16_777_216],
  ['16777216', 16_777_216],
  ["'16777216'", 16_777_216],
  ['0', 0],
  ['', null],
  ['null', null],
]

for (const [written, bytes] of LAGS)
  test(`max_lag: ${written} is ${bytes === null ? 'no limit' : `${bytes} bytes`}`, () => {
    assert.equal(listener(`route: replica, max_lag: ${written}`).maxLagBytes, bytes)
  })

test('fallback, close_fallback and tags without a value are the default', () => {
  const { fallback, closeFallback, tags } = listener('route: replica, fallback: , close_fallback: , tags: ')
  assert.deepEqual([fallback, closeFallback, tags], ['none', false, {}])
})

test('a setting that a route cannot use may be switched off there', () => {
  for (const route of ['primary', 'standby-leader', 'read-only', 'any'])
    assert.equal(listener(`route: ${route}, fallback: none, close_fallback: no, tags: {}, max_lag: `).fallback, 'none')
})

for (const route of ['replica', 'sync', 'async'])
  test(`the route ${route} can fall back to the primary, and leave it again`, () => {
    const { fallback, closeFallback } = listener(`route: ${route}, fallback: primary, close_fallback: true`)
    assert.deepEqual([fallback, closeFallback], ['primary', true])
  })

const LEADER = (route: string): string => `cannot be used with the route ${route}: it has one member, the leader`

/** `p: {bind: ':1', route: replica, ` is what comes before; the column is that of the key. */
const INVALID: readonly (readonly [title: string, keys: string, problem: string])[] = [
  ['a negative lag', 'route: any, max_lag: -1', '3:49: proxy.listeners.p.max_lag: -1 is not a size like 16MB'],
  [
    'a negative lag in quotes',
    "route: any, max_lag: '-1'",
    '3:49: proxy.listeners.p.max_lag: "-1" is not a size like 16MB (B, kB, MB, GB or TB)',
  ],
  [
    'a lag in seconds',
    'route: any, max_lag: 10s',
    '3:49: proxy.listeners.p.max_lag: "10s" is not a size like 16MB (B, kB, MB, GB or TB)',
  ],
  [
    'a lag in small letters',
    'route: any, max_lag: 16mb',
    '3:49: proxy.listeners.p.max_lag: "16mb" is not a size like 16MB (did you mean "16MB"?)',
  ],
  ['a lag that is true', 'route: any, max_lag: yes', '3:49: proxy.listeners.p.max_lag: true is not a size like 16MB'],
  [
    'a lag that is a list',
    'route: any, max_lag: [1]',
    '3:49: proxy.listeners.p.max_lag: a list is not a size like 16MB',
  ],
  ['a lag of the primary', 'route: primary, max_lag: 16MB', `3:53: proxy.listeners.p.max_lag: ${LEADER('primary')}`],
  [
    'a lag of the standby leader',
    'route: standby-leader, max_lag: 0',
    `3:60: proxy.listeners.p.max_lag: ${LEADER('standby-leader')}`,
  ],
  ['tags of the primary', 'route: primary, tags: {dc: a}', `3:53: proxy.listeners.p.tags: ${LEADER('primary')}`],
  ['tags as a text', 'route: any, tags: dc', '3:49: proxy.listeners.p.tags: must be a mapping like {dc: a}, not text'],
  [
    'a tag of nothing',
    'route: any, tags: {dc: }',
    '3:56: proxy.listeners.p.tags.dc: must be text (quoted, if in doubt), a number, true or false, not nothing',
  ],
  [
    'a fallback of the primary',
    'route: primary, fallback: primary',
    '3:53: proxy.listeners.p.fallback: cannot be used with the route primary: its connections wait for the next primary',
  ],
  [
    'a fallback of the standby leader',
    'route: standby-leader, fallback: primary',
    '3:60: proxy.listeners.p.fallback: cannot be used with the route standby-leader: a cluster that has one has no primary',
  ],
  [
    'a fallback of read-only',
    'route: read-only, fallback: primary',
    '3:55: proxy.listeners.p.fallback: cannot be used with the route read-only: the primary is one of its members',
  ],
  [
    'a fallback of any',
    'route: any, fallback: primary',
    '3:49: proxy.listeners.p.fallback: cannot be used with the route any: the primary is one of its members',
  ],
  [
    'a fallback to the leader',
    'route: replica, fallback: Primary',
    '3:53: proxy.listeners.p.fallback: "Primary" is not one of none, primary; did you mean "primary"?',
  ],
  [
    'no fallback',
    'route: replica, fallback: no',
    '3:53: proxy.listeners.p.fallback: false is not one of none, primary',
  ],
  [
    'close_fallback alone',
    'route: replica, close_fallback: true',
    '3:53: proxy.listeners.p.close_fallback: needs fallback: primary',
  ],
  [
    'close_fallback without a fallback',
    'route: replica, fallback: none, close_fallback: true',
    '3:69: proxy.listeners.p.close_fallback: needs fallback: primary',
  ],
  [
    'close_fallback in quotes',
    "route: replica, fallback: primary, close_fallback: 'yes'",
    '3:72: proxy.listeners.p.close_fallback: must be true or false, without quotes',
  ],
  [
    'a misspelt max_lag',
    'route: replica, maxlag: 1MB',
    '3:53: proxy.listeners.p.maxlag: unknown key; did you mean "max_lag"?',
  ],
  [
    'a misspelt close_fallback',
    'route: replica, closefallback: no',
    '3:53: proxy.listeners.p.closefallback: unknown key; did you mean "close_fallback"?',
  ],
]

for (const [title, keys, problem] of INVALID)
  test(`${title} is refused with its place and its remedy`, () => {
    const result = load(`proxy: {listeners: {p: {bind: ':1', ${keys}}}}`)
    assert.ok(!result.ok)
    assert.equal(formatProblems(result.problems), `router.yml:${problem}`)
  })

const INVALID_ELSEWHERE: readonly (readonly [title: string, text: string, problem: string])[] = [
  [
    'a bad address in a list',
    "proxy:\n  listeners:\n    p:\n      route: any\n      bind:\n        - '*:1'\n        - '*:x'",
    `9:11: proxy.listeners.p.bind.1: "*:x" has no port: write it like '*:5000' or 127.0.0.1:5000`,
  ],
  [
    'an address twice in a listener',
    "proxy: {listeners: {p: {route: any, bind: ['*:1', ':1']}}}",
    '3:51: proxy.listeners.p.bind.1: "*:1" is taken by this listener already ("*:1")',
  ],
  [
    'a socket path that is too long',
    `proxy: {listeners: {p: {route: any, bind: unix@/${'x'.repeat(107)}}}}`,
    '3:37: proxy.listeners.p.bind: is too long: a socket path has at most 107 bytes',
  ],
  [
    'the default admin socket',
    'proxy: {listeners: {p: {route: any, bind: /run/patroni-router/admin.sock}}}',
    '3:37: proxy.listeners.p.bind: "/run/patroni-router/admin.sock" is the admin socket (admin.socket)',
  ],
  [
    'the configured admin socket',
    'proxy: {listeners: {p: {route: any, bind: /tmp/a}}}\nadmin: {socket: /tmp/a}',
    '3:37: proxy.listeners.p.bind: "/tmp/a" is the admin socket (admin.socket)',
  ],
  [
    'an unknown address',
    'proxy: {address: proxyurl}',
    '3:9: proxy.address: "proxyurl" is not one of conn_url, proxy_url; did you mean "proxy_url"?',
  ],
  ['trust in capitals', 'proxy: {trust: DCS}', '3:9: proxy.trust: "DCS" is not one of proof, dcs; did you mean "dcs"?'],
  ['trust: yes', 'proxy: {trust: yes}', '3:9: proxy.trust: true is not one of proof, dcs'],
  ['a relative state_dir', 'state_dir: state', '3:1: state_dir: "state" is not an absolute path'],
  ['an empty state_dir', "state_dir: ''", '3:1: state_dir: is empty: an absolute path is needed'],
  ['a state_dir that is a mapping', 'state_dir: {path: /x}', '3:1: state_dir: a mapping is not an absolute path'],
  [
    'a misspelt state_dir',
    'statedir: /x',
    '3:1: statedir: neither a section of Patroni nor of patroni-router; did you mean "state_dir"?',
  ],
]

for (const [title, text, problem] of INVALID_ELSEWHERE)
  test(`${title} is refused with its place and its remedy`, () => {
    const result = load(text)
    assert.ok(!result.ok)
    assert.equal(formatProblems(result.problems), `router.yml:${problem}`)
  })
