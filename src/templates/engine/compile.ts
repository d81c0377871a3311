/** Templates in Handlebars' syntax: parsed, checked, and rendered without anything that could be run. */
import { dialectProblem } from './dialect.ts'
import type { Helper } from './helper.ts'
import { HELPERS, helpersOf } from '../helpers/registry.ts'
import type { TemplateConfig, TemplateSubject } from '../../config/config.ts'
import { parse, TOO_DEEP } from './parse.ts'
import { render } from './render.ts'
import type { Compiled } from './template.ts'
import { CLUSTERS, CONTEXT, NO_CLUSTER, type Shape } from './shape.ts'
import { type Checked, checkTemplate } from './check.ts'

/**
 * Compiles a template. Never throws: whatever is wrong with the text is in `problems`. `name` is for messages; `context`:
 * what the inputs will have.
 */
export function compileTemplate(
  name: string,
  text: string,
  helpers: readonly Helper[] = HELPERS,
  context: Shape = CONTEXT,
): Compiled {
  const parsed = parse(text)
  const checked: Checked = parsed.ok
    ? check(parsed.program, helpers, context)
    : { ok: false, problems: [parsed.problem] }
  const dialect = dialectProblem(text, !checked.ok)
  if (dialect !== null) return { ok: false, problems: [dialect] }
  if (!checked.ok) return checked
  const { plan, readsContext } = checked
  return { ok: true, template: { name, readsContext, render: (inputs) => render(plan, inputs) } }
}

function check(...args: Parameters<typeof checkTemplate>): Checked {
  try {
    return checkTemplate(...args)
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, problems: [TOO_DEEP] }
    throw error
  }
}

/**
 * Compiles a template as its configuration has it: about one cluster or several, with or without keys. See
 * {@link compileTemplate}.
 */
export function compileFor(template: Pick<TemplateConfig, 'subject' | 'keys'>, name: string, text: string): Compiled {
  return compileTemplate(name, text, helpersOf(template), shapeOf(template.subject))
}

function shapeOf(subject: TemplateSubject): Shape {
  if (subject.kind === 'cluster') return CONTEXT
  return subject.clusters.length === 0 ? NO_CLUSTER : CLUSTERS
}
