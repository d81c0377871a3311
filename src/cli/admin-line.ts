/** Returns the line of these words in the language of the admin socket (admin/command.ts). */
export function adminLine(words: readonly string[]): string {
  return words.map((word) => word.replace(/[\s\\#;]/g, '\\$&')).join(' ')
}
