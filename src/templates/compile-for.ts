/** A template as its configuration has it: about one cluster or several, with or without keys. */
import type { TemplateConfig } from '../config/config.ts'
import { compileTemplate } from './engine/compile.ts'
import type { Compiled } from './engine/render.ts'
import { CLUSTERS, CONTEXT } from './engine/shape.ts'
import { helpersOf } from './helpers/registry.ts'

/** Compiles `text`; `name` is for messages. Never throws: whatever is wrong is in `problems`. */
export function compileFor(template: Pick<TemplateConfig, 'subject' | 'keys'>, name: string, text: string): Compiled {
  const context = template.subject.kind === 'cluster' ? CONTEXT : CLUSTERS
  return compileTemplate(name, text, helpersOf(template), context)
}
