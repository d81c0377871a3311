/** A place in a text; lines and columns count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A place in the text and what is wrong or doubtful there; `message` repeats nothing of the text. */
export interface Remark extends Place {
  readonly message: string
}

/** One thing that is wrong with the configuration. Lines and columns count from 1. */
export interface Problem {
  /** The file's name, or `environment`. */
  readonly file: string
  readonly line: number | null
  readonly column: number | null
  /** `proxy.hold.timeout`, or the name of the environment variable; empty when it is about the file as a whole. */
  readonly path: string
  readonly message: string
}

/** What a check found, by key; where that key is written is added later. */
export interface Fault {
  readonly path: readonly string[]
  readonly message: string
}

/** Returns those of `more` that are about a key that none of `faults` is about. */
export function besides<T extends Pick<Fault, 'path'>>(more: readonly T[], faults: readonly Fault[]): T[] {
  const reported = new Set(faults.map(({ path }) => JSON.stringify(path)))
  return more.filter(({ path }) => !reported.has(JSON.stringify(path)))
}

/** Returns `file:line:col: path: message`, one per line. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('\n')
}

/** Returns `file:line:col: path: message`. */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = [file, line, column].filter((part) => part !== null).join(':')
  return [place, path, message].filter((part) => part !== '').join(': ')
}

/**
 * Returns a key as it may be shown. A key that does not look like one is not repeated: in a file with a slip of the pen
 * (`password:x` without the space) a secret can end up in one.
 */
export function shownPath(path: readonly string[]): string {
  return path.map((key) => (/^[\w.-]{1,64}$/.test(key) ? key : '(not a plain name)')).join('.')
}

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

/** Finds where a fault was written: the variable that set the key or something around it, else the file. */
export function placeOf({ path, message }: Fault, { file, origins, locate }: Places): Problem {
  const variable = path
    .map((_, index) => origins.get(path.slice(0, index + 1).join('.')))
    .find((name) => name !== undefined)
  if (variable !== undefined) return { file: 'environment', line: null, column: null, path: variable, message }
  const written = locate(path)
  // A section that came from the environment key by key is shown by the first of them.
  const below = [...origins].find(([key]) => written === null && key.startsWith(`${path.join('.')}.`))
  if (below !== undefined) return { file: 'environment', line: null, column: null, path: below[1], message }
  const { line, column } = written ?? { line: null, column: null }
  return { file: written?.file ?? file, line, column, path: shownPath(path), message }
}

/**
 * Sorts problems by their places in the file (or the files, one after the other), each once; those without a place come
 * last.
 */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))].toSorted()
  const key = ({ file, line }: Problem): number => (line === null ? Infinity : files.indexOf(file) * 1e7 + line)
  // What clusters have in common is found for each of them.
  const once = new Map(problems.map((problem) => [JSON.stringify(problem), problem]))
  return [...once.values()].toSorted((a, b) =>
    key(a) === key(b) ? (a.column ?? 0) - (b.column ?? 0) : key(a) - key(b),
  )
}
