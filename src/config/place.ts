/** Where what was found is written. */
import { printable, type Fault, type Problem } from './problem.ts'
import type { Place } from './yaml.ts'

export interface Places {
  /** The name of the file to show. */
  readonly file: string
  /** Which variable a key came from. */
  readonly origins: ReadonlyMap<string, string>
  readonly locate: (path: readonly string[]) => Place | null
}

/** Where a fault was written: the variable that set the key or something around it, else the file. */
export function placeOf({ path, message }: Fault, { file, origins, locate }: Places): Problem {
  const variable = path
    .map((_, index) => origins.get(path.slice(0, index + 1).join('.')))
    .find((name) => name !== undefined)
  if (variable !== undefined) return { file: 'environment', line: null, column: null, path: variable, message }
  const written = locate(path)
  // A section that came from the environment key by key is told by the first of them.
  const below = [...origins].find(([key]) => written === null && key.startsWith(`${path.join('.')}.`))
  if (below !== undefined) return { file: 'environment', line: null, column: null, path: below[1], message }
  const { line = null, column = null } = written ?? {}
  return { file, line, column, path: printable(path), message }
}

/** As they stand in the file, each once; what has no place comes last. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const key = ({ line }: Problem): number => line ?? Infinity
  // What clusters have in common is found for each of them.
  const once = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...once.values()].toSorted((a, b) =>
    key(a) === key(b) ? (a.column ?? 0) - (b.column ?? 0) : key(a) - key(b),
  )
}
