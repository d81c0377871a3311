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

/** Those of `more` that are about a key that none of `faults` is about. */
export function besides<T extends Pick<Fault, 'path'>>(more: readonly T[], faults: readonly Fault[]): T[] {
  const told = new Set(faults.map(({ path }) => JSON.stringify(path)))
  return more.filter(({ path }) => !told.has(JSON.stringify(path)))
}

/** `file:line:col: path: message`, one per line. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('\n')
}

export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = [file, line, column].filter((part) => part !== null).join(':')
  return [place, path, message].filter((part) => part !== '').join(': ')
}

/**
 * A key as it may be shown. What does not look like a key is not repeated: in a file with a slip of the pen (`password:x`
 * without the space) a secret can end up in one.
 */
export function shownPath(path: readonly string[]): string {
  return path.map((key) => (/^[\w.-]{1,64}$/.test(key) ? key : '(not a plain name)')).join('.')
}
