import { shorten, shortenMiddle, visible, widthOf, wrap, wrapNames } from '../../text/terminal.ts'

export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
  /** The narrowest it may become when the table does not fit; without it, it keeps its width. */
  readonly shrinkTo?: number
  /**
   * How its cells are shortened, without it at the end. `middle`: where they stay different, if there is such a place;
   * `distinct`: they tell the rows apart, so they are numbered if there is none.
   */
  readonly cut?: 'middle' | 'distinct'
  /** Left out where the table cannot be made to fit otherwise, the lowest first. */
  readonly dropOrder?: number
}

/**
 * Draws a table as patronictl does, with `title` in its upper rule (PatronictlPrettyTable in patroni/ctl.py). Cells
 * are made visible here. Where it does not fit `width`, columns shrink as far as they may, then the optional ones are left
 * out; where that is not enough each row is a record of several lines, with all columns.
 */
export function renderTable(
  title: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const cells = rows.map((row) => row.map(visible))
  return fitted(visible(title), columns, cells, width) ?? records(visible(title), columns, cells, width)
}

/** Returns the table; null: it does not fit. */
function fitted(
  title: string,
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
): string | null {
  const natural = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[at] ?? ''))),
  )
  const least = columns.map((column, at) => leastWidth(column, cells, at, natural[at] ?? 0))
  const widths = shrunk(natural, least, width)
  if (tableWidth(widths) > width) {
    const orders = columns.flatMap(({ dropOrder }) => dropOrder ?? [])
    if (orders.length === 0) return null
    const dropped = columns.findIndex(({ dropOrder }) => dropOrder === Math.min(...orders))
    const others = <T>(row: readonly T[]): T[] => row.filter((_, at) => at !== dropped)
    return fitted(title, others(columns), cells.map(others), width)
  }
  // A table narrower than its title is drawn as wide as that, where there is the room.
  const lack = Math.min(widthOf(title) + 4, width) - tableWidth(widths)
  if (lack > 0) widths.push((widths.pop() ?? 0) + lack)
  const shown = columns.map(({ cut }, at) => {
    const column = cells.map((row) => row[at] ?? '')
    const own = widths[at] ?? 0
    if (cut === undefined) return column.map((text) => shorten(text, own))
    if (cut === 'distinct') return shortenDistinct(column, own)
    return cutDistinct(column, own) ?? column.map((text) => shortenMiddle(text, own))
  })
  const line = (row: readonly string[]): string =>
    `|${widths.map((each, at) => ` ${pad(row[at] ?? '', each, columns[at]?.align ?? 'left')} `).join('|')}|`
  const rule = `+${widths.map((each) => '-'.repeat(each + 2)).join('+')}+`
  const heading = shorten(` ${title} `, rule.length - 2)
  const top = `+${heading}${rule.slice(1 + widthOf(heading))}`
  const lines = cells.map((_, row) => line(shown.map((column) => column[row] ?? '')))
  return [top, line(columns.map((column) => column.title)), rule, ...lines, rule].join('\n')
}

/** How wide a column of names may become so that shortened names stay different. */
const MAX_DISTINCT = 24

function leastWidth(
  { shrinkTo, title, cut }: Column,
  cells: readonly (readonly string[])[],
  at: number,
  natural: number,
): number {
  if (shrinkTo === undefined) return natural
  const least = Math.max(shrinkTo, widthOf(title))
  const names = cells.map((row) => row[at] ?? '')
  return Math.min(natural, (cut === 'distinct' ? distinctWidth(names, least, MAX_DISTINCT) : null) ?? least)
}

function tableWidth(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each + 3, 1)
}

/** Returns widths that fit: takes from the widest column that may shrink, one step at a time, so that the others stay whole. */
function shrunk(natural: readonly number[], least: readonly number[], width: number): number[] {
  const widths = [...natural]
  let excess = tableWidth(widths) - width
  while (excess > 0) {
    const slack = widths.map((each, at) => each - (least[at] ?? each))
    const shrinkable = widths.map((each, at) => ((slack[at] ?? 0) > 0 ? each : 0))
    const widest = shrinkable.indexOf(Math.max(...shrinkable))
    if ((slack[widest] ?? 0) <= 0) break
    // Down to the next widest in one step: a hostile name can be a megabyte wide.
    const next = Math.max(0, ...shrinkable.filter((_, at) => at !== widest))
    const step = Math.min(excess, slack[widest] ?? 0, Math.max(1, (widths[widest] ?? 0) - next))
    widths[widest] = (widths[widest] ?? 0) - step
    excess -= step
  }
  return widths
}

function pad(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + space : space + text
}

/** Returns the rows one below the other, each headed by its first cell. Empty cells are left out. */
function records(
  title: string,
  [first, ...columns]: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
): string {
  const label = Math.max(0, ...columns.map((column) => widthOf(column.title))) + 1
  const names = shortenDistinct(
    cells.map(([name = '']) => name),
    width - widthOf(first?.title ?? '') - 2,
  )
  const lines = cells.flatMap(([, ...row], at) => [
    ` ${first?.title ?? ''} ${names[at] ?? ''}`,
    ...columns.flatMap((column, of) => {
      const text = row[of] ?? ''
      return text === '' ? [] : [wrapNames(`   ${column.title.padEnd(label)}`, text, width, ' '.repeat(label + 3))]
    }),
  ])
  return [wrap('', title, width, '  '), ...lines].join('\n')
}

/**
 * Returns `names`, which have been through `visible`, each in at most `width` columns, cut where they stay different, as near to
 * the middle as possible; null where that is impossible.
 */
function cutDistinct(names: readonly string[], width: number): readonly string[] | null {
  const count = new Set(names).size
  const middle = Math.floor((width - 3) / 2)
  const tails = Array.from({ length: Math.max(1, width - 2) }, (_, tail) => tail)
  for (const tail of tails.toSorted((a, b) => Math.abs(a - middle) - Math.abs(b - middle))) {
    const shown = names.map((name) => shortenMiddle(name, width, tail))
    if (new Set(shown).size === count) return shown
  }
  return null
}

/** Returns the least width, of at least `width`, at which names can be cut and stay different; null: it is more than `most`. */
function distinctWidth(names: readonly string[], width: number, most: number): number | null {
  for (let at = width; at <= most; at++) if (cutDistinct(names, at) !== null) return at
  return null
}

/** Returns names as `cutDistinct` does; where no cut keeps them different they are numbered in their order. */
function shortenDistinct(names: readonly string[], width: number): readonly string[] {
  const cut = cutDistinct(names, width)
  if (cut !== null) return cut
  const different = [...new Set(names)]
  // A name that is not shortened is taken.
  const taken = new Set(different.filter((name) => widthOf(name) <= width))
  const shown = new Map(different.map((name) => [name, taken.has(name) ? name : numbered(name, width, taken)]))
  return names.map((name) => shown.get(name) ?? name)
}

function numbered(name: string, width: number, taken: Set<string>): string {
  for (let number = 1; ; number++) {
    const end = `#${number}`
    const text = shortenMiddle(name, Math.max(0, width - widthOf(end))) + end
    if (taken.has(text)) continue
    taken.add(text)
    return text
  }
}
