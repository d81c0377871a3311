import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PatroniCluster } from '../../test/support/patroni/cluster.ts'
import { RouterProcess } from '../../test/support/router/process.ts'
import { clock, until } from '../../test/support/until.ts'
import type { Case, Figure } from '../case.ts'
import { usageOf } from '../process.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { INSTALLED_MAIN } from '../sizing/installed-router.ts'
import { countEvents, type EventCount } from './event-count.ts'
import { remarksOf } from './remarks.ts'
import { type Source, SOURCES } from './sources.ts'
import type { Counts } from './views-main.ts'

const MINUTES = 10
const MINUTE_MS = 60_000
/** So that what the start has caused is over. */
const SETTLE_MS = 10_000
const LOOP_WAIT_S = 2
const REFERENCE = 'etcd3'

/**
 * A real cluster on each DCS, all at the same time, to which no client writes. Each has an installed router without a client,
 * whose CPU and memory are measured, and a watcher in a process of its own, whose views are counted.
 */
export const churn: Case = {
  name: 'churn',
  title: `a real cluster of three members on each DCS at the same time, \`loop_wait\` ${LOOP_WAIT_S} s, no client writes`,
  figures: [
    { key: 'duration', label: 'duration', unit: 's' },
    ...eachSource('events', 'events in a bare watch', 'count'),
    ...eachSource('observations', 'snapshots given to the watcher, confirmations included', 'count'),
    ...eachSource('views', 'views published', 'count'),
    ...eachSource('unchanged', 'views published in which nothing has changed', 'count', { max: 0 }),
    ...eachSource('cpu', 'CPU of the router', 'ms/s'),
    ...eachSource('ratio', 'CPU of the router, of that on etcd v3', '%').filter(
      ({ key }) => !key.startsWith(REFERENCE),
    ),
    ...eachSource('memory', 'memory of the router at the end', 'MiB'),
  ],
  measure: inOneRun(async (record, repeats) => {
    await using stack = new AsyncDisposableStack()
    const scenes: Scene[] = []
    for (const source of SOURCES) {
      scenes.push(await sceneOf(source, stack, record))
      record.progress(`${source.title} is settled`)
    }
    await sleep(SETTLE_MS)
    const begun = await Promise.all(scenes.map(momentOf))
    await sleep((repeats ?? MINUTES) * MINUTE_MS)
    const ended = await Promise.all(scenes.map(momentOf))
    for (const [index, { source }] of scenes.entries()) {
      const [from, to] = [begun[index], ended[index]]
      if (from !== undefined && to !== undefined) add(source, from, to, record)
    }
    const [reference = NaN] = record.samples[`${REFERENCE}-cpu`]?.router ?? []
    for (const { key } of SOURCES.filter((source) => source.key !== REFERENCE))
      for (const cpu of record.samples[`${key}-cpu`]?.router ?? []) record.add(`${key}-ratio`, (100 * cpu) / reference)
  }),
}

function eachSource(key: string, label: string, unit: Figure['unit'], target?: Figure['target']): readonly Figure[] {
  return SOURCES.map((source) => ({
    ...{ key: `${source.key}-${key}`, label: `${source.title}: ${label}`, unit },
    ...(target === undefined ? {} : { target }),
  }))
}

interface Scene {
  readonly source: Source
  readonly router: RouterProcess
  readonly watcher: ChildProcess
  readonly events: EventCount
}

async function sceneOf(source: Source, stack: AsyncDisposableStack, record: Recorder): Promise<Scene> {
  const { dcs } = await source.start()
  stack.use(dcs)
  for (const remark of await remarksOf(dcs)) record.remark(remark)
  const cluster = stack.use(await PatroniCluster.start({ dcs, loopWait: LOOP_WAIT_S }))
  const router = stack.use(await RouterProcess.forCluster(cluster, { main: INSTALLED_MAIN }))
  const file = join(import.meta.dirname, 'views-main.ts')
  const watcher = stack.adopt(
    fork(file, [router.configFile], { execArgv: [], env: { ...cluster.env } }),
    (child) => void child.kill('SIGKILL'),
  )
  await until('the watcher has published all members', async () => {
    const { isSettled, views } = await countsOf(watcher)
    return isSettled && views > 0
  })
  const events = stack.adopt(await countEvents(dcs, cluster.prefix), (count) => count.close())
  return { source, router, watcher, events }
}

interface Moment extends Counts {
  readonly at: number
  readonly events: number
  readonly cpuMs: number
  readonly mebibytes: number
}

async function momentOf({ router, watcher, events }: Scene): Promise<Moment> {
  const { cpuMs, mebibytes } = usageOf(router.process.pid)
  return { at: clock(), events: events.count(), cpuMs, mebibytes, ...(await countsOf(watcher)) }
}

async function countsOf(watcher: ChildProcess): Promise<Counts> {
  if (watcher.exitCode !== null) throw new Error(`the watcher has ended with ${watcher.exitCode}`)
  const answer = once(watcher, 'message', { signal: AbortSignal.timeout(10_000) })
  watcher.send('counts')
  const [counts] = (await answer) as [Counts]
  return counts
}

/** Adds what was between two moments. */
function add({ key }: Source, from: Moment, to: Moment, record: Recorder): void {
  const seconds = (to.at - from.at) / 1000
  if (key === REFERENCE) record.add('duration', seconds)
  for (const count of ['events', 'observations', 'views', 'unchanged'] as const)
    record.add(`${key}-${count}`, to[count] - from[count])
  record.add(`${key}-cpu`, (to.cpuMs - from.cpuMs) / seconds)
  record.add(`${key}-memory`, to.mebibytes)
  const changes = Object.entries(to.changes).map(([path, count]) => [path, count - (from.changes[path] ?? 0)] as const)
  record.note(`${key} views by change`, Object.fromEntries(changes.filter(([, count]) => count > 0)))
}
