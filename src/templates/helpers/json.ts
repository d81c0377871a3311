/** JSON in keys. */
import { hasBytes } from '../../text/binary-text.ts'
import { HelperError, type Helper } from '../engine/helper.ts'
import { ANY } from '../engine/shape.ts'
import { kindOf, listShape, newRecord, textOf } from './arguments.ts'

/** Deeper than anything a template walks through, and far from the end of the stack. */
const DEEPEST = 64

export const JSON_HELPERS: readonly Helper[] = [
  {
    name: 'json',
    usage: 'json TEXT',
    arity: { min: 1, max: 1 },
    returns: () => ANY,
    unsafe: 'carries',
    run: ([text]) => parse(textOf(text, 'the text')),
  },
  {
    name: 'jsonArray',
    usage: 'jsonArray TEXT',
    arity: { min: 1, max: 1 },
    returns: () => listShape(ANY),
    unsafe: 'carries',
    run: ([text]) => {
      const value = parse(textOf(text, 'the text'))
      if (Array.isArray(value)) return value as readonly unknown[]
      throw new HelperError(`the JSON is ${kindOf(value)}, not a list`)
    },
  },
]

function parse(text: string): unknown {
  if (hasBytes(text)) throw new HelperError('the text is not JSON: it holds bytes that are not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(text, exactNumber)
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep()
    // The parser's message quotes the text, which may be a secret: it is not passed on, not even as the cause.
    throw new HelperError('the text is not JSON')
  }
  return plain(value, 0)
}

/** Parses JSON. A number that JavaScript cannot hold exactly stays the text that it is: system identifiers have 19 digits. */
function exactNumber(_name: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isInexact = typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER)
  return isInexact ? (context?.source ?? value) : value
}

function plain(value: unknown, depth: number): unknown {
  // Half a character that JSON spells out stands for no byte.
  if (typeof value === 'string') return hasBytes(value) ? value.toWellFormed() : value
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEEPEST) throw tooDeep()
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  const record = newRecord()
  for (const [name, item] of Object.entries(value)) record[name] = plain(item, depth + 1)
  return record
}

function tooDeep(): HelperError {
  return new HelperError(`the JSON is nested more than ${DEEPEST} deep`)
}
