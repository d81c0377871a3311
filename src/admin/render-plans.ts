/** The lines of `status` about what is to happen to a cluster and has not happened yet, as patronictl lists it. Pure. */
import type { ClusterView } from '../watcher/view.ts'
import { scheduled } from '../watcher/words.ts'
import type { Note } from './render-templates.ts'

/** A switchover that waits for its time, and members that wait for a restart. */
export function planNotes(view: ClusterView): readonly Note[] {
  const switchover = scheduled(view)
  const restarts = view.members.filter(({ gone, pendingRestart }) => pendingRestart && !gone).map(({ name }) => name)
  return [
    ...(switchover === null ? [] : [['Scheduled', switchover] as const]),
    ...(restarts.length === 0 ? [] : [['Restart', `pending on ${restarts.join(', ')}`] as const]),
  ]
}
