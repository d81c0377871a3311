import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { counted } from '../../src/text/wording.ts'
import { clock } from '../../test/support/until.ts'
import { type Case, type Figure, medianAndWorst } from '../case.ts'
import { connectionsTo, usageOf } from '../process.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { remarksOf } from '../sources/remarks.ts'
import type { Keys, Lead } from './members.ts'
import { inLanes, kubernetesStore, OTHERS, type Store, zookeeperStore } from './scale-stores.ts'
import { memberOf } from './scope.ts'
import { Watchers } from './watchers.ts'

const CLUSTERS = 100
const MEMBERS = 3
const SECONDS = 60
const LOOP_WAIT_MS = 10_000
/** So that what a phase has caused is over. */
const SETTLE_MS = 1_000
/** More writes are not under way at the same time: a server that is slower than that is measured, not swamped. */
const MOST_UNDER_WAY = 16

const PHASES = ['start', 'renewals', 'loops', 'changes', 'at-once'] as const
type Phase = (typeof PHASES)[number]

interface Scale {
  readonly name: string
  readonly title: string
  /** What a leader writes each second. */
  readonly renewal: string
  readonly start: () => Promise<Store>
}

export const scaleOnKubernetes = scale({
  name: 'kubernetes',
  title: `${counted(CLUSTERS, 'cluster')} of ${counted(MEMBERS, 'member')} in Kubernetes (Endpoints), beside ${OTHERS} Pods of others`,
  renewal: '`renewTime` of every leader each second',
  start: kubernetesStore,
})

export const scaleOnZookeeper = scale({
  name: 'zookeeper',
  title: `${counted(CLUSTERS, 'cluster')} of ${counted(MEMBERS, 'member')} in ZooKeeper`,
  renewal: '`status` of every cluster each second',
  start: zookeeperStore,
})

/**
 * Returns the case of many clusters in one DCS: their watchers in a process of their own with the memory of the router, the
 * members played by another one, and the writes of Patroni by this one.
 */
function scale({ name, title, renewal, start }: Scale): Case {
  const labels: Readonly<Record<Phase, string>> = {
    start: 'start, until every primary is open',
    renewals: renewal,
    loops: `every key of every cluster each ${LOOP_WAIT_MS / 1000} s, with another position`,
    changes: 'another leader in every cluster, one after the other',
    'at-once': 'another leader in every cluster at once',
  }
  return {
    ...{ name, title },
    figures: [
      { key: 'connections', label: 'connections to the DCS', unit: 'count' },
      { key: 'losses', label: 'times that a cluster lost the DCS', unit: 'count', target: { max: 0 } },
      { key: 'memory-before', label: 'memory before it observes anything', unit: 'MiB' },
      { key: 'memory', label: 'memory at the end', unit: 'MiB' },
      { key: 'open', label: 'start → every primary open', unit: 'ms' },
      ...(['renewals', 'loops'] as const).flatMap((phase): readonly Figure[] => [
        { key: `cpu-${phase}`, label: `CPU, ${labels[phase]}`, unit: 'ms/s' },
        { key: `writes-${phase}`, label: `writes, ${labels[phase]}`, unit: '/s' },
      ]),
      ...PHASES.flatMap((phase): readonly Figure[] => [
        { key: `turn-${phase}`, label: `longest turn of the event loop, ${labels[phase]}`, unit: 'ms' },
        { key: `work-${phase}`, label: `most processor time of a turn, ${labels[phase]}`, unit: 'ms' },
      ]),
      ...medianAndWorst('change', 'another leader written, one after the other → `open`'),
      { key: 'all-changed', label: 'another leader written in every cluster at once → the last is open', unit: 'ms' },
    ],
    measure: inOneRun(async (record, repeats) => {
      await using stack = new AsyncDisposableStack()
      const store = await start()
      stack.use(store.dcs)
      for (const remark of await remarksOf(store.dcs)) record.remark(remark)
      const args = [String(CLUSTERS), String(MEMBERS)]
      const members = stack.adopt(fork(join(import.meta.dirname, 'members.ts'), args, { execArgv: [] }), end)
      const [keys] = (await once(members, 'message')) as [Keys]
      await inLanes(CLUSTERS, (cluster) => store.found(cluster, keys[cluster] ?? []))
      record.progress('all keys are there')
      const watchers = stack.use(await Watchers.start(store.dcs, CLUSTERS))
      record.add('memory-before', usageOf(watchers.pid).mebibytes)
      await new Measurement({ store, keys, members, watchers, record }).all(repeats ?? SECONDS)
    }),
  }
}

