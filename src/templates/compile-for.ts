/** A template as its configuration has it: about one cluster or several, with or without keys. */
import type { TemplateConfig, TemplateSubject } from '../config/config.ts'
import { compileTemplate } from './engine/compile.ts'
import type { Compiled } from './engine/template.ts'
import { CLUSTERS, CONTEXT, NO_CLUSTER, type Shape } from './engine/shape.ts'
import { helpersOf } from './helpers/registry.ts'

/** Compiles `text`; `name` is for messages. Never throws: whatever is wrong is in `problems`. */
export function compileFor(template: Pick<TemplateConfig, 'subject' | 'keys'>, name: string, text: string): Compiled {
  return compileTemplate(name, text, helpersOf(template), contextOf(template.subject))
}

function contextOf(subject: TemplateSubject): Shape {
  if (subject.kind === 'cluster') return CONTEXT
  return subject.clusters.length === 0 ? NO_CLUSTER : CLUSTERS
}
