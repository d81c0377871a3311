/** What the proxy has done since its start, as notes of `status`. */
import type { ProxyStatus } from '../proxy/status.ts'
import type { Note } from './render-templates.ts'
import { counted } from '../text/wording.ts'

/** The totals, and behind them the reasons for refusals and ends that have occurred. */
export function totalNotes({ totals, refusals, endings }: ProxyStatus): readonly Note[] {
  const { accepted, refused, fenced, failedDials } = totals
  const failed = `${counted(failedDials, 'failed connect')} to members`
  return [
    ['Connections', `${accepted} accepted, ${refused} refused, ${fenced} closed by failover, ${failed}`],
    ...reasonNote('Refused', refusals),
    ...reasonNote('Closed', endings),
  ]
}

function reasonNote(label: string, counts: Readonly<Record<string, number>>): Note[] {
  const occurred = Object.entries(counts).filter(([, n]) => n > 0)
  return occurred.length === 0 ? [] : [[label, occurred.map(([reason, n]) => `${n} ${reason}`).join(', ')]]
}
