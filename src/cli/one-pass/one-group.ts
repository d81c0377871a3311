/** One reload group, once: rendered, and then shown, written elsewhere, or put in place as the router does it. */
import { textOfBytes } from '../../text/binary-text.ts'
import type { TemplateConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import { LookupCache, systemSources } from '../../templates/lookup-cache.ts'
import { bytesOf, placeOf } from '../../templates/files/destination.ts'
import type { Rendered } from '../../templates/groups/apply.ts'
import { Rendering } from '../../templates/groups/rendering.ts'
import type { GroupTask, PassEvent, Report } from './group-task.ts'
import { placeOnce } from './place-once.ts'
import { writeBelow } from '../../templates/files/write-below.ts'

/** Whether it has worked. Rejects only with the reason of the signal. */
export async function passOver(task: GroupTask): Promise<boolean> {
  const { mode, report, signal } = task
  const rendered = await renderAll(task)
  signal.throwIfAborted()
  const verdict = judge(rendered, report)
  switch (mode.kind) {
    case 'write':
      // Also where nothing is to be written: a reload may be due, or a commit interrupted.
      return (await placeOnce(rendered, mode.runsCommands, task)) && verdict.isRight
    case 'diff':
      return (await each(verdict.texts, task, (text) => compare(text, task))) && verdict.isRight
    case 'output': {
      const written = await each(verdict.texts, task, async ({ template, text }) => {
        const { path, isWritten } = await writeBelow(mode.directory, template, text)
        report({ kind: isWritten ? 'written' : 'unchanged', path })
      })
      return written && verdict.isRight
    }
  }
}

interface Verdict {
  readonly isRight: boolean
  /** To be written: those of all templates, or none. */
  readonly texts: readonly Text[]
}

/** Templates that belong together change together, or not at all. */
function judge(rendered: readonly Rendered[], report: Report): Verdict {
  const wrong = rendered.filter(({ outcome }) => outcome.kind === 'failed' || outcome.kind === 'waiting')
  for (const { template, outcome } of wrong) if (outcome.kind !== 'text') report(failed(outcome.reason, template))
  if (wrong.length > 0) return { isRight: false, texts: [] }
  const kept = rendered.find(({ outcome }) => outcome.kind === 'kept')?.outcome
  if (kept?.kind !== 'kept')
    return {
      isRight: true,
      texts: rendered.flatMap(({ template, outcome: it }) => (it.kind === 'text' ? [{ template, text: it.text }] : [])),
    }
  for (const { template } of rendered) report({ kind: 'kept', path: template.destination, reason: kept.reason })
  return { isRight: true, texts: [] }
}

/** A failure of one is none of the others. */
async function each(
  texts: readonly Text[],
  { report, signal }: GroupTask,
  act: (text: Text) => Promise<void>,
): Promise<boolean> {
  let isDone = true
  for (const text of texts) {
    signal.throwIfAborted()
    try {
      await act(text)
    } catch (error) {
      isDone = false
      report(failed(explain(error), text.template))
    }
  }
  return isDone
}

interface Text {
  readonly template: TemplateConfig
  readonly text: string
}

async function compare({ template, text }: Text, { files, report }: GroupTask): Promise<void> {
  const { destination: path } = template
  const difference = await files.difference(template, text)
  switch (difference) {
    case 'same':
      report({ kind: 'unchanged', path })
      break
    case 'owner':
    case 'mode':
      report({ kind: 'differs-in', path, attribute: difference })
      break
    case 'missing':
    case 'content': {
      const before = await bytesOf((await placeOf(path)).path)
      report({ kind: 'differs', path, before: before === null ? null : textOfBytes(before), after: text })
    }
  }
}

/** Reasons name the source file; the destination is what people look for. */
function failed(reason: string, { destination }: TemplateConfig): PassEvent {
  const message = reason.includes(destination) ? reason : `${destination}: ${reason}`
  return { kind: 'failed', message, output: '' }
}

async function renderAll({ templates, inputs, lookups, report, signal }: GroupTask): Promise<readonly Rendered[]> {
  const cache = new LookupCache(systemSources(lookups))
  return Promise.all(
    templates.map(async (template) => {
      const rendering = new Rendering(template)
      await rendering.load()
      for (;;) {
        const { questions } = rendering.update(inputs(template, cache.answers, rendering.readsContext))
        if (questions.length === 0 || signal.aborted) break
        await cache.answer(questions, signal)
      }
      for (const { member, reason } of rendering.leftOut)
        report({ kind: 'warning', message: `${template.destination}: ${member} is left out: ${reason}` })
      return { template, outcome: rendering.outcome }
    }),
  )
}
