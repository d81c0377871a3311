/** Templates and what they are rendered with. */
import assert from 'node:assert/strict'
import { compileTemplate } from '../../../../src/templates/engine/compile.ts'
import { contextOf, type TemplateContext } from '../../../../src/templates/engine/context.ts'
import type { Helper } from '../../../../src/templates/engine/helper.ts'
import {
  type CompiledTemplate,
  formatTemplateProblem,
  type RenderInputs,
  type RenderResult,
} from '../../../../src/templates/engine/template.ts'
import type { ClusterView, MemberView } from '../../../../src/watcher/view.ts'
import { memberView, view } from '../../watcher/sample.ts'

export function replica(name: string, changes: Partial<MemberView> = {}): MemberView {
  return memberView(name, true, changes)
}

/** pg0 leads and is open; the others, pg1 where none are given, are replicas. */
export function context(
  members: readonly MemberView[] = [replica('pg1')],
  changes: Partial<ClusterView> = {},
): TemplateContext {
  return contextOf(view({ members: [memberView('pg0', false), ...members], ...changes }))
}

export function inputs(
  of: RenderInputs['context'] = context(),
  keys: Readonly<Record<string, string>> = {},
  changes: Partial<RenderInputs> = {},
): RenderInputs {
  const entries = new Map(Object.entries(keys))
  return { context: of, keys: { entries }, env: {}, answers: { answerTo: () => null }, ...changes }
}

export function compiled(text: string, helpers?: readonly Helper[]): CompiledTemplate {
  const result = compileTemplate('test.hbs', text, helpers)
  assert.ok(result.ok, result.ok ? '' : result.problems.map((p) => formatTemplateProblem('test', p)).join('\n'))
  return result.template
}

/** `line:column: message` of each problem. */
export function problemsOf(text: string, helpers?: readonly Helper[]): readonly string[] {
  const result = compileTemplate('t', text, helpers)
  return result.ok ? [] : result.problems.map((problem) => formatTemplateProblem('', problem).slice(1).trimStart())
}

export function render(text: string, given: RenderInputs = inputs()): RenderResult {
  return compiled(text).render(given)
}

export function textOf(text: string, given: RenderInputs = inputs()): string {
  const result = render(text, given)
  if (result.kind === 'text') return result.text
  return assert.fail(JSON.stringify(result))
}

/** `kind line:column: message` of a text that cannot be written. */
export function problemOf(text: string, given: RenderInputs = inputs()): string {
  const result = render(text, given)
  if (result.kind === 'text' || result.kind === 'asks') return assert.fail(JSON.stringify(result))
  return `${result.kind} ${formatTemplateProblem('', result.problem).slice(1)}`
}

/** Whether a template need not be rendered for other inputs: what it depends on is the same in both. */
export function isSame(text: string, before: RenderInputs, after: RenderInputs): boolean {
  const result = render(text, before)
  if (result.kind === 'asks') return assert.fail(JSON.stringify(result))
  const same = result.used.isSame(after)
  // What is said to be the same has to be rendered the same.
  if (same) assert.equal(isSameResult(text, before, after), true)
  return same
}

/** Whether all that comes of two renderings is the same, so that nothing is written or reloaded for it. */
export function isSameResult(text: string, before: RenderInputs, after: RenderInputs): boolean {
  const [one, other] = [before, after].map((given) => JSON.stringify({ ...render(text, given), used: null }))
  return one === other
}
