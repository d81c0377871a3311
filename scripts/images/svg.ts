/** The parts of the drawings in docs/images: plain SVG, readable in light and dark. */

export type Anchor = 'start' | 'middle' | 'end'

/** A tone for lines, fills and words, see {@link STYLE}. */
export type Tone = 'plain' | 'router' | 'good' | 'wait' | 'bad'

/** Every class that a drawing may use. The background is drawn too: a page may be dark where the system is light. */
const STYLE = `
  svg { --ground: #ffffff; --frame: #d1d9e0; --ink: #1f2328; --dim: #59636e; --zone: #f6f8fa;
    --router: #0969da; --router-fill: #ddf4ff; --good: #1a7f37; --good-fill: #dafbe1;
    --wait: #9a6700; --wait-fill: #fff8c5; --bad: #cf222e; --bad-fill: #ffebe9; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --frame: #3d444d; --ink: #f0f6fc; --dim: #9198a1; --zone: #151b23;
      --router: #4493f8; --router-fill: #12233d; --good: #3fb950; --good-fill: #12261e;
      --wait: #d29922; --wait-fill: #2b2111; --bad: #f85149; --bad-fill: #2d1315; }
  }
  text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", Helvetica, Arial, sans-serif; fill: var(--ink); }
  .title { font-size: 15px; font-weight: 600; }
  .strong { font-weight: 600; }
  .small { font-size: 12px; fill: var(--dim); }
  .over { paint-order: stroke; stroke: var(--ground); stroke-width: 5px; }
  .ground { fill: var(--ground); stroke: var(--frame); }
  .zone { fill: var(--zone); stroke: none; }
  .panel { fill: none; stroke: var(--frame); }
  .plain { fill: var(--ground); stroke: var(--dim); }
  .router { fill: var(--router-fill); stroke: var(--router); }
  .good { fill: var(--good-fill); stroke: var(--good); }
  .wait { fill: var(--wait-fill); stroke: var(--wait); }
  .bad { fill: var(--bad-fill); stroke: var(--bad); }
  .line { fill: none; stroke: var(--dim); stroke-width: 1.5; }
  .line.router { stroke: var(--router); }
  .line.good { stroke: var(--good); }
  .line.wait { stroke: var(--wait); }
  .line.bad { stroke: var(--bad); }
  .dashed { stroke-dasharray: 5 4; }
  .dotted { stroke-dasharray: 1.5 4; stroke-linecap: round; stroke-width: 2.5; }
  .head { fill: context-stroke; stroke: none; }
`

const HEAD =
  '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path class="head" d="M0 0.5 8 4 0 7.5z"/></marker>'

/** Returns a whole drawing; `title` is what a screen reader reads. */
export function svg(size: { readonly width: number; readonly height: number }, title: string, body: string[]): string {
  const { width, height } = size
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<defs>${HEAD}</defs>`,
    `<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

/** Draws a line of words; `y` is its base line. */
export function words(x: number, y: number, content: string, options: { kind?: string; anchor?: Anchor } = {}): string {
  const { kind = '', anchor = 'start' } = options
  const className = kind === '' ? '' : ` class="${kind}"`
  const aligned = anchor === 'start' ? '' : ` text-anchor="${anchor}"`
  return `<text x="${round(x)}" y="${round(y)}"${className}${aligned}>${escaped(content)}</text>`
}

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Draws a box with its lines of words in the middle: the first one strong, the others small. */
export function box(at: Box, tone: Tone, lines: readonly string[]): string {
  const { x, y, width, height } = at
  const top = y + height / 2 - (lines.length - 1) * 8 + 4.5
  return [
    `<rect class="${tone}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="6"/>`,
    ...lines.map((line, index) =>
      words(x + width / 2, top + index * 16, line, { kind: index === 0 ? 'strong' : 'small', anchor: 'middle' }),
    ),
  ].join('\n')
}

/** Draws an area behind other parts. */
export function zone({ x, y, width, height }: Box, kind = 'zone'): string {
  return `<rect class="${kind}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="8"/>`
}

export type Point = readonly [x: number, y: number]

/** Draws an arrow from the first point to the last one. */
export function arrow(points: readonly Point[], kind = '', { start = false } = {}): string {
  return path(points, kind, `${start ? ' marker-start="url(#head)"' : ''} marker-end="url(#head)"`)
}

/** Draws a line through the points. */
export function line(points: readonly Point[], kind = ''): string {
  return path(points, kind, '')
}

function path(points: readonly Point[], kind: string, markers: string): string {
  const d = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join(' ')
  return `<path class="line${kind === '' ? '' : ` ${kind}`}" d="${d}"${markers}/>`
}

/** Returns a coordinate as it is written. */
export function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
