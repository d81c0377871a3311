// What the fake of Consul claims about keys; Consul itself passes it too (npm run test:real-dcs).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consul, keysOf, said } from './consul.ts'

const { server, ask } = await consul()

test('a key is answered with its value and indexes, and with the headers of a read', async () => {
  assert.deepEqual(said(await ask('PUT', 'kv/one/a', { body: 'hello' })), [200, 'true'])
  const answer = await ask('GET', 'kv/one/a')
  const { index, headers } = answer
  const indexes = `"CreateIndex":${index},"ModifyIndex":${index}`
  assert.deepEqual(said(answer), [200, `[{"LockIndex":0,"Key":"one/a","Flags":0,"Value":"aGVsbG8=",${indexes}}]`])
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers['x-consul-knownleader'], 'true')
  assert.equal(headers['x-consul-lastcontact'], '0')
})

test('an empty value is null', async () => {
  await ask('PUT', 'kv/empty')
  assert.equal(keysOf(await ask('GET', 'kv/empty'))[0]?.Value, null)
  assert.equal((await ask('GET', 'kv/empty?raw')).text, '')
})

test('keys that start with a text are listed in the order of their bytes', async () => {
  for (const key of ['ab/c', 'ab/B', 'abc', 'ab/ü', 'ab/c/d', 'aa']) await ask('PUT', `kv/list/${encodeURI(key)}`)
  const below = async (prefix: string) => keysOf(await ask('GET', `kv/list/${prefix}?recurse`)).map(({ Key }) => Key)
  assert.deepEqual(await below('ab/'), ['list/ab/B', 'list/ab/c', 'list/ab/c/d', 'list/ab/ü'])
  assert.deepEqual(await below('ab/c'), ['list/ab/c', 'list/ab/c/d'])
})

test('?keys gives names, as far as to a separator', async () => {
  for (const key of ['a/x/1', 'a/x/2', 'a/y']) await ask('PUT', `kv/names/${key}`)
  assert.deepEqual((await ask('GET', 'kv/names/a/?keys')).json, ['names/a/x/1', 'names/a/x/2', 'names/a/y'])
  assert.deepEqual((await ask('GET', 'kv/names/a/?keys&separator=/')).json, ['names/a/x/', 'names/a/y'])
  assert.equal((await ask('GET', 'kv/names/b/?keys')).status, 404)
})

test('?raw gives the value alone', async () => {
  await ask('PUT', 'kv/raw', { body: 'as it is' })
  assert.deepEqual(said(await ask('GET', 'kv/raw?raw')), [200, 'as it is'])
})

test('an absent key is 404 without a body and with the index of the whole store', async () => {
  await ask('PUT', 'kv/newest', { body: String(performance.now()) })
  const { index } = await ask('GET', 'kv/newest')
  for (const path of ['kv/absent', 'kv/absent/?recurse', 'kv/absent/?keys']) {
    const answer = await ask('GET', path)
    assert.deepEqual([...said(answer), answer.index], [404, '', index], path)
    assert.equal(answer.headers['x-consul-knownleader'], 'true')
  }
})

test('a key keeps its CreateIndex until it is deleted; the same value again is no write', async () => {
  const state = async () => keysOf(await ask('GET', 'kv/life'))[0]
  await ask('PUT', 'kv/life', { body: '1' })
  const first = await state()
  await ask('PUT', 'kv/life', { body: '1' })
  assert.deepEqual(await state(), first)
  await ask('PUT', 'kv/life', { body: '2' })
  const second = await state()
  assert.ok(first && second && second.ModifyIndex > first.ModifyIndex)
  assert.equal(second.CreateIndex, first.CreateIndex)
  await ask('DELETE', 'kv/life')
  await ask('PUT', 'kv/life', { body: '2' })
  assert.ok(((await state())?.CreateIndex ?? 0) > second.ModifyIndex)
})

