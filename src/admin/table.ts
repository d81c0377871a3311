import { shorten, visible, widthOf } from './terminal.ts'

export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
  /** The narrowest it may become when the table does not fit; without it, it keeps its width. */
  readonly shrinkTo?: number
  /** Left out where the table cannot be made to fit otherwise, the first such column first. */
  readonly isOptional?: boolean
}

/**
 * A table drawn as patronictl draws it, with `title` in its upper rule (PatronictlPrettyTable in patroni/ctl.py). Cells
 * are made visible here. Wider than `width` only when the columns that may shrink have shrunk as far as they may, and the
 * optional ones are left out.
 */
export function renderTable(
  title: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const cells = rows.map((row) => row.map(visible))
  const natural = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[at] ?? ''))),
  )
  const widths = shrunk(natural, columns, width)
  const optional = columns.findIndex(({ isOptional }) => isOptional)
  if (optional >= 0 && tableWidth(widths) > width) {
    const others = <T>(row: readonly T[]): T[] => row.filter((_, at) => at !== optional)
    return renderTable(title, others(columns), rows.map(others), width)
  }
  const line = (row: readonly string[]): string =>
    `|${widths.map((each, at) => ` ${pad(row[at] ?? '', each, columns[at]?.align ?? 'left')} `).join('|')}|`
  const rule = `+${widths.map((each) => '-'.repeat(each + 2)).join('+')}+`
  const heading = shorten(` ${visible(title)} `, rule.length - 2)
  const top = `+${heading}${rule.slice(1 + widthOf(heading))}`
  return [top, line(columns.map((column) => column.title)), rule, ...cells.map(line), rule].join('\n')
}

function tableWidth(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each + 3, 1)
}

/** Takes from the widest column that may shrink, one step at a time, so that the others stay whole. */
function shrunk(natural: readonly number[], columns: readonly Column[], width: number): number[] {
  const widths = [...natural]
  let excess = tableWidth(widths) - width
  while (excess > 0) {
    const slack = widths.map(
      (each, at) => each - Math.max(columns[at]?.shrinkTo ?? each, columns[at]?.title.length ?? 0),
    )
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
  const shown = shorten(text, width)
  const space = ' '.repeat(Math.max(0, width - widthOf(shown)))
  return align === 'left' ? shown + space : space + shown
}
