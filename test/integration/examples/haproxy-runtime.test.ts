/** The example as its README has it: Debian's HAProxy, a real cluster, real sessions. The tests follow each other. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { LanSession } from '../../support/hosts/lan-session.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { follow, readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { until } from '../../support/until.ts'

const EXAMPLE = 'haproxy-runtime'
const PRIMARY = '10.0.0.10:5000'
const REPLICAS = '10.0.0.10:5001'
const SOCKET = '/run/haproxy/admin.sock'

let lan: Lan
let cluster: PatroniHosts
let balancer: Host

before(async () => {
  lan = await Lan.create()
  const boot = Host.boot(lan, { name: 'balancer', address: '10.0.0.10/24' })
  ;[cluster, balancer] = await Promise.all([PatroniHosts.start(lan), boot])
})

after(async () => {
  await lan[Symbol.asyncDispose]()
})

/** The servers of a section and what HAProxy is told of them: `pg1 10.0.0.1:5432 ready`. */
async function servers(section: string): Promise<string[]> {
  const answer = await balancer.ok(`echo 'show servers state ${section}' | socat - ${SOCKET}`)
  const rows = answer.split('\n').map((line) => line.split(' '))
  const states = new Map([
    ['0', 'ready'],
    ['1', 'maint'],
    ['8', 'drain'],
  ])
  return rows
    .filter(([, name]) => name === section)
    .map((row) => `${row[3] ?? ''} ${row[4] ?? ''}:${row[18] ?? ''} ${states.get(row[6] ?? '') ?? ''}`)
    .sort()
}

/** Who serves a new session; empty: it is refused. */
async function whoIsAt(to: string): Promise<string> {
  const [address = '', port] = to.split(':')
  return cluster.sql(address, "SELECT current_setting('demo.member')", { port: Number(port) }).catch(() => '')
}

/** What changes with every process of HAProxy. */
async function haproxyProcess(): Promise<string> {
  return balancer.ok(`echo 'show info' | socat - ${SOCKET} | grep ^Pid`)
}

async function tell(key: string, value: string | null): Promise<void> {
  const command = value === null ? `del '${key}'` : `put '${key}' '${value}'`
  await cluster.host('pg1').ok(`ETCDCTL_API=3 etcdctl ${command}`)
}

/** The key of a member that is not there. */
const memberKey = (name: string): string => `/service/demo/members/${name}`
const memberAt = (address: string): string => {
  const urls = { conn_url: `postgres://${address}:5432/postgres`, api_url: `http://${address}:8008/patroni` }
  return JSON.stringify({ ...urls, state: 'running', role: 'replica', version: '3.0.2', timeline: 1 })
}

test("the README's commands open the primary alone, and the replicas by HAProxy's own checks", async () => {
  await walk(balancer, EXAMPLE, 'Steps')
  await until('the primary is open', async () => (await whoIsAt(PRIMARY)) === 'pg1')
  await until('a replica is', async () => /^pg[23]$/.test(await whoIsAt(REPLICAS)))
  assert.deepEqual(await servers('primary'), ['pg1 10.0.0.1:5432 ready'])
  await walk(balancer, EXAMPLE, 'How to see that it works')
  const [look] = readmeBlocks(EXAMPLE, 'How to see that it works')
  const seen = await follow(balancer, EXAMPLE, look?.command ?? '')
  assert.match(seen, /^ready primary\/pg1 10\.0\.0\.1:5432 /m)
  assert.match(seen, / replicas \d pg3 10\.0\.0\.3 /)
})

test('a member that joins, moves and leaves changes neither the process of HAProxy nor a session', async () => {
  const process = await haproxyProcess()
  const sessions = await Promise.all([LanSession.open(lan, PRIMARY), LanSession.open(lan, REPLICAS)])
  const becomes = async (what: string, row: string) =>
    until(`the new member ${what}`, async () => (await servers('replicas')).includes(row))
  await tell(memberKey('pg4'), memberAt('10.0.0.4'))
  await becomes('is there', 'pg4 10.0.0.4:5432 ready')
  await tell(memberKey('pg4'), memberAt('10.0.0.5'))
  await becomes('has moved', 'pg4 10.0.0.5:5432 ready')
  await tell(memberKey('pg4'), null)
  await becomes('is out', 'pg4 10.0.0.5:5432 maint')
  for (const session of sessions) await session.goesOn()
  assert.equal(await haproxyProcess(), process)
})

test('members with strange names have names in HAProxy that it takes, and keep no other out', async () => {
  const names = ['pg;quit', 'pg=7', 'pg8']
  for (const [index, name] of names.entries()) await tell(memberKey(name), memberAt(`10.0.0.${index + 6}`))
  const added = async () => (await servers('replicas')).filter((row) => / 10\.0\.0\.[678]:/.test(row))
  await until('HAProxy has all of them', async () => (await added()).length === names.length)
  const called = (await added()).map((row) => row.split(' ')[0] ?? '')
  assert.equal(new Set(called).size, names.length)
  for (const name of called) assert.match(name, /^[\w.:-]+$/)
  for (const name of names) await tell(memberKey(name), null)
  await until('nothing is refused', async () => / in sync/.test(await balancer.ok('patroni-router status')))
})

