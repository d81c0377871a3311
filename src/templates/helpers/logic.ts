/**
 * Comparisons and choices, named and meant as in Go's templates, and confd's arithmetic: whole numbers only, and an error
 * rather than a wrong digit.
 */
import { HelperError, type Helper } from '../engine/helper.ts'
import { FLAG, NUMBER, type Shape } from '../engine/shape.ts'
import {
  byBytes,
  commonShape,
  integerOf,
  isAbsent,
  isRecord,
  kindOf,
  listShape,
  presentShape,
  scalarOf,
} from './arguments.ts'

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
 * Returns whether two values are written alike: `5432` is the port 5432, so that a number in a key or a tag can be compared
 * without `atoi`. A missing value equals nothing else.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (isAbsent(a) || isAbsent(b)) return isAbsent(a) && isAbsent(b)
  return written(a) === written(b)
}

/** Compares two numbers, or two texts byte by byte. @throws HelperError where they have no order. */
export function order(one: unknown, other: unknown): number {
  const [a, b] = [scalarOf(one), scalarOf(other)]
  if (isAbsent(a) || isAbsent(b)) throw new HelperError('one of the values is not there: `default` gives it one')
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return byBytes(a, b)
  throw new HelperError(`${kindOf(a)} and ${kindOf(b)} have no order (atoi makes a number of a text)`)
}

/** Returns whether it is true. As in Go's templates an empty record is false too. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return isRecord(value) ? Object.keys(value).length > 0 : Boolean(value)
}

/** Returns the first that is so, else the last. An empty map is given as false: {{#if}}, as Handlebars', takes it for true. */
function chosenOf(values: readonly unknown[], isIt: (value: unknown) => boolean): unknown {
  const value = values.at(values.findIndex(isIt))
  return isRecord(value) && !isTrue(value) ? false : value
}

function written(given: unknown): string {
  const value = scalarOf(given)
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new HelperError(`${kindOf(value)} cannot be compared`)
}

/** Returns the first that is there, else the last. */
function chosen(shapes: readonly Shape[]): Shape {
  const last = shapes.at(-1)
  const common = commonShape(shapes.map(presentShape))
  return last?.kind === 'maybe' ? { ...last, of: common } : common
}

function comparison(name: string, usage: string, max: number, run: (values: readonly unknown[]) => boolean): Helper {
  return { name, usage, arity: { min: 2, max }, returns: () => FLAG, unsafe: 'settles', run }
}

/** A list that is longer is a mistake, and would take all memory. */
const LONGEST_SEQUENCE = 100_000

export const NUMBER_HELPERS: readonly Helper[] = [
  arithmetic('add', (a, b) => a + b),
  arithmetic('sub', (a, b) => a - b),
  arithmetic('mul', (a, b) => a * b),
  arithmetic('div', (a, b) => Math.trunc(a / notZero(b))),
  // The sign of the dividend, as in Go.
  arithmetic('mod', (a, b) => a % notZero(b)),
  {
    name: 'seq',
    usage: 'seq FIRST LAST',
    arity: { min: 2, max: 2 },
    returns: () => listShape(NUMBER),
    unsafe: 'settles',
    run: ([from, to]) => {
      const [first, last] = [integerOf(from, 'the first'), integerOf(to, 'the last')]
      const length = Math.max(0, last - first + 1)
      if (length > LONGEST_SEQUENCE) throw new HelperError(`a sequence has ${LONGEST_SEQUENCE} numbers at most`)
      return Array.from({ length }, (_, index) => first + index)
    },
  },
]

function arithmetic(name: string, compute: (a: number, b: number) => number): Helper {
  return {
    name,
    usage: `${name} A B`,
    arity: { min: 2, max: 2 },
    returns: () => NUMBER,
    unsafe: 'settles',
    run: ([a, b]) => {
      const result = compute(integerOf(a, 'the first number'), integerOf(b, 'the second number'))
      // Without -0, which would be written as 0 but compared as another text.
      return result === 0 ? 0 : integerOf(result, 'the result')
    },
  }
}

function notZero(divisor: number): number {
  if (divisor === 0) throw new HelperError('a division by zero')
  return divisor
}
