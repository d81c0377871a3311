import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SYSTEM_ID } from '../../test/integration/watcher/fake-member.ts'
import type { EtcdClient } from '../../test/support/etcd/client.ts'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { freePorts } from '../../test/support/net/ports.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import { counted } from '../../src/text/wording.ts'
import type { Case } from '../case.ts'
import { usageOf } from '../process.ts'
import { inOneRun, type Recorder } from '../run.ts'
import type { Keys, Lead } from './members.ts'
import { memberOf, scopeOf } from './scope.ts'

const CLUSTERS = 100
const MEMBERS = 3
const CHANGES = 50
/** Patroni's loop of 10 s writes the status and the member keys of each cluster; for how long that is measured. */
const LOOP_MS = 10_000
const WATCHED_MS = 30_000
/** How much longer a change may take with all of them than with one, and what is within the noise. */
const MOST_RATIO = 1.5
const OPEN = 'another leader written → `open`'

/**
 * Two routers at the same time, one of a hundred clusters and one of the first of these alone, on a real etcd and members
 * that are played by a process of their own: memory, CPU, and how soon each has opened the next leader of that one.
 */
export const many: Case = {
  name: 'clusters',
  title: `${counted(CLUSTERS, 'cluster')} of ${counted(MEMBERS, 'member')} in one router, beside a router of one of them`,
  figures: [
    { key: 'memory-all', label: 'memory, router of 100', unit: 'MiB' },
    { key: 'memory-one', label: 'memory, router of one', unit: 'MiB' },
    { key: 'cpu-all', label: 'CPU while every cluster writes as Patroni does, router of 100', unit: '% of a core' },
    { key: 'cpu-one', label: 'CPU, router of one', unit: '% of a core' },
    {
      ...{ key: 'open-all', label: `${OPEN}, router of 100, median`, unit: 'ms', of: 'median' },
      target: { times: MOST_RATIO, key: 'open-one' },
    },
    { key: 'open-all', label: `${OPEN}, router of 100, p99`, unit: 'ms', of: 'p99' },
    { key: 'open-one', label: `${OPEN}, router of one, median`, unit: 'ms', of: 'median' },
    { key: 'open-one', label: `${OPEN}, router of one, p99`, unit: 'ms', of: 'p99' },
  ],
  measure: inOneRun(async (record, repeats) => {
    await using stack = new AsyncDisposableStack()
    const etcd = stack.use(await EtcdCluster.start())
    const members = stack.adopt(fork(join(import.meta.dirname, 'members.ts'), [String(CLUSTERS), String(MEMBERS)]), end)
    const [keys] = (await once(members, 'message')) as [Keys]
    for (const [cluster, own] of keys.entries()) await found(etcd.client, cluster, own)
    const one = stack.use(await RouterProcess.start({ config: { scope: scopeOf(0), ...common(etcd) } }))
    const all = stack.use(await RouterProcess.start({ config: await manyConfig(etcd) }))
    const opened = (router: RouterProcess): number => router.log.filter(({ event }) => event === 'primary-open').length
    await until('all are open', () => opened(all) === CLUSTERS && opened(one) === 1, { timeoutMs: 120_000 })
    const usage = await watched(etcd.client, keys, { all, one })
    record.progress('memory and CPU')
    for (const which of ['all', 'one'] as const) {
      record.add(`memory-${which}`, usage[which].mebibytes)
      record.add(`cpu-${which}`, usage[which].cpu)
    }
    await changes(etcd.client, members, { all, one }, repeats ?? CHANGES, record)
  }),
}

interface Pair<T> {
  readonly all: T
  readonly one: T
}

function common(etcd: EtcdCluster): Record<string, unknown> {
  return { etcd3: { hosts: etcd.hosts, use_proxies: true } }
}

async function manyConfig(etcd: EtcdCluster): Promise<Record<string, unknown>> {
  const names = Array.from({ length: CLUSTERS }, (_, cluster) => scopeOf(cluster))
  const ports = await freePorts(CLUSTERS)
  const listeners = names.map((cluster, index) => [
    cluster,
    { bind: `127.0.0.1:${ports[index] ?? 0}`, route: 'primary', cluster },
  ])
  return {
    ...common(etcd),
    clusters: Object.fromEntries(names.map((name) => [name, {}])),
    proxy: { listeners: Object.fromEntries(listeners) as object },
  }
}

async function found(client: EtcdClient, cluster: number, members: Keys[number]): Promise<void> {
  const prefix = `/service/${scopeOf(cluster)}/`
  for (const { name, key } of members) await client.put(`${prefix}members/${name}`, key)
  await client.put(`${prefix}initialize`, SYSTEM_ID)
  await client.put(`${prefix}config`, JSON.stringify({ ttl: 30, loop_wait: 10 }))
  await client.put(`${prefix}leader`, memberOf(cluster, 0))
}

interface Usage {
  readonly mebibytes: number
  readonly cpu: number
}

async function watched(client: EtcdClient, keys: Keys, routers: Pair<RouterProcess>): Promise<Pair<Usage>> {
  const [all, one] = [meter(routers.all), meter(routers.one)]
  const begun = clock()
  const puts = keys.flatMap((members, cluster) => {
    const prefix = `/service/${scopeOf(cluster)}/`
    return [
      { at: `${prefix}status`, member: null },
      ...members.map((member) => ({ at: `${prefix}members/${member.name}`, member })),
    ]
  })
  // One after the other, so that each is put once in a loop.
  for (let put = 0; clock() - begun < WATCHED_MS; put++) {
    const { at, member } = puts[put % puts.length] ?? { at: '', member: null }
    const position = 1000 + put
    const value =
      member === null ? { optime: position } : { ...(JSON.parse(member.key) as object), xlog_location: position }
    await client.put(at, JSON.stringify(value))
    const due = begun + ((put + 1) * LOOP_MS) / puts.length
    await sleep(Math.max(0, due - clock()))
  }
  return { all: all(), one: one() }
}

/** Measures the memory and the CPU that the router uses from now on. */
function meter({ process: { pid } }: RouterProcess): () => Usage {
  const [from, begun] = [usageOf(pid).cpuMs, clock()]
  return () => {
    const { mebibytes, cpuMs } = usageOf(pid)
    return { mebibytes, cpu: (100 * (cpuMs - from)) / (clock() - begun) }
  }
}

/** Records the milliseconds from each put of the key to the line of the log. */
async function changes(
  client: EtcdClient,
  members: ChildProcess,
  routers: Pair<RouterProcess>,
  count: number,
  record: Recorder,
): Promise<void> {
  for (let change = 1; change <= count; change++) {
    // So that each finds the routers at another point of their timers.
    await sleep(200 + Math.random() * 400)
    const member = change % MEMBERS
    const done = once(members, 'message')
    members.send({ cluster: 0, member, timeline: change + 1 } satisfies Lead)
    await done
    const lines = { all: routers.all.log.length, one: routers.one.log.length }
    const at = clock()
    const name = memberOf(0, member)
    await client.put(`/service/${scopeOf(0)}/leader`, name)
    for (const which of ['all', 'one'] as const) {
      const isOpen = (line: Readonly<Record<string, unknown>>): boolean =>
        line['event'] === 'primary-open' && line['member'] === name
      const open = await routers[which].waitForLog('open', isOpen, { from: lines[which] })
      record.add(`open-${which}`, open.time - at)
    }
  }
}

function end(members: ChildProcess): void {
  members.kill('SIGKILL')
}
