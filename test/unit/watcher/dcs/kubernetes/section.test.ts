import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kubernetes } from '../../../../../src/watcher/dcs/kubernetes/kind.ts'
import { type KubernetesConfig, resolveKubernetes } from '../../../../../src/watcher/dcs/kubernetes/section.ts'

type Section = Readonly<Record<string, unknown>>

const ORIGIN = { directory: '.', files: [] }
const LABELS = { application: 'patroni' }
const DEFAULT: KubernetesConfig = {
  kind: 'kubernetes',
  objects: 'configmaps',
  labels: LABELS,
  scopeLabel: 'cluster-name',
  service: null,
  kubeconfig: null,
  home: null,
  context: null,
  caFile: null,
  bypassService: false,
  retriable: [500, 503, 504],
}

/** The section, and what differs from the default; `unused`: the keys of the warnings. */
const READ: readonly (readonly [section: Section, found: Partial<KubernetesConfig>, unused?: readonly string[]])[] = [
  [{}, {}],
  [{ labels: {} }, { labels: {} }],
  [{ pod_ip: '10.0.0.1', ports: [{ port: 5432 }], role_label: 'r', bootstrap_labels: { a: 'b' } }, {}],
  [
    { use_endpoints: true, bypass_api_service: true },
    { objects: 'endpoints', bypassService: true },
  ],
  [{ use_endpoints: false, bypass_api_service: null }, {}],
  [
    { scope_label: 'postgres-operator.crunchydata.com/patroni' },
    { scopeLabel: 'postgres-operator.crunchydata.com/patroni' },
  ],
  [
    { context: 'c', cacert: '/ca' },
    { context: 'c', caFile: '/ca' },
  ],
  [{ context: '', cacert: '', scope_label: '' }, {}],
  [{ retriable_http_codes: 429 }, { retriable: [500, 503, 504, 429] }],
  [{ retriable_http_codes: '429, 500' }, { retriable: [500, 503, 504, 429] }],
  [{ retriable_http_codes: [429, '502'] }, { retriable: [500, 503, 504, 429, 502] }],
  [{ retriable_http_codes: '429,x' }, {}, ['retriable_http_codes']],
  [{ namespace: 'db' }, {}],
  [
    { $KUBERNETES_SERVICE_HOST: '10.96.0.1', $KUBERNETES_SERVICE_PORT: '443' },
    { service: { host: '10.96.0.1', port: 443 } },
  ],
  [
    { $KUBERNETES_SERVICE_HOST: 'fd00::1', $KUBERNETES_SERVICE_PORT: '6443' },
    { service: { host: 'fd00::1', port: 6443 } },
  ],
  [{ $KUBERNETES_SERVICE_HOST: '10.96.0.1' }, {}],
  [{ $KUBERNETES_SERVICE_HOST: '', $KUBERNETES_SERVICE_PORT: '443' }, {}],
  [
    { $KUBECONFIG: '/k', $HOME: '/home/me' },
    { kubeconfig: '/k', home: '/home/me' },
  ],
]

for (const [section, found, unused = []] of READ)
  test(`the section of Kubernetes ${JSON.stringify(section)} is read as in Patroni`, () => {
    const { value, faults, warnings } = resolveKubernetes({ labels: LABELS, ...section }, ORIGIN, { scope: 'demo' })
    assert.deepEqual(faults, [])
    assert.deepEqual(value, { ...DEFAULT, ...found })
    assert.deepEqual(
      warnings.map(({ path }) => path.at(-1)),
      unused,
    )
  })

test('a namespace without a value at the top changes nothing where there is none below it, or the default', () => {
  for (const section of [{}, { namespace: null }, { namespace: 'default' }]) {
    const tree = { scope: 'demo', namespace: null }
    assert.deepEqual(resolveKubernetes({ labels: LABELS, ...section }, ORIGIN, tree).faults, [])
  }
})

