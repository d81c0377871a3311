/** HTML in which every value is escaped. Names and reasons come out of the DCS, where others write. Pure. */
import { visible } from '../../../text/terminal.ts'

/** Text that is HTML already. Only `html` makes it. */
export interface Html {
  readonly markup: string
}

type Value = Html | string | number | readonly (Html | string)[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Returns HTML: what is in the template as it is, and each value escaped, unless it is HTML itself. Attributes need quotes. */
export function html(texts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const parts = texts.map((text, at) => (at === 0 ? text : markupOf(values[at - 1] ?? '') + text))
  return { markup: parts.join('') }
}

/** Returns `part`, or nothing. */
export function when(condition: boolean, part: () => Html): Html {
  return condition ? part() : NOTHING
}

const NOTHING: Html = { markup: '' }

function markupOf(value: Value): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return visible(value).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
  return 'markup' in value ? value.markup : value.map(markupOf).join('')
}
