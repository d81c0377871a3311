/** examples/kubernetes: its objects against the types of the API, and its Pods on podman, before a real cluster. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import ts from 'typescript'
import { parse, parseAllDocuments } from 'yaml'
import { IMAGE_TIMEOUT_MS, makeImage, withContainers } from '../../support/containers/containers.ts'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { ROOT } from '../../support/router/package.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { follow, readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { until } from '../../support/until.ts'
import { loadConfig } from '../../support/router/load-config.ts'

const EXAMPLE = 'kubernetes'
const FILES = ['router.yaml', 'sidecar.yaml']
/** Of kubernetes-types, which is made of the API's own description. */
const MODULES: Readonly<Record<string, string>> = { v1: 'core/v1', 'networking.k8s.io/v1': 'networking/v1' }
/** The next release takes another one: the files name the version that they belong to. */
const IMAGE = `patroni-router:${(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version}`

type Named = { readonly name: string }
type Variable = Named & { readonly valueFrom?: { readonly secretKeyRef: Named & { readonly key: string } } }
type Container = Named & {
  readonly image: string
  readonly env?: readonly Variable[]
  readonly securityContext?: Readonly<Record<string, unknown>>
  readonly ports?: readonly Named[]
  readonly volumeMounts?: readonly Named[]
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
}
type Probe = { readonly exec: { readonly command: readonly string[] } }
type PodSpec = {
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly (Named & { readonly configMap?: Named })[]
  readonly terminationGracePeriodSeconds: number
  readonly securityContext?: object
  readonly topologySpreadConstraints?: readonly object[]
}
type Labels = Readonly<Record<string, string>>
type Egress = {
  readonly to?: readonly { readonly ipBlock: { readonly cidr: string } }[]
  readonly ports: readonly { readonly protocol: string; readonly port: number }[]
}
type Manifest = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Named
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly selector?: Labels & { readonly matchLabels?: Labels }
    readonly podSelector?: { readonly matchLabels: Labels }
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec }
    readonly ports?: readonly { readonly targetPort: string }[]
    readonly unhealthyPodEvictionPolicy?: string
    readonly policyTypes?: readonly string[]
    readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[]
    readonly egress?: readonly Egress[]
  }
}

function manifests(file: string): Manifest[] {
  const text = readFileSync(join(ROOT, 'examples', EXAMPLE, file), 'utf8')
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

function containersOf(spec: PodSpec): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

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
  assert.deepEqual(typeErrors(FILES.flatMap(manifests)), [])
  const [map] = manifests('router.yaml')
  assert.ok(map)
  assert.match(typeErrors([{ ...map, dota: {} } as Manifest]).join(), /"dota"' does not exist in type 'ConfigMap'/)
})

test('the objects name nothing that is not there', () => {
  for (const objects of FILES.map(manifests)) {
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
  }
})

/** The one of a kind in a file. */
function objectOf(file: string, kind: string): Manifest {
  const found = manifests(file).find((object) => object.kind === kind)
  assert.ok(found, kind)
  return found
}

function podOf(file: string): PodSpec {
  const spec = objectOf(file, 'Deployment').spec?.template?.spec
  assert.ok(spec)
  return spec
}

test('in both files the router has a tag with its version and takes the user of etcd from the Secret of the README', () => {
  const readme = readFileSync(join(ROOT, 'examples', EXAMPLE, 'README.md'), 'utf8')
  const [, secret = '', keys = ''] = /`kubectl create secret generic (\S+) ([^`]*)`/.exec(readme) ?? []
  const named = [...keys.matchAll(/--from-literal=(\w+)=/g)].map(([, key = '']) => key)
  for (const router of FILES.map((file) => containersOf(podOf(file)).find(({ name }) => name === 'router'))) {
    assert.equal(router?.image, IMAGE)
    const taken = router.env?.map(({ name, valueFrom }) => [
      name,
      valueFrom?.secretKeyRef.name,
      valueFrom?.secretKeyRef.key,
    ])
    assert.deepEqual(
      taken,
      named.map((key) => [`PATRONI_ETCD3_${key.toUpperCase()}`, secret, key]),
    )
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
  const [application, router] = [pod.containers[0], pod.initContainers?.[0]]
  assert.equal(application?.securityContext, undefined)
  const { runAsNonRoot, runAsUser } = router?.securityContext ?? {}
  assert.deepEqual({ runAsNonRoot, runAsUser }, { runAsNonRoot: true, runAsUser: 1000 })
})

test('the routers reach etcd, the members and the DNS, and are reached at their listeners alone', () => {
  const { policyTypes, ingress, egress = [] } = objectOf('router.yaml', 'NetworkPolicy').spec ?? {}
  assert.deepEqual(policyTypes, ['Ingress', 'Egress'])
  assert.deepEqual(
    ingress?.flatMap(({ ports }) => ports.map(({ port }) => port)),
    ['primary', 'replicas'],
  )
  const allowed = egress.map(({ to, ports }) => [
    to?.map(({ ipBlock }) => ipBlock.cidr).join() ?? 'any',
    ...ports.map(({ protocol, port }) => `${protocol} ${port}`),
  ])
  assert.deepEqual(allowed, [
    ['10.0.0.0/24', 'TCP 2379'],
    ['10.0.0.0/24', 'TCP 8008', 'TCP 5432'],
    ['any', 'UDP 53', 'TCP 53'],
  ])
})

test('each configuration is valid, with the REST API instead of etcd, too, and a Pod has the time to drain', () => {
  const instead = /^```yaml\n(rest:[^`]*)```$/m.exec(readFileSync(join(ROOT, 'examples', EXAMPLE, 'README.md'), 'utf8'))
  for (const objects of FILES.map(manifests)) {
    const text = objects[0]?.data?.['config.yml'] ?? ''
    const result = loadConfig({ file: 'config.yml', text, env: {} })
    assert.ok(result.ok, text)
    const { etcd3, ...rest } = parse(text) as Record<string, unknown>
    assert.ok(etcd3)
    const other = { ...rest, ...(parse(instead?.[1] ?? '') as object) }
    assert.ok(loadConfig({ file: 'config.yml', text: JSON.stringify(other), env: {} }).ok)
    const spec = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec
    assert.ok((spec?.terminationGracePeriodSeconds ?? 0) > 30 + 5)
  }
})