test('a requested switchover keeps new sessions out, and costs none when it is cancelled', async () => {
  const session = await LanSession.open(lan, PRIMARY)
  await cluster.host('pg1').signal('patroni', 'STOP')
  await tell('/service/demo/failover', '{"leader":"pg1","member":"pg2"}')
  await until('the primary is drained', async () => (await servers('primary')).includes('pg1 10.0.0.1:5432 drain'))
  assert.equal(await whoIsAt(PRIMARY), '')
  await session.goesOn()
  await tell('/service/demo/failover', null)
  await cluster.host('pg1').signal('patroni', 'CONT')
  await until('it is open again', async () => (await whoIsAt(PRIMARY)) === 'pg1')
  await session.goesOn()
})

test('a switchover leads new sessions to the next primary, and closes those on the old one only', async () => {
  const process = await haproxyProcess()
  const [old, bystander] = await Promise.all([LanSession.open(lan, PRIMARY), LanSession.open(lan, '10.0.0.3:5432')])
  await cluster.switchover('pg2')
  await until('the new primary is open', async () => (await whoIsAt(PRIMARY)) === 'pg2')
  assert.deepEqual(await servers('primary'), ['pg1 10.0.0.1:5432 maint', 'pg2 10.0.0.2:5432 ready'])
  await old.closed()
  await bystander.goesOn()
  assert.equal(await haproxyProcess(), process)
  await cluster.waitHealthy()
})

test('a command that HAProxy refuses is sent again', async () => {
  await balancer.ok(`mv ${SOCKET} ${SOCKET}.away`)
  const refusal = await balancer.start(
    'refuses',
    `exec socat UNIX-LISTEN:${SOCKET},fork,mode=666 SYSTEM:"echo Permission denied"`,
  )
  await refusal.until('it refuses', async () => (await balancer.sh(`test -S ${SOCKET}`)).code === 0)
  await tell(memberKey('pg4'), memberAt('10.0.0.9'))
  await until('the router has seen it', async () =>
    (await balancer.sh('patroni-router status')).stdout.includes('Permission denied'),
  )
  await refusal.stop({ signal: 'SIGKILL' })
  await balancer.ok(`mv ${SOCKET}.away ${SOCKET}`)
  await until('HAProxy is told', async () => (await servers('replicas')).includes('pg4 10.0.0.9:5432 ready'))
  await tell(memberKey('pg4'), null)
})

test('a new HAProxy process opens no server before the router has set them', async () => {
  await balancer.ok('systemctl stop patroni-router && systemctl restart haproxy')
  assert.deepEqual(await servers('primary'), [])
  assert.equal(await whoIsAt(PRIMARY), '')
  await balancer.ok('systemctl start patroni-router')
  await until('the primary is open', async () => (await whoIsAt(PRIMARY)) === 'pg2')
  await balancer.signal('haproxy', 'KILL')
  await until('it is open in the next process', async () => (await whoIsAt(PRIMARY)) === 'pg2')
  await until('and so are the replicas', async () => /^pg[13]$/.test(await whoIsAt(REPLICAS)))
})

test('a reload of HAProxy and a restart of the router close no session', async () => {
  const session = await LanSession.open(lan, PRIMARY)
  await balancer.ok('systemctl restart patroni-router')
  await until(
    'the router has told HAProxy',
    async () => (await balancer.sh('test -e /run/patroni-router/haproxy.servers')).code === 0,
  )
  await session.goesOn()
  const process = await haproxyProcess()
  await balancer.ok('systemctl reload haproxy')
  assert.notEqual(await haproxyProcess(), process)
  await until('the primary is open in the new process', async () => (await whoIsAt(PRIMARY)) === 'pg2')
  await session.goesOn()
})

test('a router that is started while the REST API of the primary hangs ends no session there, and accepts no new one', async () => {
  const session = await LanSession.open(lan, PRIMARY)
  await cluster.host('pg2').signal('patroni', 'STOP')
  await balancer.ok('systemctl restart patroni-router')
  await until('the primary is drained', async () => (await servers('primary')).includes('pg2 10.0.0.2:5432 drain'))
  await session.goesOn()
  await cluster.host('pg2').signal('patroni', 'CONT')
  await until('it is open again', async () => (await whoIsAt(PRIMARY)) === 'pg2')
  await session.goesOn()
})

test('sessions on a primary whose Patroni hangs are closed as soon as another member holds the lock', async () => {
  const session = await LanSession.open(lan, PRIMARY)
  await cluster.host('pg2').signal('patroni', 'STOP')
  await tell('/service/demo/leader', null)
  await session.closed()
  await until('there is another primary', async () => /^pg[13]$/.test(await whoIsAt(PRIMARY)))
  // It has not closed the session itself.
  assert.equal(await cluster.sql('10.0.0.2', 'SELECT pg_is_in_recovery()'), 'f')
})
