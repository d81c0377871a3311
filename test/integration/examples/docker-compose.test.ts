/** examples/docker-compose: its image is built and its services run, by Debian's docker-compose on podman. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parse } from 'yaml'
import { IMAGE_TIMEOUT_MS, makeImage, withContainers } from '../../support/containers/containers.ts'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { LanSession } from '../../support/hosts/lan-session.ts'
import { ROOT } from '../../support/router/package.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { follow, readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { until } from '../../support/until.ts'

const EXAMPLE = 'docker-compose'
const FOLDER = join(ROOT, 'examples', EXAMPLE)
const COMPOSE = parse(readFileSync(join(FOLDER, 'compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
}
type Service = { readonly image: string; readonly ports?: readonly string[] } & Readonly<Record<string, unknown>>
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly devDependencies: Readonly<Record<string, string>>
}
const IMAGE = `patroni-router:${PACKAGE.version}`

let lan: Lan
let cluster: PatroniHosts
let docker: Host

before(
  async () => {
    lan = await Lan.create()
    const machine = async (): Promise<void> => {
      docker = await Host.boot(lan, { name: 'docker', address: '10.0.0.20/24' })
      await withContainers(lan, docker)
      await makeImage(docker, {
        name: COMPOSE.services['haproxy']?.image ?? '',
        programs: ['/usr/sbin/haproxy'],
        user: 'haproxy',
        uid: 99,
      })
    }
    ;[cluster] = await Promise.all([PatroniHosts.start(lan), machine()])
  },
  { timeout: IMAGE_TIMEOUT_MS },
)
after(() => lan[Symbol.asyncDispose]())

async function whoIsAt(port: number): Promise<string> {
  return cluster.sql(docker.address, 'SHOW demo.member', { port })
}

/** Compose in the folder of the example; its standard output. */
async function compose(command: string): Promise<string> {
  return follow(docker, EXAMPLE, `docker compose ${command}\n`)
}

const container = (service: string): string => `example_${service}_1`

async function inspect(service: string, format: string): Promise<string> {
  return (await docker.ok(`podman inspect --format '${format}' ${container(service)}`)).trim()
}

test('every image has an exact version: ours that of the package, its base the Node that the tests run on', () => {
  const from = readFileSync(join(FOLDER, 'Dockerfile'), 'utf8').match(/^FROM \S+/gm)
  const base = `FROM node:${PACKAGE.devDependencies['node']}-bookworm-slim`
  assert.deepEqual(from, [base, base])
  const { router, haproxy, 'haproxy-router': sidecar } = COMPOSE.services
  assert.deepEqual([router?.image, sidecar?.image], [IMAGE, IMAGE])
  assert.match(haproxy?.image ?? '', /^haproxy:\d+\.\d+\.\d+-trixie$/)
})

test('each service has its limits, and the statistics are published on the machine itself only', () => {
  for (const { mem_limit, pids_limit, cpus, ulimits, restart } of Object.values(COMPOSE.services)) {
    const limits = { mem_limit, pids_limit, cpus, ulimits, restart }
    const wanted = {
      mem_limit: '512m',
      pids_limit: 100,
      cpus: 1,
      ulimits: { nofile: 16384 },
      restart: 'unless-stopped',
    }
    assert.deepEqual(limits, wanted)
  }
  const published = Object.values(COMPOSE.services).flatMap(({ ports = [] }) => ports)
  assert.deepEqual(
    published.filter((port) => port.endsWith(':7000')),
    ['127.0.0.1:7000:7000'],
  )
})