test('flags are those of the last write', async () => {
  await ask('PUT', 'kv/flags?flags=42', { body: 'x' })
  assert.equal(keysOf(await ask('GET', 'kv/flags'))[0]?.Flags, 42)
  await ask('PUT', 'kv/flags', { body: 'x' })
  assert.equal(keysOf(await ask('GET', 'kv/flags'))[0]?.Flags, 0)
})

test('a write with ?cas is made only at that ModifyIndex, with 0 only where there is no key', async () => {
  const put = async (cas: number) => (await ask('PUT', `kv/cas?cas=${cas}`, { body: String(cas) })).text
  assert.equal(await put(7), 'false')
  assert.equal(await put(0), 'true')
  const { index } = await ask('GET', 'kv/cas')
  assert.equal(await put(0), 'false')
  assert.equal(await put(index + 1), 'false')
  assert.equal(keysOf(await ask('GET', 'kv/cas'))[0]?.Value, Buffer.from('0').toString('base64'))
  assert.equal(await put(index), 'true')
})

test('a deletion with ?cas is made only at that ModifyIndex; of what is not there, any is true', async () => {
  await ask('PUT', 'kv/del', { body: 'x' })
  const { index } = await ask('GET', 'kv/del')
  assert.equal((await ask('DELETE', `kv/del?cas=${index + 1}`)).text, 'false')
  assert.equal((await ask('DELETE', 'kv/del?cas=0')).text, 'false')
  assert.equal((await ask('GET', 'kv/del')).status, 200)
  assert.equal((await ask('DELETE', `kv/del?cas=${index}`)).text, 'true')
  assert.equal((await ask('GET', 'kv/del')).status, 404)
  assert.equal((await ask('DELETE', 'kv/del?cas=1')).text, 'true')
  assert.equal((await ask('DELETE', 'kv/del')).text, 'true')
})

test('a tree is deleted at once, and nothing beside it', async () => {
  for (const key of ['a/1', 'a/2', 'ab']) await ask('PUT', `kv/tree/${key}`)
  assert.equal((await ask('DELETE', 'kv/tree/a/?recurse')).text, 'true')
  assert.deepEqual((await ask('GET', 'kv/tree/?keys')).json, ['tree/ab'])
})

test('names of keys are decoded', async () => {
  await ask('PUT', 'kv/odd/a%20b%2Fc+%25', { body: 'x' })
  assert.deepEqual((await ask('GET', 'kv/odd/?keys')).json, ['odd/a b/c+%'])
})

test('wrong requests get a status and a text that say why', async () => {
  const wrong: readonly (readonly [string, string, number, string])[] = [
    ['GET', 'kv/', 400, 'Missing key name'],
    ['PUT', 'kv/', 400, 'Missing key name'],
    ['DELETE', 'kv/', 400, 'Missing key name'],
    ['GET', 'kv/a?index=x', 400, 'Invalid index'],
    ['GET', 'kv/a?wait=x', 400, 'Invalid wait time'],
    ['GET', 'kv/a?wait=1', 400, 'Invalid wait time'],
    ['GET', 'kv/a?stale&consistent', 400, 'Cannot specify ?stale with ?consistent, conflicting semantics.'],
    ['PUT', 'kv/a?cas=1&acquire=2', 400, 'Conflicting flags: acquire=2&cas=1'],
    ['DELETE', 'kv/a?recurse=1&cas=2', 400, 'Conflicting flags: cas=2&recurse=1'],
    ['PUT', 'kv/a?cas=x', 500, 'strconv.ParseUint: parsing "x": invalid syntax'],
    ['PUT', 'kv/a?flags=x', 500, 'strconv.ParseUint: parsing "x": invalid syntax'],
    ['GET', 'kv/a?recurse&dc=nowhere', 500, 'No path to datacenter'],
    ['PUT', 'kv/a?dc=nowhere', 500, 'No path to datacenter'],
    ['POST', 'kv/a', 405, 'method POST not allowed'],
    ['GET', 'nothing', 404, ''],
  ]
  for (const [method, path, status, text] of wrong) {
    assert.deepEqual(said(await ask(method, path)), [status, text], `${method} ${path}`)
  }
  assert.equal((await ask('POST', 'kv/a')).headers['allow'], 'OPTIONS,GET,PUT,DELETE')
  assert.equal((await ask('GET', 'kv/a?index=x')).headers['content-type'], 'text/plain; charset=utf-8')
})

