// What the fake of Consul claims about ACLs and TLS; Consul itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ConsulClient } from '../../support/consul/client.ts'
import { CertificateAuthority } from '../../support/files/certificates.ts'
import { TempDir } from '../../support/files/temp.ts'
import { NO_SESSION, asking, consul, keysOf, patroniSession, said, sessionOf } from './consul.ts'

const DENIED = [403, 'Permission denied'] as const

describe('with ACLs', async () => {
  const { server, ask } = await consul({ acl: true })
  const as = (token: string | null) => asking(new ConsulClient(server.endpoint, { token }))
  for (const key of ['service/demo/leader', 'service/demo/config', 'service/other/leader']) {
    await ask('PUT', `kv/${key}`, { body: 'x' })
  }
  const reader = as(await server.addToken({ keyPrefix: 'service/demo/', policy: 'read' }))
  const writer = as(await server.addToken({ keyPrefix: 'service/demo/', policy: 'write' }))
  const nobody = as(null)

  test('a client without a token finds nothing below a prefix, with its index, and is denied the rest', async () => {
    const { index } = await ask('GET', 'kv/service/demo/?recurse')
    for (const query of ['?recurse', '?keys']) {
      const answer = await nobody('GET', `kv/service/demo/${query}`)
      assert.deepEqual([...said(answer), answer.index], [404, '', index])
    }
    assert.deepEqual(said(await nobody('GET', 'kv/service/demo/leader')), DENIED)
    assert.deepEqual(said(await nobody('GET', 'kv/service/demo/absent')), DENIED)
    assert.deepEqual(said(await nobody('PUT', 'kv/service/demo/leader')), DENIED)
    assert.deepEqual(said(await nobody('DELETE', 'kv/service/demo/leader')), DENIED)
    assert.deepEqual(said(await nobody('PUT', 'session/create')), DENIED)
    assert.deepEqual(said(await nobody('GET', 'agent/self')), DENIED)
    assert.deepEqual(said(await nobody('GET', 'snapshot')), DENIED)
    assert.equal((await nobody('GET', 'status/leader')).status, 200)
  })

  test('a token that does not exist is named as such', async () => {
    const stranger = as(NO_SESSION)
    for (const path of ['kv/service/demo/?recurse', 'kv/service/demo/leader', 'session/list', 'agent/self']) {
      assert.deepEqual(said(await stranger('GET', path)), [403, 'ACL not found'], path)
    }
    assert.deepEqual(said(await stranger('PUT', 'kv/service/demo/leader')), [403, 'ACL not found'])
    assert.deepEqual(said(await stranger('PUT', 'session/create')), [403, 'ACL not found'])
  })

  test('a reader of a prefix sees what is in it, and changes nothing', async () => {
    const names = keysOf(await reader('GET', 'kv/service/?recurse')).map(({ Key }) => Key)
    assert.deepEqual(names, ['service/demo/config', 'service/demo/leader'])
    assert.deepEqual((await reader('GET', 'kv/service/?keys')).json, names)
    assert.equal((await reader('GET', 'kv/service/demo/leader')).status, 200)
    assert.equal((await reader('GET', 'kv/service/demo/absent')).status, 404)
    assert.deepEqual(said(await reader('GET', 'kv/service/other/leader')), DENIED)
    assert.deepEqual(said(await reader('PUT', 'kv/service/demo/leader')), DENIED)
    assert.deepEqual(said(await reader('DELETE', 'kv/service/demo/?recurse')), DENIED)
    assert.deepEqual(said(await reader('PUT', 'session/create')), DENIED)
    assert.deepEqual(said(await reader('GET', 'session/list')), [200, '[]'])
  })

  test('a query that sees nothing is answered all the same when what it may not see changes', async () => {
    const { index } = await nobody('GET', 'kv/service/demo/?recurse')
    const pending = nobody('GET', `kv/service/demo/?recurse&index=${index}&wait=5m`)
    await ask('PUT', 'kv/service/demo/config', { body: 'changed' })
    const answer = await pending
    assert.equal(answer.status, 404)
    assert.ok(answer.index > index)
  })

  test('a writer, as Patroni is one, has all it needs in its prefix and nothing outside', async () => {
    const session = await sessionOf(writer, patroniSession(10))
    assert.equal((await writer('PUT', `kv/service/demo/members/pg0?acquire=${session}`)).text, 'true')
    assert.equal((await writer('PUT', `session/renew/${session}`)).status, 200)
    assert.match((await writer('GET', 'session/list')).text, new RegExp(session))
    assert.equal((await writer('GET', 'agent/self')).status, 200)
    assert.equal((await writer('PUT', 'agent/service/register', { body: '{"name": "demo"}' })).status, 200)
    assert.equal((await writer('PUT', `session/destroy/${session}`)).status, 200)
    assert.deepEqual(said(await writer('DELETE', 'kv/service/?recurse')), DENIED)
    assert.deepEqual(said(await writer('PUT', 'kv/service/other/leader')), DENIED)
    await writer('PUT', 'kv/service/demo/gone/1')
    assert.equal((await writer('DELETE', 'kv/service/demo/gone/?recurse')).status, 200)
  })

  test('a session and a service need the right to write them', async () => {
    const session = await sessionOf(ask, '{}')
    assert.deepEqual(said(await reader('PUT', `session/renew/${session}`)), DENIED)
    assert.deepEqual(said(await reader('PUT', `session/destroy/${session}`)), DENIED)
    const service = await reader('PUT', 'agent/service/register', { body: '{"name": "demo"}' })
    assert.deepEqual(said(service), [403, 'Permission denied: Missing service:write on demo'])
  })

  test('a token is taken from X-Consul-Token, from ?token and from Authorization', async () => {
    const token = await server.addToken({ keyPrefix: 'service/', policy: 'read' })
    const key = 'kv/service/demo/leader'
    assert.equal((await as(token)('GET', key)).status, 200)
    assert.equal((await nobody('GET', `${key}?token=${token}`)).status, 200)
    assert.equal((await nobody('GET', key, { headers: { authorization: `Bearer ${token}` } })).status, 200)
  })

  test('tokens outlast a restart', async () => {
    await server.restart()
    assert.equal((await reader('GET', 'kv/service/demo/leader')).status, 200)
    assert.deepEqual(said(await nobody('GET', 'kv/service/demo/leader')), DENIED)
  })
})

