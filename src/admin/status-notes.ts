/** The notes of `status` below the table of members: plans, totals and track files. Pure. */
import type { ProxyStatus } from '../proxy/status.ts'
import type { TrackFileStatus } from '../track/status.ts'
import type { ClusterView } from '../watcher/view.ts'
import { scheduled } from '../watcher/view-text.ts'
import type { Note } from './status-templates.ts'
import { age, counted } from '../text/wording.ts'

/** What is to happen to a cluster and has not happened yet, as patronictl lists it: a switchover that waits for its time, and members that wait for a restart. */
export function planNotes(view: ClusterView): readonly Note[] {
  const switchover = scheduled(view)
  const restarts = view.members.filter(({ gone, pendingRestart }) => pendingRestart && !gone).map(({ name }) => name)
  return [
    ...(switchover === null ? [] : [['Scheduled', switchover] as const]),
    ...(restarts.length === 0 ? [] : [['Restart', `pending on ${restarts.join(', ')}`] as const]),
  ]
}

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

/** Those first that do not say what they should. `now`: see `templateNotes`. The texts are not for a terminal as they are. */
export function trackNotes(files: readonly TrackFileStatus[], now: number): readonly Note[] {
  const sorted = files.toSorted((one, other) => Number(other.error !== null) - Number(one.error !== null))
  return sorted.map((file) => ['Track', trackText(file, now)])
}

function trackText({ path, when, member, holds, reason, since, error }: TrackFileStatus, now: number): string {
  const what = member === null ? when : `${when} ${member}`
  const value = holds === true ? '1' : holds === false ? '0' : '0 (not known)'
  const wrong = error === null ? '' : `; CANNOT BE WRITTEN: ${error}`
  return `${path}: ${value} for ${age(now - since)}, ${what}: ${reason}${wrong}`
}
