/** How a helper is made: pure and synchronous, checked by its signature when a template is compiled. */
import type { Shape } from './shape.ts'
import type { Answer, Question, RenderInputs } from './template.ts'

export interface Helper {
  readonly name: string
  /** For messages and the documentation: `getv KEY [DEFAULT]`. */
  readonly usage: string
  /** How many arguments it takes. */
  readonly arity: { readonly min: number; readonly max: number }
  /** Returns the shape of the result for arguments of these shapes, so that paths below it can be checked. */
  returns(args: readonly Shape[]): Shape
  /**
   * Text of strangers that is not safe to be written (unsafe.ts):
   * - `carries`: is worked on as any text, and what comes of it is as little to be trusted.
   * - `reveals`: what comes of it is not to be trusted even where the text itself is safe: base64.
   * - `settles`: nothing of it remains in the result: a comparison, a length.
   * - `quotes`: the result is fit for its target.
   */
  readonly unsafe: 'carries' | 'reveals' | 'settles' | 'quotes'
  /**
   * Returns why a call with these arguments is wrong, as far as that is visible when the template is compiled; null: it may
   * be right. Undefined: the argument is no literal.
   */
  checkLiterals?(
    args: readonly (string | number | boolean | null | undefined)[],
    shapes?: readonly Shape[],
  ): string | null
  /** Returns whether the arguments after this one are skipped: they are not read, and their faults do not matter. */
  endsAt?(arg: unknown): boolean
  /**
   * Returns what it makes of the arguments: strings, finite numbers, booleans, null, arrays, and records without prototype,
   * all of which cannot be changed; an {@link UnsafeText} stands for a text that is not safe, in lists and records too, and
   * can be given back as it is. A list or record that is given back is one of these, or new: then it is marked and frozen.
   * @throws HelperError with what is wrong with the arguments; anything else it throws is a fault of ours.
   */
  run(args: readonly unknown[], call: HelperCall): unknown
}

/** What helpers read by themselves; all else they are given. */
export type Readable = Pick<RenderInputs, 'keys' | 'env'>

export interface HelperCall {
  /**
   * Reads something of the inputs, on which the template depends from then on. `name` tells the question from all others: in
   * one rendering it is put once. The answer must not be changed; a text in it that strangers have written is to be given on
   * as {@link textFrom} has it.
   */
  read<T>(name: string, question: (inputs: Readable) => T): T
  /** Returns what was found out beforehand; where it is not known yet, the rendering ends here, to be done again. */
  ask(question: Question): Answer
}

/** Wrong arguments, or something that is not there. The message holds no value that could be a secret. */
export class HelperError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'HelperError'
  }
}
