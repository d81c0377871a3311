/** Words that the log and `status` share. Pure. */
import { type ClusterView, type PrimaryView, takesNew } from './view.ts'

/** Returns the state of the primary as people read it, in the log and in `status`. */
export function wordOf({ state, cause }: Pick<PrimaryView, 'state' | 'cause'>): string {
  if (cause === 'being-checked' || cause === 'asked-again') return 'BEING CHECKED'
  if (cause === 'stopping') return 'STOPPING'
  return state === 'unconfirmed' ? 'NOT CONFIRMED' : state.toUpperCase()
}

/** Returns the switchover that is scheduled for later, with both members and its time; null: none. */
export function scheduled({ switchover, leader }: Pick<ClusterView, 'switchover' | 'leader'>): string | null {
  if (switchover === null || switchover.scheduledAt === null) return null
  const at = new Date(switchover.scheduledAt)
  const when = Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999 ? 'an unknown time' : at.toISOString()
  const from = switchover.leader ?? leader ?? 'the leader'
  return `switchover from ${from} to ${switchover.member ?? 'another member'} scheduled for ${when}`
}

/** Returns that writes are gone, with both timelines. Of one that does not serve yet the timeline is another matter. */
export function setBackText(
  { state, member }: Pick<PrimaryView, 'state' | 'member'>,
  { timeline, served }: NonNullable<ClusterView['setBack']>,
): string {
  const who = member !== null && takesNew(state) ? `${member} is` : 'the last one was'
  const what = `a primary on timeline ${served} served before: writes acknowledged there are gone`
  return `primary: ${who} on timeline ${timeline}, but ${what}`
}