test('the image is built of what it takes alone', () => {
  const [all, ...taken] = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => /^[^#]/.test(line))
  assert.equal(all, '*')
  const copied = [...readFileSync(join(FOLDER, 'Dockerfile'), 'utf8').matchAll(/^COPY (?!--from)(.*) \S+$/gm)]
  const sources = copied.flatMap(([, words = '']) => words.split(' ').filter((word) => !word.startsWith('--')))
  assert.deepEqual(
    taken.map((line) => line.slice(1)),
    sources,
  )
})

test('the commands of the README run the router, from the environment alone, as a user without a privilege', async () => {
  // Compose checks the file against its schema, and what is named in there.
  await walk(docker, EXAMPLE, 'Steps')
  await walk(docker, EXAMPLE, 'How to see that it works')
  const looks = readmeBlocks(EXAMPLE, 'How to see that it works').map(({ command }) => command)
  const said = async (): Promise<string> => follow(docker, EXAMPLE, looks.join(''))
  const running = /^primary: pg1 OPEN[^]*^example_router_1 .* Up/m
  await until('the router knows the primary', async () => running.test(await said()))
  assert.equal(await whoIsAt(5000), 'pg1')
  assert.match(await whoIsAt(5001), /^pg[23]$/)
  const status = await docker.read(`/proc/${await inspect('router', '{{.State.Pid}}')}/status`)
  assert.match(status, /^Uid:\s+1000\s[^]*^CapBnd:\s+0{16}$[^]*^NoNewPrivs:\s+1$/m)
  const write = (path: string) => docker.sh(`podman exec ${container('router')} sh -c ': >${path}/x'`)
  assert.notEqual((await write('/opt/patroni-router')).code, 0)
  assert.notEqual((await write('/var/lib/patroni-router')).code, 0)
  assert.equal((await write('/run/patroni-router')).code, 0)
})

test('a tmpfs for the admin socket can be written by the user of the image, also if another one owns it', async () => {
  // Docker gives a tmpfs the mode of the directory below it, and root as its owner; podman gives it the owner as well.
  const mode = "fs.statSync('/run/patroni-router').mode.toString(8)"
  assert.equal(await docker.ok(`podman run --rm --entrypoint node ${IMAGE} -p "${mode}"`), '41777\n')
})

test('its health is that of the router, not that of the cluster, and it lets sessions end when it is stopped', async () => {
  const healthy = () => docker.sh(`podman healthcheck run ${container('router')}`)
  assert.equal((await healthy()).code, 0)
  const without = ['-e', 'PATRONI_SCOPE=nobody', '-e', 'PATRONI_ETCD3_HOSTS=10.0.0.1', '--name', 'nobody', IMAGE]
  await docker.ok(`podman run --detach ${without.join(' ')}`)
  await until(
    'one without a cluster is healthy, too',
    async () => (await docker.sh('podman healthcheck run nobody')).code === 0,
  )
  assert.equal((await docker.sh('podman exec nobody patroni-router track primary')).code, 1)
  await docker.ok('podman stop nobody')

  const session = await LanSession.open(lan, `${docker.address}:5000`)
  const stopping = compose('stop router')
  await until('it is being stopped', async () => (await inspect('router', '{{.State.Status}}')) === 'stopping')
  await session.goesOn()
  await session.end()
  await stopping
  assert.equal(await inspect('router', '{{.State.ExitCode}}'), '0')
  assert.equal(await inspect('router', '{{.Config.StopTimeout}}'), '35')
})

test('a router that hangs is killed by its third failed check, and the container is started again', async () => {
  await compose('up --detach router')
  await until('it serves', async () => (await whoIsAt(5000)) === 'pg1')
  const check = () => docker.sh(`podman healthcheck run ${container('router')}`)
  const main = () => inspect('router', '{{.State.Pid}}')
  const before = await main()
  const answered = await check()
  assert.equal(answered.code, 0, answered.stderr)
  await docker.ok(`podman exec ${container('router')} sh -c 'read -r pid </run/patroni-router/pid; kill -STOP $pid'`)
  for (let failed = 0; failed < 3; failed++) {
    assert.equal(await main(), before)
    assert.notEqual((await check()).code, 0)
  }
  await until('there is another one', async () => !['0', before].includes(await main()))
  await until('it serves again', async () => (await whoIsAt(5000)) === 'pg1')
  assert.equal((await check()).code, 0)
  await compose('stop router')
  assert.equal(await inspect('router', '{{.State.ExitCode}}'), '0')
})

test('the sidecar has HAProxy read the file that it has written, and both continue without each other', async () => {
  const variant = 'Variant: HAProxy and its sidecar'
  await walk(docker, EXAMPLE, variant)
  const look = readmeBlocks(EXAMPLE, variant).at(-1)?.command ?? ''
  const inSync = /Template +\/var\/lib\/haproxy\/haproxy\.cfg: in sync/
  await until('the sidecar is content', async () => inSync.test(await follow(docker, EXAMPLE, look)))
  await until('HAProxy leads to the primary', async () => (await whoIsAt(6000)) === 'pg1')
  await until('HAProxy leads to a replica', async () => /^pg[23]$/.test(await whoIsAt(6001)))

  const servers = async (): Promise<string> => {
    const ask = "fetch('http://127.0.0.1:7000/;csv').then((answer) => answer.text()).then(console.log)"
    return (await docker.ok(`node -e "${ask}"`))
      .split('\n')
      .flatMap((row) => /^primary,(pg\d+),/.exec(row)?.[1] ?? [])
      .join()
  }
  const member = '{"conn_url":"postgres://10.0.0.9:5432/x","api_url":"http://10.0.0.9:8008/x","state":"running"}'
  await cluster.host('pg1').ok(`ETCDCTL_API=3 etcdctl put /service/demo/members/pg9 '${member}'`)
  await until('HAProxy has the new member', async () => (await servers()) === 'pg1,pg2,pg3,pg9')

  await compose('stop haproxy-router')
  assert.equal(await whoIsAt(6000), 'pg1')
  await compose('restart haproxy')
  await until('HAProxy has read what is there', async () => (await servers()) === 'pg1,pg2,pg3,pg9')
  await cluster.host('pg1').ok('ETCDCTL_API=3 etcdctl del /service/demo/members/pg9')
  await compose('start haproxy-router')
  await until('the sidecar is back', async () => (await servers()) === 'pg1,pg2,pg3')
})
