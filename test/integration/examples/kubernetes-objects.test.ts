/** examples/kubernetes: its objects against the types of the API and against each other, and its Role at an API server. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import ts from 'typescript'
import { parse } from 'yaml'
import type { KubernetesConfig } from '../../../src/watcher/dcs/kubernetes/section.ts'
import { KubernetesServer, type Rule } from '../../support/kubernetes/server.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { ROOT } from '../../support/router/package.ts'
import { KubernetesObserver, memberOf, Play, SYSTEM_ID } from '../watcher/kubernetes-observer.ts'
import {
  containersOf,
  DEPLOYMENTS,
  FOLDER,
  IMAGE,
  type Manifest,
  manifests,
  objectOf,
  podOf,
  rightsOf,
  routerOf,
} from './kubernetes-manifests.ts'

const FILES = ['rbac.yaml', ...DEPLOYMENTS]
/** Of kubernetes-types, which is made of the API's own description. */
const MODULES: Readonly<Record<string, string>> = {
  ...{ v1: 'core/v1', 'networking.k8s.io/v1': 'networking/v1', 'rbac.authorization.k8s.io/v1': 'rbac/v1' },
}
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** What TypeScript finds wrong in objects that are written down as what their kind is. */
function typeErrors(objects: readonly Manifest[]): string[] {
  const file = join(ROOT, 'test/manifests.ts')
  const lines = objects.map((object, index) => {
    const type = `import('kubernetes-types/${MODULES[object.apiVersion] ?? object.apiVersion}').${object.kind}`
    return `export const object${index}: ${type} = ${JSON.stringify(object)}`
  })
  const options: ts.CompilerOptions = { strict: true, noEmit: true, types: [], skipLibCheck: true }
  const host = ts.createCompilerHost(options)
  const read = host.getSourceFile.bind(host)
  host.getSourceFile = (name, version) =>
    name === file ? ts.createSourceFile(name, lines.join('\n'), version) : read(name, version)
  const found = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))
  return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

test('each object is one of the API of Kubernetes, without an unknown field', () => {
  const map = objectOf('router.yaml', 'ConfigMap')
  const wrong = { ...map, dota: {} } as Manifest
  const [error = '', ...others] = typeErrors([wrong, ...FILES.flatMap(manifests)])
  assert.match(error, /"dota"' does not exist in type 'ConfigMap'/)
  assert.deepEqual(others, [])
})

test('the objects name nothing that is not there', () => {
  for (const objects of DEPLOYMENTS.map(manifests)) {
    const deployment = objects.find(({ kind }) => kind === 'Deployment')
    const pod = deployment?.spec?.template
    assert.ok(pod)
    const { volumes } = pod.spec
    const maps = volumes.flatMap(({ configMap }) => configMap?.name ?? [])
    assert.deepEqual(
      maps,
      objects.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name),
    )
    const mounted = containersOf(pod.spec).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
    assert.deepEqual(mounted.toSorted(), volumes.map(({ name }) => name).toSorted())
    const ports = containersOf(pod.spec).flatMap(({ ports = [] }) => ports.map(({ name }) => name))
    for (const { kind, spec } of objects.filter(({ spec }) => spec !== undefined)) {
      const labels = spec?.podSelector?.matchLabels ?? spec?.selector?.matchLabels ?? spec?.selector
      assert.deepEqual(labels, pod.metadata.labels, kind)
      for (const { port } of spec?.ingress?.flatMap(({ ports }) => ports) ?? []) assert.ok(ports.includes(port), port)
      for (const { targetPort } of spec?.ports ?? []) assert.ok(ports.includes(targetPort), targetPort)
    }
    const { name } = objectOf('rbac.yaml', 'ServiceAccount').metadata
    assert.equal(pod.spec.serviceAccountName, name)
    const { roleRef, subjects } = objectOf('rbac.yaml', 'RoleBinding')
    assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name }])
    assert.equal(roleRef?.name, objectOf('rbac.yaml', 'Role').metadata.name)
  }
})

