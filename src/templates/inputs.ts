/** What a template is rendered with: of one cluster, or of several. */
import type { TemplateConfig } from '../config/config.ts'
import type { TemplateClusters, TemplateContext } from './engine/context.ts'

/** What is known of a cluster (observed.ts). */
export interface Known {
  readonly context: TemplateContext | null
  readonly obstacle: string | null
  /** Its DCS has been read, or somebody has proved to be its primary without. */
  readonly isRead: boolean
}

export type ContextResult =
  | { readonly ok: true; readonly context: TemplateContext | TemplateClusters }
  | { readonly ok: false; readonly reason: string }

const UNKNOWN: Known = { context: null, obstacle: 'the cluster is not known yet', isRead: false }

/** What a template sees that reads nothing of a cluster. */
export const NO_CONTEXT: TemplateClusters = { clusters: [] }

/**
 * What a template is to see, or why not yet. Of several clusters each has to be known: a file without the servers of one
 * would take them from its clients. With `on_empty: render` one that is still unknown when it is `late` is written as empty.
 */
export function contextFor(
  { subject, onEmpty }: Pick<TemplateConfig, 'subject' | 'onEmpty'>,
  known: (cluster: string) => Known | undefined,
  late: boolean,
): ContextResult {
  if (subject.kind === 'cluster') {
    const { context, obstacle } = known(subject.cluster) ?? UNKNOWN
    if (context === null || obstacle !== null) return { ok: false, reason: obstacle ?? UNKNOWN.obstacle ?? '' }
    return { ok: true, context }
  }
  const clusters: TemplateClusters['clusters'][number][] = []
  for (const name of subject.clusters) {
    const { context, obstacle, isRead } = known(name) ?? UNKNOWN
    const isAllowed = obstacle === null || (late && !isRead && onEmpty === 'render')
    if (context === null || !isAllowed) return { ok: false, reason: `${name}: ${obstacle ?? ''}` }
    clusters.push({ name, ...context })
  }
  return { ok: true, context: { clusters } }
}
