// What the fake of Kubernetes claims about lists; kube-apiserver itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeAnswer } from '../../support/kubernetes/client.ts'
import { PARTIAL, PARTIAL_LIST, kubernetes, listIn, namesIn, path, pod, told } from './kubernetes.ts'

const server = await kubernetes()
const { client } = server

const list = (query: string, kind = 'configmaps', accept = 'application/json'): Promise<KubeAnswer> =>
  client.request('GET', `${path(kind)}?${query}`, { headers: { accept } })
const labelled = (selector: string): string => `labelSelector=${encodeURIComponent(selector)}`
const make = (name: string, labels: object, annotations: object = {}): Promise<unknown> =>
  client.create('configmaps', 'default', { metadata: { name, labels, annotations } })
const version = (answer: KubeAnswer): number => Number(listIn(answer).metadata.resourceVersion)

test('labels and a name select, and the order is that of the names', async () => {
  await make('demo-config', { application: 'patroni', 'cluster-name': 'demo' })
  await make('demo', { application: 'patroni', 'cluster-name': 'demo' })
  await make('other', { application: 'patroni', 'cluster-name': 'other' })
  await make('foreign', { application: 'x', 'cluster-name': 'demo' })
  const both = labelled('application=patroni,cluster-name=demo')
  assert.deepEqual(namesIn(await list(both)), ['demo', 'demo-config'])
  assert.deepEqual(namesIn(await list(labelled('application==patroni,cluster-name!=demo'))), ['other'])
  const named = (name: string): string => `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`
  assert.deepEqual(namesIn(await list(named('demo'))), ['demo'])
  assert.deepEqual(namesIn(await list(`${named('demo')}&${labelled('application=x')}`)), [])
  assert.deepEqual(namesIn(await list(labelled('application'))), ['demo', 'demo-config', 'foreign', 'other'])
})

test('only the list says what kind its items are', async () => {
  await make('kind', { test: 'kind' })
  const { kind, apiVersion, items } = listIn(await list(labelled('test=kind')))
  assert.deepEqual([kind, apiVersion], ['ConfigMapList', 'v1'])
  assert.deepEqual(
    items?.map((item) => [item.kind, item.apiVersion, item.metadata.name]),
    [[undefined, undefined, 'kind']],
  )
})

test('a list of metadata has nothing else, and null where it is empty', async () => {
  const status = '{"state":"running"}'
  await client.create('pods', 'default', pod('pg0', { labels: { test: 'partial' }, annotations: { status } }))
  const partial = listIn(await list(labelled('test=partial'), 'pods', PARTIAL_LIST))
  assert.deepEqual([partial.kind, partial.apiVersion], ['PartialObjectMetadataList', 'meta.k8s.io/v1'])
  const whole = await client.get('pods', 'default', 'pg0')
  assert.deepEqual(partial.items, [
    { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: whole?.metadata },
  ])
  assert.equal(listIn(await list(labelled('test=none'), 'pods', PARTIAL_LIST)).items, null)
  assert.deepEqual(listIn(await list(labelled('test=none'), 'pods')).items, [])
  const why = 'you requested PartialObjectMetadata, but the requested object is a list (*core.PodList)'
  assert.deepEqual(told(await list('', 'pods', PARTIAL)), [406, 'NotAcceptable', why])
})

test('a list for certain has the version of the last write of any kind, one from the cache that of its own kind', async () => {
  await make('mine', {})
  const mine = version(await list(''))
  await client.create('endpoints', 'default', { metadata: { name: 'later' } })
  const later = version(await list('', 'endpoints'))
  assert.ok(later > mine)
  assert.ok(version(await list('')) >= later)
  assert.equal(version(await list('resourceVersion=0')), mine)
  assert.equal(version(await list(`resourceVersion=${mine}`)), mine)
})

test('a version that the cache of a kind does not reach is refused after 3 s, also when another kind has it', async () => {
  const current = version(await list('resourceVersion=0'))
  await client.create('endpoints', 'default', { metadata: { name: 'another-kind' } })
  const asked = version(await list('', 'endpoints'))
  for (const [where, query] of [
    [path('configmaps'), `resourceVersion=${asked}`],
    [path('configmaps', 'demo'), `resourceVersion=${asked + 1_000_000}`],
  ] as const) {
    const answer = await client.request('GET', `${where}?${query}`)
    const wanted = query.split('=')[1] ?? ''
    const message = `Timeout: Too large resource version: ${wanted}, current: ${current}`
    assert.deepEqual(told(answer), [504, 'Timeout', message])
    assert.equal(answer.headers['retry-after'], '1')
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
    assert.partialDeepStrictEqual(answer.json, { details: { causes, retryAfterSeconds: 1 } })
    assert.ok(answer.tookMs >= 2_900)
  }
})

