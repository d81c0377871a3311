/**
 * Text of strangers: what the DCS holds is written by whoever may write there, and could end a line of a configuration
 * and begin another one. Such a text is carried through a rendering as `UnsafeText`, and never comes out of it as it is.
 */

/** Whom a text comes from. `what` is fit to be shown: `host`, `tag dc`. */
export type Origin =
  | { readonly kind: 'member'; readonly member: string; readonly what: string }
  /** Cannot be left out: the rendering fails. */
  | { readonly kind: 'key' | 'other'; readonly what: string }

/** A text that is not safe, as something read it. */
export interface Suspect {
  readonly text: string
  readonly origins: readonly Origin[]
}

/** Found out when it is asked for: most of these texts are quoted, and nobody asks. */
export type FindOrigins = () => readonly Origin[]

export class UnsafeText implements Suspect {
  readonly text: string
  readonly #find: FindOrigins

  constructor(text: string, find: FindOrigins) {
    this.text = text
    this.#find = find
  }

  get origins(): readonly Origin[] {
    return this.#find()
  }
}

/** What most values are made of; quicker than what follows. */
const PLAIN = /^[\w.:/@+=,*?~!^%-]*$/

/**
 * What means something to the readers of configurations (HAProxy, nginx, PgBouncer, ini files, shells): whitespace,
 * quotes, braces, brackets (a section of an ini file, HAProxy's `%[...]`), `;`, `#`, `\`, `$`, `|`, `&`, `<`, `>`,
 * parentheses; control and formatting characters, what is no character, and U+FFFD, which stands for bytes that are no UTF-8.
 */
const SYNTAX = /[\s\p{C}'"`{}[\];#\\$|&<>()\ufffd]/u

/** An IPv6 address in brackets, alone, with a port or in a URL. */
const IPV6 = /^([a-z]+:\/\/)?\[(?=[^\]]*:)[\da-fA-F:.]+(%[\w.-]+)?\](:\d+)?$/

/** Whether a text of strangers may be written as it is. */
export function isSafe(text: string): boolean {
  return PLAIN.test(text) || !SYNTAX.test(text) || IPV6.test(text)
}

/** Whom a text comes from that was made of these. */
export function originsOf(text: string, suspects: readonly Suspect[]): readonly Origin[] {
  const same = suspects.filter((suspect) => suspect.text === text)
  const near = suspects.filter((suspect) => suspect.text.includes(text) || text.includes(suspect.text))
  const made = [same, near].find((some) => some.length > 0) ?? suspects
  return made.flatMap(({ origins }) => origins)
}
