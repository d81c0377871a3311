/** The example as its README has it, on two hosts before a real cluster, with real keepalived. The tests follow each other. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { AddressWatch } from '../../support/hosts/address-watch.ts'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { follow, readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { clock, until } from '../../support/until.ts'
import { VipProbe } from '../../support/hosts/vip-probe.ts'

const EXAMPLE = 'keepalived-routers'
const LOOK = 'How to see that it works'
const [ADD, READ_AGAIN] = readmeBlocks(EXAMPLE, 'Variant: a third router')
const ADDRESS = '10.0.0.100'
/** So that a client that is held is served in the end. */
const PATIENT_MS = 20_000

let lan: Lan
let cluster: PatroniHosts
let routers: readonly Host[]
let watch: AddressWatch
let probe: VipProbe

before(async () => {
  lan = await Lan.create()
  const boot = (n: number) => Host.boot(lan, { name: `router${n}`, address: `10.0.0.1${n}/24` })
  ;[cluster, ...routers] = await Promise.all([PatroniHosts.start(lan), boot(1), boot(2), boot(3)])
  watch = await AddressWatch.start(routers, ADDRESS)
  probe = await VipProbe.start(cluster, { port: 5000, timeoutMs: PATIENT_MS, everyMs: 100 })
})

after(async () => {
  await lan[Symbol.asyncDispose]()
})

/** Where the address is; waits until it is on one host only and clients are served by the leader. */
async function holder(): Promise<Host> {
  const leader = await cluster.waitHealthy()
  await watch.settled()
  await probe.served(leader.name, clock())
  const [name] = watch.holders()
  const found = routers.find((host) => host.name === name)
  assert.ok(found)
  return found
}

/** Does something to the holder, and waits until another host has the address; who has had it. */
async function moves(disturb: (host: Host) => Promise<unknown>): Promise<Host> {
  const from = await holder()
  const since = clock()
  await disturb(from)
  await watch.change(from.name, false, since, { timeoutMs: 30_000 })
  assert.notEqual((await holder()).name, from.name)
  return from
}

/** The README's commands for a new host, from installing to looking at it. */
async function setUp(host: Host): Promise<void> {
  await walk(host, EXAMPLE, 'Steps')
  await host.ok('until patroni-router track primary; do sleep 0.1; done')
  const [look] = readmeBlocks(EXAMPLE, LOOK)
  assert.match(await follow(host, EXAMPLE, look?.command ?? ''), / OPEN for .*\n1\n.*active \(running\)/s)
}

test("the README's commands give the address to one of the routers, which serves its clients", async () => {
  await Promise.all(routers.slice(0, 2).map(setUp))
  await holder()
  for (const host of routers.slice(0, 2)) await walk(host, EXAMPLE, LOOK)
  assert.equal(await cluster.sql(ADDRESS, 'SELECT pg_is_in_recovery()', { port: 5000 }), 'f')
  assert.equal(await cluster.sql(ADDRESS, 'SELECT pg_is_in_recovery()', { port: 5001 }), 't')
})

test('the address stays where it is in a switchover, and so do the clients that are held', async () => {
  const at = await holder()
  const since = clock()
  await cluster.switchover('pg2')
  await probe.served('pg2', clock())
  assert.equal((await holder()).name, at.name)
  assert.deepEqual(
    watch.events.filter((event) => event.at >= since),
    [],
  )
  const failed = probe.clients.filter(({ asked, error }) => asked >= since && error !== null)
  assert.deepEqual(failed, [])
})

test('the address leaves a router that is killed, and does not come back with it', async () => {
  const killed = await moves((host) => host.signal('patroni-router', 'KILL'))
  await killed.ok('until patroni-router track primary; do sleep 0.1; done')
  await watch.settled()
  assert.ok(!watch.holders().includes(killed.name))
})

test('the address leaves a router that is frozen', async () => {
  const frozen = await moves((host) => host.signal('patroni-router', 'STOP'))
  await frozen.signal('patroni-router', 'CONT')
})

test('the address leaves a host where keepalived is killed, and its sessions do not stay behind', async () => {
  const idle = `sleep 600 | PGAPPNAME=kept psql -X -h ${ADDRESS} -p 5000 -U postgres`
  const client = await lan.start('kept', idle)
  const leader = await cluster.leader()
  const count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kept'"
  const left = async (number: string) => (await cluster.sql(leader.address, count)) === number
  await until('the session runs', () => left('1'))
  await moves((host) => host.ok('systemctl kill --kill-whom=all --signal=KILL keepalived'))
  await until('the session is gone', () => left('0'))
  await client.stop({ signal: 'SIGKILL' })
})

test('the address leaves a host that is cut off, and only one has it when that is back', async () => {
  const from = await holder()
  await lan.cut(from)
  await probe.served((await cluster.leader()).name, clock())
  await from.ok('while patroni-router track primary; do sleep 0.1; done')
  await lan.heal(from)
  assert.notEqual((await holder()).name, from.name)
})

test('a third router joins by the README, and takes the address when the others are gone', async () => {
  const [first, second, third] = routers
  assert.ok(first && second && third && ADD && READ_AGAIN)
  await Promise.all(routers.map((host) => follow(host, EXAMPLE, ADD.command)))
  await Promise.all([first, second].map((host) => follow(host, EXAMPLE, READ_AGAIN.command)))
  await setUp(third)
  await holder()
  const since = clock()
  await Promise.all([first, second].map((host) => host.ok('systemctl stop patroni-router')))
  await watch.change(third.name, true, since)
  assert.equal((await holder()).name, third.name)
})
