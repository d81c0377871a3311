/** What differs in templates, hooks and track files: an entry is known by what it writes, or by its name. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { listOf, type Mapping, mappingOf } from '../../text/unknown-shape.ts'
import { OURS } from '../schema.ts'
import { keyChanges, schemaAt } from './keys.ts'
import { isReordered, type Side } from './side.ts'

/** An entry of a list. */
interface Entry {
  /** `templates[/etc/haproxy/haproxy.cfg]` */
  readonly label: string
  readonly written: unknown
  readonly parsed: Mapping
  /** What came of it, without its name: equal where nothing has changed. */
  readonly config: unknown
  /** Whether the label is only a place in the list. */
  readonly isUnnamed: boolean
}

/** What lists have in common. */
interface List {
  readonly path: string
  readonly entries: (side: Side) => readonly Entry[]
}

const LISTS: readonly List[] = [
  { path: 'templates', entries: templates },
  { path: 'hooks', entries: hooks },
  { path: 'track.files', entries: trackFiles },
]

/** Returns a line for each entry that was added or removed, and for each of its keys that means something else. */
export function listChanges(before: Side, after: Side): string[] {
  return LISTS.flatMap(({ path, entries }) => {
    const { old, now, isMoved } = withoutMoved(entries(before), entries(after))
    const labels = (list: readonly Entry[]): string[] => list.map(({ label }) => label)
    const schema = path.split('.').reduce<ReturnType<typeof schemaAt>>(schemaAt, OURS)
    const removed = old.filter(({ label }) => !labels(now).includes(label))
    return [
      ...removed.map(({ label }) => `${label}: removed`),
      ...now.flatMap((entry) => {
        const was = old.find(({ label }) => label === entry.label)
        if (was === undefined) return [`${entry.label}: added`]
        if (isDeepStrictEqual(was.config, entry.config)) return []
        return keyChanges(entry.label, { before: was, after: entry, schema: schemaAt(schema, '') })
      }),
      ...(isMoved || isReordered(labels(old), labels(now)) ? [`${path}: in another order`] : []),
    ]
  })
}

/** Returns a line for each entry of which something else has come, whatever was written. */
export function entryChanges(before: Side, after: Side): string[] {
  return LISTS.flatMap(({ entries }) => {
    const old = entries(before)
    return entries(after).flatMap(({ label, config }) => {
      const was = old.find((each) => each.label === label)
      return was === undefined || isDeepStrictEqual(was.config, config) ? [] : [`${label}: changed`]
    })
  })
}

/** Leaves out entries without a name that are the same, if at another place. `isMoved`: these are in another order. */
function withoutMoved(
  before: readonly Entry[],
  after: readonly Entry[],
): { readonly old: readonly Entry[]; readonly now: readonly Entry[]; readonly isMoved: boolean } {
  const places: number[] = []
  const old = before.filter((entry) => {
    const at = after.findIndex((other, place) => !places.includes(place) && isSameUnnamed(entry, other))
    if (at >= 0) places.push(at)
    return at < 0
  })
  const isMoved = places.some((place, at) => place < (places[at - 1] ?? 0))
  return { old, now: after.filter((_, at) => !places.includes(at)), isMoved }
}

function isSameUnnamed(one: Entry, other: Entry): boolean {
  return one.isUnnamed && other.isUnnamed && isDeepStrictEqual(one.config, other.config)
}

function templates({ tree, ours, config }: Side): Entry[] {
  const written = listOf(tree['templates'])
  return (ours.templates ?? []).map((parsed, at) => ({
    label: `templates[${parsed.destination}]`,
    written: written[at],
    parsed,
    config: config.templates[at],
    isUnnamed: false,
  }))
}

/** Returns the hooks without their number: a hook for every cluster is there once for each of them. */
function hooks({ tree, ours, config }: Side): Entry[] {
  const written = listOf(tree['hooks'])
  return (ours.hooks ?? []).map((parsed, at) => {
    const label = `hooks[${parsed.name ?? at}]`
    const own = config.hooks.find(({ name }) => name === (parsed.name ?? label))
    const made = own && { on: own.on, after: own.after, run: own.run, cluster: parsed.cluster && own.cluster }
    return { label, written: written[at], parsed, config: made, isUnnamed: parsed.name === null }
  })
}

function trackFiles({ tree, ours, config }: Side): Entry[] {
  const written = listOf(mappingOf(tree['track'])['files'])
  return (ours.track.files ?? []).map((parsed, at) => ({
    label: `track.files[${parsed.path}]`,
    written: written[at],
    parsed,
    config: config.track.files[at],
    isUnnamed: false,
  }))
}
