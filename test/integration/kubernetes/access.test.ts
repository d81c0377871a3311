// What the fake of Kubernetes claims about users, rights and TLS; kube-apiserver itself passes it too (npm run
// test:real-dcs).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { CertificateAuthority } from '../../support/files/certificates.ts'
import { KubernetesClient } from '../../support/kubernetes/client.ts'
import { until } from '../../support/until.ts'
import { kubernetes, path, pod, told } from './kubernetes.ts'

const UNAUTHORIZED = [401, 'Unauthorized', 'Unauthorized']

describe('a service account', async () => {
  const server = await kubernetes()
  const { client } = server
  await client.create('pods', 'default', pod('pg0'))
  for (const name of ['demo-config', 'demo-leader'])
    await client.create('configmaps', 'default', { metadata: { name } })
  const denied = (user: string, verb: string, resource: string, name = '', namespace = 'default'): unknown[] => [
    403,
    'Forbidden',
    `${resource}${name === '' ? '' : ` "${name}"`} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "" in the namespace "${namespace}"`,
  ]

  test('without rights gets a 403 that names the missing one', async () => {
    const { name, token } = await server.addUser([])
    const user = `system:serviceaccount:default:${name}`
    const merge = { contentType: 'application/merge-patch+json', body: {} }
    const attempts: readonly (readonly [string, string, object, unknown[]])[] = [
      ['GET', path('pods'), {}, denied(user, 'list', 'pods')],
      ['GET', path('pods', 'pg0'), {}, denied(user, 'get', 'pods', 'pg0')],
      ['GET', path('pods', 'absent'), {}, denied(user, 'get', 'pods', 'absent')],
      ['GET', `${path('pods')}?watch=1`, {}, denied(user, 'watch', 'pods')],
      ['GET', `${path('endpoints')}?fieldSelector=metadata.name%3Dx`, {}, denied(user, 'list', 'endpoints', 'x')],
      ['POST', path('configmaps'), { body: {} }, denied(user, 'create', 'configmaps')],
      ['PATCH', path('pods', 'pg0'), merge, denied(user, 'patch', 'pods', 'pg0')],
      ['PUT', path('pods', 'pg0'), { body: {} }, denied(user, 'update', 'pods', 'pg0')],
      ['DELETE', path('pods', 'pg0'), {}, denied(user, 'delete', 'pods', 'pg0')],
      ['DELETE', path('pods'), {}, denied(user, 'deletecollection', 'pods')],
      ['GET', '/api/v1/namespaces/other/pods', {}, denied(user, 'list', 'pods', '', 'other')],
    ]
    for (const [method, where, options, expected] of attempts) {
      const answer = await client.request(method, where, { ...options, token })
      assert.deepEqual(told(answer), expected, `${method} ${where}`)
    }
    const { json } = await client.request('GET', path('pods', 'pg0'), { token })
    assert.partialDeepStrictEqual(json, { kind: 'Status', code: 403, details: { name: 'pg0', kind: 'pods' } })
  })

  test('may do what its role says, and nothing else', async () => {
    const { token } = await server.addUser([
      { resources: ['pods'], verbs: ['get', 'list'] },
      { resources: ['configmaps'], verbs: ['get', 'list', 'watch'], resourceNames: ['demo-config'] },
      { resources: ['endpoints'], verbs: ['*'] },
    ])
    const status = async (where: string, method = 'GET', body?: object): Promise<number> =>
      (await client.request(method, where, { token, ...(body === undefined ? {} : { body }) })).status
    await until('the role counts', async () => (await status(path('pods'))) === 200)
    const named = (name: string): string => `${path('configmaps')}?fieldSelector=metadata.name%3D${name}`
    const expected: readonly (readonly [number, string])[] = [
      [200, path('pods', 'pg0')],
      [403, `${path('pods')}?watch=1`],
      [403, path('configmaps')],
      [200, path('configmaps', 'demo-config')],
      [403, path('configmaps', 'demo-leader')],
      [200, named('demo-config')],
      [403, named('demo-leader')],
      [200, `${named('demo-config')}&watch=1&timeoutSeconds=1`],
      [200, path('endpoints')],
    ]
    for (const [code, where] of expected) assert.equal(await status(where), code, where)
    assert.equal(await status(path('endpoints'), 'POST', { metadata: { name: 'mine' } }), 201)
    assert.equal(await status(path('pods', 'pg0'), 'DELETE'), 403)
  })

  test('loses its old tokens when they are replaced, and keeps its watch', async () => {
    const user = await server.addUser([{ resources: ['pods'], verbs: ['get', 'list', 'watch'] }])
    const status = async (token: string): Promise<number> =>
      (await client.request('GET', path('pods'), { token })).status
    await until('the role counts', async () => (await status(user.token)) === 200)
    const watch = await client.watch(path('pods'), 'resourceVersion=0', { token: user.token })
    const next = await server.replaceTokens(user)
    assert.deepEqual(told(await client.request('GET', path('pods'), { token: user.token })), UNAUTHORIZED)
    assert.equal(await status(next), 200)
    await client.create('pods', 'default', pod('seen'))
    await until('the watch shows it', () => watch.events.some(({ object }) => object.metadata.name === 'seen'))
    await watch.close()
  })

  test('an unknown token is refused, and a request without one is anonymous', async () => {
    const stranger = { token: 'x.y.z' }
    assert.deepEqual(told(await client.request('GET', path('pods'), stranger)), UNAUTHORIZED)
    assert.deepEqual(told(await client.request('GET', '/version', stranger)), UNAUTHORIZED)
    const nobody = denied('system:anonymous', 'list', 'pods')
    assert.deepEqual(told(await client.request('GET', path('pods'), { token: null })), nobody)
    // As since Kubernetes 1.19.
    const headers = { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }
    assert.deepEqual(told(await client.request('GET', path('pods'), { token: null, headers })), nobody)
  })

  test('a certificate is that of the user that it names', async () => {
    const one = server.clientOf({ certificate: server.certificate('router') })
    assert.deepEqual(told(await one.request('GET', path('pods'))), denied('router', 'list', 'pods'))
    await server.allow([{ resources: ['pods'], verbs: ['list'] }], { kind: 'User', name: 'router' })
    await until('the role counts', async () => (await one.request('GET', path('pods'))).status === 200)
  })

  test('a certificate of another authority is refused', async () => {
    const other = CertificateAuthority.create(server.path, 'other')
    const stranger = server.clientOf({ certificate: other.client('stranger') })
    assert.deepEqual(told(await stranger.request('GET', path('pods'))), UNAUTHORIZED)
  })

  test('a server certificate is that of an authority of the tests', async () => {
    await assert.rejects(new KubernetesClient(server.endpoint).request('GET', '/readyz'), (error: Error) => {
      assert.match(String(error.cause), /certificate/)
      return true
    })
  })

  test('a kubeconfig names the server, its authority and the user', () => {
    const certificate = server.certificate('kubeconfig')
    const [token, files, login] = [
      server.kubeconfig({ token: 't', port: 1, context: 'c' }),
      server.kubeconfig({ certificate, embedded: true }),
      server.kubeconfig({ password: { username: 'u', password: 'p' } }),
    ]
    const data = (file: string): string => readFileSync(file).toString('base64')
    assert.partialDeepStrictEqual(token, {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'test', user: 'test' } }],
      clusters: [{ cluster: { server: 'https://127.0.0.1:1', 'certificate-authority': server.authority.cert } }],
      users: [{ name: 'test', user: { token: 't' } }],
    })
    assert.partialDeepStrictEqual(files, {
      clusters: [{ cluster: { 'certificate-authority-data': data(server.authority.cert) } }],
      users: [
        { user: { 'client-certificate-data': data(certificate.cert), 'client-key-data': data(certificate.key) } },
      ],
    })
    assert.partialDeepStrictEqual(login, { users: [{ user: { username: 'u', password: 'p' } }] })
  })
})

describe('the fake', () => {
  test('has users with a password, as servers before 1.19', async () => {
    const server = await kubernetes({ real: false, passwords: { reader: 'secret' } })
    const ask = (login: string) =>
      server.client.request('GET', path('pods'), {
        token: null,
        headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
      })
    assert.match(told(await ask('reader:secret'))[2] ?? '', /User "reader" cannot list/)
    assert.deepEqual(told(await ask('reader:wrong')), UNAUTHORIZED)
  })

  test('serves without TLS, as kubectl proxy does', async () => {
    const server = await kubernetes({ real: false, tls: false })
    assert.match(server.endpoint, /^http:/)
    assert.equal((await server.client.request('GET', path('pods'))).status, 200)
    assert.deepEqual(server.kubeconfig()['clusters'], [{ name: 'test', cluster: { server: server.endpoint } }])
  })
})
