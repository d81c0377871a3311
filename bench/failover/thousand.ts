import type { PatroniMember } from '../../test/support/patroni/member.ts'
import type { LogLine } from '../../test/support/router/process.ts'
import { until } from '../../test/support/until.ts'
import { Writer } from '../../test/support/clients/writer.ts'
import { BareSessions } from './bare-sessions.ts'
import type { Testbed } from './testbed.ts'
import type { Case } from '../case.ts'
import { onTestbed } from './on-testbed.ts'
import { collectGarbage, takePrecedence } from './priority.ts'
import { accepted, firstWrite } from './writes.ts'

const SESSIONS = 1_000

/**
 * The leader's Patroni is frozen, and another member's name is put in its place in one step: nothing has ended the sessions
 * before that one event, and the other member promotes itself at once.
 */
export const thousand: Case = {
  name: 'thousand',
  title: '1,000 sessions on a leader that loses the leader key',
  figures: [
    { key: 'left', label: 'sessions left', unit: 'count', target: { max: 0 } },
    { key: 'closed', label: 'leader key changes → last session is closed', unit: 'ms', target: { max: 100 } },
    {
      key: 'before-open',
      label: 'last session is closed → new leader is opened (router log)',
      unit: 'ms',
      target: { min: 0 },
    },
    {
      key: 'before-write',
      label: 'last session is closed → first write on the new leader',
      unit: 'ms',
      target: { min: 0 },
    },
  ],
  measure: onTestbed({}, async (testbed, record, old) => {
    await using stack = new AsyncDisposableStack()
    const watch = stack.adopt(await testbed.cluster.watch(), (log) => log.close())
    using sessions = await BareSessions.open(testbed.router.primaryPort, SESSIONS)
    const writer = Writer.start({ port: testbed.router.primaryPort, everyMs: 20 })
    stack.defer(async () => {
      await writer.stop()
    })
    await until('writes are acknowledged', () => accepted(writer.attempts) >= 20)
    const from = testbed.router.log.length
    // The ends of the sessions are timed here: a collection among them would look like a delay of the router.
    collectGarbage()
    using precedence = takePrecedence()
    if (precedence.granted) {
      record.remark(
        'With the 1,000 sessions it, but not the router, had real-time priority, to see their ends in time.',
      )
    }
    try {
      const [next] = await testbed.cluster.replicas()
      if (next === undefined) throw new Error('there is no replica')
      old.freeze()
      await nameLeader(testbed, next)
      await until('clients write to the next', () => accepted(writer.attempts, next) >= 20)
      // Whatever is left then is what is recorded.
      await until('every session is closed', () => sessions.open === 0, { timeoutMs: 5_000 }).catch(() => undefined)
      const key = `${testbed.cluster.prefix}leader`
      const event = await until('the event', () => watch.find((one) => one.key === key && one.value === next.name))
      record.add('left', sessions.open)
      const closed = sessions.closedAt
      record.add('closed', Math.max(...closed) - event.at)
      record.note('first closed after the event, ms', Math.round(Math.min(...closed) - event.at))
      const margin = opened(testbed.router.log.slice(from), old, next)
      if (margin !== null) record.add('before-open', margin)
      const first = firstWrite(writer.attempts, next)
      if (first !== undefined) record.add('before-write', first - Math.max(...closed))
    } finally {
      old.thaw()
    }
  }),
}

/** Names `member` as if it had won the race, on its lease. Patroni there takes it for its own lock. */
async function nameLeader({ cluster, etcd }: Testbed, { name }: PatroniMember): Promise<void> {
  const key = Buffer.from(`${cluster.prefix}members/${name}`).toString('base64')
  const { kvs } = await etcd.client.call<{ kvs?: { lease: string }[] }>('kv/range', { key })
  const [member] = kvs ?? []
  if (member === undefined) throw new Error(`there is no key of ${name}`)
  await etcd.client.put(`${cluster.prefix}leader`, name, member.lease)
}

/**
 * Returns the time from the last line that says that sessions of `old` were closed to the one that says that `next` is open; the dials to
 * it come after that. Below zero when the lines are the other way round; null when one of them is missing.
 */
function opened(log: readonly LogLine[], old: PatroniMember, next: PatroniMember): number | null {
  const fenced = log.findLastIndex(({ event, member }) => event === 'fenced' && member === old.name)
  const opens = new Set<unknown>(['primary-open', 'primary-unlocked'])
  const open = log.findIndex(({ event, member }) => opens.has(event) && member === next.name)
  const [last, first] = [log[fenced], log[open]]
  if (last === undefined || first === undefined) return null
  return fenced < open ? first.time - last.time : -1
}
