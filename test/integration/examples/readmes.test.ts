/** The examples without a test of their own on hosts, as their READMEs have them, before one cluster. They follow each other. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { LanSession } from '../../support/hosts/lan-session.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { walk } from '../../support/hosts/readme.ts'
import { until } from '../../support/until.ts'

const PASSWORD = 'secret'
const POOLER = '10.0.0.13:6432'

let lan: Lan
let cluster: PatroniHosts
let hosts: Readonly<Record<'standalone' | 'haproxy' | 'nginx-stream' | 'pgbouncer', Host>>

before(async () => {
  lan = await Lan.create()
  const boot = (name: string, n: number) => Host.boot(lan, { name, address: `10.0.0.${n}/24` })
  const [patroni, standalone, haproxy, nginx, pgbouncer] = await Promise.all([
    PatroniHosts.start(lan),
    boot('standalone', 10),
    boot('haproxy', 11),
    boot('nginx', 12),
    boot('pgbouncer', 13),
  ])
  cluster = patroni
  hosts = { standalone, haproxy, 'nginx-stream': nginx, pgbouncer }
})

after(() => lan[Symbol.asyncDispose]())

/** Follows the README as a new user does: its steps, and what they lead to. */
async function install(example: keyof typeof hosts): Promise<void> {
  await walk(hosts[example], example, 'Steps')
  await walk(hosts[example], example, 'How to see that it works')
}

/** Who serves a new session; empty: it is refused. */
async function whoIsAt(to: string): Promise<string> {
  const [host = '', port = ''] = to.split(':')
  const { stdout } = await lan.sh(
    `PGPASSWORD=${PASSWORD} psql -X -h ${host} -p ${port} -U postgres -Atc 'SHOW demo.member'`,
  )
  return stdout.trim()
}

async function serves(host: Host): Promise<void> {
  await until('the primary is served', async () => (await whoIsAt(`${host.address}:5000`)) === 'pg1')
  await until('a replica is served', async () => /^pg[23]$/.test(await whoIsAt(`${host.address}:5001`)))
}

test('the stand-alone router: its commands lead to the primary and the replicas', async () => {
  await install('standalone')
  await serves(hosts.standalone)
})

test('Prometheus: its commands lead to the metrics of the stand-alone router', async () => {
  await hosts.standalone.ok(`sed -i "s/bind: 127.0.0.1:7000/bind: '*:7000'/" /etc/patroni-router/config.yml`)
  await hosts.standalone.ok('sed -i s/15s/1s/ /root/patroni-router/examples/monitoring/prometheus.yml')
  await walk(hosts.standalone, 'monitoring', 'Steps')
  await walk(hosts.standalone, 'monitoring', 'How to see that it works')
})

test('HAProxy: its commands lead to the primary and the replicas, and members come and go', async () => {
  await install('haproxy')
  const isDown = async (name: string) => (await hosts.haproxy.journal('haproxy')).includes(`primary/${name} is DOWN`)
  // Until then HAProxy holds them to be good, too.
  await until('HAProxy has found out who is no primary', async () => (await isDown('pg2')) && isDown('pg3'))
  await serves(hosts.haproxy)
  const session = await LanSession.open(lan, '10.0.0.11:5000')
  const urls = { conn_url: 'postgres://10.0.0.4:5432/postgres', api_url: 'http://10.0.0.4:8008/patroni' }
  const key = JSON.stringify({ ...urls, state: 'running', role: 'replica', version: '3.0.2', timeline: 1 })
  await cluster.host('pg1').ok(`ETCDCTL_API=3 etcdctl put /service/demo/members/pg4 '${key}'`)
  await until('HAProxy checks the new member', () => isDown('pg4'))
  await cluster.host('pg1').ok('ETCDCTL_API=3 etcdctl del /service/demo/members/pg4')
  const isOut = async () => !(await hosts.haproxy.read('/etc/haproxy/haproxy.cfg')).includes('pg4')
  await until('it is out again', isOut)
  await session.goesOn()
})

test("HAProxy: the variant's commands leave the primary alone in its section", async () => {
  await walk(hosts.haproxy, 'haproxy', 'Variant: the confirmed primary alone')
  const servers = async () =>
    (await hosts.haproxy.read('/etc/haproxy/haproxy.cfg')).match(/(?<=^\t)server \S+ \S+/gm) ?? []
  await until('the file is the other one', async () => (await servers()).length === 3)
  assert.equal((await servers())[0], 'server pg1 10.0.0.1:5432')
  await serves(hosts.haproxy)
})

test('nginx: its commands lead to the primary and the replicas', async () => {
  await install('nginx-stream')
  await serves(hosts['nginx-stream'])
})

test('PgBouncer: its commands lead to the primary', async () => {
  await hosts.pgbouncer.write('/etc/pgbouncer/userlist.txt', `"postgres" "${PASSWORD}"\n`)
  await hosts.pgbouncer.ok(`umask 077; echo '*:*:*:postgres:${PASSWORD}' >/root/.pgpass`)
  await install('pgbouncer')
  assert.equal(await whoIsAt(POOLER), 'pg1')
})

test('after a switchover all of them lead to the next primary, and a session through PgBouncer continues', async () => {
  const pooled = await LanSession.open(lan, POOLER, PASSWORD)
  const old = await LanSession.open(lan, '10.0.0.10:5000')
  await cluster.switchover('pg2')
  await old.closed()
  // The stand-alone router holds who comes until there is somebody.
  assert.equal(await whoIsAt('10.0.0.10:5000'), 'pg2')
  for (const n of [11, 12])
    await until(`10.0.0.${n} leads there`, async () => (await whoIsAt(`10.0.0.${n}:5000`)) === 'pg2')
  await until('PgBouncer leads there', () => pooled.member === 'pg2')
  await pooled.goesOn()
})

test('a PgBouncer that is paused is resumed when its router is stopped', async () => {
  const session = await LanSession.open(lan, POOLER, PASSWORD)
  await hosts.pgbouncer.ok('pkill -USR1 -x pgbouncer; systemctl stop patroni-router')
  await session.goesOn()
})