describe('with TLS', () => {
  const dir = TempDir.create('consul-tls')
  after(() => dir.remove())
  const authority = CertificateAuthority.create(dir.path)
  const stranger = CertificateAuthority.create(dir.path, 'stranger')
  const [own, client] = [authority.server(), authority.client()]
  const ca = authority.cert

  test('clients that trust its CA reach it', async () => {
    const { server, ask } = await consul({ tls: { ca, server: own } })
    assert.match(server.endpoint, /^https:/)
    assert.deepEqual(said(await ask('PUT', 'kv/a', { body: 'x' })), [200, 'true'])
    const wary = asking(new ConsulClient(server.endpoint, { tls: { ca: stranger.cert } }))
    await assert.rejects(wary('GET', 'kv/a'), ({ cause }: Error) => /certificate/.test(String(cause)))
    assert.deepEqual(server.section(), { host: `127.0.0.1:${server.port}`, scheme: 'https', cacert: ca })
  })

  test('with a CA for clients, a client without a certificate of it does not', async () => {
    const { server, ask } = await consul({ tls: { ca, server: own, client } })
    assert.deepEqual(said(await ask('PUT', 'kv/a', { body: 'x' })), [200, 'true'])
    for (const pair of [undefined, stranger.client('other')]) {
      const tls = { ca, ...(pair === undefined ? {} : { client: pair }) }
      await assert.rejects(asking(new ConsulClient(server.endpoint, { tls }))('GET', 'kv/a'), TypeError)
    }
    assert.deepEqual(server.section({ host: '127.0.0.1:1', token: 't' }), {
      ...{ host: '127.0.0.1:1', scheme: 'https', cacert: ca, cert: client.cert, key: client.key, token: 't' },
    })
  })
})
