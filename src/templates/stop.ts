/** Why a rendering ends before its text does. */
import type { Place } from './plan.ts'
import type { Question } from './render.ts'

export class Stop extends Error {
  readonly kind: 'absent' | 'failed'
  readonly place: Place

  /** `message`: see `TemplateProblem`. */
  constructor(kind: 'absent' | 'failed', place: Place, message: string) {
    super(message)
    this.name = 'Stop'
    this.kind = kind
    this.place = place
  }
}

/** A helper needs an answer that is not there yet. */
export class Unanswered extends Error {
  readonly question: Question

  constructor(question: Question) {
    super('not answered yet')
    this.name = 'Unanswered'
    this.question = question
  }
}
