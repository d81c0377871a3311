/** Comparisons and choices, named and meant as in Go's templates. */
import { HelperError, type Helper } from '../engine/helper.ts'
import { FLAG, type Shape } from '../engine/shape.ts'
import { byBytes, commonShape, isAbsent, isRecord, kindOf, presentShape, scalarOf } from './arguments.ts'

/** Beyond that a call is a mistake. */
const MANY = 64

export const LOGIC_HELPERS: readonly Helper[] = [
  comparison('eq', 'eq A B...', MANY, ([a, ...others]) => others.some((b) => isSame(a, b))),
  comparison('ne', 'ne A B', 2, ([a, b]) => !isSame(a, b)),
  comparison('lt', 'lt A B', 2, ([a, b]) => order(a, b) < 0),
  comparison('le', 'le A B', 2, ([a, b]) => order(a, b) <= 0),
  comparison('gt', 'gt A B', 2, ([a, b]) => order(a, b) > 0),
  comparison('ge', 'ge A B', 2, ([a, b]) => order(a, b) >= 0),
  {
    name: 'not',
    usage: 'not A',
    arity: { min: 1, max: 1 },
    returns: () => FLAG,
    unsafe: 'settles',
    run: ([value]) => !isTrue(value),
  },
  {
    name: 'and',
    usage: 'and A B...',
    arity: { min: 1, max: MANY },
    returns: (shapes) => {
      const common = commonShape(shapes.map(presentShape))
      const maybe = shapes.find(({ kind }) => kind === 'maybe')
      return maybe === undefined ? common : { ...maybe, of: common }
    },
    unsafe: 'carries',
    endsAt: (value) => !isTrue(value),
    run: (values) => chosenOf(values, (value) => !isTrue(value)),
  },
  {
    name: 'or',
    usage: 'or A B...',
    arity: { min: 1, max: MANY },
    returns: (shapes) => chosen(shapes),
    unsafe: 'carries',
    endsAt: isTrue,
    run: (values) => chosenOf(values, isTrue),
  },
  {
    name: 'default',
    usage: 'default VALUE FALLBACK',
    arity: { min: 2, max: 2 },
    returns: (shapes) => chosen(shapes),
    unsafe: 'carries',
    run: ([value, fallback]) => (isAbsent(value) || value === '' ? fallback : value),
  },
]

/**
 * Whether two values are written alike: `5432` is the port 5432, so that a number in a key or a tag can be compared
 * without `atoi`. What is not there is like nothing else.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (isAbsent(a) || isAbsent(b)) return isAbsent(a) && isAbsent(b)
  return written(a) === written(b)
}

/** As numbers, or as texts byte by byte. */
export function order(one: unknown, other: unknown): number {
  const [a, b] = [scalarOf(one), scalarOf(other)]
  if (isAbsent(a) || isAbsent(b)) throw new HelperError('one of the values is not there: `default` gives it one')
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return byBytes(a, b)
  throw new HelperError(`${kindOf(a)} and ${kindOf(b)} have no order (atoi makes a number of a text)`)
}

/** As in Go's templates: an empty record is false too. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return isRecord(value) ? Object.keys(value).length > 0 : Boolean(value)
}

/** The first that is so, else the last. An empty map is given as false: {{#if}}, as Handlebars', takes it for true. */
function chosenOf(values: readonly unknown[], isIt: (value: unknown) => boolean): unknown {
  const value = values.at(values.findIndex(isIt))
  return isRecord(value) && !isTrue(value) ? false : value
}

function written(given: unknown): string {
  const value = scalarOf(given)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new HelperError(`${kindOf(value)} cannot be compared`)
}

/** The first that is there, else the last. */
function chosen(shapes: readonly Shape[]): Shape {
  const last = shapes.at(-1)
  const common = commonShape(shapes.map(presentShape))
  return last?.kind === 'maybe' ? { ...last, of: common } : common
}

function comparison(name: string, usage: string, max: number, run: (values: readonly unknown[]) => boolean): Helper {
  return { name, usage, arity: { min: 2, max }, returns: () => FLAG, unsafe: 'settles', run }
}
