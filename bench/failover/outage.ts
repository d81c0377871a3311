import { Holders } from '../../test/support/clients/holders.ts'
import { clock, until } from '../../test/support/until.ts'
import type { Testbed } from './testbed.ts'
import type { Figure } from '../case.ts'
import type { Recorder } from '../run.ts'
import { recordWrites, startWriters } from './writes.ts'

const SESSIONS = 20

/** The figures of {@link recordUnnoticed}: no client may notice. */
export const UNNOTICED: readonly Figure[] = [
  { key: 'lost', label: 'sessions lost (of 20)', unit: 'count', target: { max: 0 } },
  { key: 'failed', label: 'failed connections', unit: 'count', target: { max: 0 } },
  { key: 'read-only', label: 'writes sent to a read-only server (`25006`)', unit: 'count', target: { max: 0 } },
  // The measure of "served throughout".
  { key: 'outage', label: 'longest time without an acknowledged write', unit: 'ms', target: { max: 1_000 } },
  { key: 'cut', label: 'time to the first session lost', unit: 'ms' },
]

/** Keeps sessions open and lets clients connect while `happens` runs, and records what they notice. */
export async function recordUnnoticed(testbed: Testbed, record: Recorder, happens: () => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const hold = async (port: number) => stack.adopt(await Holders.open(port, SESSIONS), (opened) => opened.close())
  const sessions = { router: await hold(testbed.router.primaryPort), haproxy: await hold(testbed.haproxy.primaryPort) }
  const writers = await startWriters(testbed, 50)
  const from = clock()
  try {
    await happens()
    const over = clock()
    await until("the router's clients write after it", () =>
      writers.router.attempts.some(({ ok, at }) => ok && at > over),
    )
  } finally {
    await recordWrites(writers, record)
    for (const subject of ['router', 'haproxy'] as const) {
      const closed = sessions[subject].sessions.map(({ closedAt }) => closedAt).filter((at) => at !== null)
      record.add('lost', { [subject]: SESSIONS - (await sessions[subject].ping()) })
      if (closed.length > 0) record.add('cut', { [subject]: Math.min(...closed) - from })
    }
  }
}
