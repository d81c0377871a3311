import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { inOneRun } from '../run.ts'
import { InstalledRouter } from './installed-router.ts'
import { createTables, pgbench, read } from './load.ts'

const RUNS = 3
const IDLE_MS = 20_000
const CLIENTS = 4
const SESSIONS = 2_000
const TRANSACTIONS = 50_000
const MEBIBYTES = 1_024

/** The processor time of the router, which other processes of the machine do not lengthen as they do elapsed time. */
export const cpu: Case = {
  name: 'cpu',
  title: 'processor time of the router',
  figures: [
    { key: 'idle', label: 'without a session', unit: '% of a core', of: 'median' },
    { key: 'session', label: 'per session: connect, one query, disconnect', unit: 'ms', of: 'median' },
    { key: 'transaction', label: 'per query in a session that stays', unit: 'µs', of: 'median' },
    { key: 'gigabyte', label: 'per GiB of results', unit: 'ms', of: 'median' },
  ],
  measure: inOneRun(async (record, repeats) => {
    await using installed = await InstalledRouter.start()
    const { primaryPort } = installed.router
    await createTables(primaryPort)
    const during = async (work: () => Promise<void>): Promise<number> => {
      const before = installed.usage.cpuMs
      await work()
      return installed.usage.cpuMs - before
    }
    for (let run = 1; run <= (repeats ?? RUNS); run++) {
      const idle = await during(() => sleep(IDLE_MS))
      record.add('idle', (100 * idle) / IDLE_MS)
      const each = (count: number): string[] => ['-S', '-c', String(CLIENTS), '-t', String(count / CLIENTS)]
      record.add('session', (await during(() => pgbench(primaryPort, ['-C', ...each(SESSIONS)]))) / SESSIONS)
      const queries = await during(() => pgbench(primaryPort, each(TRANSACTIONS)))
      record.add('transaction', (1000 * queries) / TRANSACTIONS)
      record.add('gigabyte', (await during(() => read(primaryPort, MEBIBYTES))) * (1024 / MEBIBYTES))
      record.progress(`run ${run}`)
    }
  }),
}
