/** Values that look as if they were left from the documentation. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatProblems } from '../../../src/config/file/problem.ts'
import type { Environment } from '../../../src/config/env.ts'
import { loadConfig } from '../../support/router/load-config.ts'

const ROOT = join(import.meta.dirname, '../../..')

function doubts(text: string, env: Environment = {}): readonly string[] {
  const result = loadConfig({ file: 'router.yml', text, env })
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.doubts
}

const SCOPE = 'scope: orders\n'
const ETCD = `${SCOPE}etcd3: {hosts: 'etcd1:2379'}\n`
const ONE = 'is as in the examples of the documentation: replace it unless it is really yours'

/** The documents and every file of the examples that configures something. */
function documents(): readonly (readonly [name: string, text: string])[] {
  const names = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => join('examples', name))
  return ['README.md', 'docs/configuration.md', 'docs/sources.md', ...names].map(
    (name) => [name, readFileSync(join(ROOT, name), 'utf8')] as const,
  )
}

test('every address of etcd, a member or a listener in the documents and the examples is doubted', () => {
  let count = 0
  for (const [name, text] of documents())
    for (const [line] of text.matchAll(/\b(?:hosts|urls|bind|PATRONI_ETCD3_HOSTS): .*/g))
      for (const [address] of line.matchAll(/\d+\.\d+\.\d+\.\d+(?::\d+)?/g)) {
        if (address.startsWith('127.')) continue
        count += 1
        const said = [`router.yml:2:9: etcd3.hosts: ${address} ${ONE}`]
        assert.deepEqual(doubts(`${SCOPE}etcd3: {hosts: ['${address}']}\n`), said, name)
      }
  assert.ok(count > 40, `${count} addresses`)
})

const DOUBTED: readonly (readonly [text: string, said: readonly string[], env?: Environment])[] = [
  [`${SCOPE}etcd3: {hosts: 'a:2379,10.0.0.1'}\n`, [`router.yml:2:9: etcd3.hosts: 10.0.0.1 ${ONE}`]],
  [`${SCOPE}etcd3: {host: '10.0.0.2:2380'}\n`, [`router.yml:2:9: etcd3.host: 10.0.0.2:2380 ${ONE}`]],
  [`${SCOPE}etcd3: {url: 'https://u:s3cret@10.0.0.3:2379/'}\n`, [`router.yml:2:9: etcd3.url: 10.0.0.3:2379 ${ONE}`]],
  [`${SCOPE}rest: {urls: ['http://pg1.example:8008']}\n`, [`router.yml:2:8: rest.urls: pg1.example:8008 ${ONE}`]],
  [
    `${SCOPE}etcd3: {hosts: ['[2001:db8::10]:2379', '2001:DB8::11:2379', 192.0.2.1, etcd.example.com]}\n`,
    [
      'router.yml:2:9: etcd3.hosts: [2001:db8::10]:2379, 2001:DB8::11:2379, 192.0.2.1, etcd.example.com are as in the ' +
        'examples of the documentation: replace them unless they are really yours',
    ],
  ],
  [
    `${ETCD}proxy: {listeners: {p: {bind: ['127.0.0.1:5000', '10.0.0.100:5432'], route: primary}}}\n`,
    [`router.yml:3:25: proxy.listeners.p.bind: 10.0.0.100:5432 ${ONE}`],
  ],
  [
    `${SCOPE}clusters: {a: {rest: {urls: [http://10.0.1.1:8008]}}}\nproxy: {listeners: {}}\ntemplates: [{source: a, destination: /b, cluster: a}]\n`,
    [`router.yml:2:23: clusters.a.rest.urls: 10.0.1.1:8008 ${ONE}`],
  ],
  [
    `scope: change-me\nname: YOUR_NAME\n${ETCD.slice(SCOPE.length)}`,
    [`router.yml:1:1: scope: change-me ${ONE}`, `router.yml:2:1: name: YOUR_NAME ${ONE}`],
  ],
  [
    `${SCOPE}etcd3: {hosts: 'CHANGE_ME:2379', username: u, password: CHANGE_ME}\n`,
    [
      `router.yml:2:9: etcd3.hosts: CHANGE_ME:2379 ${ONE}`,
      'router.yml:2:47: etcd3.password: looks like one of an example: replace it',
    ],
  ],
  [SCOPE, [`environment: PATRONI_ETCD3_HOSTS: 10.0.0.1:2379 ${ONE}`], { PATRONI_ETCD3_HOSTS: '10.0.0.1:2379,b:1' }],
]

for (const [text, said, env] of DOUBTED)
  test(`doubts ${JSON.stringify(text)}`, () => {
    const found = doubts(text, env)
    assert.deepEqual(found, said)
    assert.doesNotMatch(found.join(), /s3cret/)
  })

test('the password of the documentation is doubted, and not shown', () => {
  const [, password = ''] = /password: '([^']*)'/.exec(readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')) ?? []
  assert.deepEqual(doubts(`${SCOPE}etcd3: {hosts: a, username: u, password: '${password}'}\n`), [
    'router.yml:2:32: etcd3.password: looks like one of an example: replace it',
  ])
})

test('ordinary values are not doubted', () => {
  const texts = [
    ETCD,
    `scope: todo\nname: example-1\netcd3: {hosts: '10.0.0.4:2379,110.0.0.1:2379,10.0.0.10,etcd.example.company.de'}\n`,
    `${SCOPE}etcd3: {hosts: '[fd00::1]:2379,127.0.0.1', username: example.com, password: 'xx.example.com'}\n`,
    `${ETCD}proxy: {listeners: {p: {bind: ['*:5000', /run/example.com/db.sock], route: primary}}}\n`,
  ]
  for (const text of texts) assert.deepEqual(doubts(text), [], text)
})

test('a doubt is no warning: a router that really has these addresses is not reminded with each start', () => {
  const result = loadConfig({ file: 'router.yml', text: `${SCOPE}etcd3: {hosts: 10.0.0.1}\n`, env: {} })
  assert.deepEqual(result.warnings, [])
})
