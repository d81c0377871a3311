/** The templates of a reload group, and the lookups that they wait for. */
import type { Logger } from 'pino'
import type { TemplateConfig } from '../../config/config.ts'
import { logLines } from '../../text/log-line.ts'
import type { LookupAnswers } from '../engine/template.ts'
import type { LookupCache } from '../lookup-cache.ts'
import { type Failure, leftOutLines } from './log-lines.ts'
import { PendingLookups } from './pending-lookups.ts'
import { type Inputs, type Outcome, Rendering } from './rendering.ts'

export interface GroupRenderDeps {
  /** At least one. */
  readonly templates: readonly TemplateConfig[]
  readonly inputs: TemplateInputsOf
  /** Where the answers to what templates ask are kept. */
  readonly lookups: LookupCache
  readonly log: Logger
}

/** Where templates get what they are rendered with (inputs.ts). */
export interface TemplateInputsOf {
  of(template: TemplateConfig, answers: LookupAnswers, readsContext: boolean): Inputs
}

export interface Rendered {
  readonly template: TemplateConfig
  readonly outcome: Outcome
}

export interface GroupRenderOptions {
  /** Called when there may be other answers. */
  readonly answered: () => void
  readonly fault: (error: unknown) => void
  /** Ends all lookups. */
  readonly signal: AbortSignal
}

export class GroupRender {
  readonly renderings: readonly Rendering[]
  readonly lookups: PendingLookups
  readonly #deps: GroupRenderDeps

  /** Starts nothing. */
  constructor(deps: GroupRenderDeps, options: GroupRenderOptions) {
    this.#deps = deps
    this.renderings = deps.templates.map((template) => new Rendering(template))
    this.lookups = new PendingLookups({ ...options, cache: deps.lookups })
  }

  /** Reads the source files. Never rejects: what is wrong with one is its outcome, or its `sourceError`. */
  async load(): Promise<void> {
    await Promise.all(this.renderings.map((rendering) => rendering.load()))
  }

  /** Renders what has changed, and asks what is to be looked up for it. */
  render(): { readonly changed: boolean; readonly asks: boolean } {
    const { inputs, log } = this.#deps
    const updates = this.renderings.map((rendering) => {
      const { leftOut, config, readsContext } = rendering
      const update = rendering.update(inputs.of(config, this.lookups.answers, readsContext))
      logLines(log, leftOutLines(config.source, leftOut, rendering.leftOut))
      return update
    })
    const questions = updates.flatMap((update) => update.questions)
    if (questions.length > 0) this.lookups.ask(questions)
    return { changed: updates.some(({ changed }) => changed), asks: questions.length > 0 }
  }

  get rendered(): readonly Rendered[] {
    return this.renderings.map(({ config, outcome }) => ({ template: config, outcome }))
  }

  /** Returns what is wrong with a source file, although files are still written with what it was before; null: nothing. */
  get sourceFailure(): Failure | null {
    const broken = this.renderings.find(({ sourceError }) => sourceError !== null)
    if (broken === undefined) return null
    const { destination } = broken.config
    return { kind: 'failed', event: 'template-failed', destination, reason: broken.sourceError ?? '', output: '' }
  }
}
