/** Where the texts of the context, and of what helpers make, come from. */
import { printable } from '../../text/printable.ts'
import type { Source } from './tracked.ts'
import { isSafe, type FindOrigins, originsOf, type Suspect } from './unsafe.ts'

/** Longest part of a stranger's text in a message. */
const MAX_SHOWN = 80

/** The operator's own, and what was made of it. */
export const TRUSTED: Source = { member: null, origins: () => null, below: () => TRUSTED }

/** Of a context: that of one cluster, or of several. */
export function sourceOfContext(context: object): Source {
  return 'clusters' in context ? CLUSTERS : clusterSource('')
}

const CLUSTERS: Source = {
  member: null,
  origins: () => null,
  // First the list, then each of it. The names are the configuration's.
  below: (_name, raw) => (Array.isArray(raw) ? CLUSTERS : clusterSource(`${nameOf(raw)}/`)),
}

/** Scope and namespace are the configuration's. `prefix`: tells members of one name in several clusters apart. */
function clusterSource(prefix: string): Source {
  const members: Source = { member: null, origins: () => null, below: (_name, raw) => memberSource(raw, prefix) }
  return {
    member: null,
    origins: (_text, name) => (name === 'system_id' ? () => [{ kind: 'other', what: 'system_id' }] : null),
    below: (_name, raw) => (Array.isArray(raw) ? members : memberSource(raw, prefix)),
  }
}

function nameOf(raw: object): string {
  return 'name' in raw && typeof raw.name === 'string' ? raw.name : ''
}

function memberSource(raw: object, prefix: string): Source {
  const member = `${prefix}${nameOf(raw)}`
  const tags = sourceOf(member, (name) => (name === null || !isSafe(name) ? 'the name of a tag' : `tag ${name}`))
  return { ...sourceOf(member, (name) => name ?? 'a name'), below: () => tags }
}

function sourceOf(member: string, what: (name: string | null) => string): Source {
  const origins =
    (_text: string, name: string | null): FindOrigins =>
    () => [{ kind: 'member', member, what: printable(what(name), MAX_SHOWN) }]
  const source: Source = { member, origins, below: () => source }
  return source
}

/** Of what was made of texts that are not safe. */
export function madeOf(suspects: readonly Suspect[]): Source {
  if (suspects.length === 0) return TRUSTED
  const source: Source = { member: null, origins: (text) => () => originsOf(text, suspects), below: () => source }
  return source
}