test('a version of the future that comes meanwhile is answered', async () => {
  const next = version(await list('')) + 1
  const pending = list(`resourceVersion=${next}&${labelled('test=awaited')}`)
  await make('awaited', { test: 'awaited' })
  assert.deepEqual(namesIn(await pending), ['awaited'])
})

test('pages are of one version, whatever happens meanwhile', async () => {
  for (const name of ['page-a', 'page-b', 'page-c', 'page-d', 'page-e']) await make(name, { test: 'page' })
  const query = `limit=2&${labelled('test=page')}`
  const first = await list(query)
  assert.deepEqual(namesIn(first), ['page-a', 'page-b'])
  await client.delete('configmaps', 'default', 'page-c')
  await make('page-f', { test: 'page' })
  const next = (answer: KubeAnswer): string => `continue=${listIn(answer).metadata.continue ?? ''}`
  const second = await list(`${query}&${next(first)}`)
  assert.deepEqual(namesIn(second), ['page-c', 'page-d'])
  const third = await list(`${query}&${next(second)}`)
  assert.deepEqual([namesIn(third), listIn(third).metadata.continue], [['page-e'], undefined])
  assert.deepEqual([version(second), version(third)], [version(first), version(first)])
  assert.deepEqual(namesIn(await list(labelled('test=page'))), ['page-a', 'page-b', 'page-d', 'page-e', 'page-f'])
  // The cache has no pages.
  assert.equal(namesIn(await list(`${query}&resourceVersion=0`)).length, 5)
  const why = 'specifying resource version is not allowed when using continue'
  assert.deepEqual(told(await list(`${next(first)}&resourceVersion=5`)), [400, 'BadRequest', why])
  assert.equal(told(await list('continue=xyz'))[0], 400)
})

test('a page without a selector says how many are left', async () => {
  const { items, metadata } = listIn(await list('limit=1'))
  const all = namesIn(await list(''))
  assert.deepEqual([items?.length, metadata.remainingItemCount], [1, all.length - 1])
})

test('pages and exact versions that were compacted are gone, with a token for the rest', async () => {
  for (const name of ['gone-a', 'gone-b', 'gone-c']) await make(name, { test: 'gone' })
  const query = `limit=1&${labelled('test=gone')}`
  const first = await list(query)
  const exactly = `resourceVersionMatch=Exact&resourceVersion=${version(first)}&${labelled('test=gone')}`
  await make('gone-d', { test: 'gone' })
  assert.deepEqual(namesIn(await list(exactly)), ['gone-a', 'gone-b', 'gone-c'])
  await server.compact()
  const after = await list(`${query}&continue=${listIn(first).metadata.continue ?? ''}`)
  assert.deepEqual(told(after).slice(0, 2), [410, 'Expired'])
  assert.match(
    told(after)[2] ?? '',
    /^The provided continue parameter is too old to display a consistent list result\. /,
  )
  const rest = await list(`${labelled('test=gone')}&continue=${listIn(after).metadata.continue ?? ''}`)
  assert.deepEqual(namesIn(rest), ['gone-b', 'gone-c', 'gone-d'])
  const why = 'The resourceVersion for the provided list is too old.'
  assert.deepEqual(told(await list(exactly)), [410, 'Expired', why])
})

test('wrong queries are refused', async () => {
  const invalid = (text: string): string => `strconv.ParseUint: parsing "${text}": invalid syntax`
  const field = '"metadata.foo" is not a known field selector: only "metadata.name", "metadata.namespace"'
  assert.deepEqual(told(await list('resourceVersion=x')), [
    500,
    undefined,
    `resourceVersion: Invalid value: "x": ${invalid('x')}`,
  ])
  assert.deepEqual(told(await list('watch=1&resourceVersion=x')), [
    500,
    undefined,
    `resourceVersion: Invalid value: "x": ${invalid('x')}`,
  ])
  assert.deepEqual(told(await list('limit=x')), [400, 'BadRequest', 'strconv.ParseInt: parsing "x": invalid syntax'])
  assert.deepEqual(told(await list('fieldSelector=metadata.foo%3Da')), [400, 'BadRequest', field])
  assert.equal(told(await list(labelled('a=b=c')))[0], 400)
  assert.equal(told(await list('resourceVersionMatch=Exact'))[0], 422)
})
