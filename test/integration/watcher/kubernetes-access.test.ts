/** How an API server of Kubernetes is reached, and as whom: service accounts, kubeconfigs, rights, several servers. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { type KubeUser, KubernetesServer } from '../../support/kubernetes/server.ts'
import { Relay } from '../../support/net/relay.ts'
import { until } from '../../support/until.ts'
import { KubernetesObserver, type KubernetesSettings, memberOf, Play, SYSTEM_ID } from './kubernetes-observer.ts'

const RULES = [{ resources: ['endpoints', 'pods'], verbs: ['list', 'watch'] }]

let server: KubernetesServer
let play: Play
let user: KubeUser
before(async () => {
  server = await KubernetesServer.start({ real: false, passwords: { router: 'geheim' } })
  play = new Play(server)
  await play.write('config', { initialize: SYSTEM_ID, config: '{"ttl":300}' })
  await play.member('pg0', memberOf(1, { role: 'master' }))
  await play.lead('pg0', { ttl: 300 })
  user = await server.addUser(RULES)
  await server.allow(RULES, { kind: 'User', name: 'router' })
})
after(async () => server.close())

/** Replaces a file as Kubernetes does: as a whole. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

/** A directory as Kubernetes mounts it into a Pod, and the settings of that Pod. */
function pod(name: string, token: string): { readonly token: string; readonly settings: KubernetesSettings } {
  const directory = join(server.path, name)
  mkdirSync(directory)
  copyFileSync(server.authority.cert, join(directory, 'ca.crt'))
  writeFileSync(join(directory, 'token'), token)
  const service = { host: '127.0.0.1', port: server.port }
  return { token: join(directory, 'token'), settings: { serviceAccount: directory, config: { service } } }
}

/** Writes a kubeconfig of the test's own. */
function kubeconfig(name: string, change: (config: Record<string, unknown>) => void): string {
  const config = server.kubeconfig()
  change(config)
  const file = join(server.path, name)
  writeFileSync(file, stringify(config))
  return file
}

