/** Work on many things, of which one that fails keeps no other from its end. */

/** Does `work` for each of them; returns what it has thrown. */
export function errorsOf<T>(all: Iterable<T>, work: (each: T) => void): readonly unknown[] {
  return [...all].flatMap((each) => {
    try {
      work(each)
      return []
    } catch (error) {
      return [error]
    }
  })
}

/** Does each of `steps`, also behind one that throws. @throws AggregateError with `message` when some have. */
export function doAll(steps: readonly (() => void)[], message: string): void {
  const errors = errorsOf(steps, (step) => step())
  if (errors.length > 0) throw new AggregateError(errors, message)
}
