/** Templates in Handlebars' syntax: checked when they are compiled, rendered without anything that could be run. */
import { printable } from '../../text/printable.ts'
import { Calls } from './calls.ts'
import { dialectProblem } from './dialect.ts'
import { Budget, ROUND, SPENT } from './budget.ts'
import { Round } from './evaluate.ts'
import type { Helper } from './helper.ts'
import { HELPERS } from '../helpers/registry.ts'
import { parse, TOO_DEEP } from './parse.ts'
import type { Statement } from './plan.ts'
import { Recording } from './recording.ts'
import type { Compiled, LeftOut, RenderInputs, RenderResult, TemplateProblem } from './template.ts'
import { CONTEXT, type Shape } from './shape.ts'
import { Stop } from './stop.ts'
import { type Checked, checkTemplate } from './check.ts'

const TOO_MUCH = { kind: 'failed', problem: { line: null, column: null, message: SPENT } } as const

/** Longest part of a member's name that is reported. */
const MAX_SHOWN = 255

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
 * A member whose text cannot be written is left out, and all is written again without it: as often as that shows another
 * one, so not more often than there are members, and not with more budget than one rendering may take.
 */
function render(plan: readonly Statement[], inputs: RenderInputs): RenderResult {
  const recording = new Recording(inputs)
  const budget = new Budget()
  const hidden = new Map<string, string>()
  for (;;) {
    const round = new Round(new Calls(inputs, recording, budget, new Set(hidden.keys())), budget)
    const end = endOf(round, plan)
    const found = [...round.leftOut].filter(([member]) => !hidden.has(member))
    for (const [member, reason] of found) hidden.set(member, reason)
    budget.spend(ROUND)
    if (found.length > 0 && !budget.isSpent) continue
    const stop = found.length > 0 ? TOO_MUCH : end
    if (stop !== TOO_MUCH && round.questions.length > 0) return { kind: 'asks', questions: round.questions }
    const leftOut = reported(hidden)
    if (stop === null) return { kind: 'text', text: round.text, empty: round.empty, used: recording, leftOut }
    return { ...stop, used: recording, leftOut }
  }
}

/** null: the text is written to its end. */
function endOf(
  round: Round,
  plan: readonly Statement[],
): { kind: 'absent' | 'failed'; problem: TemplateProblem } | null {
  try {
    round.run(plan)
    return null
  } catch (error) {
    if (error instanceof Stop) return { kind: error.kind, problem: { ...error.place, message: error.message } }
    const kind = error instanceof Error ? error.name : 'unknown'
    return { kind: 'failed', problem: { line: null, column: null, message: `an error of the router (${kind})` } }
  }
}

function reported(hidden: ReadonlyMap<string, string>): readonly LeftOut[] {
  return [...hidden].map(([member, reason]) => ({ member: printable(member, MAX_SHOWN), reason }))
}
