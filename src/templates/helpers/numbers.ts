/** confd's arithmetic: whole numbers only, and an error rather than a wrong digit. */
import { HelperError, type Helper } from '../engine/helper.ts'
import { NUMBER } from '../engine/shape.ts'
import { integerOf, listShape } from './arguments.ts'

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
