/** The example as its README has it, on three hosts with a real cluster and real keepalived. The tests follow each other. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { AddressWatch } from '../../support/hosts/address-watch.ts'
import type { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { follow, readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { clock, until } from '../../support/until.ts'
import { VipProbe } from '../../support/hosts/vip-probe.ts'

const EXAMPLE = 'keepalived-leader'
const ADDRESS = '10.0.0.100'

let lan: Lan
let cluster: PatroniHosts
let watch: AddressWatch
let probe: VipProbe

before(async () => {
  lan = await Lan.create()
  cluster = await PatroniHosts.start(lan)
  watch = await AddressWatch.start(cluster.hosts, ADDRESS)
  probe = await VipProbe.start(cluster)
})

after(async () => {
  await lan[Symbol.asyncDispose]()
})

/** Waits until the address is where the leader is and nowhere else, and clients are served there. */
async function settled(): Promise<Host> {
  const leader = await cluster.waitHealthy()
  await watch.held(leader.name)
  await probe.served(leader.name, clock())
  return leader
}

test("the README's commands give the address to the leader's host, and clients write through it", async () => {
  const check = readmeBlocks(EXAMPLE, 'Steps').find(({ output }) => output !== null)
  const [look] = readmeBlocks(EXAMPLE, 'How to see that it works')
  assert.ok(check && look)
  const ready = async (host: Host): Promise<void> => {
    await walk(host, EXAMPLE, 'Steps')
    assert.match(
      await follow(host, EXAMPLE, check.command),
      new RegExp(`local member ${host.name}: is a member, and on this host`),
    )
  }
  await Promise.all(cluster.hosts.map(ready))
  const leader = await settled()
  assert.equal(leader.name, 'pg1')
  assert.match(await follow(leader, EXAMPLE, look.command), / OPEN for .*\n1\n.*active \(running\)/s)
  await walk(leader, EXAMPLE, 'How to see that it works')
  const statement = "CREATE TABLE written AS SELECT current_setting('demo.member') AS by; SELECT * FROM written"
  assert.match(await cluster.sql(ADDRESS, statement), /pg1$/)
})

test('a planned switchover takes the address along, and a client that waits for an answer gets an error', async () => {
  const waiting = cluster.sql(ADDRESS, 'SELECT pg_sleep(100)', { timeoutMs: 30_000 }).catch(String)
  const asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
  await until('it waits', async () => (await cluster.sql('10.0.0.1', asleep)) === '1')
  const since = clock()
  await cluster.switchover('pg2')
  await watch.change('pg1', false, since)
  await watch.change('pg2', true, since)
  assert.match(await waiting, /terminating connection due to administrator command/)
  assert.equal((await settled()).name, 'pg2')
})

test('the address leaves a host whose router is killed before that is started again, and comes back with it', async () => {
  const since = clock()
  const leader = await killed('patroni-router')
  const left = await watch.change(leader.name, false, since)
  await watch.change(leader.name, true, left)
  assert.ok(left < (await lastStart(leader, 'patroni-router')))
})

test('the address leaves a host whose router is frozen, and goes to the next leader', async () => {
  const leader = await settled()
  const since = clock()
  await leader.signal('patroni-router', 'STOP')
  await watch.change(leader.name, false, since, { timeoutMs: 30_000 })
  await cluster.switchover('pg3')
  await settled()
  await leader.signal('patroni-router', 'CONT')
})

test('a keepalived that is killed leaves no address behind, and is started again', async () => {
  const since = clock()
  const leader = await killed('keepalived')
  const left = await watch.change(leader.name, false, since)
  await watch.change(leader.name, true, left)
  assert.ok(left < (await lastStart(leader, 'keepalived')))
})

test('keepalived does not start where there is no directory for the track file', async () => {
  const [replica] = await cluster.replicas()
  assert.ok(replica)
  await replica.ok('systemctl stop keepalived patroni-router && mv /run/patroni-router /run/away')
  await replica.ok('mv /run/private/patroni-router /run/private/away')
  assert.notEqual((await replica.sh('systemctl start --job-mode=ignore-dependencies keepalived')).code, 0)
  await replica.ok('mv /run/private/away /run/private/patroni-router && mv /run/away /run/patroni-router')
  await replica.ok('systemctl start patroni-router keepalived')
})

test('the address leaves a host where PostgreSQL has crashed', async () => {
  const leader = await settled()
  const since = clock()
  await cluster.crash(leader)
  await watch.change(leader.name, false, since)
  await cluster.restart(leader)
  await settled()
})

test('a host that is cut off lets the address go, and the next leader takes it', async () => {
  const leader = await settled()
  const since = clock()
  await lan.cut(leader)
  await watch.change(leader.name, false, since, { timeoutMs: 30_000 })
  const next = await until(
    'somebody else is the leader',
    async () => {
      const now = await cluster.leader()
      return now.name !== leader.name && now
    },
    { timeoutMs: 40_000 },
  )
  await watch.held(next.name)
  await probe.served(next.name, clock())
  await lan.heal(leader)
  const said = async () => (await leader.sh('patroni-router track local-leader')).stdout
  await until(
    'it knows the next leader',
    async () => (await said()) === `the primary is ${next.name}, not ${leader.name}\n`,
  )
  await watch.held(next.name)
})

test('in all this no two hosts had the address at once, and none whose PostgreSQL said that it is not the primary', () => {
  assert.equal(watch.longestOverlapMs(), 0)
  assert.deepEqual(probe.wrong(watch), [])
  assert.ok(probe.roles.some(({ primary }) => primary) && probe.roles.some(({ primary }) => !primary))
})

/** Kills the main process of a unit on the leader's host, and what it has started. */
async function killed(unit: string): Promise<Host> {
  const leader = await settled()
  await leader.ok(`systemctl kill --kill-whom=all --signal=KILL ${unit}`)
  return leader
}

/** When systemd has started the main process of a unit, in milliseconds since the epoch. */
async function lastStart(host: Host, unit: string): Promise<number> {
  const property = '--timestamp=us+utc --property=ExecMainStartTimestamp --value'
  const text = await host.ok(`systemctl show ${property} ${unit}`)
  const [, day = '', time = ''] = /(\S+) (\S+) UTC/.exec(text) ?? []
  return Date.parse(`${day}T${time}Z`)
}
