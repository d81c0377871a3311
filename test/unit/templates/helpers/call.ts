import { HELPERS } from '../../../../src/templates/helpers/registry.ts'
import type { HelperCall } from '../../../../src/templates/engine/helper.ts'
import type { Answer, Question, RenderInputs } from '../../../../src/templates/engine/template.ts'

export interface Surroundings {
  readonly keys?: Readonly<Record<string, string>> | null
  readonly env?: Readonly<Record<string, string>>
  readonly answers?: Readonly<Record<string, Answer>>
  /** What was read, question by question. */
  readonly reads?: unknown[]
}

/** Calls a helper as a template would, without one. */
export function run(name: string, args: readonly unknown[], surroundings: Surroundings = {}): unknown {
  return named(name).run(args, callIn(surroundings))
}

export function named(name: string): (typeof HELPERS)[number] {
  const helper = HELPERS.find((one) => one.name === name)
  if (helper === undefined) throw new Error(`there is no helper ${name}`)
  return helper
}

function callIn({ keys = null, env = {}, answers = {}, reads = [] }: Surroundings): HelperCall {
  const inputs = {
    keys: keys === null ? null : { entries: new Map(Object.entries(keys)) },
    env,
  } as unknown as RenderInputs
  return {
    read: (_name, question) => {
      const answer = question(inputs)
      reads.push(answer)
      return answer
    },
    ask: ({ kind, name }: Question) => {
      const answer = answers[`${kind} ${name}`]
      if (answer === undefined) throw new Error(`nobody was expected to ask for ${kind} ${name}`)
      return answer
    },
  }
}
