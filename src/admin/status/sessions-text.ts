/** Sessions as a table. Pure. */
import { age, counted } from '../../text/wording.ts'
import type { SessionsJson } from './schema-session.ts'
import { type Column, renderTable } from './table.ts'

const COLUMNS: readonly Column[] = [
  { title: 'Session', align: 'left' },
  { title: 'Client', align: 'left', shrinkTo: 15, cut: 'middle' },
  { title: 'Listener', align: 'left', shrinkTo: 8 },
  { title: 'Member', align: 'left', shrinkTo: 10, cut: 'middle' },
  { title: 'Age', align: 'right' },
  { title: 'In kB', align: 'right', dropOrder: 1 },
  { title: 'Out kB', align: 'right', dropOrder: 2 },
]

const CLUSTER: Column = { title: 'Cluster', align: 'left', shrinkTo: 8, cut: 'middle' }

/** Renders them in lines of at most `width` columns. Ends with a line end. */
export function renderSessions({ now, total, sessions }: SessionsJson, width = Infinity): string {
  if (total === 0) return 'No sessions.\n'
  const isSeveral = new Set(sessions.map(({ cluster }) => cluster)).size > 1
  const rows = sessions.map(({ id, cluster, client, listener, member, since, bytesIn, bytesOut }) => [
    ...[id, client, ...(isSeveral ? [cluster] : []), listener, member],
    ...[age(Date.parse(now) - Date.parse(since)), inKilobytes(bytesIn), inKilobytes(bytesOut)],
  ])
  const columns = isSeveral ? [...COLUMNS.slice(0, 2), CLUSTER, ...COLUMNS.slice(2)] : COLUMNS
  const more = total - sessions.length
  const rest = more > 0 ? `... and ${more} more, which are younger\n` : ''
  return `${renderTable(counted(total, 'session'), columns, rows, width)}\n${rest}`
}

function inKilobytes(bytes: number): string {
  return String(Math.ceil(bytes / 1024))
}
