/** Overrides of members and holds by request, as `status` shows them. Pure. */
import { OVERRIDE_WORDS, overriddenText } from '../../override.ts'
import { age, instant } from '../../text/wording.ts'
import type { ClusterJson, ListenerJson, MemberJson } from './schema-cluster.ts'
import type { Note } from './template-notes.ts'

export type OverrideJson = NonNullable<MemberJson['override']>
type HeldJson = NonNullable<ListenerJson['heldByRequest']>

/** Returns `DRAIN by alice, 12m00s left`. `now`: milliseconds since the epoch. */
export function overrideMark({ state, by, until }: OverrideJson, now: number): string {
  return `${OVERRIDE_WORDS[state]} by ${by}${leftText(until, now)}`
}

/** Returns `HELD by alice, 4m00s left`. */
export function heldMark({ by, until }: HeldJson, now: number): string {
  return `HELD by ${by}${leftText(until, now)}`
}

function leftText(until: string | null, now: number): string {
  return until === null ? '' : `, ${age(Date.parse(until) - now)} left`
}

/** Returns why a primary that is open gets no new connections: `drained by alice since 2026-11-20 03:14:54Z`. */
export function overrideReason({ state, by, since, until }: OverrideJson): string {
  return `${overriddenText(state)} by ${by} since ${instant(Date.parse(since))}${endText(until)}`
}

/** Returns the same of a listener that holds by request. */
export function heldReason({ by, since, until }: HeldJson): string {
  return `held by ${by} since ${instant(Date.parse(since))}${endText(until)}`
}

function endText(until: string | null): string {
  return until === null ? '' : `, until ${instant(Date.parse(until))}`
}

/** Returns a note for each override and each hold, with what ends it. `clusters`: how many there are. */
export function overrideNotes({ name, members, proxy }: ClusterJson, clusters: number): readonly Note[] {
  const of = clusters > 1 ? ` --cluster ${name}` : ''
  const note = (what: string, why: string, command: string): Note => [
    'Override',
    `${what}: ${why}; to end it: patroni-router ${command}${of}`,
  ]
  return [
    ...members.flatMap(({ name: member, override }) => {
      const present = override ?? null
      return present === null ? [] : [note(member, overrideReason(present), `member ready ${member}`)]
    }),
    ...(proxy?.listeners ?? []).flatMap(({ name: listener, heldByRequest }) => {
      const present = heldByRequest ?? null
      return present === null ? [] : [note(`listener ${listener}`, heldReason(present), `release ${listener}`)]
    }),
  ]
}
