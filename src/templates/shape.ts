/** What a template can know of a value before there is one: lets every misspelt name be found when it is compiled. */

export type Shape =
  | { readonly kind: 'text' | 'number' | 'flag' }
  /** Has the value of `of`, or none: to be tested, or given a default, before it is written. */
  | { readonly kind: 'maybe'; readonly of: Shape; readonly absent: string }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'record'; readonly name: string; readonly fields: Readonly<Record<string, Shape>> }
  /** Names that only the value itself knows: tags, JSON. */
  | { readonly kind: 'map'; readonly of: Shape }
  | { readonly kind: 'any' }

export const TEXT: Shape = { kind: 'text' }
export const NUMBER: Shape = { kind: 'number' }
export const FLAG: Shape = { kind: 'flag' }
export const ANY: Shape = { kind: 'any' }