describe('the API server of Kubernetes', () => {
  test('is read with the service account of a Pod, which goes over a kubeconfig', async () => {
    const { settings } = pod('pod', user.token)
    await using observer = new KubernetesObserver('/nonexistent/kubeconfig', settings)
    await observer.leader('pg0')
    assert.deepEqual(observer.losses, [])
    assert.equal(observer.last?.endpoint, `127.0.0.1:${server.port}`)
  })

  test('is read on when the token is replaced all the time, and none before is valid', async () => {
    const own = await server.addUser(RULES)
    const { token, settings } = pod('replaced', own.token)
    await using observer = new KubernetesObserver(null, { ...settings, intervalMs: 20, timeoutMs: 2000 })
    await observer.leader('pg0')
    for (let n = 0; n < 8; n++) {
      replace(token, await server.replaceTokens(own))
      await server.fake.endWatches()
      await play.lead('pg0', { ttl: 300, transitions: n })
      await until('the change', () => observer.cluster.leader?.session.includes(` ${n} `))
      const from = observer.seen.length
      await observer.until('it is confirmed', ({ type }) => type === 'snapshot', { from: from + 3 })
    }
    assert.deepEqual(observer.reasons, [])
  })

  test('is read on where the new token comes a moment after the old one is void, and an empty file is none', async () => {
    const own = await server.addUser(RULES)
    const { token, settings } = pod('late', own.token)
    await using observer = new KubernetesObserver(null, { ...settings, intervalMs: 50, timeoutMs: 2000 })
    await observer.leader('pg0')
    const next = await server.replaceTokens(own)
    writeFileSync(token, '')
    await server.fake.answered('401', 1)
    replace(token, next)
    const from = observer.seen.length
    await observer.until('it is confirmed', ({ type }) => type === 'snapshot', { from: from + 5 })
    assert.deepEqual(observer.reasons, [])
  })

  test('says which token it rejects, until that is replaced', async () => {
    const { token, settings } = pod('rejected', 'wrong-token')
    await using observer = new KubernetesObserver(null, settings)
    await observer.until('the refusal', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /it rejects the token in \/.*\/rejected\/token: it has expired/)
    assert.ok(observer.reasons.every((reason) => !reason.includes('wrong-token')))
    replace(token, user.token)
    await observer.leader('pg0')
  })

  test('says which right is missing, as a rule', async () => {
    for (const [rules, verb, resource] of [
      [[], 'list', 'endpoints'],
      [[{ resources: ['endpoints'], verbs: ['list', 'watch'] }], 'list', 'pods'],
      [[{ resources: ['endpoints', 'pods'], verbs: ['list'] }], 'watch', 'endpoints'],
    ] as const) {
      const { token, name } = await server.addUser(rules)
      await using observer = new KubernetesObserver(server.writeKubeconfig({ token }))
      await observer.until('the refusal', ({ type }) => type === 'lost')
      const message = observer.reasons[0] ?? ''
      const named = `user "system:serviceaccount:default:${name}" may not ${verb} ${resource} in namespace default`
      if (rules.length > 0) assert.ok(message.includes(named), message)
      const rule = 'with the rule {apiGroups: [""], resources: [endpoints, pods], verbs: [list, watch]}'
      assert.ok(message.includes(rule), message)
      assert.deepEqual(observer.snapshots, [])
    }
  })

  const pair = () => server.certificate('router')
  const data = (file: string): string => Buffer.from(readFileSync(file, 'utf8')).toString('base64')
  for (const [what, file] of [
    ['a token', () => server.writeKubeconfig({ token: user.token })],
    ['a client certificate in files', () => server.writeKubeconfig({ token: null, certificate: pair() })],
    ['user and password', () => server.writeKubeconfig({ password: { username: 'router', password: 'geheim' } })],
    [
      'certificates in the file itself',
      () =>
        kubeconfig('data.yml', (config) => {
          const { cert, key } = pair()
          const { clusters, users } = config as Record<string, Record<string, Record<string, unknown>>[]>
          const cluster = clusters?.[0]?.['cluster'] ?? {}
          delete cluster['certificate-authority']
          cluster['certificate-authority-data'] = data(server.authority.cert)
          if (users?.[0] !== undefined)
            users[0]['user'] = { 'client-certificate-data': data(cert), 'client-key-data': data(key) }
        }),
    ],
    [
      'a file of its own for the token, beside it, and no verification',
      () => {
        writeFileSync(join(server.path, 'my-token'), `${user.token}\n`)
        return kubeconfig('token-file.yml', (config) => {
          const { clusters, users } = config as Record<string, Record<string, Record<string, unknown>>[]>
          const cluster = clusters?.[0]?.['cluster'] ?? {}
          delete cluster['certificate-authority']
          cluster['insecure-skip-tls-verify'] = true
          if (users?.[0] !== undefined) users[0]['user'] = { tokenFile: 'my-token' }
        })
      },
    ],
  ] as const)
    test(`is read with a kubeconfig that has ${what}`, async () => {
      await using observer = new KubernetesObserver(file())
      await observer.leader('pg0')
      assert.deepEqual(observer.losses, [])
    })

  test('is named with what is wrong with the kubeconfig, and where, until that is corrected', async () => {
    const file = kubeconfig('wrong.yml', (config) => {
      config['current-context'] = 'tset'
    })
    await using observer = new KubernetesObserver(file)
    await observer.until('the mistake', ({ type }) => type === 'lost')
    const message = observer.reasons[0] ?? ''
    assert.match(message, /wrong\.yml:\d+:1: contexts: has no context "tset": did you mean "test"\?/)
    replace(file, stringify(server.kubeconfig()))
    await observer.leader('pg0')
  })

  test('is named where there is neither a Pod nor a kubeconfig', async () => {
    await using observer = new KubernetesObserver('/nonexistent/kubeconfig')
    await observer.until('the loss', ({ type }) => type === 'lost')
    assert.match(
      observer.reasons[0] ?? '',
      /KUBERNETES_SERVICE_HOST is not set, as it would be in a Pod, and the kubeconfig \/nonexistent\/kubeconfig cannot be read: no such file/,
    )
  })

  test('is named where its certificate is not trusted, or it is no API server', async () => {
    const untrusted = kubeconfig('untrusted.yml', (config) => {
      const { clusters } = config as Record<string, Record<string, Record<string, unknown>>[]>
      delete clusters?.[0]?.['cluster']?.['certificate-authority']
    })
    await using observer = new KubernetesObserver(untrusted)
    await observer.until('the loss', ({ type }) => type === 'lost')
    assert.match(observer.reasons[0] ?? '', /set certificate-authority in .*untrusted\.yml to the file of the CA/)
    const elsewhere = kubeconfig('elsewhere.yml', (config) => {
      const { clusters } = config as Record<string, Record<string, Record<string, unknown>>[]>
      const cluster = clusters?.[0]?.['cluster'] ?? {}
      cluster['server'] = `${server.endpoint}/not/here`
    })
    await using other = new KubernetesObserver(elsewhere)
    await other.until('the loss', ({ type }) => type === 'lost')
    assert.match(other.reasons[0] ?? '', /it (is not the API server of Kubernetes|answers 404)/)
  })

  test('is another one once certificates are replaced together with the server of the kubeconfig', async () => {
    await using stack = new AsyncDisposableStack()
    const relay = await Relay.start(server.port)
    stack.defer(() => relay.close())
    const ca = join(server.path, 'moved-ca.crt')
    const pem = readFileSync(server.authority.cert, 'utf8')
    writeFileSync(ca, pem)
    const to = (port: number) => (config: Record<string, unknown>) => {
      const { clusters } = config as Record<string, Record<string, Record<string, unknown>>[]>
      const cluster = clusters?.[0]?.['cluster'] ?? {}
      Object.assign(cluster, { server: server.endpointAt(port), 'certificate-authority': ca })
    }
    const file = kubeconfig('moved.yml', to(server.port))
    await using observer = new KubernetesObserver(file, { intervalMs: 50, timeoutMs: 2000 })
    await observer.leader('pg0')
    kubeconfig('moved.yml', to(relay.port))
    replace(ca, `# replaced\n${pem}`)
    await until('the other server', () => observer.last?.endpoint === `127.0.0.1:${relay.port}`)
    await observer.leader('pg0', observer.seen.length)
    assert.match(observer.reasons.join(), /moved\.yml has been replaced/)
  })

  test('is read at the addresses behind the Service, in turns, and without the name of the certificate', async () => {
    const [first, second] = [await Relay.start(server.port), await Relay.start(server.port)]
    await using stack = new AsyncDisposableStack()
    for (const relay of [first, second]) stack.defer(() => relay.close())
    const name = { name: 'https', protocol: 'TCP' }
    const write = (relays: readonly Relay[]): Promise<void> =>
      server.fake.writeEndpoints('default', 'kubernetes', {
        subsets: relays.map(({ port }) => ({ addresses: [{ ip: '127.0.0.1' }], ports: [{ ...name, port }] })),
      })
    await write([first])
    const rules = [...RULES, { resources: ['endpoints'], verbs: ['get'], resourceNames: ['kubernetes'] }]
    const own = await server.addUser(rules)
    const options = { refreshMs: 100, config: { bypassService: true } }
    await using observer = new KubernetesObserver(server.writeKubeconfig({ token: own.token }), options)
    await observer.leader('pg0')
    assert.equal(observer.last?.endpoint, `127.0.0.1:${first.port}`)
    await write([second])
    // The router uses what one of them said when it asks again.
    await server.fake.answered('get endpoints kubernetes 200', 2)
    const from = observer.seen.length
    await first.close()
    await observer.leader('pg0', from)
    await until('the other address', () => observer.last?.endpoint === `127.0.0.1:${second.port}`)

    // Without the right to read them the Service is used.
    await using plain = new KubernetesObserver(server.writeKubeconfig({ token: user.token }), options)
    await plain.leader('pg0')
    assert.equal(plain.last?.endpoint, `127.0.0.1:${server.port}`)
    assert.match(plain.lines.join('\n'), /kubernetes\.bypass_api_service is not used: .* may not get endpoints/)
  })

  for (const [what, settings, message] of [
    [
      'no object has the labels',
      { config: { labels: { application: 'other' } } },
      /has Endpoints with cluster-name=demo, but not with application=other: correct kubernetes\.labels/,
    ],
    [
      'there are other clusters',
      { scope: 'dmeo' },
      /namespace default has no cluster "dmeo", but demo; did you mean "demo"\?/,
    ],
    [
      'they are of the other kind',
      { config: { objects: 'configmaps' } },
      /has Endpoints in namespace default, and no ConfigMaps: set kubernetes\.use_endpoints: true/,
    ],
    ['the namespace is empty', { namespace: 'empty' }, /namespace empty has no Endpoints with application=patroni/],
    ['it is no Citus cluster', { group: 0 }, /scope "demo" has no Citus groups: remove citus\.group/],
  ] as const satisfies readonly (readonly [string, KubernetesSettings, RegExp])[])
    test(`has no such cluster, and it is said that ${what}`, async () => {
      await using observer = new KubernetesObserver(server.writeKubeconfig(), settings)
      const notice = await until('the notice', () =>
        observer.last?.notices?.find(({ event }) => event === 'no-cluster'),
      )
      assert.match(notice.message, message)
    })
})
