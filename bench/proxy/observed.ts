import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ask } from '../../src/admin/client.ts'
import { freePort } from '../../test/support/net/ports.ts'
import type { RouterProcess } from '../../test/support/router/process.ts'
import type { Case } from '../case.ts'
import { usageOf } from '../process.ts'
import { inOneRun, Recorder } from '../run.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { Observed } from './observers-main.ts'
import { connectAtRate } from './rate.ts'
import { startRouter } from './sides.ts'

const ROUNDS = 5
const SLOT_MS = 3_000
/** An event for each reader of the stream, and the next. Milliseconds. */
const EVENT_MS = 200
/** What becomes slower or faster during a round does so for both. */
const ORDER = [false, true, true, false]

/** One router with many readers and without any, in turns. */
export const observed: Case = {
  name: 'observed',
  title: '10 scrapes of `/metrics` a second and 100 readers of the event stream, at 1,000 sessions/s',
  figures: [
    {
      ...{ key: 'throughput', label: 'sessions per second, of those without readers', unit: '%', of: 'median' },
      target: { min: 95 },
    },
    { key: 'answer', label: 'connect → first answer with readers, p99', unit: 'ms', of: 'median' },
    { key: 'answer-alone', label: 'connect → first answer without readers, p99', unit: 'ms', of: 'median' },
    { key: 'cpu', label: 'CPU of the router for the readers', unit: '% of a core', of: 'median' },
    { key: 'scrapes', label: 'scrapes per second', unit: '/s', of: 'median' },
    { key: 'events', label: 'events per second and reader', unit: '/s', of: 'median' },
    {
      key: 'grown',
      label: 'memory of the router at the end, more than after the first round',
      unit: 'MiB',
      of: 'worst',
    },
  ],
  measure: inOneRun(async (record, rounds) => {
    await using cluster = await FakeCluster.start(2)
    await cluster.lead(0)
    const port = await freePort()
    await using router = await startRouter({ ...cluster.config, admin: { bind: `127.0.0.1:${port}` } })
    await router.waitForLog('that the primary is open', ({ event }) => event === 'primary-open')
    await round(new Recorder(0), router, port)
    const { mebibytes } = usageOf(router.process.pid)
    const count = rounds ?? ROUNDS
    for (let number = 1; number <= count; number++) {
      await round(record, router, port)
      record.add('grown', usageOf(router.process.pid).mebibytes - mebibytes)
      record.progress(`round ${number} of ${count}`)
    }
  }),
}

interface Slot {
  readonly perS: number
  readonly p99Ms: number
  /** Of one core. */
  readonly cpu: number
}

async function round(record: Recorder, router: RouterProcess, port: number): Promise<void> {
  const slots: { readonly isRead: boolean; readonly slot: Slot }[] = []
  for (const isRead of ORDER) {
    await using observers = isRead ? await Observers.start(port) : null
    await observers?.counts()
    const slot = await load(router)
    slots.push({ isRead, slot })
    if (observers === null) continue
    const { scrapes, events } = await observers.counts()
    record.add('scrapes', (scrapes * 1000) / SLOT_MS)
    record.add('events', (events * 1000) / SLOT_MS / 100)
  }
  const mean = (isRead: boolean, of: (slot: Slot) => number): number =>
    slots.filter((each) => each.isRead === isRead).reduce((sum, { slot }) => sum + of(slot), 0) / 2
  record.add('throughput', (100 * mean(true, ({ perS }) => perS)) / mean(false, ({ perS }) => perS))
  record.add('cpu', 100 * (mean(true, ({ cpu }) => cpu) - mean(false, ({ cpu }) => cpu)))
  record.add(
    'answer',
    mean(true, ({ p99Ms }) => p99Ms),
  )
  record.add(
    'answer-alone',
    mean(false, ({ p99Ms }) => p99Ms),
  )
}

/** Connects at the rate while events happen, with or without readers. */
async function load({ primaryPort, socketPath, process: { pid } }: RouterProcess): Promise<Slot> {
  const before = usageOf(pid).cpuMs
  const since = performance.now()
  const times: number[] = []
  let turn = 0
  const change = (): void => {
    const state = turn++ % 2 === 0 ? 'drain' : 'ready'
    void ask(socketPath, `member ${state} pg1`, { timeoutMs: 5000, signal: AbortSignal.timeout(5000) })
  }
  const events = setInterval(change, EVENT_MS)
  const count = await connectAtRate(primaryPort, (ms) => times.push(ms), SLOT_MS)
  clearInterval(events)
  const seconds = (performance.now() - since) / 1000
  times.sort((a, b) => a - b)
  const cpu = (usageOf(pid).cpuMs - before) / 1000 / seconds
  return { perS: count / seconds, p99Ms: times[Math.floor(times.length * 0.99)] ?? NaN, cpu }
}

/** The readers, in a process of their own. */
class Observers implements AsyncDisposable {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
  }

  /** Resolves when all of them read. */
  static async start(port: number): Promise<Observers> {
    const child = fork(join(import.meta.dirname, 'observers-main.ts'), [String(port)])
    await once(child, 'message')
    return new Observers(child)
  }

  /** Returns what they have had since it was asked last. */
  async counts(): Promise<Observed> {
    const answer = once(this.#process, 'message')
    this.#process.send('counts')
    const [counts] = (await answer) as [Observed]
    return counts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.disconnect()
    await exited
  }
}
