/** The example as its README has it: Debian's HAProxy before three Citus groups. The tests follow each other. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CitusHosts } from '../../support/hosts/citus-hosts.ts'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { LanSession } from '../../support/hosts/lan-session.ts'
import { walk } from '../../support/hosts/readme.ts'
import { until } from '../../support/until.ts'

const EXAMPLE = 'haproxy-citus'
const COORDINATOR = '10.0.0.10:5000'
const WORKERS = '10.0.0.10:5001'
const FILE = '/etc/haproxy/haproxy.cfg'

let lan: Lan
let citus: CitusHosts
let balancer: Host

before(async () => {
  lan = await Lan.create()
  const boot = Host.boot(lan, { name: 'balancer', address: '10.0.0.10/24' })
  ;[citus, balancer] = await Promise.all([CitusHosts.start(lan), boot])
})

after(() => lan[Symbol.asyncDispose]())

/** Who serves a new session; empty: it is refused. */
async function whoIsAt(to: string): Promise<string> {
  const [host = '', port = ''] = to.split(':')
  const { stdout } = await lan.sh(`psql -X -h ${host} -p ${port} -U postgres -Atc 'SHOW demo.member'`)
  return stdout.trim()
}

/** Who serves the next sessions there, one for each of two workers and their replicas. */
async function whoAreAt(to: string): Promise<string> {
  const seen = new Set<string>()
  for (let turn = 0; turn < 4; turn++) seen.add(await whoIsAt(to))
  return [...seen].sort().join(' ')
}

test("the README's commands lead to the coordinator's primary, and in turn to those of the workers", async () => {
  await walk(balancer, EXAMPLE, 'Steps')
  await walk(balancer, EXAMPLE, 'How to see that it works')
  await until('the coordinator is found', async () => (await whoAreAt(COORDINATOR)) === 'group0-pg1')
  await until('the workers are found', async () => (await whoAreAt(WORKERS)) === 'group1-pg1 group2-pg1')
  const lines = (await balancer.read(FILE)).match(/^\tserver .*/gm)
  const server = (name: string, n: number) => `\tserver ${name} 10.0.0.${n}:5432 check port 8008`
  assert.deepEqual(lines, [
    ...[server('group0-pg1', 1), server('group0-pg2', 2)],
    ...[server('group1-pg1', 3), server('group1-pg2', 4), server('group2-pg1', 5)],
  ])
})

test('a switchover in one group moves its clients only, and no file', async () => {
  const file = await balancer.ok(`stat --format='%i %y' ${FILE}`)
  const coordinator = await LanSession.open(lan, COORDINATOR)
  const sessions = await Promise.all([LanSession.open(lan, WORKERS), LanSession.open(lan, WORKERS)])
  const [worker1, worker2] = sessions.toSorted((one, other) => (one.member < other.member ? -1 : 1))
  assert.deepEqual([worker1?.member, worker2?.member], ['group1-pg1', 'group2-pg1'])
  await citus.switchover(1, 'pg1', 'pg2')
  await worker1?.closed()
  await until('the next primary is found', async () => (await whoAreAt(WORKERS)) === 'group1-pg2 group2-pg1')
  for (const session of [coordinator, worker2]) await session?.goesOn()
  assert.equal(await balancer.ok(`stat --format='%i %y' ${FILE}`), file)
})

test('a member that joins a group is in the file, under a name of its own, and costs no session', async () => {
  const session = await LanSession.open(lan, COORDINATOR)
  const urls = { conn_url: 'postgres://10.0.0.6:5432/postgres', api_url: 'http://10.0.0.6:8008/patroni' }
  const key = JSON.stringify({ ...urls, state: 'running', role: 'replica', version: '3.0.2', timeline: 1 })
  await citus.member(0, 'pg1').host.ok(`ETCDCTL_API=3 etcdctl put /service/demo/2/members/pg2 '${key}'`)
  const isThere = async () =>
    (await balancer.read(FILE)).includes('\tserver group2-pg2 10.0.0.6:5432 check port 8008\n')
  await until('it is in the file', isThere)
  await until('HAProxy has it', async () =>
    (await balancer.journal('haproxy')).includes('Server workers/group2-pg2 is DOWN'),
  )
  await until('the coordinator is found again', async () => (await whoAreAt(COORDINATOR)) === 'group0-pg1')
  await session.goesOn()
})