test('the token is mounted for the router, and not for the application beside it', () => {
  assert.equal(objectOf('rbac.yaml', 'ServiceAccount').automountServiceAccountToken, false)
  assert.equal(podOf('router.yaml').automountServiceAccountToken, true)
  assert.equal(podOf('sidecar.yaml').automountServiceAccountToken, false)
  const having = containersOf(podOf('sidecar.yaml')).filter(({ volumeMounts = [] }) =>
    volumeMounts.some(({ mountPath }) => mountPath === SERVICE_ACCOUNT),
  )
  assert.deepEqual(having, [routerOf('sidecar.yaml')])
})

test('in both files the router has a tag with its version, no privilege, and the namespace of its Pod', () => {
  for (const file of DEPLOYMENTS) {
    const { image, env, securityContext } = routerOf(file)
    assert.equal(image, IMAGE)
    assert.deepEqual(env, [
      { name: 'PATRONI_KUBERNETES_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    ])
    const { fsGroup, ...all } = { fsGroup: 0, ...podOf(file).securityContext, ...securityContext }
    assert.deepEqual(all, {
      ...{ runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    })
    assert.equal(fsGroup, file === 'router.yaml' ? 1000 : 0)
  }
})

test('two routers are never on one node, and one that is not ready keeps no node from being drained', () => {
  assert.deepEqual(podOf('router.yaml').topologySpreadConstraints, [
    {
      maxSkew: 1,
      minDomains: 2,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'patroni-router' } },
      matchLabelKeys: ['pod-template-hash'],
    },
  ])
  assert.equal(objectOf('router.yaml', 'PodDisruptionBudget').spec?.unhealthyPodEvictionPolicy, 'AlwaysAllow')
})

test('beside a router the application keeps its own user and rights', () => {
  const pod = podOf('sidecar.yaml')
  assert.equal(pod.securityContext, undefined)
  assert.equal(pod.containers[0]?.securityContext, undefined)
})

test('a router that does not answer is started again, and one without a primary is not', () => {
  for (const file of DEPLOYMENTS) {
    const { startupProbe, livenessProbe } = routerOf(file)
    assert.deepEqual(startupProbe?.exec, livenessProbe?.exec)
    assert.match(livenessProbe?.exec.command.join(' ') ?? '', /patroni-router status >\/dev\/null; test \$\? -le 1$/)
  }
})

/** The configuration of a file as a Pod has it, in the namespace `db`. @param change of the section. */
function configIn(file: string, port: number, change: object = {}) {
  const { kubernetes, ...rest } = parse(objectOf(file, 'ConfigMap').data?.['config.yml'] ?? '') as {
    readonly kubernetes: object
  }
  const text = JSON.stringify({ ...rest, kubernetes: { ...kubernetes, ...change } })
  const pod = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) }
  const result = loadConfig({ file: 'config.yml', text, env: { ...pod, PATRONI_KUBERNETES_NAMESPACE: 'db' } })
  assert.ok(result.ok, text)
  assert.deepEqual(result.warnings, [])
  const [cluster] = result.config.clusters
  assert.ok(cluster)
  return { cluster, dcs: cluster.dcs as KubernetesConfig }
}

test('both configurations are valid, of the same cluster, and a Pod has the time to drain', () => {
  const [one, other] = DEPLOYMENTS.map((file) => configIn(file, 443).cluster)
  assert.deepEqual(
    [one, other].map((cluster) => [cluster?.scope, cluster?.namespace, cluster?.dcs]),
    [one, one].map((cluster) => [cluster?.scope, 'db', cluster?.dcs]),
  )
  for (const file of DEPLOYMENTS) assert.ok(podOf(file).terminationGracePeriodSeconds > 30 + 5)
})

