/** Where what was found is written. */
import { shownPath, type Fault, type Problem } from './problem.ts'
import type { Place } from './yaml.ts'

/** A place, and the file where it is. */
export interface Located extends Place {
  readonly file: string
}

export interface Places {
  /** What to show where no place is known. */
  readonly file: string
  /** Which variable a key came from. */
  readonly origins: ReadonlyMap<string, string>
  readonly locate: (path: readonly string[]) => Located | null
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
  const { line, column } = written ?? { line: null, column: null }
  return { file: written?.file ?? file, line, column, path: shownPath(path), message }
}

/** As they stand in the file (or the files, one after the other), each once; what has no place comes last. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))].toSorted()
  const key = ({ file, line }: Problem): number => (line === null ? Infinity : files.indexOf(file) * 1e7 + line)
  // What clusters have in common is found for each of them.
  const once = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...once.values()].toSorted((a, b) =>
    key(a) === key(b) ? (a.column ?? 0) - (b.column ?? 0) : key(a) - key(b),
  )
}
