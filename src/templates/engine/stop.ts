/** Why a rendering ends before its text does. */
import { printable } from '../../text/printable.ts'
import type { Place } from './plan.ts'
import type { Question } from './template.ts'

/** Of a message, which holds expressions as they are written. */
const MAX_MESSAGE = 1000

export class Stop extends Error {
  readonly kind: 'absent' | 'failed'
  readonly place: Place

  /** `message`: see `TemplateProblem`. */
  constructor(kind: 'absent' | 'failed', place: Place, message: string) {
    super(printable(message, MAX_MESSAGE))
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
