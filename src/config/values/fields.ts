/** Keys of the configuration: how each is parsed, what replaces one that is left out, and its description. */
import { z } from 'zod'
import { type Form, type ValueType, orNull } from './form.ts'
import { bad, good, type Parsed, type ParsedParts } from './parsed.ts'

/** What comes of a value, with one fault or with several that have places of their own. */
type Outcome<T> = Parsed<T> | ParsedParts<T>

/**
 * Returns the schema of a mapping; null is what an empty section is in YAML. `description`: what it is for; it goes into
 * the JSON Schema, the documents and the man page, as that of every key does.
 */
export function section<T extends z.core.$ZodShape>(shape: T, description: string) {
  const form: Form = { description, type: ['object', 'null'] }
  return z.preprocess((value) => value ?? {}, z.strictObject(shape)).meta({ ...form })
}

/** Returns the schema of a mapping in a list or under a name. */
export function entry<T extends z.core.$ZodShape>(shape: T, description: string) {
  return z.strictObject(shape).meta({ description })
}

/** Returns the schema of a value that has to be there. */
export function required<T>({ parse, form }: ValueType<Outcome<T>>, description: string) {
  return z
    .unknown()
    .transform(transformation(parse))
    .meta({ ...form, description })
}

/** Returns the schema of a value that may be left out: null then. A key without a value (`cluster:`) is left out. */
export function optional<T>(kind: ValueType<Outcome<T>>, description: string) {
  return leftOut<T, null>(kind, null, { description })
}

/** Returns the schema of a value that has a default. `written`: how the default is written. */
export function defaulting<T>(
  kind: ValueType<Outcome<T>>,
  fallback: NoInfer<T>,
  description: string,
  written: unknown = fallback,
) {
  return leftOut<T, T>(kind, fallback, { description, default: written })
}

function leftOut<T, D>({ parse, form }: ValueType<Outcome<T>>, fallback: D, meta: Form) {
  const isLeftOut = (value: unknown): boolean => value === undefined || value === null
  return z
    .unknown()
    .optional()
    .transform(transformation<T | D>((value) => (isLeftOut(value) ? good(fallback) : parse(value))))
    .meta({ ...orNull(form), ...meta })
}

export const NOT_YET = 'Not available in this version.'

/** Returns the schema of a key that a later version will have. */
export function later(advice = '') {
  const refuse = (): Parsed<null> => bad(`not available in this version: remove it${advice}`)
  return optional({ parse: refuse, form: { enum: [] } }, NOT_YET)
}

function transformation<T>(parse: (value: unknown) => Outcome<T>) {
  return (input: unknown, context: z.RefinementCtx): T => {
    const outcome = parse(input)
    if ('ok' in outcome) {
      if (outcome.ok) return outcome.value
      context.addIssue({ code: 'custom', message: outcome.message, input })
      return z.NEVER
    }
    const { value, faults } = outcome
    for (const { path, message } of faults) context.addIssue({ code: 'custom', message, input, path: [...path] })
    return value ?? z.NEVER
  }
}
