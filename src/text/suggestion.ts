/** Suggestions for words that are misspelt. Pure. */
import { closestMatch } from 'leven'

/** The valid word nearest to a misspelt one, or null when none is near. */
export function nearest(word: string, valid: readonly string[]): string | null {
  const maxDistance = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))
  return closestMatch(word.toLowerCase(), valid, { maxDistance }) ?? null
}

/** `did you mean "x"?`, or all that would have been valid when nothing is near. */
export function suggest(word: string, valid: readonly string[]): string {
  const near = nearest(word, valid)
  return near === null ? `valid here: ${valid.join(', ') || 'nothing'}` : `did you mean "${near}"?`
}
