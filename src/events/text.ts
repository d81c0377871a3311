/** Events and stories as text, for people. Pure. */
import { entryText } from '../text/log-text.ts'
import { visible } from '../text/terminal.ts'
import { counted, inSeconds } from '../text/wording.ts'
import type { HistoryEvent } from './event.ts'
import type { Item } from './narration.ts'
import type { Step, Story } from './story.ts'

/** Returns an item with its line end. */
export function itemText(item: Item, hasColours: boolean): string {
  return item.kind === 'event' ? eventText(item.event, hasColours) : storyText(item.story, hasColours)
}

/** Returns an event as the log shows it. */
export function eventText({ time, level, event, message, cluster, fields }: HistoryEvent, hasColours: boolean): string {
  // Where a message has no room for the cluster, its field has.
  const named = cluster === null ? {} : { cluster }
  return entryText({ time, level, event, msg: message, ...named, ...fields }, hasColours)
}

/** Returns a story: what it was and what it cost in the first line, and below it each step with its milliseconds. */
export function storyText(story: Story, hasColours: boolean): string {
  const { steps, cluster } = story
  const first = steps[0]
  if (first === undefined) return ''
  const prefix = cluster === null ? '' : `${cluster}: `
  const title = [`${prefix}${titleOf(story)}`, ...costsOf(story)].join('; ')
  const time = new Date(first.at).toISOString()
  const width = Math.max(...steps.map(({ what }) => visible(what).length))
  const rows = steps.map((step, at) => stepText(step, first, steps[at - 1], width, prefix))
  return `${entryText({ time, level: worstOf(steps), msg: title }, hasColours)}${rows.join('')}`
}

function stepText(step: Step, first: Step, before: Step | undefined, width: number, prefix: string): string {
  const { at, what, message } = step
  const since = before === undefined ? '' : `+${at - before.at}`
  const said = message.startsWith(prefix) ? message.slice(prefix.length) : message
  const offset = `${at - first.at} ms`.padStart(12)
  return `${offset} ${since.padStart(8)}  ${visible(what).padEnd(width)}  ${visible(said)}\n`
}

function titleOf({ kind, outcome, from, to, steps }: Story): string {
  const tookMs = (steps.at(-1)?.at ?? 0) - (steps[0]?.at ?? 0)
  const who = `from ${from ?? 'an unknown member'} to ${to ?? 'another member'}`
  const what = kind === 'interruption' ? `interruption of ${from ?? 'the primary'}` : `${kind} ${who}`
  switch (outcome) {
    case 'done':
      return `${what} in ${duration(tookMs)}`
    case 'withdrawn':
      return `${what} requested, but not carried out`
    case 'under-way':
      return `${what}, not over yet`
    case 'overdue':
      return kind === 'switchover' ? `${what} requested, but not carried out so far` : what
  }
}

function costsOf({ outcome, heldMs, waited, longestWaitMs, fenced, refused }: Story): readonly string[] {
  const soFar = outcome === 'under-way' ? ' so far' : ''
  return [
    ...(heldMs === null ? [] : [`no open primary for ${duration(heldMs)}${soFar}`]),
    ...(waited === 0 ? [] : [`${counted(waited, 'connection')} waited, ${duration(longestWaitMs)} at most`]),
    ...(fenced === 0 ? [] : [`${counted(fenced, 'session')} closed`]),
    ...(refused === 0 ? [] : [`${counted(refused, 'connection')} refused`]),
  ]
}

function duration(ms: number): string {
  return ms < LONG_MS ? `${ms} ms` : inSeconds(ms)
}

/** What takes longer has no use for milliseconds in its first line; the steps have them. */
const LONG_MS = 10_000

const LEVELS = ['fatal', 'error', 'warn']

function worstOf(steps: readonly Step[]): string {
  return LEVELS.find((level) => steps.some((step) => step.level === level)) ?? 'info'
}
