/** Which templates belong together, and what counts for all of a group. Pure. */
import type { TemplateConfig } from '../../config/config.ts'
import type { Timing } from './debounce.ts'

/** By name: the reload group, or the destination of a template of its own. In the order of the configuration. */
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

export function groupNameOf({ reloadGroup, destination }: TemplateConfig): string {
  return reloadGroup ?? destination
}

/** Which clusters they are about, each once. */
export function clustersOf(templates: readonly Pick<TemplateConfig, 'subject'>[]): readonly string[] {
  return [
    ...new Set(templates.flatMap(({ subject }) => (subject.kind === 'cluster' ? subject.cluster : subject.clusters))),
  ]
}

/** Of all that is asked for the longest debounce and the shortest interval. */
export function timingOf(templates: readonly TemplateConfig[]): Timing {
  const intervals = templates.map(({ intervalMs }) => intervalMs).filter((ms) => ms > 0)
  return {
    minMs: Math.max(...templates.map(({ debounce }) => debounce.minMs)),
    maxMs: Math.max(...templates.map(({ debounce }) => debounce.maxMs)),
    intervalMs: intervals.length === 0 ? 0 : Math.min(...intervals),
  }
}
