/** One template: its source file, and what was rendered of it last. */
import type { TemplateConfig } from '../../config/config.ts'
import { compileFor } from '../engine/compile.ts'
import {
  type CompiledTemplate,
  formatTemplateProblem,
  type LeftOut,
  type Question,
  type RenderInputs,
  type RenderResult,
  type Used,
} from '../engine/template.ts'
import { readSource } from '../source-file.ts'

export type Outcome =
  | { readonly kind: 'text'; readonly text: string }
  /** The file is to stay as it is (`on_empty: keep`). */
  | { readonly kind: 'kept'; readonly reason: string }
  /** What it needs is not known yet. */
  | { readonly kind: 'waiting'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** What a template is rendered with, or why not yet. */
export type Inputs =
  { readonly ok: true; readonly inputs: RenderInputs } | { readonly ok: false; readonly reason: string }

export interface Update {
  /** There is another outcome. */
  readonly changed: boolean
  /** To be answered before it can be rendered again. */
  readonly questions: readonly Question[]
}

const UNCHANGED: Update = { changed: false, questions: [] }

/** Each may take seconds, and is asked again with every full pass. */
const MAX_QUESTIONS = 1000

export class Rendering {
  readonly config: TemplateConfig
  /** Since the start. */
  renders = 0
  /** Members that the last rendering had to do without. */
  leftOut: readonly LeftOut[] = []
  #outcome: Outcome = { kind: 'waiting', reason: 'it has not been read yet' }
  #source: string | null = null
  /** The last one that was right: a mistake in a source must not keep the next failover out of the file. */
  #template: CompiledTemplate | null = null
  #sourceError: string | null = null
  /** What the outcome is of; null: of nothing that could change by itself. */
  #used: Used | null = null
  /** Its lookups since it was rendered last. */
  readonly #asked = new Set<string>()

  constructor(config: TemplateConfig) {
    this.config = config
  }

  get outcome(): Outcome {
    return this.#outcome
  }

  /** Returns whether it reads something of a cluster; also while its source has not been read. */
  get readsContext(): boolean {
    return this.#template?.readsContext ?? true
  }

  /** Returns what is wrong with the source file, however good the outcome of an earlier version is; null: nothing. */
  get sourceError(): string | null {
    return this.#sourceError
  }

  /** Reads the source file again; true when there is another template now. Never rejects. */
  async load(): Promise<boolean> {
    const { source } = this.config
    const file = await readSource(source)
    if (file.kind !== 'text') {
      this.#source = null
      this.#fault(`${source} ${file.kind === 'missing' ? 'is not there' : file.reason}`)
      return false
    }
    if (file.text === this.#source) return false
    this.#source = file.text
    const compiled = compileFor(this.config, source, file.text)
    if (!compiled.ok) {
      const [first, ...others] = compiled.problems
      const more = others.length === 0 ? '' : ` (and ${others.length} more)`
      this.#fault(first === undefined ? source : `${formatTemplateProblem(source, first)}${more}`)
      return false
    }
    this.#template = compiled.template
    this.#sourceError = null
    this.#used = null
    this.#asked.clear()
    return true
  }

  /** Renders again if anything that was used has changed. Waits for nothing, and never throws. */
  update(given: Inputs): Update {
    if (this.#template === null) return UNCHANGED
    if (!given.ok) return this.#take({ kind: 'waiting', reason: given.reason }, null)
    if (this.#used?.isSame(given.inputs) === true) return UNCHANGED
    const result = this.#template.render(given.inputs)
    this.renders++
    if (result.kind !== 'asks') {
      this.#asked.clear()
      this.leftOut = result.leftOut
      return this.#take(this.#outcomeOf(result), result.used)
    }
    return this.#ask(result.questions)
  }

  #ask(questions: readonly Question[]): Update {
    for (const question of questions) this.#asked.add(JSON.stringify(question))
    const names = questions.map(({ name }) => name).join(', ')
    if (this.#asked.size > MAX_QUESTIONS) {
      return this.#take(
        { kind: 'failed', reason: `${this.config.source} makes too many lookups, the last one for ${names}` },
        null,
      )
    }
    // The file stays as it was; before the first rendering it waits.
    const isNew = this.#used === null
    return {
      changed: isNew && this.#take({ kind: 'waiting', reason: `no answer yet: ${names}` }, null).changed,
      questions,
    }
  }

  #outcomeOf(result: Exclude<RenderResult, { kind: 'asks' }>): Outcome {
    const { source, onEmpty } = this.config
    switch (result.kind) {
      case 'text':
        if (result.empty === null || onEmpty === 'render') return { kind: 'text', text: result.text }
        return { kind: 'kept', reason: `${source}: ${result.empty} is empty` }
      case 'absent':
        return { kind: onEmpty === 'keep' ? 'kept' : 'failed', reason: formatTemplateProblem(source, result.problem) }
      case 'failed':
        return { kind: 'failed', reason: formatTemplateProblem(source, result.problem) }
    }
  }

  #take(outcome: Outcome, used: Used | null): Update {
    const changed = !isSameOutcome(this.#outcome, outcome)
    this.#outcome = outcome
    this.#used = used
    return { changed, questions: [] }
  }

  #fault(reason: string): void {
    this.#sourceError = reason
    if (this.#template === null) this.#outcome = { kind: 'failed', reason }
  }
}

function isSameOutcome(one: Outcome, other: Outcome): boolean {
  if (one.kind === 'text' || other.kind === 'text')
    return one.kind === 'text' && other.kind === 'text' && one.text === other.text
  return one.kind === other.kind && one.reason === other.reason
}
