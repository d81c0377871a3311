// What the fake of Kubernetes claims about watches; kube-apiserver itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KubeEvent, KubeWatch } from '../../support/kubernetes/client.ts'
import { PARTIAL, PARTIAL_LIST, event, kubernetes, path, pod, shown } from './kubernetes.ts'

const server = await kubernetes()
const { client } = server

const current = async (kind = 'configmaps'): Promise<string> => (await client.list(kind, 'default')).resourceVersion
const make = (name: string, labels: object = {}): Promise<unknown> =>
  client.create('configmaps', 'default', { metadata: { name, labels } })
const annotate = (name: string, n: number): Promise<unknown> =>
  client.patch('configmaps', 'default', name, { metadata: { annotations: { n: String(n) } } })
const watch = (query: string, kind = 'configmaps', accept = 'application/json'): Promise<KubeWatch> =>
  client.watch(path(kind), query, { headers: { accept } })
const labelled = (label: string): string => `labelSelector=${encodeURIComponent(label)}`
const version = ({ object }: KubeEvent): number => Number(object.metadata.resourceVersion)
const named = (type: string, name: string) => (one: KubeEvent) => one.type === type && one.object.metadata.name === name

describe('a watch', { concurrency: true }, () => {
  test('continues behind the version that it names, with every event in order', async () => {
    const since = await current()
    await make('first')
    await using after = closing(await watch(`resourceVersion=${since}&fieldSelector=metadata.name%3Dfirst`))
    for (const n of [1, 2, 3]) await annotate('first', n)
    await client.delete('configmaps', 'default', 'first')
    await event(after.watch, named('DELETED', 'first'))
    assert.deepEqual(shown(after.watch), [
      'ADDED first',
      'MODIFIED first',
      'MODIFIED first',
      'MODIFIED first',
      'DELETED first',
    ])
    const versions = after.watch.events.map(version)
    assert.deepEqual(
      versions,
      versions.toSorted((a, b) => a - b),
    )
    assert.ok((versions[0] ?? 0) > Number(since))
    const { metadata, kind } = after.watch.events.at(-1)?.object ?? {}
    assert.deepEqual([kind, metadata?.annotations], ['ConfigMap', { n: '3' }])
  })

  test('without a version, or from 0, shows first what is there', async () => {
    await make('there', { test: 'there' })
    for (const query of ['', 'resourceVersion=0&']) {
      await using begun = closing(await watch(`${query}${labelled('test=there')}`))
      await event(begun.watch, named('ADDED', 'there'))
    }
  })

  test('shows an object that no longer fits as deleted, as it was, with the version of the change', async () => {
    await make('moving', { test: 'other' })
    await using fits = closing(await watch(`resourceVersion=${await current()}&${labelled('test=moving')}`))
    const label = (test: string, a: string): Promise<{ readonly metadata: { readonly resourceVersion: string } }> =>
      client.patch('configmaps', 'default', 'moving', { metadata: { labels: { test }, annotations: { a } } })
    await label('moving', '1')
    await label('moving', '2')
    const last = await label('other', '3')
    await label('other', '4')
    const { object } = await event(fits.watch, named('DELETED', 'moving'))
    assert.deepEqual(shown(fits.watch), ['ADDED moving', 'MODIFIED moving', 'DELETED moving'])
    assert.deepEqual([object.metadata.labels, object.metadata.annotations], [{ test: 'moving' }, { a: '2' }])
    assert.equal(object.metadata.resourceVersion, last.metadata.resourceVersion)
  })

  test('of Pods shows that one is about to end before it is gone', async () => {
    await client.create('pods', 'default', pod('ending', { labels: { test: 'ending' } }))
    const query = `resourceVersion=${await current('pods')}&${labelled('test=ending')}`
    await using pods = closing(await watch(query, 'pods'))
    await client.delete('pods', 'default', 'ending')
    await event(pods.watch, named('DELETED', 'ending'))
    assert.deepEqual(shown(pods.watch), ['MODIFIED ending', 'DELETED ending'])
    assert.ok(pods.watch.events.every(({ object }) => 'deletionTimestamp' in object.metadata))
  })

  test('of metadata shows nothing else', async () => {
    const query = `resourceVersion=${await current('pods')}&${labelled('test=metadata')}`
    await using partial = closing(await watch(query, 'pods', PARTIAL))
    await client.create(
      'pods',
      'default',
      pod('metadata', { labels: { test: 'metadata' }, annotations: { status: '{}' } }),
    )
    const { object } = await event(partial.watch, named('ADDED', 'metadata'))
    const whole = await client.get('pods', 'default', 'metadata')
    const metadata = whole?.metadata
    assert.deepEqual(object, { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata })
  })

  test('that accepts lists of metadata shows nothing at all', async () => {
    await make('listed')
    const listed = await watch('resourceVersion=0&timeoutSeconds=1', 'configmaps', PARTIAL_LIST)
    assert.equal(listed.status, 200)
    await listed.ended
    assert.deepEqual(listed.events, [])
  })

  test('ends in order when its time is up, with a bookmark of the last event before', async () => {
    const since = await current()
    const query = `resourceVersion=${since}&timeoutSeconds=5&fieldSelector=metadata.name%3Dnone`
    const [with_, without] = [await watch(`${query}&allowWatchBookmarks=true`), await watch(query)]
    const made = (await client.create('configmaps', 'default', { metadata: { name: 'bookmarked' } })).metadata
    assert.equal(await with_.ended, true)
    assert.equal(await without.ended, true)
    const bookmark = with_.events.at(-1)
    assert.deepEqual(without.events, [])
    assert.ok(with_.events.length > 0 && with_.events.every(({ type }) => type === 'BOOKMARK'))
    assert.ok(bookmark !== undefined && version(bookmark) >= Number(made.resourceVersion))
    const { kind, apiVersion, metadata } = bookmark.object
    assert.deepEqual([kind, apiVersion], ['ConfigMap', 'v1'])
    assert.deepEqual(Object.keys(metadata).toSorted(), ['creationTimestamp', 'resourceVersion'])
  })

  test('of a version of the future is silent until that has come', async () => {
    const next = Number(await current()) + 1_000
    const silent = await watch(`resourceVersion=${next}&timeoutSeconds=2`)
    await make('unseen')
    assert.equal(silent.status, 200)
    assert.equal(await silent.ended, true)
    assert.deepEqual(silent.events, [])
  })

  test('is one whatever its flag says but 0 and false, as Patroni says True', async () => {
    await make('flagged', { test: 'flagged' })
    const query = `${labelled('test=flagged')}&timeoutSeconds=1`
    for (const flag of ['1', 'true', 'True', '']) {
      const { text } = await client.request('GET', `${path('configmaps')}?watch=${flag}&${query}`)
      assert.match(text, /^\{"type":"ADDED",/, flag)
    }
    for (const flag of ['0', 'false', 'False']) {
      const { text } = await client.request('GET', `${path('configmaps')}?watch=${flag}&${query}`)
      assert.match(text, /^\{"kind":"ConfigMapList",/, flag)
    }
  })
})

describe('after a restart', () => {
  test('a watch of an older version has one ERROR event of 410, and one of the version of a list continues', async () => {
    const old = await current()
    await make('before')
    await using cut = closing(await watch(`resourceVersion=${old}`))
    await event(cut.watch, named('ADDED', 'before'))
    await server.restart()
    assert.equal(await cut.watch.ended, false)
    const { resourceVersion } = await client.list('configmaps', 'default')
    const expired = await watch(`resourceVersion=${old}`)
    assert.equal(expired.status, 200)
    assert.equal(await expired.ended, true)
    assert.equal(expired.events.length, 1)
    const [{ type, object } = { type: '', object: {} }] = expired.events
    assert.equal(type, 'ERROR')
    assert.partialDeepStrictEqual(object, { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 })
    assert.match(
      (object as { message?: string }).message ?? '',
      new RegExp(`^too old resource version: ${old} \\(\\d+\\)$`),
    )
    await using resumed = closing(await watch(`resourceVersion=${resourceVersion}`))
    await make('after')
    await event(resumed.watch, named('ADDED', 'after'))
    assert.deepEqual(shown(resumed.watch), ['ADDED after'])
  })
})

/** A watch that is closed at the end of its test. */
function closing(open: KubeWatch): AsyncDisposable & { readonly watch: KubeWatch } {
  return { watch: open, [Symbol.asyncDispose]: () => open.close() }
}
