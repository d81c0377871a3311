/** One pass over all templates, as the router makes it, without a router: for the command `render`. */
import type { Logger } from 'pino'
import type { TemplateConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import type { Lookups } from '../../names/lookups.ts'
import { textOfBytes } from '../../text/binary-text.ts'
import type { KeyValueSource } from '../../watcher/dcs/key-values.ts'
import type { ClusterView } from '../../watcher/view.ts'
import type { CommandOptions } from '../commands/run-command.ts'
import { bytesOf, placeOf } from '../files/destination.ts'
import { Files } from '../files/files.ts'
import { clustersOf, groupsOf } from '../groups/grouping.ts'
import { GroupRender, type GroupRenderDeps, type Rendered } from '../groups/render.ts'
import { Rendering } from '../groups/rendering.ts'
import { type Ready, readyOf } from '../groups/stage-and-commit.ts'
import { TemplateInputs } from '../inputs.ts'
import { LookupCache, systemSources } from '../lookup-cache.ts'
import { applyOnce, type OnceGroup, warningsTo } from './apply-once.ts'
import { writeBelow } from './write-below.ts'

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

export interface RenderOnceDeps {
  readonly config: { readonly templates: readonly TemplateConfig[]; readonly stateDir: string | null }
  /** Reads each of these clusters; of one that cannot be read, the error. Rejects with the reason of `signal`. */
  readonly readClusters: (
    names: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, ClusterView | Error>>
  /** Returns the keys of each cluster's DCS; null: it has none for templates. `log`: for what it warns of. */
  readonly source: (log: Logger) => (cluster: string) => KeyValueSource | null
  readonly lookups: Lookups
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  readonly signalGroup: CommandOptions['signalGroup']
  readonly isAlive: (pid: number) => boolean
  readonly report: (event: PassEvent) => void
  /** Ends it: what is not in place yet is left as it was. */
  readonly signal: AbortSignal
}

/**
 * Reads the clusters and the keys, and does each reload group once, one after the other; returns whether none has failed.
 * A cluster that cannot be read fails the templates about it. Rejects with the error of the first cluster where none can be
 * read and every template is about one, and with the reason of `signal`.
 */
export async function renderOnce(mode: Mode, deps: RenderOnceDeps): Promise<boolean> {
  const { config, source, env, pid, isAlive, lookups, report, signal } = deps
  const { templates } = config
  const about = await aboutClusters(templates)
  const log = warningsTo(report)
  const over = new AbortController()
  const end = AbortSignal.any([signal, over.signal])
  const inputs = new TemplateInputs({
    ...{ clusters: clustersOf(about), templates, env, waits: false },
    source: source(log),
    log: () => null,
    changed: () => undefined,
  })
  try {
    inputs.start()
    await Promise.all([readInto(inputs, about, deps, end), inputs.keysRead(end)])
    const files = new Files({ pid, isAlive })
    let isDone = true
    for (const [group, own] of groupsOf(templates)) {
      const cache = new LookupCache(systemSources(lookups))
      const rendered = await renderAll({ templates: own, inputs, lookups: cache, log }, end)
      signal.throwIfAborted()
      isDone = (await handle({ group, templates: own, rendered, files, log }, mode, deps)) && isDone
    }
    signal.throwIfAborted()
    return isDone
  } finally {
    over.abort()
    await inputs.close()
  }
}

/** Returns the clusters that templates read something of. */
export async function clustersReadBy(templates: readonly TemplateConfig[]): Promise<readonly string[]> {
  return clustersOf(await aboutClusters(templates))
}

/** Returns the templates that read something of a cluster. */
async function aboutClusters(templates: readonly TemplateConfig[]): Promise<readonly TemplateConfig[]> {
  const renderings = templates.map((template) => new Rendering(template))
  await Promise.all(renderings.map((rendering) => rendering.load()))
  return renderings.filter(({ readsContext }) => readsContext).map(({ config }) => config)
}

async function readInto(
  inputs: TemplateInputs,
  about: readonly TemplateConfig[],
  { config, readClusters }: RenderOnceDeps,
  signal: AbortSignal,
): Promise<void> {
  const read = await readClusters(clustersOf(about), signal)
  signal.throwIfAborted()
  const [failure, ...others] = [...read.values()].filter((view) => view instanceof Error)
  const isAll = about.length === config.templates.length && others.length + 1 === read.size
  if (failure !== undefined && isAll) throw failure
  for (const [name, view] of read) {
    if (view instanceof Error) inputs.unreadable(name, explain(view))
    else inputs.apply(view)
  }
}

/** Rejects with an error of the engine; ends soon when `signal` aborts. */
async function renderAll(deps: GroupRenderDeps, signal: AbortSignal): Promise<readonly Rendered[]> {
  const faults: unknown[] = []
  const render = new GroupRender(deps, { answered: () => undefined, fault: (error) => faults.push(error), signal })
  await render.load()
  for (render.render(); render.lookups.isAsking && !signal.aborted; render.render())
    await render.lookups.answered(signal)
  if (faults.length > 0) throw faults[0]
  return render.rendered
}

/** Shows the texts of a group, writes them elsewhere, or puts them in place; returns whether that has worked. */
async function handle(group: OnceGroup, mode: Mode, deps: RenderOnceDeps): Promise<boolean> {
  const { isRight, texts } = judge(group.rendered, deps.report)
  switch (mode.kind) {
    case 'write':
      // Also where nothing is to be written: a reload may be due, or a commit interrupted.
      return (await applyOnce(group, mode.runsCommands, deps)) && isRight
    case 'diff':
      return (await each(texts, deps, (text) => compare(text, group.files, deps))) && isRight
    case 'output': {
      const written = await each(texts, deps, async ({ template, text }) => {
        const { path, isWritten } = await writeBelow(mode.directory, template, text)
        deps.report({ kind: isWritten ? 'written' : 'unchanged', path })
      })
      return written && isRight
    }
  }
}

interface Verdict {
  readonly isRight: boolean
  /** To be written: those of all templates, or none. */
  readonly texts: readonly Ready[]
}

/** Reports what is not written, and returns what is: templates that belong together change together, or not at all. */
function judge(rendered: readonly Rendered[], report: RenderOnceDeps['report']): Verdict {
  const wrong = rendered.filter(({ outcome }) => outcome.kind === 'failed' || outcome.kind === 'waiting')
  for (const { template, outcome } of wrong) if (outcome.kind !== 'text') report(failed(outcome.reason, template))
  if (wrong.length > 0) return { isRight: false, texts: [] }
  const kept = rendered.find(({ outcome }) => outcome.kind === 'kept')?.outcome
  if (kept?.kind !== 'kept') return { isRight: true, texts: readyOf(rendered) }
  for (const { template } of rendered) report({ kind: 'kept', path: template.destination, reason: kept.reason })
  return { isRight: true, texts: [] }
}

/** Does it for each; a failure of one is none of the others. */
async function each(
  texts: readonly Ready[],
  { report, signal }: RenderOnceDeps,
  act: (text: Ready) => Promise<void>,
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

async function compare({ template, text }: Ready, files: Files, { report }: RenderOnceDeps): Promise<void> {
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

/** Reports a failure under the destination, which people look for; reasons name the source file. */
function failed(reason: string, { destination }: TemplateConfig): PassEvent {
  const message = reason.includes(destination) ? reason : `${destination}: ${reason}`
  return { kind: 'failed', message, output: '' }
}
