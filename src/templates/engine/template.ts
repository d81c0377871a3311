/** What a compiled template is given, and what comes of it: the seam between rendering and all that is done with a text. */
import type { TemplateClusters, TemplateContext } from './context.ts'

/** All data that a template can read. Plain and immutable: the same inputs give the same bytes. */
export interface RenderInputs {
  readonly context: TemplateContext | TemplateClusters
  /** The DCS keys below the template's prefix; null where none are configured. */
  readonly keys: KeyView | null
  readonly env: Readonly<Record<string, string | undefined>>
  /** What has been found out beforehand, as helpers cannot wait. */
  readonly answers: LookupAnswers
}

/** Arbitrary keys of the DCS, as one template reads them. */
export interface KeyView {
  /** By name relative to the template's prefix (`/db/host`), sorted by name. */
  readonly entries: ReadonlyMap<string, string>
}

/** A question whose answer takes time. `name` is a host name, a service (`_postgresql._tcp.example.org`) or a path. */
export interface Question {
  readonly kind: 'ip' | 'ipv4' | 'ipv6' | 'srv' | 'file'
  readonly name: string
}

/** `srv` answers lines of `target:port priority weight`, by priority, weight and name; `file` whether it is there. Sorted otherwise. */
export type Answer =
  | { readonly ok: true; readonly value: readonly string[] | boolean }
  /** `reason`: fit to follow the question's name. */
  | { readonly ok: false; readonly reason: string }

export interface LookupAnswers {
  /** Returns the answer; null: it has not been looked up yet. */
  answerTo(question: Question): Answer | null
}

/** What is wrong, and where. Lines and columns count from 1. */
export interface TemplateProblem {
  readonly line: number | null
  readonly column: number | null
  /** Holds no value of a key, of the environment or of a tag. */
  readonly message: string
}

export type RenderResult =
  | {
      readonly kind: 'text'
      readonly text: string
      /** The first list that was written and was empty (`{{#each}}` without `{{else}}`); null: none. Fit to be shown. */
      readonly empty: string | null
      readonly used: Used
      readonly leftOut: readonly LeftOut[]
    }
  /** A named member does not exist: `there is no primary`. */
  | {
      readonly kind: 'absent'
      readonly problem: TemplateProblem
      readonly used: Used
      readonly leftOut: readonly LeftOut[]
    }
  /** To be rendered again once these have been answered. */
  | { readonly kind: 'asks'; readonly questions: readonly Question[] }
  | {
      readonly kind: 'failed'
      readonly problem: TemplateProblem
      readonly used: Used
      readonly leftOut: readonly LeftOut[]
    }

/** What a rendering depends on. */
export interface Used {
  /** Returns whether all of it is the same in these inputs, so that rendering again would give the same. */
  isSame(inputs: RenderInputs): boolean
}

/** A member that a template had to do without, because what the DCS says of it could not be written as it is. */
export interface LeftOut {
  /** Fit to be shown. */
  readonly member: string
  readonly reason: string
}

export interface CompiledTemplate {
  readonly name: string
  /** Whether it reads anything of a cluster; if not, it needs none. */
  readonly readsContext: boolean
  /** Renders the inputs. Never throws; waits for nothing. */
  render(inputs: RenderInputs): RenderResult
}

export type Compiled =
  | { readonly ok: true; readonly template: CompiledTemplate }
  /** All at once, in the order of the text. */
  | { readonly ok: false; readonly problems: readonly TemplateProblem[] }

/** Returns `haproxy.cfg.hbs:3:7: message`. */
export function formatTemplateProblem(name: string, { line, column, message }: TemplateProblem): string {
  return `${[name, line, column].filter((part) => part !== null).join(':')}: ${message}`
}
