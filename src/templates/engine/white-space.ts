/**
 * White space as Go's templates have it: all of it stays, but for what `{{~` and `~}}` take away as Go's `{{-` and `-}}` do.
 * Handlebars takes the line of a tag that stands alone, too, and with `~` the line break on its other side. `{{/let}}`, which
 * Go has not, is as if it were not there.
 */

/** The first thing in a template, which says how it is to be read. */
const PRAGMA = /^\{\{~?!(?:--)?\s*whitespace:\s*(?<value>[^}]*?)\s*(?:--)?~?\}\}/

/** Returns what a template says of its white space; null: nothing. */
export function whiteSpaceOf(text: string): string | null {
  return PRAGMA.exec(text)?.groups?.['value'] ?? null
}

type Item = hbs.AST.ContentStatement | Tag

interface Tag {
  readonly type: 'tag'
  readonly strip: Partial<hbs.AST.StripFlags> | undefined
  /** {{/let}}. */
  readonly isNothing?: true
}

/** Trims the texts of a program that was parsed without Handlebars' own rules. The line of the pragma leaves nothing. */
export function trimAsGo(program: hbs.AST.Program): void {
  const items = program.body.flatMap(itemsOf)
  dropLines(items)
  items.forEach((item, index) => {
    if (item.type !== 'tag') return
    if (item.strip?.open === true) trim(items, index, -1, /[ \t\r\n]+$/)
    if (item.strip?.close === true) trim(items, index, 1, /^[ \t\r\n]+/)
  })
  const [, next] = program.body
  if (next !== undefined && isContent(next)) next.value = next.value.replace(/^[ \t]*\r?\n/, '')
}

/** Returns the items in the order of the text. A chain's {{else if}} is there twice, which does no harm; its end once. */
function itemsOf(node: hbs.AST.Statement): readonly Item[] {
  if (isContent(node)) return [node]
  if (node.type !== 'BlockStatement') {
    return [{ type: 'tag', strip: (node as hbs.AST.MustacheStatement).strip }]
  }
  const block = node as hbs.AST.BlockStatement
  const end = { type: 'tag', strip: block.closeStrip } as const
  const isLet = block.path.original === 'let'
  return [...openBlock(block), isLet ? { ...end, isNothing: true } : end]
}

/** Returns the items of a block without its end. */
function openBlock(block: hbs.AST.BlockStatement): readonly Item[] {
  // {{^if}} has only the part after its {{else}}.
  const [program, inverse] = [block.program, block.inverse] as [hbs.AST.Program?, Inverse?]
  const items: Item[] = [{ type: 'tag', strip: block.openStrip }, ...(program?.body ?? []).flatMap(itemsOf)]
  if (inverse === undefined) return items
  if (program !== undefined) items.push({ type: 'tag', strip: block.inverseStrip })
  const [next] = inverse.body
  if (inverse.chained === true && next !== undefined) items.push(...openBlock(next as hbs.AST.BlockStatement))
  else items.push(...inverse.body.flatMap(itemsOf))
  return items
}

type Inverse = hbs.AST.Program & { readonly chained?: boolean }

function isContent(node: hbs.AST.Node): node is hbs.AST.ContentStatement {
  return node.type === 'ContentStatement'
}

/** Drops lines that have nothing but {{/let}}. */
function dropLines(items: readonly Item[]): void {
  const alone = items.flatMap((item, at) =>
    isNothing(item) && isEnd(items, at, -1) && isEnd(items, at, 1) ? [at] : [],
  )
  for (const at of alone) {
    replace(items[at - 1], /[ \t]+$/)
    replace(items[at + 1], /^[ \t]*\r?\n/)
  }
}

/** Returns whether there is nothing between a tag and the beginning (-1), or the end, of its line. */
function isEnd(items: readonly Item[], from: number, step: 1 | -1): boolean {
  const lineBreak = step === 1 ? /^[ \t]*\r?\n/ : /\n[ \t]*$/
  for (let at = from + step; ; at += step) {
    const item = items[at]
    if (item === undefined) return true
    if (isNothing(item)) continue
    if (item.type === 'tag') return false
    if (lineBreak.test(item.value)) return true
    if (!/^[ \t]*$/.test(item.value)) return false
  }
}

function isNothing(item: Item | undefined): boolean {
  return item?.type === 'tag' && item.isNothing === true
}

function replace(item: Item | undefined, blanks: RegExp): void {
  if (item !== undefined && item.type !== 'tag') item.value = item.value.replace(blanks, '')
}

/** Trims blanks from a text, which an escaped brace may have cut into several. */
function trim(items: readonly Item[], from: number, step: 1 | -1, blanks: RegExp): void {
  for (let at = from + step; ; at += step) {
    const item = items[at]
    if (isNothing(item)) continue
    if (item === undefined || item.type === 'tag') return
    item.value = item.value.replace(blanks, '')
    if (item.value !== '') return
  }
}