test('the routers reach the API server, the Pods of the cluster and the DNS, and are reached at their listeners alone', () => {
  const { policyTypes, ingress, egress = [] } = objectOf('router.yaml', 'NetworkPolicy').spec ?? {}
  assert.deepEqual(policyTypes, ['Ingress', 'Egress'])
  assert.deepEqual(
    ingress?.flatMap(({ ports }) => ports.map(({ port }) => port)),
    ['primary', 'replicas'],
  )
  const { cluster, dcs } = configIn('router.yaml', 443)
  const members = { ...dcs.labels, [dcs.scopeLabel]: cluster.scope }
  const allowed = egress.map(({ to, ports }) => [
    to?.map(({ podSelector }) => podSelector.matchLabels) ?? 'any',
    ...ports.map(({ protocol, port }) => `${protocol} ${port}`),
  ])
  assert.deepEqual(allowed, [
    ['any', 'TCP 443', 'TCP 6443'],
    [[members], 'TCP 8008', 'TCP 5432'],
    ['any', 'UDP 53', 'TCP 53'],
  ])
  // Its own Pods are none of the cluster's.
  const own = objectOf('router.yaml', 'Deployment').spec?.template?.metadata.labels ?? {}
  assert.ok(Object.keys(members).every((label) => !(label in own)))
})

test('the section for a DCS outside of Kubernetes is valid instead of that for Kubernetes', () => {
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8')
  const [, instead = ''] = /^```yaml\n(scope:[^`]*etcd3:[^`]*)```$/m.exec(readme) ?? []
  const { kubernetes, ...rest } = parse(objectOf('router.yaml', 'ConfigMap').data?.['config.yml'] ?? '') as object & {
    readonly kubernetes: object
  }
  assert.ok(kubernetes)
  const text = JSON.stringify({ ...rest, ...(parse(instead) as object) })
  const result = loadConfig({ file: 'config.yml', text, env: {} })
  assert.ok(result.ok, text)
  assert.equal(result.config.clusters[0]?.dcs.kind, 'etcd3')
})

describe('at an API server', () => {
  const { rules = [] } = objectOf('rbac.yaml', 'Role')
  let server: KubernetesServer
  before(async () => {
    server = await KubernetesServer.start({ real: false })
  })
  after(() => server.close())

  /** Observes the cluster with the configuration of a router's Pod, whose account has these rights and no others. */
  const observe = async (kind: 'endpoints' | 'configmaps', rights: readonly Rule[]): Promise<KubernetesObserver> => {
    const { name, token } = await server.addUser(rights, { namespace: 'db' })
    const directory = join(server.path, name)
    mkdirSync(directory)
    copyFileSync(server.authority.cert, join(directory, 'ca.crt'))
    writeFileSync(join(directory, 'token'), token)
    const { cluster, dcs } = configIn('router.yaml', server.port, { use_endpoints: kind === 'endpoints' })
    const { namespace, scope } = cluster
    return new KubernetesObserver(null, {
      ...{ config: dcs, namespace, scope, serviceAccount: directory, intervalMs: 50, timeoutMs: 2000 },
    })
  }

  for (const kind of ['endpoints', 'configmaps'] as const)
    test(`the Role is enough for a cluster in ${kind}, and each right of it is necessary`, async () => {
      const play = new Play(server, { kind, namespace: 'db' })
      await play.write('config', { initialize: SYSTEM_ID, config: '{"ttl":300}' })
      await play.member('demo-0', memberOf(1, { role: 'master' }))
      await play.lead('demo-0', { ttl: 300 })
      // As the comment beside the rule says.
      const rights = rightsOf(rules).map((rule) => ({
        ...rule,
        resources: rule.resources.map((resource) => (resource === 'endpoints' ? kind : resource)),
      }))
      assert.equal(rights.length, 4)

      await using observer = await observe(kind, rights)
      await observer.leader('demo-0')
      // Everything has been listed again, and both watches are open.
      const from = observer.seen.length
      await observer.until('it is confirmed', ({ type }) => type === 'snapshot', { from: from + 8 })
      assert.deepEqual(observer.reasons, [])
      assert.deepEqual(observer.lines, [])

      for (const missing of rights) {
        await using refused = await observe(
          kind,
          rights.filter((right) => right !== missing),
        )
        await refused.until('the refusal', ({ type }) => type === 'lost')
        const [reason = ''] = refused.reasons
        const [verb, resource] = [missing.verbs[0], missing.resources[0]]
        assert.match(reason, new RegExp(`may not ${verb} ${resource} in namespace db: give it a Role`))
        const rule = `{apiGroups: [""], resources: [${kind}, pods], verbs: [list, watch]}`
        assert.ok(reason.includes(rule), reason)
      }
    })
})
