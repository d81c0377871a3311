/** Which templates belong together, and what counts for all of a group. Pure. */
import type { TemplateConfig } from '../../config/config.ts'
import type { Timing } from './debounce.ts'

/** Returns the groups by name, in the order of the configuration. */
export function groupsOf(templates: readonly TemplateConfig[]): ReadonlyMap<string, readonly TemplateConfig[]> {
  const groups = new Map<string, TemplateConfig[]>()
  for (const template of templates) {
    const name = groupNameOf(template)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [template])
    else group.push(template)
  }
  return groups
}

/** Returns the reload group, or the destination of a template of its own. */
export function groupNameOf({ reloadGroup, destination }: TemplateConfig): string {
  return reloadGroup ?? destination
}

/** Returns the clusters that templates are about, each once. */
export function clustersOf(templates: readonly Pick<TemplateConfig, 'subject'>[]): readonly string[] {
  return [
    ...new Set(templates.flatMap(({ subject }) => (subject.kind === 'cluster' ? subject.cluster : subject.clusters))),
  ]
}

/** Returns the timing of a group: the longest debounce and the shortest interval of its templates. */
export function timingOf(templates: readonly TemplateConfig[]): Timing {
  const intervals = templates.map(({ intervalMs }) => intervalMs).filter((ms) => ms > 0)
  return {
    minMs: Math.max(...templates.map(({ debounce }) => debounce.minMs)),
    maxMs: Math.max(...templates.map(({ debounce }) => debounce.maxMs)),
    intervalMs: intervals.length === 0 ? 0 : Math.min(...intervals),
  }
}