test('a value has at most 512 KiB', async () => {
  const put = (bytes: number) => ask('PUT', 'kv/big', { body: Buffer.alloc(bytes, 'x') })
  const [status, text] = said(await put(512 * 1024 + 1))
  assert.equal(status, 413)
  assert.match(text, /^Request body\(524289 bytes\) too large, max size: 524288 bytes\. See http/)
  assert.equal((await put(512 * 1024)).status, 200)
})

test('an answer is compressed when the request accepts that', async () => {
  await ask('PUT', 'kv/zip', { body: 'x' })
  const zipped = await ask('GET', 'kv/zip', { headers: { 'accept-encoding': 'gzip' } })
  assert.equal(zipped.headers['content-encoding'], 'gzip')
  assert.equal(keysOf(zipped)[0]?.Key, 'zip')
  assert.equal((await ask('GET', 'kv/zip')).headers['content-encoding'], undefined)
})

test('every consistency reads what was written', async () => {
  await ask('PUT', 'kv/consistency', { body: 'x' })
  for (const mode of ['', '?consistent', '?stale', '?dc=dc1']) {
    assert.equal(keysOf(await ask('GET', `kv/consistency${mode}`))[0]?.Value, 'eA==', mode)
  }
})

test('the agent names its leader, its node and its least TTL of a session', async () => {
  assert.match(String((await ask('GET', 'status/leader')).json), /^127\.0\.0\.1:\d+$/)
  const self = (await ask('GET', 'agent/self')).json as Record<string, Record<string, unknown>>
  const { Datacenter, NodeName, Server, Version } = self['Config'] ?? {}
  assert.deepEqual([Datacenter, NodeName, Server, Version], ['dc1', 'consul0', true, '1.8.7'])
  assert.equal(self['DebugConfig']?.['SessionTTLMin'], '1s')
})

test('a service is registered and deregistered, not with GET as python3-consul 0.7 does it', async () => {
  const check = { http: 'http://127.0.0.1:1/primary', interval: '5s', DeregisterCriticalServiceAfter: '150.0s' }
  const service = { name: 'demo', id: 'demo/pg0', address: '127.0.0.1', port: 5432, tags: ['primary'], check }
  const body = JSON.stringify({ ...service, enabletagoverride: true })
  assert.deepEqual(said(await ask('PUT', 'agent/service/register', { body })), [200, ''])
  const services = (await ask('GET', 'agent/services')).json as Record<string, Record<string, unknown>>
  const { ID, Service, Tags, Address, Port, EnableTagOverride } = services['demo/pg0'] ?? {}
  const expected = ['demo/pg0', 'demo', ['primary'], '127.0.0.1', 5432, true]
  assert.deepEqual([ID, Service, Tags, Address, Port, EnableTagOverride], expected)
  const wrong = await ask('GET', 'agent/service/deregister/demo/pg0')
  assert.deepEqual([...said(wrong), wrong.headers['allow']], [405, 'method GET not allowed', 'OPTIONS,PUT'])
  assert.deepEqual(said(await ask('PUT', 'agent/service/deregister/demo/pg0')), [200, ''])
  assert.deepEqual((await ask('GET', 'agent/services')).json, {})
  assert.deepEqual(said(await ask('PUT', 'agent/service/register', { body: '{}' })), [400, 'Missing service name'])
})

test('the client of the tests shows keys as etcd has them', async () => {
  const { client } = server
  const revision = await client.put('/etcd/a', 'x')
  const key = { key: '/etcd/a', value: 'x', session: null, createRevision: revision, modRevision: revision }
  assert.deepEqual(await client.get('/etcd/a'), key)
  assert.deepEqual(await client.list('/etcd/'), [key])
  await client.deletePrefix('/etcd/')
  assert.equal(await client.get('/etcd/a'), null)
})
