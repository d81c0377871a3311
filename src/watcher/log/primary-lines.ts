/** The log's lines about the primary: which member is open, why none is, and what has changed about that. Pure. */
import type { LogLine } from '../../text/log-line.ts'
import { isNews, isRequested, withReason } from './line.ts'
import { type ClusterView, type PrimaryCause, type PrimaryView, takesNew } from '../view.ts'
import { setBackText, wordOf } from '../view-text.ts'

/**
 * Returns the lines for the step from `before` to `after`. Each reason is logged once in a state, whatever numbers it
 * holds, so
 * that one that comes and goes does not fill the log.
 */
export function primaryLines(
  before: ClusterView,
  after: ClusterView,
  logged: ReadonlySet<string> | undefined,
): { readonly lines: readonly LogLine[]; readonly logged: ReadonlySet<string> } {
  const [old, { primary }] = [before.primary, after]
  const moved = old.state !== primary.state || old.member !== primary.member
  const silence = moved ? [] : silenceLines(old, after)
  const known = moved || silence.length > 0 ? undefined : logged
  // The silence of one that is open is logged by itself.
  const isSilence = takesNew(primary.state) && primary.silences > 0
  const isNew = old.reason !== primary.reason && !isSilence && isNews(known, primary.reason)
  const said = silence.length > 0 ? silence : moved || isNew ? [stateLine(before, after, moved)] : []
  return { lines: [...said, ...setBackLines(before, after)], logged: withReason(known, primary.reason) }
}

function stateLine(before: ClusterView, after: ClusterView, moved: boolean): LogLine {
  const { state, member, reason, cause, epoch } = after.primary
  // Where the first that is read is that there is none, clients wait from the start.
  const isFirst =
    (before.dcs.state === 'never' && after.dcs.state !== 'never') || before.primary.cause === 'being-asked'
  const isNew = (moved || isFirst) && cause !== 'being-asked'
  const isPlanned = isRequested(before, after) || (cause !== undefined && ORDINARY.has(cause))
  const isExpected = !isNew || !NEEDS_EYES.has(state) || isPlanned
  // A split brain does not pass by itself: a person has to stop one of the two.
  const level = cause === 'two-primaries' ? 'error' : isExpected ? 'info' : 'warn'
  const event = moved ? `primary-${state}` : 'primary-reason'
  const fields = { event, state, member, epoch, reason }
  return { level, message: messageOf(after.primary), fields }
}

/** Causes that pass by themselves, or are wanted so. */
const ORDINARY: ReadonlySet<PrimaryCause> = new Set(['restarting', 'being-checked', 'standby-cluster'])

/** States that hold clients, and deserve a look unless they are planned. */
const NEEDS_EYES: ReadonlySet<PrimaryView['state']> = new Set([
  'unconfirmed',
  'unreachable',
  'unverified',
  'unlocked',
  'none',
])

function messageOf(primary: PrimaryView): string {
  const { member, reason, cause } = primary
  if (member === null) return `no primary: ${reason}`
  if (cause === 'being-checked') return `primary: checking ${member}, which holds the leader lock`
  return `primary: ${member} ${wordOf(primary)}: ${reason}`
}

/** The first one may also be a crash, of which Postgres tells at once. */
const SILENCES = 2

/**
 * Returns the line about an open primary whose REST API does not answer: it stays open, and the log says until when.
 */
function silenceLines(old: PrimaryView, { primary, dcs, leader, ttlMs }: ClusterView): readonly LogLine[] {
  const { state, member, reason, silences } = primary
  const [was, is] = [old.silences, silences].map((count) => count >= SILENCES)
  if (!takesNew(state) || was === is) return []
  const fields = { member, reason }
  if (is !== true) {
    const message = `primary: the REST API of ${member ?? ''} answers again: ${reason}`
    return [{ level: 'info', message, fields: { event: 'primary-answers', ...fields } }]
  }
  const within = ttlMs === null ? '' : `, which takes at most ${ttlMs / 1000} s if its Patroni has stopped`
  const named = dcs.state === 'up' && leader === member
  const until = named ? `until its leader key expires${within}` : 'until several checks in a row have failed'
  const message = `primary: ${member ?? ''} does not answer and stays ${wordOf(primary)} ${until}: ${reason}`
  return [{ level: 'warn', message, fields: { event: 'primary-silent', ...fields } }]
}

/** Returns the line about lost writes: users who have read them, or rely on them, need to know at once. */
function setBackLines(before: ClusterView, { setBack, primary, systemId }: ClusterView): readonly LogLine[] {
  if (before.setBack?.timeline === setBack?.timeline && before.setBack?.served === setBack?.served) return []
  const { member } = primary
  if (setBack === null && before.systemId !== systemId) {
    const message = `the system identifier is ${systemId ?? 'unknown'} now: timelines of the previous cluster no longer count`
    return [{ level: 'info', message, fields: { event: 'timeline-void', systemId } }]
  }
  if (setBack === null) {
    const message = `primary: ${member ?? ''} is on timeline ${before.setBack?.served ?? ''} or later again`
    return [{ level: 'info', message, fields: { event: 'timeline-reached', member } }]
  }
  return [
    { level: 'error', message: setBackText(primary, setBack), fields: { event: 'timeline-lower', member, ...setBack } },
  ]
}
