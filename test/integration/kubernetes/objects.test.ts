// What the fake of Kubernetes claims about objects; kube-apiserver itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KubeAnswer, MERGE, STRATEGIC } from '../../support/kubernetes/client.ts'
import { PARTIAL, PARTIAL_LIST, kubernetes, objectIn, path, pod, told, versionIn } from './kubernetes.ts'

const server = await kubernetes()
const { client } = server
const KINDS = ['pods', 'endpoints', 'configmaps'] as const
const LABELS = { application: 'patroni', 'cluster-name': 'demo' }

const create = (kind: string, name: string, metadata: object = {}): Promise<KubeAnswer> =>
  client.request('POST', path(kind), {
    body: kind === 'pods' ? pod(name, metadata) : { metadata: { name, ...metadata } },
  })
const patch = (kind: string, name: string, body: unknown, contentType = STRATEGIC): Promise<KubeAnswer> =>
  client.request('PATCH', path(kind, name), { body, contentType })

for (const kind of KINDS) {
  test(`an object of ${kind} is answered as it was made, with its identity and version`, async () => {
    const made = await create(kind, 'made', { labels: LABELS, annotations: { leader: 'pg0' } })
    assert.equal(made.status, 201)
    const { metadata, ...rest } = objectIn(made)
    assert.deepEqual([metadata.labels, metadata.annotations], [LABELS, { leader: 'pg0' }])
    assert.match(String(metadata.uid), /^[0-9a-f-]{36}$/)
    assert.match(String(metadata['creationTimestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(metadata.namespace, 'default')
    assert.equal(rest.apiVersion, 'v1')
    assert.deepEqual(await client.get(kind, 'default', 'made'), objectIn(made))
  })

  test(`one of ${kind} that is not there, or there already, is named`, async () => {
    await create(kind, 'twice')
    const details = (name: string): object => ({ details: { name, kind } })
    const missing = await client.request('GET', path(kind, 'missing'))
    assert.deepEqual(told(missing), [404, 'NotFound', `${kind} "missing" not found`])
    assert.partialDeepStrictEqual(missing.json, { kind: 'Status', apiVersion: 'v1', code: 404, ...details('missing') })
    const twice = await create(kind, 'twice')
    assert.deepEqual(told(twice), [409, 'AlreadyExists', `${kind} "twice" already exists`])
    assert.partialDeepStrictEqual(twice.json, { status: 'Failure', code: 409, ...details('twice') })
    for (const method of ['PATCH', 'DELETE']) {
      const options = method === 'PATCH' ? { body: {}, contentType: MERGE } : {}
      assert.equal(told(await client.request(method, path(kind, 'missing'), options))[0], 404, method)
    }
  })

  test(`a patch of ${kind} with an old version is a conflict, one without is not`, async () => {
    const old = objectIn(await create(kind, 'locked')).metadata.resourceVersion
    const first = await patch(kind, 'locked', { metadata: { resourceVersion: old, annotations: { leader: 'pg0' } } })
    assert.equal(first.status, 200)
    const second = await patch(kind, 'locked', { metadata: { resourceVersion: old, annotations: { leader: 'pg1' } } })
    assert.deepEqual(told(second), [
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${kind} "locked": the object has been modified; please apply your changes to the latest version and try again`,
    ])
    assert.equal((await patch(kind, 'locked', { metadata: { annotations: { leader: 'pg2' } } })).status, 200)
    assert.equal((await client.get(kind, 'default', 'locked'))?.metadata.annotations?.['leader'], 'pg2')
  })
}

test('all kinds share one sequence of versions', async () => {
  const versions: number[] = []
  for (const kind of [...KINDS, 'services']) versions.push(versionIn(await create(kind, 'sequence', {})))
  for (const kind of KINDS) {
    versions.push(versionIn(await patch(kind, 'sequence', { metadata: { annotations: { a: '1' } } })))
  }
  assert.deepEqual(
    versions.toSorted((a, b) => a - b),
    versions,
  )
  assert.equal(new Set(versions).size, versions.length)
})

for (const type of [MERGE, STRATEGIC]) {
  test(`null deletes a field in ${type}, and what is not named stays`, async () => {
    const name = type === MERGE ? 'merge' : 'strategic'
    await create('configmaps', name, { labels: LABELS, annotations: { leader: 'pg0', ttl: '30' } })
    const change = { metadata: { labels: { role: null }, annotations: { leader: null, optime: '1' } } }
    const { metadata } = objectIn(await patch('configmaps', name, change, type))
    assert.deepEqual([metadata.labels, metadata.annotations], [LABELS, { ttl: '30', optime: '1' }])
    const none = { metadata: { annotations: { ttl: null, optime: null } } }
    assert.equal(objectIn(await patch('configmaps', name, none, type)).metadata.annotations, undefined)
  })
}

test('a patch that changes nothing is no write', async () => {
  const before = objectIn(await create('configmaps', 'same', { annotations: { a: '1' } }))
  const after = objectIn(await patch('configmaps', 'same', { metadata: { annotations: { a: '1', b: null } } }))
  assert.deepEqual(after, before)
})

test('subsets of Endpoints are replaced, and an empty list is none', async () => {
  await create('endpoints', 'subsets')
  const subset = (ip: string): object => ({ addresses: [{ ip }], ports: [{ name: 'postgresql', port: 5432 }] })
  const ports = [{ name: 'postgresql', port: 5432, protocol: 'TCP' }]
  for (const ip of ['192.0.2.1', '192.0.2.2']) {
    const { subsets } = objectIn(await patch('endpoints', 'subsets', { subsets: [subset(ip)] })) as {
      subsets?: unknown
    }
    assert.deepEqual(subsets, [{ addresses: [{ ip }], ports }])
  }
  assert.ok(!('subsets' in objectIn(await patch('endpoints', 'subsets', { subsets: [] }))))
})

test('Endpoints on loopback are refused', async () => {
  const subsets = [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ port: 5432 }] }]
  const answer = await client.request('POST', path('endpoints'), { body: { metadata: { name: 'loop' }, subsets } })
  const why = 'Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8)'
  const message = `Endpoints "loop" is invalid: subsets[0].addresses[0].ip: ${why}`
  assert.deepEqual(told(answer), [422, 'Invalid', message])
})

test('the headless Service that Patroni makes for its configuration is there once', async () => {
  const body = { metadata: { name: 'demo-config', labels: LABELS }, spec: { clusterIP: 'None' } }
  assert.equal((await client.request('POST', path('services'), { body })).status, 201)
  assert.equal((await client.request('POST', path('services'), { body })).status, 409)
})

test('the status of a Pod is a resource of its own', async () => {
  await create('pods', 'address')
  const podIP = (answer: KubeAnswer): unknown => (objectIn(answer)['status'] as { readonly podIP?: string }).podIP
  const status = { podIP: '192.0.2.1', podIPs: [{ ip: '192.0.2.1' }] }
  assert.equal(podIP(await patch('pods', 'address', { status }, MERGE)), undefined)
  assert.equal(podIP(await patch('pods', 'address/status', { status }, MERGE)), '192.0.2.1')
  assert.equal(podIP(await client.request('GET', path('pods', 'address'))), '192.0.2.1')
})

test('a PUT replaces an object of the version that it names, and makes Endpoints but no ConfigMap', async () => {
  const put = (kind: string, name: string, metadata: object = {}): Promise<KubeAnswer> =>
    client.request('PUT', path(kind, name), { body: { metadata: { name, ...metadata } } })
  const old = objectIn(await create('configmaps', 'put', { annotations: { a: '1' } })).metadata.resourceVersion
  const next = await put('configmaps', 'put', { annotations: { b: '2' }, resourceVersion: old })
  assert.deepEqual([next.status, objectIn(next).metadata.annotations], [200, { b: '2' }])
  assert.deepEqual(told(await put('configmaps', 'put', { resourceVersion: old })).slice(0, 2), [409, 'Conflict'])
  assert.equal((await put('configmaps', 'absent')).status, 404)
  assert.equal((await put('endpoints', 'absent')).status, 201)
})

test('a deletion is answered with a Status, that of a Pod with the Pod', async () => {
  for (const kind of ['configmaps', 'endpoints']) {
    const { uid } = objectIn(await create(kind, 'gone')).metadata
    const { json } = await client.request('DELETE', path(kind, 'gone'))
    assert.partialDeepStrictEqual(json, { kind: 'Status', status: 'Success', details: { name: 'gone', kind, uid } })
    assert.equal(await client.get(kind, 'default', 'gone'), null)
  }
  await create('pods', 'gone')
  const { kind, metadata } = objectIn(await client.request('DELETE', path('pods', 'gone')))
  assert.deepEqual([kind, metadata.name, metadata['deletionGracePeriodSeconds']], ['Pod', 'gone', 0])
  assert.equal(await client.get('pods', 'default', 'gone'), null)
})

test('all that fits is deleted at once', async () => {
  for (const name of ['all-a', 'all-b']) await create('configmaps', name, { labels: { all: 'yes' } })
  await create('configmaps', 'all-c', { labels: { all: 'no' } })
  assert.equal((await client.request('DELETE', `${path('configmaps')}?labelSelector=all%3Dyes`)).status, 200)
  const { items } = await client.list('configmaps', 'default', 'labelSelector=all')
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ['all-c'],
  )
})

test('metadata alone is answered where nothing else is accepted', async () => {
  const whole = objectIn(await create('pods', 'partial', { labels: LABELS, annotations: { status: '{}' } }))
  const ask = (accept: string): Promise<KubeAnswer> =>
    client.request('GET', path('pods', 'partial'), { headers: { accept } })
  const expected = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: whole.metadata }
  assert.deepEqual((await ask(PARTIAL)).json, expected)
  assert.deepEqual((await ask(`${PARTIAL}, application/json`)).json, expected)
  for (const accept of ['application/json', '*/*', `application/json, ${PARTIAL}`]) {
    assert.deepEqual((await ask(accept)).json, whole, accept)
  }
  const why = 'you requested PartialObjectMetadataList, but the requested object is not a list (*core.Pod)'
  assert.deepEqual(told(await ask(PARTIAL_LIST)), [406, 'NotAcceptable', why])
  assert.deepEqual(told(await ask('application/xml')), [406, 'NotAcceptable', '406: Not Acceptable'])
})

test('wrong requests get a status and a message that say why', async () => {
  const made = { metadata: { name: 'wrong' } }
  await create('endpoints', 'wrong')
  const [notFound, notAllowed] = [
    'the server could not find the requested resource',
    'the server does not allow this method',
  ]
  const named = 'the name of the object (other) does not match the name on the URL (wrong)'
  const namespace = 'the namespace of the provided object does not match the namespace sent on the request'
  const wrong: readonly (readonly [string, string, unknown, string, number, string | undefined, string])[] = [
    ['GET', path('nothing'), undefined, '', 404, 'NotFound', notFound],
    ['GET', '/api/v1/nothing', undefined, '', 404, 'NotFound', notFound],
    ['POST', path('endpoints', 'wrong'), made, 'application/json', 405, 'MethodNotAllowed', notAllowed],
    ['PATCH', path('endpoints'), made, MERGE, 405, 'MethodNotAllowed', notAllowed],
    [
      'PATCH',
      path('endpoints', 'wrong'),
      {},
      'application/json',
      415,
      'UnsupportedMediaType',
      '415: Unsupported Media Type',
    ],
    ['PATCH', path('endpoints', 'wrong'), { metadata: { name: 'other' } }, MERGE, 400, 'BadRequest', named],
    ['PATCH', path('endpoints', 'wrong'), '{', MERGE, 500, undefined, 'Invalid JSON Patch'],
    ['PATCH', path('endpoints', 'wrong'), { metadata: { annotations: { a: 1 } } }, MERGE, 422, 'Invalid', ''],
    [
      'POST',
      path('endpoints'),
      {},
      'application/json',
      422,
      'Invalid',
      'Endpoints "" is invalid: metadata.name: Required',
    ],
    [
      'POST',
      path('endpoints'),
      { metadata: { name: 'A_' } },
      'application/json',
      422,
      'Invalid',
      'Endpoints "A_" is invalid',
    ],
    [
      'POST',
      path('endpoints'),
      { metadata: { name: 'a', namespace: 'x' } },
      'application/json',
      400,
      'BadRequest',
      namespace,
    ],
    ['POST', path('endpoints'), 'x', 'application/json', 400, 'BadRequest', 'the object provided is unrecognized'],
    [
      'POST',
      path('pods'),
      made,
      'application/json',
      422,
      'Invalid',
      'Pod "wrong" is invalid: spec.containers: Required value',
    ],
  ]
  for (const [method, where, body, contentType, status, reason, message] of wrong) {
    const answer = await client.request(method, where, body === undefined ? {} : { body, contentType })
    assert.deepEqual(
      told(answer).slice(0, 2),
      [status, reason],
      `${method} ${where} ${JSON.stringify(body)}: ${answer.text}`,
    )
    assert.ok(told(answer)[2]?.startsWith(message), answer.text)
  }
})

test('objects of another namespace are others', async () => {
  const body = { metadata: { name: 'apart' } }
  assert.equal((await client.request('POST', '/api/v1/namespaces/other/configmaps', { body })).status, 201)
  assert.equal(await client.get('configmaps', 'default', 'apart'), null)
  assert.equal((await client.get('configmaps', 'other', 'apart'))?.metadata.namespace, 'other')
})
