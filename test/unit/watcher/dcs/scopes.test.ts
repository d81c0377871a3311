/** Which clusters the names of keys show, and what is said where the configured one is not among them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  aboutDcs,
  aboutNamespace,
  aboutScope,
  type Found,
  placesOf,
  type ScopePlace,
  unfollowedGroups,
} from '../../../../src/watcher/dcs/scopes.ts'

const place = (scope: string, group: number | null = null, namespace = 'service'): ScopePlace => {
  return { namespace, scope, group }
}
const found = (...places: readonly ScopePlace[]): Found => ({ places, isAll: true })
const shown = (places: readonly ScopePlace[]): string[] =>
  places.map(({ namespace, scope, group }) => `${namespace}|${scope}|${group ?? ''}`)

describe('the names of keys', () => {
  const KEYS = [
    '/service/demo/config',
    '/service/demo/initialize',
    '/service/demo/members/pg0',
    '/service/old/optime/leader',
    '/service/citus/0/leader',
    '/service/citus/1/members/pg1',
    '/service/app/config',
    '/service/leader',
    '/service/deep/er/still/leader',
    '/services/other/leader',
    '/service/demo/members/',
  ]

  test('show a cluster by what every one has, and the groups of Citus, each once', () => {
    assert.deepEqual(shown(placesOf(KEYS, 'service')), [
      'service|demo|',
      'service|old|',
      'service|citus|0',
      'service|citus|1',
    ])
  })

  test('show the namespace where it is not known', () => {
    const keys = [
      '/db/prod/demo/leader',
      '/service/citus/0/leader',
      '/demo/initialize',
      '/registry/pods/x',
      '/leader',
      'x',
    ]
    assert.deepEqual(shown(placesOf(keys, null)), ['db/prod|demo|', 'service|citus|0', '|demo|'])
  })

  test('show clusters right below the root, too', () => {
    assert.deepEqual(shown(placesOf(['/demo/leader', '/demo/0/leader', '/service/x/leader'], '')), [
      '|demo|',
      '|demo|0',
    ])
  })
})

describe('of a scope that has no keys', () => {
  test('the near one is suggested, and the others are listed', () => {
    assert.equal(
      aboutNamespace('etcd', place('demoo'), found(place('demo'), place('prod'), place('citus', 0), place('citus', 1))),
      'this etcd has no cluster "demoo" below /service/: did you mean "demo"? (there are demo, prod, citus)',
    )
    assert.equal(
      aboutNamespace('etcd', place('shop'), found(place('warehouse'))),
      'this etcd has no cluster "shop" below /service/: there is warehouse',
    )
    assert.equal(aboutNamespace('etcd', place('shop'), found()), null)
  })

  test('of many others ten are listed, with no control characters', () => {
    const many = Array.from({ length: 14 }, (_, index) => place(`c\u001b${index}`))
    assert.match(
      aboutNamespace('etcd', place('shop'), found(...many)) ?? '',
      /there are c\ufffd0, .*c\ufffd9 and 4 more$/,
    )
    assert.match(aboutNamespace('etcd', place('shop'), { places: many, isAll: false }) ?? '', /and 4 or more$/)
  })

  test('the same scope in another namespace is suggested', () => {
    assert.equal(
      aboutDcs(
        'etcd',
        'is it the right one?',
        place('demo'),
        found(place('demo', null, 'db'), place('prod', null, 'db')),
      ),
      'this etcd has no cluster below /service/, but /db/demo, /db/prod: did you mean namespace "/db/"?',
    )
    assert.match(
      aboutDcs('etcd', 'is it the right one?', place('demo'), found()) ?? '',
      /no keys of any Patroni cluster: is it the right one\?$/,
    )
    assert.equal(aboutDcs('etcd', 'is it the right one?', place('demo'), { places: [], isAll: false }), null)
  })

  test('groups of Citus are reported where none is configured, and the other way round', () => {
    const groups = [place('demo', 2), place('demo', 0), place('other', 5)]
    assert.match(
      aboutScope(place('demo'), found(...groups)) ?? '',
      /is a Citus cluster with groups 0, 2: set citus\.group/,
    )
    assert.equal(aboutScope(place('demo', 1), found(...groups)), 'scope "demo" has no Citus group 1, but groups 0, 2')
    assert.match(
      aboutScope(place('demo', 1), found(place('demo'))) ?? '',
      /has no Citus groups: remove citus\.group \(1\)/,
    )
    assert.equal(aboutScope(place('demo', 1), found(place('other'))), null)
    assert.equal(aboutScope(place('demo'), found(place('other', 0))), null)
  })
})

test('groups that are not followed are those of the scope that no configured cluster names', () => {
  const places = [place('demo', 0), place('demo', 3), place('demo', 1), place('other', 7), place('demo')]
  assert.deepEqual(unfollowedGroups(place('demo', 0), [0, 1], found(...places)), [3])
})
