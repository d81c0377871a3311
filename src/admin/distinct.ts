/** Names made shorter without becoming equal. Pure. */
import { shortenMiddle, widthOf } from '../text/terminal.ts'

/**
 * `names`, which have been through `visible`, each in at most `width` columns, cut where they stay different, as near to
 * the middle as that is possible; null where it is not.
 */
export function cutDistinct(names: readonly string[], width: number): readonly string[] | null {
  const count = new Set(names).size
  const middle = Math.floor((width - 3) / 2)
  const tails = Array.from({ length: Math.max(1, width - 2) }, (_, tail) => tail)
  for (const tail of tails.toSorted((a, b) => Math.abs(a - middle) - Math.abs(b - middle))) {
    const shown = names.map((name) => shortenMiddle(name, width, tail))
    if (new Set(shown).size === count) return shown
  }
  return null
}

/** The least width, of at least `width`, at which they can be cut and stay different; null: it is more than `most`. */
export function distinctWidth(names: readonly string[], width: number, most: number): number | null {
  for (let at = width; at <= most; at++) if (cutDistinct(names, at) !== null) return at
  return null
}

/** As `cutDistinct`; where no cut tells them apart they are numbered, in the order in which they come. */
export function shortenDistinct(names: readonly string[], width: number): readonly string[] {
  const cut = cutDistinct(names, width)
  if (cut !== null) return cut
  const different = [...new Set(names)]
  // One that is not shortened is nobody else's.
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
