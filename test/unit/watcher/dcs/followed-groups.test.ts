/** Which cluster of several reports the Citus groups that none of them follows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterConfig } from '../../../../src/config/config.ts'
import { formatProblems } from '../../../../src/config/file/problem.ts'
import { followedGroups } from '../../../../src/watcher/dcs/survey.ts'
import { isSameEtcd } from '../../../../src/watcher/dcs/etcd-common/same.ts'
import { loadConfig } from '../../../support/router/load-config.ts'

function clustersOf(text: string): readonly ClusterConfig[] {
  const result = loadConfig({ file: '/router.yml', text, env: {} })
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config.clusters
}

/** The groups that each cluster knows to be followed. */
function followed(text: string): readonly (readonly number[])[] {
  const several = text.includes('clusters:') ? ', clusters: all' : ''
  const clusters = clustersOf(`etcd3: {host: 'a:2379'}\ntemplates: [{source: /a, destination: /b${several}}]\n${text}`)
  return clusters.map((cluster) => followedGroups(cluster, clusters, isSameEtcd))
}

test('the first of the clusters of a scope has all its groups, and the others none', () => {
  const text = `
clusters:
  plain: {scope: plain}
  one: {scope: app, citus: {group: 0, database: app}}
  two: {scope: app, citus: {group: 2, database: app}}
  three: {scope: app, namespace: other, citus: {group: 3, database: app}}
  four: {scope: app, citus: {group: 4, database: app}, etcd3: {host: 'b:2379'}}
`
  assert.deepEqual(followed(text), [[], [0, 2], [], [3], [4]])
})

test('a single group that is named by clusters reports others, and that of a flat configuration does not', () => {
  assert.deepEqual(followed('clusters: {one: {scope: app, citus: {group: 0, database: app}}}'), [[0]])
  assert.deepEqual(followed('scope: app\ncitus: {group: 1, database: app}'), [[]])
})

test('clusters of the same SRV records are in one etcd, and those of others are not', () => {
  const text = (second: string): string => `
templates: [{source: /a, destination: /b, clusters: all}]
etcd3: {srv: example.org}
clusters:
  one: {scope: app, citus: {group: 0, database: app}}
  two: {scope: app, citus: {group: 2, database: app}${second}}
`
  const of = (second: string): readonly (readonly number[])[] => {
    const clusters = clustersOf(text(second))
    return clusters.map((cluster) => followedGroups(cluster, clusters, isSameEtcd))
  }
  assert.deepEqual(of(''), [[0, 2], []])
  for (const other of ['srv: example.com', 'srv: example.org, srv_suffix: b', 'host: a'])
    assert.deepEqual(of(`, etcd3: {${other}}`), [[0], [2]])
})
