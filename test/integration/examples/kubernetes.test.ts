/** examples/kubernetes: its Pods on podman, with the rights of its Role at an API server, before a real cluster. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { IMAGE_TIMEOUT_MS, makeImage, withContainers } from '../../support/containers/containers.ts'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { LanKubernetes } from '../../support/hosts/lan-kubernetes.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { follow, readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { objectsPath } from '../../support/kubernetes/client.ts'
import { until } from '../../support/until.ts'
import { EXAMPLE, IMAGE, objectOf, rightsOf, routerOf } from './kubernetes-manifests.ts'

let lan: Lan
let kubernetes: LanKubernetes
let cluster: PatroniHosts
let node: Host

before(
  async () => {
    lan = await Lan.create()
    kubernetes = await LanKubernetes.start(lan)
    const machine = async (): Promise<void> => {
      node = await Host.boot(lan, { name: 'node', address: '10.0.0.20/24' })
      await kubernetes.writeKubeconfig(node)
      await withContainers(lan, node)
      await makeImage(node, {
        name: 'application:1.0.0',
        programs: ['/usr/lib/postgresql/15/bin/psql'],
        user: 'app',
        uid: 1000,
      })
    }
    ;[cluster] = await Promise.all([PatroniHosts.start(lan, { dcs: kubernetes }), machine()])
  },
  { timeout: IMAGE_TIMEOUT_MS },
)
after(async () => {
  await lan[Symbol.asyncDispose]()
  await kubernetes[Symbol.asyncDispose]()
})

const PODS = ['patroni-router-0-router', 'patroni-router-1-router']
const ROUTER = routerOf('router.yaml')

/** The exit code of a probe, run as the kubelet does. */
async function probe(container: string, which: 'readinessProbe' | 'livenessProbe'): Promise<number> {
  const words = (ROUTER[which]?.exec.command ?? []).map((word) => `'${word}'`)
  return (await node.sh(`podman exec ${container} ${words.join(' ')}`)).code
}

async function whoIsAt(container: string, port: number): Promise<string> {
  return (
    await node.ok(`
      address=$(podman inspect --format '{{.NetworkSettings.IPAddress}}' ${container})
      psql -XAt -h "$address" -p ${port} -U postgres -c 'SHOW demo.member'
    `)
  ).trim()
}

test('the commands of the README run two routers, without a privilege, that lead to the primary and the replica', async () => {
  await walk(node, EXAMPLE, 'Steps')
  await walk(node, EXAMPLE, 'How to see that it works')
  for (const pod of PODS) {
    assert.equal(await whoIsAt(pod, 5000), 'demo-0')
    assert.equal(await whoIsAt(pod, 5001), 'demo-1')
    const pid = (await node.ok(`podman inspect --format '{{.State.Pid}}' ${pod}`)).trim()
    const status = await node.read(`/proc/${pid}/status`)
    assert.match(status, /^Uid:\s+1000\s[^]*^CapBnd:\s+0{16}$[^]*^NoNewPrivs:\s+1$/m)
    assert.deepEqual([await probe(pod, 'readinessProbe'), await probe(pod, 'livenessProbe')], [0, 0])
    assert.notEqual((await node.sh(`podman exec ${pod} sh -c ': >/opt/x'`)).code, 0)
    await node.ok(`podman exec ${pod} sh -c ': >/var/lib/patroni-router/x'`)
  }
})

test('without a right of the Role they continue, and both check --online and status name it', async () => {
  const [pod = ''] = PODS
  const { metadata, rules = [] } = objectOf('rbac.yaml', 'Role')
  const path = objectsPath('roles', kubernetes.namespace, metadata.name)
  const rights = rightsOf(rules)
  const set = (body: object) => kubernetes.client.call('PUT', path, { body: { metadata, ...body } })
  await set({ rules: rights.filter(({ resources, verbs }) => `${verbs[0]} ${resources[0]}` !== 'list endpoints') })
  const [check] = readmeBlocks(EXAMPLE, 'How to see that it works')
  const { code, stderr } = await node.sh(check?.command ?? '')
  const named = /user "system:serviceaccount:db:patroni-router" may not list endpoints in namespace db: give it a Role/
  assert.match(stderr, named)
  assert.equal(code, 2)
  const status = () => follow(node, EXAMPLE, 'kubectl exec deployment/patroni-router -- patroni-router status || true')
  await until('the router reports it', async () => named.test(await status()))
  assert.equal(await whoIsAt(pod, 5000), 'demo-0')
  await set({ rules })
  await until('it reads again', async () => !named.test(await status()))
})

test('without a primary they stay ready and alive; a router that has read nothing yet is alive and not ready', async () => {
  const [pod = ''] = PODS
  await node.ok(`
    podman run --detach --name nobody --env PATRONI_SCOPE=demo --env PATRONI_ETCD3_HOSTS=10.0.0.99 ${IMAGE}
  `)
  await until('it answers', async () => (await probe('nobody', 'livenessProbe')) === 0)
  assert.notEqual(await probe('nobody', 'readinessProbe'), 0)
  await node.ok('podman kill nobody')

  for (const name of ['demo-1', 'demo-0']) await cluster.host(name).ok('systemctl stop patroni')
  await until(
    'there is no primary',
    async () => (await node.sh(`podman exec ${pod} patroni-router track primary`)).code === 1,
  )
  assert.deepEqual([await probe(pod, 'readinessProbe'), await probe(pod, 'livenessProbe')], [0, 0])
  const held = whoIsAt(pod, 5000)
  const status = () => node.sh(`podman exec ${pod} patroni-router status`)
  await until('a client is held', async () => /primary: 0 sessions, 1 held/.test((await status()).stdout))
  await Promise.all(cluster.hosts.map((host) => host.ok('systemctl start patroni')))
  assert.equal(await held, 'demo-0')
})

test('a Pod that is stopped accepts clients until the Service sends none, and ends with 0', async () => {
  const [pod = ''] = PODS
  const stopped = node.ok('kubectl delete deployment patroni-router', { timeoutMs: 60_000 })
  assert.equal(await whoIsAt(pod, 5000), 'demo-0')
  await stopped
  for (const name of PODS)
    assert.equal((await node.ok(`podman inspect --format '{{.State.ExitCode}}' ${name}`)).trim(), '0')
})

test('the application has a router of its own at 127.0.0.1, which no other Pod has, and no token', async () => {
  await walk(node, EXAMPLE, 'Variant: a router in each Pod')
  const asked = "podman exec application-0-application psql -XAt -U postgres -c 'SHOW demo.member'"
  assert.equal(await node.ok(asked), 'demo-0\n')
  await assert.rejects(whoIsAt('application-0-router', 5000), /Connection refused/)
  const token = '/var/run/secrets/kubernetes.io/serviceaccount/token'
  const has = async (name: string) =>
    (await node.sh(`podman exec application-0-${name} sh -c ': <${token}'`)).code === 0
  assert.deepEqual([await has('router'), await has('application')], [true, false])
})