interface Parts {
  readonly store: Store
  readonly keys: Keys
  readonly members: ChildProcess
  readonly watchers: Watchers
  readonly record: Recorder
}

/** What is written of a cluster; `position`: of its WAL. */
type WritesOf = (cluster: number, position: number) => readonly (() => Promise<void>)[]

class Measurement {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async all(seconds: number): Promise<void> {
    const { store, watchers, record, keys } = this.#parts
    await this.#phase('start', async () => {
      const at = clock()
      watchers.order('observe')
      const opens = await watchers.opened((cluster) => memberOf(cluster, 0), at)
      record.add('open', Math.max(...opens) - at)
    })
    await this.#writing('renewals', seconds, 1_000, (cluster) => [() => store.renew(cluster, null)])
    await this.#writing('loops', seconds, LOOP_WAIT_MS, (cluster, position) => [
      () => store.renew(cluster, position),
      ...(keys[cluster] ?? []).map(({ name, key }) => {
        const value = JSON.stringify({ ...(JSON.parse(key) as object), xlog_location: position })
        return () => store.touch(cluster, { name, key: value })
      }),
    ])
    await this.#phase('changes', async () => {
      for (let cluster = 0; cluster < CLUSTERS; cluster++) {
        await this.#promote(cluster, 1)
        const at = clock()
        await store.lead(cluster, memberOf(cluster, 1))
        record.add('change', (await watchers.open(cluster, memberOf(cluster, 1), at)) - at)
      }
    })
    await this.#phase('at-once', async () => {
      for (let cluster = 0; cluster < CLUSTERS; cluster++) await this.#promote(cluster, 2)
      const at = clock()
      await inLanes(CLUSTERS, (cluster) => store.lead(cluster, memberOf(cluster, 2)))
      record.note('all written within ms', Math.round(clock() - at))
      record.add('all-changed', Math.max(...(await watchers.opened((cluster) => memberOf(cluster, 2), at))) - at)
    })
    record.add('losses', (await watchers.turned()).losses)
    const [server] = store.dcs.servers
    record.add('connections', connectionsTo(watchers.pid, server?.port ?? 0))
    record.add('memory', usageOf(watchers.pid).mebibytes)
  }

  /** Does something, and records the longest turn of the watchers meanwhile. */
  async #phase(phase: Phase, work: () => Promise<void>): Promise<void> {
    const { watchers, record } = this.#parts
    watchers.order('measure')
    await work()
    await sleep(SETTLE_MS)
    const { longest, views } = await watchers.turned()
    record.add(`turn-${phase}`, longest.turnMs)
    record.add(`work-${phase}`, longest.workMs)
    record.note(`views, ${phase}`, views)
    record.progress(`${phase}: longest turn ${longest.turnMs.toFixed(1)} ms`)
  }

  /** Records the processor time of the watchers over some seconds of writes, then the turns over the same, which take some, too. */
  async #writing(phase: 'renewals' | 'loops', seconds: number, everyMs: number, writesOf: WritesOf): Promise<void> {
    const { watchers, record } = this.#parts
    const [begun, { cpuMs }] = [clock(), usageOf(watchers.pid)]
    const written = await write(seconds, everyMs, writesOf)
    const tookS = (clock() - begun) / 1000
    record.add(`cpu-${phase}`, (usageOf(watchers.pid).cpuMs - cpuMs) / tookS)
    record.add(`writes-${phase}`, written / tookS)
    await this.#phase(phase, async () => {
      await write(seconds, everyMs, writesOf)
    })
  }

  /** Lets a member of a cluster be the primary, before the DCS names it. */
  async #promote(cluster: number, member: number): Promise<void> {
    const { members } = this.#parts
    const done = once(members, 'message')
    members.send({ cluster, member, timeline: member + 1 } satisfies Lead)
    await done
  }
}

/** Writes of every cluster once in `everyMs`, at an even pace. Returns how many writes there were. */
async function write(seconds: number, everyMs: number, writesOf: WritesOf): Promise<number> {
  const begun = clock()
  const underWay = new Set<Promise<void>>()
  let written = 0
  for (let turn = 0; clock() - begun < seconds * 1000; turn++) {
    for (const one of writesOf(turn % CLUSTERS, Math.round(begun) + turn)) {
      const done: Promise<void> = one().finally(() => underWay.delete(done))
      underWay.add(done)
      if (underWay.size >= MOST_UNDER_WAY) await Promise.race(underWay)
      written++
    }
    await sleep(Math.max(0, begun + ((turn + 1) * everyMs) / CLUSTERS - clock()))
  }
  await Promise.all(underWay)
  return written
}

function end(child: ChildProcess): void {
  child.kill('SIGKILL')
}
