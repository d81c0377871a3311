/**
 * Text that is not safe: a user who can write to the DCS could end a line of a configuration with it, and begin another one.
 * Wherever such a text stands among the values of a rendering, an `UnsafeText` is there instead, which is never written.
 * A string among them is safe, or the operator's own.
 */

import { printable } from '../../text/printable.ts'

/** Longest part of the name of a key in a message. */
const MAX_SHOWN = 128

/** The author of a text. `what` is fit to be shown: `host`, `tag dc`; `key` is not. */
export type Origin =
  | { readonly kind: 'member'; readonly member: string; readonly what: string }
  /** Cannot be left out: the rendering fails. */
  | KeyOrigin
  | { readonly kind: 'other'; readonly what: string }

interface KeyOrigin {
  readonly kind: 'key'
  readonly key: string
}

export class UnsafeText {
  readonly text: string
  readonly origins: readonly Origin[]

  constructor(text: string, origins: readonly Origin[]) {
    this.text = text
    this.origins = origins
  }
}

/** Returns a text from the DCS as the value that it is in a rendering. */
export function textFrom(origin: Origin, text: string): string | UnsafeText {
  return isSafe(text) ? text : new UnsafeText(text, [origin])
}

/** Returns the origins of a text that was made of others: of the one that it equals, or else of all of them. */
export function originsOf(text: string, madeOf: readonly UnsafeText[]): readonly Origin[] {
  const [first, ...others] = madeOf
  if (first === undefined || others.length === 0) return first?.origins ?? []
  const same = madeOf.filter((one) => one.text === text)
  return [...new Set((same.length > 0 ? same : madeOf).flatMap(({ origins }) => origins))]
}

/** Returns the name of a key, fit to be shown. */
export function shownKey({ key }: KeyOrigin): string {
  return printable(key, MAX_SHOWN)
}

/** What most values are made of; quicker than what follows. */
const PLAIN = /^[\w.:/@+=,*?~!^%-]*$/

/**
 * What means something to the readers of configurations (HAProxy, nginx, PgBouncer, ini files, shells): whitespace,
 * quotes, braces, brackets (a section of an ini file, HAProxy's `%[...]`), `;`, `#`, `\`, `$`, `|`, `&`, `<`, `>`,
 * parentheses; control and formatting characters, what is no character, and U+FFFD, which stands for bytes that are not UTF-8.
 */
const SYNTAX = /[\s\p{C}'"`{}[\];#\\$|&<>()\ufffd]/u

/** An IPv6 address in brackets, alone, with a port or in a URL. */
const IPV6 = /^([a-z]+:\/\/)?\[(?=[^\]]*:)[\da-fA-F:.]+(%[\w.-]+)?\](:\d+)?$/

/** Returns whether a text of strangers may be written as it is. */
export function isSafe(text: string): boolean {
  return PLAIN.test(text) || !SYNTAX.test(text) || IPV6.test(text)
}
