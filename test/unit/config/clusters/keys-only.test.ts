/** Templates of keys alone are about no cluster: then there need be none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../../../src/config/file/problem.ts'
import { loadConfig } from '../../../support/router/load-config.ts'

const ETCD = `etcd3: {hosts: ['a:1']}\n`
const KEYS = 'templates: [{source: a, destination: /b, prefix: /app, keys: [/]}]\n'

function problemsOf(text: string, env: Readonly<Record<string, string>> = {}): string {
  const result = loadConfig({ file: 'c.yml', text, env })
  return result.ok ? '' : result.problems.map(formatProblem).join('\n')
}

test('a configuration with nothing but such templates needs no scope', () => {
  const result = loadConfig({ file: 'c.yml', text: ETCD + KEYS, env: {} })
  assert.ok(result.ok, problemsOf(ETCD + KEYS))
  const { clusters, keys, templates } = result.config
  assert.deepEqual(clusters, [])
  assert.deepEqual(templates[0]?.subject, { kind: 'clusters', clusters: [] })
  assert.deepEqual(
    keys.map(({ name, dcs, proxy }) => [name, dcs.kind, proxy.listeners]),
    [['', 'etcd3', []]],
  )
})

test('anything else in it needs a scope', () => {
  const others = [
    '',
    'templates: [{source: a, destination: /b}]',
    'templates: [{source: a, destination: /b, keys: [/]}, {source: a, destination: /c}]',
    `${KEYS}proxy: {}`,
    `${KEYS}hooks: [{on: [open], command: a}]`,
    `${KEYS}track: {files: [{path: /c, while: primary}]}`,
  ]
  for (const text of others) assert.match(problemsOf(ETCD + text), /scope: is required/, text)
  assert.match(problemsOf(`file: {path: x}\n${KEYS}`), /scope: is required/)
})

test('with a scope, also of the environment, they are about its cluster', () => {
  for (const [text, env] of [
    [`scope: demo\n${ETCD}${KEYS}`, {}],
    [ETCD + KEYS, { PATRONI_SCOPE: 'demo' }],
  ] as const) {
    const result = loadConfig({ file: 'c.yml', text, env })
    assert.ok(result.ok)
    assert.deepEqual(result.config.templates[0]?.subject, { kind: 'cluster', cluster: 'demo' })
    assert.deepEqual(result.config.keys, result.config.clusters)
  }
})
