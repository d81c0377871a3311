/** Pieces of Markdown that generated documents are made of. Pure. */

/** Returns a table. A `|` in a cell is escaped, and a cell is one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => {
    const texts = cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' '))
    return `|${texts.map((text) => (text === '' ? ' ' : ` ${text} `)).join('|')}|`
  }
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** Returns a fenced block. `language`: the words behind the fence; empty: none. */
export function fenced(text: string, language: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

/** Returns the description of an example as the line before it. */
export function introduction(about: string): string {
  return `${about.charAt(0).toUpperCase()}${about.slice(1).replace(/\?$/, '')}:`
}