describe('on a machine that runs containers', () => {
  let lan: Lan
  let cluster: PatroniHosts
  let node: Host

  before(
    async () => {
      lan = await Lan.create()
      const machine = async (): Promise<void> => {
        node = await Host.boot(lan, { name: 'node', address: '10.0.0.20/24' })
        await withContainers(lan, node)
        await makeImage(node, {
          name: 'application:1.0.0',
          programs: ['/usr/lib/postgresql/15/bin/psql'],
          user: 'app',
          uid: 1000,
        })
      }
      ;[cluster] = await Promise.all([PatroniHosts.start(lan), machine()])
    },
    { timeout: IMAGE_TIMEOUT_MS },
  )
  after(() => lan[Symbol.asyncDispose]())

  const PODS = ['patroni-router-0-router', 'patroni-router-1-router']
  const probes = manifests('router.yaml').flatMap(({ spec }) => spec?.template?.spec.containers ?? [])[0]
  /** The exit code of a probe, run as the kubelet does. */
  const probe = async (container: string, which: 'readinessProbe' | 'livenessProbe'): Promise<number> => {
    const words = (probes?.[which]?.exec.command ?? []).map((word) => `'${word}'`)
    return (await node.sh(`podman exec ${container} ${words.join(' ')}`)).code
  }
  const address = async (container: string): Promise<string> =>
    (await node.ok(`podman inspect --format '{{.NetworkSettings.IPAddress}}' ${container}`)).trim()
  const whoIsAt = async (container: string, port: number): Promise<string> =>
    (await node.ok(`psql -XAt -h ${await address(container)} -p ${port} -U postgres -c 'SHOW demo.member'`)).trim()

  test('the commands of the README run two routers, without a privilege, that lead to the primary and the replicas', async () => {
    await walk(node, EXAMPLE, 'Steps')
    const [look] = readmeBlocks(EXAMPLE, 'How to see that it works')
    assert.match(await follow(node, EXAMPLE, look?.command ?? ''), /^primary: pg1 OPEN/)
    await walk(node, EXAMPLE, 'How to see that it works')
    for (const pod of PODS) {
      assert.equal(await whoIsAt(pod, 5000), 'pg1')
      assert.match(await whoIsAt(pod, 5001), /^pg[23]$/)
      const pid = (await node.ok(`podman inspect --format '{{.State.Pid}}' ${pod}`)).trim()
      const status = await node.read(`/proc/${pid}/status`)
      assert.match(status, /^Uid:\s+1000\s[^]*^CapBnd:\s+0{16}$[^]*^NoNewPrivs:\s+1$/m)
      assert.deepEqual([await probe(pod, 'readinessProbe'), await probe(pod, 'livenessProbe')], [0, 0])
      assert.notEqual((await node.sh(`podman exec ${pod} sh -c ': >/opt/x'`)).code, 0)
      await node.ok(`podman exec ${pod} sh -c ': >/var/lib/patroni-router/x'`)
    }
  })

  test('without a primary they stay ready and alive; a router that has read nothing yet is alive and not ready', async () => {
    const [pod = ''] = PODS
    await node.ok(`
      podman run --detach --name nobody --env PATRONI_SCOPE=demo --env PATRONI_ETCD3_HOSTS=10.0.0.99 ${IMAGE}
    `)
    await until('it answers', async () => (await probe('nobody', 'livenessProbe')) === 0)
    assert.notEqual(await probe('nobody', 'readinessProbe'), 0)
    await node.ok('podman kill nobody')

    await Promise.all(['pg2', 'pg3'].map((name) => cluster.host(name).ok('systemctl stop patroni')))
    await cluster.host('pg1').ok('systemctl stop patroni')
    await until(
      'there is no primary',
      async () => (await node.sh(`podman exec ${pod} patroni-router track primary`)).code === 1,
    )
    assert.deepEqual([await probe(pod, 'readinessProbe'), await probe(pod, 'livenessProbe')], [0, 0])
    const held = whoIsAt(pod, 5000)
    const status = () => node.sh(`podman exec ${pod} patroni-router status`)
    await until('a client is held', async () => /primary: 0 sessions, 1 held/.test((await status()).stdout))
    await Promise.all(cluster.hosts.map((host) => host.ok('systemctl start patroni')))
    assert.equal(await held, 'pg1')
  })

  test('a Pod that is stopped accepts clients until the Service sends none, and ends with 0', async () => {
    const [pod = ''] = PODS
    const stopped = node.ok('kubectl delete deployment patroni-router', { timeoutMs: 60_000 })
    assert.equal(await whoIsAt(pod, 5000), 'pg1')
    await stopped
    for (const name of PODS)
      assert.equal((await node.ok(`podman inspect --format '{{.State.ExitCode}}' ${name}`)).trim(), '0')
  })

  test('the application has a router of its own at 127.0.0.1, and no other Pod has', async () => {
    await walk(node, EXAMPLE, 'Variant: a router in each Pod')
    const asked = "podman exec application-0-application psql -XAt -U postgres -c 'SHOW demo.member'"
    assert.equal(await node.ok(asked), 'pg1\n')
    await assert.rejects(whoIsAt('application-0-router', 5000), /Connection refused/)
  })
})
