// What the fake of Kubernetes claims about failures; kube-apiserver itself passes the first ones too (npm run
// test:real-dcs), the others are forced on the fake.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KubeCall, KubeObject } from '../../support/kubernetes/client.ts'
import { isRealKubernetes } from '../../support/kubernetes/server.ts'
import { until } from '../../support/until.ts'
import { event, kubernetes, listIn, namesIn, path, shown, told } from './kubernetes.ts'

describe('a server that is stopped, frozen or restored', async () => {
  const server = await kubernetes()
  const { client } = server
  const make = (name: string): Promise<unknown> => client.create('configmaps', 'default', { metadata: { name } })
  const list = () => client.request('GET', path('configmaps'))
  const current = async (): Promise<number> => Number(listIn(await list()).metadata.resourceVersion)

  for (const how of ['stop', 'kill'] as const) {
    test(`has its objects, versions and users after a ${how}, and its watches are cut off`, async () => {
      await make(how)
      const { token } = await server.addUser([])
      const before = await current()
      const watch = await client.watch(path('configmaps'), `resourceVersion=${before}`)
      await server[how]()
      assert.equal(await watch.ended, false)
      await assert.rejects(list())
      await server.start()
      assert.ok(namesIn(await list()).includes(how))
      assert.ok((await current()) >= before)
      assert.equal(told(await client.request('GET', path('pods'), { token }))[0], 403)
      await make(`${how}-after`)
      assert.ok((await current()) > before)
    })
  }

  test('answers nothing while it is frozen, and all of it after that', async () => {
    const watch = await client.watch(path('configmaps'), `resourceVersion=${await current()}`)
    server.freeze()
    await until('it is silent', async () => {
      const [asked] = await Promise.allSettled([
        client.request('GET', path('configmaps'), { signal: AbortSignal.timeout(300) }),
      ])
      return asked.status === 'rejected' && /timeout/.test(String(asked.reason))
    })
    const pending = make('frozen')
    server.thaw()
    await pending
    await event(watch, ({ type, object }) => type === 'ADDED' && object.metadata.name === 'frozen')
    await watch.close()
  })

  test('has what it had when it is restored, and its versions go back', async () => {
    await make('kept')
    const before = await current()
    const restore = await server.keep()
    for (let n = 0; n < 20; n++) await make(`lost-${n}`)
    await client.delete('configmaps', 'default', 'kept')
    const last = await current()
    const watch = await client.watch(path('configmaps'), `resourceVersion=${last}`)
    await restore()
    await watch.ended
    const names = namesIn(await list())
    assert.ok(names.includes('kept') && !names.some((name) => name.startsWith('lost-')), names.join(' '))
    const now = await current()
    assert.ok(now >= before && now < last, `${before} ${now} ${last}`)
    const silent = await client.watch(path('configmaps'), `resourceVersion=${last}&timeoutSeconds=1`)
    assert.equal(await silent.ended, true)
    assert.deepEqual(silent.events, [])
  })
})

if (!isRealKubernetes)
  describe('the fake', async () => {
    const server = await kubernetes({ bookmarkMs: 50 })
    const { client } = server
    let made = 0
    const make = async (options: KubeCall = {}): Promise<KubeObject> => {
      const body = { metadata: { name: `c${++made}` } }
      return (await client.call('POST', path('configmaps'), { body, ...options })) as KubeObject
    }
    const current = async (): Promise<string> => (await client.list('configmaps', 'default')).resourceVersion
    const watch = (query: string) => client.watch(path('configmaps'), query)

    test('ends all watches, and each so long after its beginning', async () => {
      const first = await watch('')
      await server.fake.endWatches()
      assert.equal(await first.ended, true)
      await server.fake.fail({ watchEndsAfterMs: 100 })
      assert.equal(await (await watch('')).ended, true)
      await server.fake.fail({})
    })

    test('refuses to continue from a version, with a status or an event', async () => {
      const version = await current()
      const message = (from: string): RegExp => new RegExp(`^too old resource version: ${from} \\(\\d+\\)$`)
      await server.fake.fail({ gone: 'status' })
      const { status, json } = await client.request('GET', `${path('configmaps')}?watch=1&resourceVersion=${version}`)
      assert.equal(status, 410)
      assert.partialDeepStrictEqual(json, { kind: 'Status', reason: 'Expired', code: 410 })
      await server.fake.fail({ gone: 'event' })
      const refused = await watch(`resourceVersion=${version}`)
      assert.deepEqual([refused.status, await refused.ended], [200, true])
      assert.match(refused.events[0]?.object.message ?? '', message(version))
      await server.fake.fail({})
      await make()
      await server.fake.forget()
      const forgotten = await watch(`resourceVersion=${version}`)
      assert.equal(await forgotten.ended, true)
      assert.equal(forgotten.events[0]?.object.code, 410)
    })

    test('takes requests and answers none', async () => {
      await server.fake.fail({ silent: true })
      await assert.rejects(client.request('GET', path('pods'), { signal: AbortSignal.timeout(200) }))
      await server.fake.fail({})
      assert.equal((await client.request('GET', path('pods'))).status, 200)
    })

    test('keeps watches open and loses what they should show', async () => {
      const open = await watch(`resourceVersion=${await current()}`)
      await server.fake.fail({ muteWatches: true })
      await make()
      await server.fake.fail({})
      const { name } = (await make()).metadata
      await event(open, ({ object }) => object.metadata.name === name)
      assert.deepEqual(shown(open), [`ADDED ${name}`])
      await open.close()
    })

    test('answers late', async () => {
      await server.fake.fail({ delayMs: 200 })
      assert.ok((await client.request('GET', path('pods'))).tookMs >= 199)
      await server.fake.fail({})
    })

    test('does nothing of what a client gave up while it was frozen', async () => {
      // So that there is a connection on which the request is sent.
      await current()
      server.freeze()
      const lost = make({ signal: AbortSignal.timeout(200) })
      const name = `c${made}`
      await assert.rejects(lost)
      server.thaw()
      await make()
      assert.equal(await client.get('configmaps', 'default', name), null)
    })

    test('refuses requests, all or a number of them', async () => {
      await server.fake.fail({ refuse: { status: 429, retryAfter: 1, times: 2 } })
      const codes: number[] = []
      for (let n = 0; n < 3; n++) {
        const { status, headers, text } = await client.request('GET', path('pods'))
        codes.push(status)
        if (status === 429)
          assert.deepEqual([headers['retry-after'], text], ['1', 'Too many requests, please try again later.\n'])
      }
      assert.deepEqual(codes, [429, 429, 200])
      await server.fake.fail({})
    })

    test('has bookmarks at an interval of the test, once anything has happened', async () => {
      await make()
      const version = await current()
      const open = await watch(`resourceVersion=${version}&allowWatchBookmarks=1`)
      const { object } = await event(open, ({ type }) => type === 'BOOKMARK')
      assert.equal(object.metadata.resourceVersion, version)
      await open.close()
    })

    test('writes Endpoints of API servers on loopback', async () => {
      const subsets = [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }]
      for (let n = 0; n < 2; n++) await server.fake.writeEndpoints('default', 'kubernetes', { subsets })
      assert.deepEqual((await client.get('endpoints', 'default', 'kubernetes'))?.['subsets'], subsets)
    })

    test('has no faults without the token of its administrator', async () => {
      const answer = await client.request('PUT', '/fake/faults', { body: { silent: true }, token: null })
      assert.equal(answer.status, 401)
    })
  })