const REFUSED: readonly (readonly [section: unknown, path: string, message: RegExp, tree?: Section])[] = [
  [null, 'kubernetes', /is empty, and none to Patroni: set kubernetes\.labels/],
  ['s3cret', 'kubernetes', /must be a mapping, with the key labels/],
  [{ labels: null }, 'kubernetes.labels', /is required/],
  [{ labels: 's3cret' }, 'kubernetes.labels', /must be a mapping like/],
  [{ labels: { a: 1 } }, 'kubernetes.labels.a', /must be text that is the value of a label/],
  [{ labels: { a: 's3cret!' } }, 'kubernetes.labels.a', /the value of a label/],
  [{ labels: { 'a b': 'c' } }, 'kubernetes.labels.a b', /is no key of a label/],
  [{ labels: { 'citus-group': '0' } }, 'kubernetes.labels.citus-group', /citus\.group/],
  [{ scope_label: 'a=b' }, 'kubernetes.scope_label', /is no key of a label/],
  [{ scope_label: 5 }, 'kubernetes.scope_label', /must be text/],
  [{ use_endpoints: 'false' }, 'kubernetes.use_endpoints', /must be true or false, without quotes/],
  [{ bypass_api_service: 1 }, 'kubernetes.bypass_api_service', /must be true or false/],
  [{ context: 5 }, 'kubernetes.context', /must be text/],
  [{ group: 0 }, 'kubernetes.group', /citus\.group/],
  [{ namespace: '/s3cret/' }, 'kubernetes.namespace', /is no name of a namespace in Kubernetes/],
  [{ namespace: 'S3cret' }, 'kubernetes.namespace', /is no name of a namespace/],
  [{ namespace: 'db' }, 'namespace', /is no name of a namespace/, { namespace: '/s3cret' }],
  [{ namespace: 'db' }, 'namespace', /is empty, and yet goes over kubernetes\.namespace/, { namespace: null }],
  [{ namespace: 'db' }, 'namespace', /is empty, and yet goes over kubernetes\.namespace/, { namespace: '' }],
  [{}, 'scope', /is no name of a cluster in Kubernetes/, { scope: 'S3cret_1' }],
  [{}, 'scope', /at most 63/, { scope: 'a'.repeat(64) }],
  [
    { $KUBERNETES_SERVICE_HOST: 'a', $KUBERNETES_SERVICE_PORT: 'tcp://s3cret' },
    'kubernetes.$KUBERNETES_SERVICE_PORT',
    /must be a port/,
  ],
  [
    { $KUBERNETES_SERVICE_HOST: 'https://s3cret', $KUBERNETES_SERVICE_PORT: '443' },
    'kubernetes.$KUBERNETES_SERVICE_HOST',
    /must be an address/,
  ],
]

for (const [section, path, message, tree = {}] of REFUSED)
  test(`the section of Kubernetes ${JSON.stringify(section)} is refused at ${path}`, () => {
    const whole = typeof section === 'object' && section !== null ? { labels: LABELS, ...section } : section
    const { value, faults } = resolveKubernetes(whole, ORIGIN, { scope: 'demo', ...tree })
    assert.equal(value, null)
    assert.deepEqual(
      faults.map((fault) => fault.path.join('.')),
      [path],
    )
    assert.match(faults[0]?.message ?? '', message)
    assert.ok(!JSON.stringify(faults.map((fault) => fault.message)).includes('3cret'))
  })

test('two clusters are the same where they are reached, selected and called alike', () => {
  const place = { namespace: 'default', scope: 'demo', citusGroup: null }
  const id = (change: Partial<KubernetesConfig>, where = place): string =>
    JSON.stringify(kubernetes.identify({ ...DEFAULT, ...change }, where))
  assert.equal(id({ caFile: '/x', retriable: [] }), id({}))
  for (const change of [{ context: 'x' }, { kubeconfig: '/x' }, { objects: 'endpoints' }, { labels: {} }] as const)
    assert.notEqual(id(change), id({}))
  assert.notEqual(id({}, { ...place, namespace: 'db' }), id({}))
})

test('it is described with its kind, its labels and what leads to it', () => {
  assert.equal(
    kubernetes.describe({ ...DEFAULT, kubeconfig: '/nowhere/config', context: 'one', objects: 'endpoints' }),
    'kubernetes: Endpoints with application=patroni, by /nowhere/config, context one',
  )
})
