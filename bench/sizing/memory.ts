import { setTimeout as sleep } from 'node:timers/promises'
import { RouterProcess } from '../../test/support/router/process.ts'
import { until } from '../../test/support/until.ts'
import type { Case } from '../case.ts'
import { BareSessions } from '../failover/bare-sessions.ts'
import { usageOf, type Usage } from '../process.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { INSTALLED_MAIN, InstalledRouter } from './installed-router.ts'
import { createTables, pgbench } from './load.ts'

const RUNS = 3
const SESSIONS = 1_000
const BUSY = 200
const BUSY_S = 10
/** For what is only there while a connection is made to be gone. */
const REST_MS = 5_000

/** The memory and the file descriptors of a router, and of each session and held client on top of them. */
export const memory: Case = {
  name: 'memory',
  title: 'memory and file descriptors, three members',
  figures: [
    { key: 'idle', label: 'memory without a session', unit: 'MiB', of: 'median' },
    { key: 'idle-rest', label: 'memory without a session, without etcd (`rest`)', unit: 'MiB', of: 'median' },
    { key: 'rested', label: `memory after the last session of ${SESSIONS}`, unit: 'MiB', of: 'median' },
    { key: 'session', label: `memory per idle session (of ${SESSIONS})`, unit: 'KiB', of: 'median' },
    { key: 'busy', label: `memory per busy session (of ${BUSY}), at most`, unit: 'KiB', of: 'median' },
    { key: 'held', label: `memory per held client (of ${SESSIONS})`, unit: 'KiB', of: 'median' },
    { key: 'idle-files', label: 'file descriptors without a session', unit: 'count', of: 'median' },
    {
      ...{ key: 'session-files', label: 'file descriptors per session', unit: 'count', of: 'worst' },
      target: { max: 2 },
    },
    { key: 'held-files', label: 'file descriptors per held client', unit: 'count', of: 'worst', target: { max: 1 } },
  ],
  measure: inOneRun(async (record, repeats) => {
    for (let run = 1; run <= (repeats ?? RUNS); run++) {
      await sessions(record)
      await withoutEtcd(record)
      await heldClients(record)
      record.progress(`run ${run}`)
    }
  }),
}

async function sessions(record: Recorder): Promise<void> {
  await using installed = await InstalledRouter.start()
  const { primaryPort } = installed.router
  await createTables(primaryPort)
  const idle = await rested(() => installed.usage)
  record.add('idle', idle.mebibytes)
  record.add('idle-files', idle.descriptors)
  {
    using opened = await BareSessions.open(primaryPort, SESSIONS)
    const used = await rested(() => installed.usage)
    if (opened.open !== SESSIONS) throw new Error(`open sessions: ${opened.open} of ${SESSIONS}`)
    recordEach(record, 'session', idle, used, SESSIONS)
  }
  await until('the sessions are gone', () => installed.usage.descriptors <= idle.descriptors)
  const before = await rested(() => installed.usage)
  record.add('rested', before.mebibytes)
  const load = { done: false, most: before.mebibytes }
  const watching = async (): Promise<void> => {
    while (!load.done) {
      load.most = Math.max(load.most, installed.usage.mebibytes)
      await sleep(100)
    }
  }
  const running = pgbench(primaryPort, ['-S', '-c', String(BUSY), '-T', String(BUSY_S)])
  await Promise.all([running.finally(() => (load.done = true)), watching()])
  record.add('busy', ((load.most - before.mebibytes) * 1024) / BUSY)
}

/** Measures a router that finds the same cluster through the members' REST API alone. */
async function withoutEtcd(record: Recorder): Promise<void> {
  await using installed = await InstalledRouter.start()
  const urls = installed.cluster.members.map(({ restPort }) => `http://127.0.0.1:${restPort}`)
  await using router = await RouterProcess.start({
    config: { scope: installed.cluster.settings.scope, rest: { urls } },
    main: INSTALLED_MAIN,
  })
  await router.waitForLog('that the primary is open', ({ event }) => event === 'primary-open')
  record.add('idle-rest', (await rested(() => usageOf(router.process.pid))).mebibytes)
}

/** Measures clients that all wait, since no etcd listens. */
async function heldClients(record: Recorder): Promise<void> {
  const config = { scope: 'demo', etcd3: { hosts: ['127.0.0.1:1'] } }
  await using router = await RouterProcess.start({ config, main: INSTALLED_MAIN })
  const usage = (): Usage => usageOf(router.process.pid)
  const idle = await rested(usage)
  using held = BareSessions.wait(router.primaryPort, SESSIONS)
  await until('all are connected', () => usage().descriptors >= idle.descriptors + SESSIONS)
  recordEach(record, 'held', idle, await rested(usage), SESSIONS)
  if (held.open !== SESSIONS) throw new Error(`held clients: ${held.open} of ${SESSIONS}`)
}

function recordEach(record: Recorder, key: string, before: Usage, after: Usage, count: number): void {
  record.add(key, ((after.mebibytes - before.mebibytes) * 1024) / count)
  // A connection to etcd or to a member may come or go meanwhile.
  record.add(`${key}-files`, Math.round((100 * (after.descriptors - before.descriptors)) / count) / 100)
}

async function rested(usage: () => Usage): Promise<Usage> {
  await sleep(REST_MS)
  return usage()
}
