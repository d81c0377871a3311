/** Words that the log and `status` share. Pure. */
import { CHECKED_AGAIN, CHECKING } from './primary/decide.ts'
import { STOPPING } from './primary/evidence.ts'
import { type ClusterView, type PrimaryView, takesNew } from './view.ts'

/** The state of the primary as people read it, in the log and in `status`. */
export function wordOf({ state, reason }: Pick<PrimaryView, 'state' | 'reason'>): string {
  if (state === 'unconfirmed') return reason === CHECKING ? 'BEING CHECKED' : 'NOT CONFIRMED'
  if (state === 'switching' && reason === STOPPING) return 'STOPPING'
  if (state === 'switching' && reason === CHECKED_AGAIN) return 'BEING CHECKED'
  return state.toUpperCase()
}

/** Which switchover is to take place later, from whom, to whom and when; null: none. */
export function scheduled({ switchover, leader }: Pick<ClusterView, 'switchover' | 'leader'>): string | null {
  if (switchover === null || switchover.scheduledAt === null) return null
  const at = new Date(switchover.scheduledAt)
  const when = Number.isNaN(at.getTime()) || at.getUTCFullYear() > 9999 ? 'an unknown time' : at.toISOString()
  const from = switchover.leader ?? leader ?? 'the leader'
  return `switchover from ${from} to ${switchover.member ?? 'another member'} scheduled for ${when}`
}

/** That writes are gone, with both timelines. Of one that does not serve yet the timeline is another matter. */
export function setBackText(
  { state, member }: Pick<PrimaryView, 'state' | 'member'>,
  { timeline, served }: NonNullable<ClusterView['setBack']>,
): string {
  const who = member !== null && takesNew(state) ? `${member} is` : 'the last one was'
  const what = `a primary on timeline ${served} served before: writes acknowledged there are gone`
  return `primary: ${who} on timeline ${timeline}, but ${what}`
}
