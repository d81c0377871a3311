/** Of what a failed command has written the line that says why. */

/** What is said where an error is: `[ALERT] (12) : config :`, `nginx: [emerg]`, `FATAL:`, `psql: error:`, `sh: 1: x: not found`. */
const ERROR =
  /\b(?:alert|emerg|crit|fatal|panic|error|fail(?:ed|ure)?|invalid|unknown|unexpected|not found|no such|not permitted|not allowed|denied|refused|cannot|can't|could not|unable|expect(?:s|ed)|unsupported|syntax)\b/i

/** What only sums up, or only warns. */
const SUMMARY =
  /errors? found in configuration|error\(s\) found|\btest (?:is successful|failed)|^(?:job for|see ")|\[(?:warning|notice|warn|info|debug)\s*\]|^\s*(?:warning|notice|info|debug)\b/i

/** The first that tells of an error; the last one where none does. Empty: it has written nothing. */
export function reasonLineOf(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const telling = lines.filter((line) => !SUMMARY.test(line))
  for (const some of [telling, lines]) {
    const line = some.find((each) => ERROR.test(each)) ?? some.at(-1)
    if (line !== undefined) return line
  }
  return ''
}
