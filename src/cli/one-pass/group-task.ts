/** One pass over a reload group: what is to be done, and what came of it. */
import type { TemplateConfig } from '../../config/config.ts'
import type { Files } from '../../templates/files/files.ts'
import type { LookupAnswers } from '../../templates/engine/template.ts'
import type { Inputs } from '../../templates/groups/rendering.ts'
import type { Lookups } from '../../names/lookups.ts'
import type { Io } from '../io.ts'

export type Mode =
  | { readonly kind: 'write'; readonly runsCommands: boolean }
  | { readonly kind: 'diff' }
  | { readonly kind: 'output'; readonly directory: string }

/** What comes of a pass, in the order in which it happens. Nothing in it is fit for a terminal yet. */
export type PassEvent =
  | { readonly kind: 'unchanged' | 'written'; readonly path: string }
  | { readonly kind: 'kept'; readonly path: string; readonly reason: string }
  | { readonly kind: 'reloaded'; readonly group: string }
  /** `before`: null where there is no such file. */
  | { readonly kind: 'differs'; readonly path: string; readonly before: string | null; readonly after: string }
  /** Its text is as it should be. */
  | { readonly kind: 'differs-in'; readonly path: string; readonly attribute: 'owner' | 'mode' }
  | { readonly kind: 'warning'; readonly message: string }
  /** `output`: what the command wrote that has failed. */
  | { readonly kind: 'failed'; readonly message: string; readonly output: string }

export type Report = (event: PassEvent) => void

export interface GroupTask {
  readonly name: string
  readonly templates: readonly TemplateConfig[]
  readonly mode: Mode
  readonly inputs: (template: TemplateConfig, answers: LookupAnswers, readsContext: boolean) => Inputs
  readonly files: Files
  readonly stateDir: string | null
  readonly lookups: Lookups
  readonly io: Io
  readonly report: Report
  readonly signal: AbortSignal
}
