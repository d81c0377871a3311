/** Words that the log and `status` share. Pure. */
import type { ClusterView, PrimaryView } from './view.ts'

/** The state of the primary as people read it, in the log and in `status`. */
export function wordOf(state: PrimaryView['state']): string {
  return state === 'unconfirmed' ? 'NOT CONFIRMED' : state.toUpperCase()
}

/** That writes are gone, with both timelines. */
export function setBackText(member: string | null, { timeline, served }: NonNullable<ClusterView['setBack']>): string {
  const what = `a primary on timeline ${served} served before: writes acknowledged there are gone`
  return `primary: ${member ?? 'the last one'} is on timeline ${timeline}, but ${what}`
}
