/** Which API servers there are, as answers about their addresses come and fail. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RouterError } from '../../../../../src/errors.ts'
import type { Access } from '../../../../../src/watcher/dcs/kubernetes/access.ts'
import { ApiServers } from '../../../../../src/watcher/dcs/kubernetes/api-servers.ts'
import { Credentials } from '../../../../../src/watcher/dcs/kubernetes/credentials.ts'
import { failureOfAnswer, type Request } from '../../../../../src/watcher/dcs/kubernetes/diagnosis.ts'
import { apiTarget } from '../../../../../src/watcher/dcs/kubernetes/kubernetes-dcs.ts'
import { resolveKubernetes } from '../../../../../src/watcher/dcs/kubernetes/section.ts'
import { Lookups } from '../../../../../src/names/lookups.ts'

const SERVICE = '10.96.0.1:443'
const FIRST = '10.0.0.1:6443'

const ORIGIN = {
  ...{ kubeconfig: '/k', login: 'the token in /t', settings: { ca: 'ca', cert: 'cert', key: 'key' } },
  ...{ files: { caFile: null, certFile: null }, hasCa: true, hasCert: false },
}
const ACCESS: Access = {
  ...{ protocol: 'https', endpoint: SERVICE, base: '', verifies: true, certificates: null, origin: ORIGIN },
  credentials: new Credentials(() => null, false),
}

const ADDRESSES = JSON.stringify({
  subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'https', port: 6443 }] }],
})

/** Servers whose addresses are answered one after the other: text, or a status that refuses. */
class Servers {
  access = ACCESS
  readonly lines: string[] = []
  isBroken = false
  asked = 0
  closed = 0
  readonly servers: ApiServers

  constructor(answers: readonly (string | number)[]) {
    const tell = (_fields: object, message: string): void => void this.lines.push(message)
    const read = async (): Promise<string> => {
      const answer = answers[this.asked++] ?? 500
      if (typeof answer === 'string') return Promise.resolve(answer)
      const head = { status: answer, header: () => null, text: '{"kind":"Status","message":"no"}' }
      const request: Request = { verb: 'get', resource: 'endpoints', namespace: 'default', objects: 'endpoints' }
      throw failureOfAnswer(head, request, ORIGIN)
    }
    this.servers = new ApiServers({
      config: { bypassService: true, service: null, kubeconfig: '/k', home: null },
      access: { load: () => this.access, current: ACCESS },
      ...{ everyMs: 1, log: { debug: tell, info: tell, warn: tell, error: tell } },
      connect: () => {
        if (this.isBroken) throw new RouterError('CONFIG_UNREADABLE', 'the kubeconfig /k cannot be read')
        return {
          read,
          close: () => {
            this.closed++
          },
        }
      },
    })
  }
}

describe('the API servers of Kubernetes behind the Service', () => {
  for (const status of [401, 500, 503])
    test(`are requested again after status ${status}`, async () => {
      const { servers, lines } = new Servers([status, ADDRESSES])
      assert.equal(await servers.next(), SERVICE)
      assert.equal(await servers.next(), FIRST)
      assert.deepEqual(lines, [])
    })

  test('are not used where the right to read them is missing, until the router is restarted', async () => {
    const answers = new Servers([403, ADDRESSES])
    const { servers, lines } = answers
    for (let n = 0; n < 3; n++) assert.equal(await servers.next(), SERVICE)
    assert.deepEqual([answers.asked, answers.closed], [1, 1])
    const rule = '{apiGroups: [""], resources: [endpoints], resourceNames: [kubernetes], verbs: [get]}'
    const message = `may not get endpoints in namespace default: give it a Role in that namespace with the rule ${rule}`
    assert.deepEqual(lines, [`kubernetes.bypass_api_service is not used: the user of this router ${message}`])
  })

  test('stay as they are where nothing can be connected to, as without a kubeconfig', async () => {
    const answers = new Servers([ADDRESSES])
    const { servers } = answers
    answers.isBroken = true
    assert.equal(await servers.next(), SERVICE)
    answers.isBroken = false
    assert.equal(await servers.next(), FIRST)
    answers.isBroken = true
    await servers.reconsider(FIRST)
    assert.equal(await servers.next(), FIRST)
  })

  test('are those of one access: another login is for the next session, and another server has its own', async () => {
    const answers = new Servers([ADDRESSES, ADDRESSES.replace('10.0.0.1', '10.0.0.2')])
    const { servers } = answers
    assert.equal(await servers.next(), FIRST)
    assert.equal(servers.accessOfCurrent(), ACCESS)
    const login = { ...ACCESS, credentials: new Credentials(() => 'Bearer next', true) }
    answers.access = login
    for (let n = 0; n < 2; n++) assert.throws(() => servers.accessOfCurrent(), { message: '/k has been replaced' })
    assert.equal(await servers.next(), FIRST)
    assert.equal(servers.accessOfCurrent(), login)
    answers.access = { ...login, endpoint: '10.97.0.1:443' }
    assert.equal(await servers.next(), '10.0.0.2:6443')
    assert.equal(servers.accessOfCurrent(), answers.access)
  })

  test('are not used without TLS, which is reported once, until the kubeconfig has it', async () => {
    const answers = new Servers([ADDRESSES])
    const { servers, lines } = answers
    answers.access = { ...ACCESS, protocol: 'http' }
    for (let n = 0; n < 3; n++) assert.equal(await servers.next(), SERVICE)
    assert.equal(answers.asked, 0)
    const why = 'the server in /k has no TLS, and their addresses are for HTTPS'
    assert.deepEqual(lines, [`kubernetes.bypass_api_service is not used: ${why}`])
    answers.access = ACCESS
    assert.equal(await servers.next(), FIRST)
  })

  test('have no path of their own, other than the server of a kubeconfig', () => {
    const config = resolveKubernetes({ labels: {} }, { directory: '.', files: [] }, { scope: 'demo' }).value
    assert.ok(config !== null)
    const place = { namespace: 'default', scope: 'demo', group: null }
    const options = { config, place, timeoutMs: 1, lookups: new Lookups() }
    const access = { ...ACCESS, base: '/k8s/clusters/c-1' }
    const ways = [apiTarget(options, access), apiTarget(options, access, FIRST)]
    assert.deepEqual(
      ways.map(({ endpoint, base, anyName }) => [endpoint, base, anyName]),
      [
        [SERVICE, '/k8s/clusters/c-1', false],
        [FIRST, '', true],
      ],
    )
  })
})
