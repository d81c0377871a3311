/** Suggestions for words that are misspelt. Pure. */
import { closestMatch } from 'leven'

/** Returns the valid word that is nearest to a misspelt one; null: none is near. */
export function nearest(word: string, valid: readonly string[]): string | null {
  const maxDistance = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3))
  return closestMatch(word.toLowerCase(), valid, { maxDistance }) ?? null
}

/** Returns `did you mean "x"?`, or all valid words when none is near. */
export function suggest(word: string, valid: readonly string[]): string {
  const near = nearest(word, valid)
  return near === null ? `valid here: ${valid.join(', ') || 'nothing'}` : `did you mean "${near}"?`
}
