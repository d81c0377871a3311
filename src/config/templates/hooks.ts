import { isAbsolute, normalize } from 'node:path'
import { isMapping } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'
import { nearest } from '../../text/suggestion.ts'
import type { Draft } from './draft.ts'

/** What is wrong between hooks, and between them and the templates. `names`: of all clusters. */
export function checkHooks(hooks: unknown, drafts: readonly Draft[], names: readonly string[]): Fault[] {
  const sections: readonly unknown[] = Array.isArray(hooks) ? hooks : []
  const known = drafts.flatMap(({ group, destination }) => [group, destination].filter((name) => name !== null))
  const called = sections.map((hook) => (isMapping(hook) ? hook['name'] : null))
  return sections.flatMap((hook, index): Fault[] => {
    if (!isMapping(hook)) return []
    const { name = null, after = null, cluster = null } = hook
    const fault = (key: string, message: string): Fault => ({ path: ['hooks', String(index), key], message })
    const faults =
      name !== null && called.indexOf(name) < index
        ? [fault('name', `is the name of hooks.${called.indexOf(name)} already`)]
        : []
    if (typeof after !== 'string') return faults
    const awaited = isAbsolute(after) ? normalize(after) : after
    if (!known.includes(awaited)) {
      const near = nearest(after, known)
      const hint = near === null ? '' : `; did you mean "${near}"?`
      return [...faults, fault('after', `is neither a reload group nor the destination of a template${hint}`)]
    }
    const own = drafts.filter(({ group, destination }) => group === awaited || destination === awaited)
    const about = own.flatMap((draft) => clustersOf(draft, names))
    const stranger = (typeof cluster === 'string' ? [cluster] : names).find((one) => !about.includes(one))
    if (stranger === undefined || names.length < 2) return faults
    return [
      ...faults,
      fault('after', `is about ${about.join(' and ')}: a hook of ${stranger} would wait for another cluster`),
    ]
  })
}

function clustersOf({ section: { cluster, clusters } }: Draft, names: readonly string[]): readonly unknown[] {
  if (clusters === 'all') return names
  return Array.isArray(clusters) ? clusters : typeof cluster === 'string' ? [cluster] : names
}
