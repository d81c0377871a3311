import { table } from '../../scripts/markdown.ts'
import type { Subject } from '../case.ts'
import { medianOf } from '../figures.ts'
import type { Result } from '../results.ts'

/** The rows, by the case. */
const ROWS: readonly (readonly [name: string, happens: string])[] = [
  ['switchover', 'planned switchover'],
  ['crash', 'Patroni and PostgreSQL on the leader are killed'],
  ['frozen', 'Patroni on the leader freezes, PostgreSQL runs on (split brain)'],
  ['rest-hang', 'the REST API of a healthy primary hangs for a minute'],
  ['etcd-long', 'etcd is down for a minute (`failsafe_mode`)'],
  ['switchover-rest', 'planned switchover without a reachable DCS (`rest`)'],
]
/** Less is the pause between two clients, and no outage. Milliseconds. */
const NOTICED_MS = 500

/** Returns the table of the README: the medians of what clients see, and only the cases that were measured. */
export function summary(results: readonly Result[]): string {
  const rows = ROWS.flatMap(([name, happens]) => {
    const runs = results.filter((result) => result.case === name)
    if (runs.length === 0) return []
    const own = medianOf(runs, 'outage', 'cluster')
    const cluster = own === null ? '' : ` (no member accepts writes for ${seconds(own)})`
    return [[`${happens}${cluster}`, seen(runs, 'router'), seen(runs, 'haproxy')]]
  })
  const head = ['event', 'clients through patroni-router', 'clients through HAProxy, at the same time']
  return table(head, rows)
}

function seen(runs: readonly Result[], subject: Subject): string {
  const count = (key: string): number => Math.round(medianOf(runs, key, subject) ?? 0)
  const outage = medianOf(runs, 'outage', subject) ?? 0
  const failures = [
    some(count('failed'), 'connection fails', 'connections fail'),
    some(count('read-only'), 'write is refused as read-only', 'writes are refused as read-only'),
    some(count('lost'), 'session is lost', 'sessions are lost'),
  ].flat()
  const worst = Math.max(0, ...runs.flatMap(({ samples }) => samples['failed']?.[subject] ?? []))
  const none = worst === 0 ? 'none fails' : `none fails (in the worst run ${worst})`
  const pause = outage < NOTICED_MS ? 'no pause' : `no write for ${seconds(outage)}`
  return [failures.length === 0 ? none : failures.join(', '), pause].join('; ')
}

function some(count: number, one: string, several: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? one : several}`]
}

/** Formats milliseconds for people. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
