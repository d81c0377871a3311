import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TempDir } from '../../test/support/files/temp.ts'
import { freePort, listens } from '../../test/support/net/ports.ts'
import { until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { inOneRun, Recorder } from '../run.ts'
import type { Switch } from './connection-log-main.ts'
import { FakeCluster } from './fake-cluster.ts'
import { connectAtRate } from './rate.ts'
import { ROUNDS } from './sides.ts'

/** For the last lines. */
const REST_MS = 250

/** What takes the log. */
const READERS = ['null', 'pipe'] as const
type Reader = (typeof READERS)[number]

/** The processor time of a line for each connection: routers whose log is switched on and off in turns. */
export const connectionLog: Case = {
  name: 'connection-log',
  title: '`logging.connections` at 1,000 connections/s',
  figures: [
    { key: 'off', label: 'CPU of the router per connection, without the log', unit: 'µs', of: 'median' },
    {
      ...{ key: 'null', label: 'more with the log, where it goes to /dev/null', unit: 'µs', of: 'median' },
      target: { max: 30 },
    },
    {
      ...{ key: 'pipe', label: 'more with the log, where a process reads it', unit: 'µs', of: 'median' },
      target: { max: 30 },
    },
  ],
  measure: inOneRun(async (record, rounds) => {
    await using cluster = await FakeCluster.start(1)
    await cluster.lead(0)
    await using routers = new AsyncDisposableStack()
    const all = new Map<Reader, LoggingRouter>()
    for (const reader of READERS) all.set(reader, routers.use(await LoggingRouter.start(reader, cluster.config)))
    await round(new Recorder(0), all)
    const count = rounds ?? ROUNDS
    for (let number = 1; number <= count; number++) {
      await round(record, all)
      record.progress(`round ${number} of ${count}`)
    }
  }),
}

/** What becomes slower or faster during a round does so for both. */
const ORDER = [false, true, true, false]

async function round(record: Recorder, routers: ReadonlyMap<Reader, LoggingRouter>): Promise<void> {
  for (const [reader, router] of routers) {
    const costs = { on: 0, off: 0 }
    for (const isOn of ORDER) costs[isOn ? 'on' : 'off'] += (await router.costUs(isOn)) / 2
    record.add('off', costs.off)
    record.add(reader, costs.on - costs.off)
  }
}

/** A router in a process of its own, whose log is read by `reader`. */
class LoggingRouter implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #port: number
  readonly #dir: TempDir

  private constructor(process: ChildProcess, port: number, dir: TempDir) {
    this.#process = process
    this.#port = port
    this.#dir = dir
  }

  static async start(reader: Reader, cluster: Readonly<Record<string, unknown>>): Promise<LoggingRouter> {
    const dir = TempDir.create('connection-log')
    const port = await freePort()
    const proxy = { listeners: { primary: { bind: `127.0.0.1:${port}`, route: 'primary' } } }
    const config = { ...cluster, proxy, admin: { socket: join(dir.path, 'admin.sock'), bind: 'off' } }
    const log = reader === 'null' ? openSync('/dev/null', 'w') : drain()
    const router = fork(join(import.meta.dirname, 'connection-log-main.ts'), [JSON.stringify(config)], {
      cwd: dir.path,
      stdio: ['ignore', log, 'inherit', 'ipc'],
    })
    if (typeof log !== 'number') log.destroy()
    await until('the router listens', () => listens(port))
    return new LoggingRouter(router, port, dir)
  }

  /** Returns the microseconds of CPU for each connection, with or without the log. */
  async costUs(connections: boolean): Promise<number> {
    const before = await this.#switch(connections)
    const count = await connectAtRate(this.#port)
    await sleep(REST_MS)
    return ((await this.#switch(connections)) - before) / count
  }

  async #switch(connections: boolean): Promise<number> {
    const answer = once(this.#process, 'message')
    const message: Switch = { connections }
    this.#process.send(message)
    const [cpuUs] = (await answer) as [number]
    return cpuUs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.disconnect()
    await exited
    await this.#dir.remove()
  }
}

/** Starts a process that reads all and keeps nothing; returns what it reads from. It ends with the last writer. */
function drain() {
  return spawn('sh', ['-c', 'exec cat > /dev/null'], { stdio: ['pipe', 'ignore', 'inherit'] }).stdin
}
