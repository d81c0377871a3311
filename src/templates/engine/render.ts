/** A rendering: the plan of a template and what it reads become a text, or what is in its way. */
import { printable } from '../../text/printable.ts'
import { Calls } from './calls.ts'
import { Round } from './evaluate.ts'
import type { Statement } from './plan.ts'
import { Reading } from './reading.ts'
import { SeenContext } from './seen-context.ts'
import { Budget, ROUND, SPENT, Stop } from './stop.ts'
import type { LeftOut, RenderInputs, RenderResult, TemplateProblem } from './template.ts'
import { Marks } from './values.ts'

const TOO_MUCH = { kind: 'failed', problem: { line: null, column: null, message: SPENT } } as const

/** Longest part of a member's name that is reported. */
const MAX_SHOWN = 255

/**
 * Renders a plan; never throws. A member whose text cannot be written is left out, and all is written again without it: as
 * often as that shows another one, so not more often than there are members, and not with more effort than one rendering
 * may take.
 */
export function render(plan: readonly Statement[], inputs: RenderInputs): RenderResult {
  const [reading, budget, marks] = [new Reading(inputs), new Budget(), new Marks()]
  const context = new SeenContext(inputs.context, marks, reading.readsLag)
  const calls = new Calls(reading, budget, marks)
  const hidden = new Map<string, string>()
  for (;;) {
    const round = new Round(context.without(new Set(hidden.keys())), calls, budget, marks)
    const end = endOf(round, plan)
    const found = [...round.leftOut].filter(([member]) => !hidden.has(member))
    for (const [member, reason] of found) hidden.set(member, reason)
    budget.spend(ROUND)
    if (found.length > 0 && !budget.isSpent) continue
    const stop = found.length > 0 ? TOO_MUCH : end
    if (stop !== TOO_MUCH && round.questions.length > 0) return { kind: 'asks', questions: round.questions }
    const [used, leftOut] = [reading.used, reported(hidden)]
    if (stop === null) return { kind: 'text', text: round.text, empty: round.empty, used, leftOut }
    return { ...stop, used, leftOut }
  }
}

/** Returns why the rendering ended early; null: the text is written to its end. */
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
