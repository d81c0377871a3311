/** One pass over all templates, as the router makes it, without a router. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import type { ClusterConfig, Config, TemplateConfig } from '../../config/config.ts'
import { explain } from '../../errors.ts'
import { Lookups } from '../../names/lookups.ts'
import { contextOf } from '../../templates/engine/context.ts'
import { Files } from '../../templates/files/files.ts'
import { clustersOf, groupsOf } from '../../templates/groups/grouping.ts'
import { contextFor, type ContextResult, type Known, NO_CONTEXT } from '../../templates/inputs.ts'
import { KeyStores } from '../../templates/key-stores.ts'
import { Rendering } from '../../templates/groups/rendering.ts'
import { keyValueSources } from '../../watcher/dcs/create.ts'
import { firstView } from '../first-view.ts'
import type { Io } from '../io.ts'
import type { GroupTask, Mode, Report } from './group-task.ts'
import { passOver } from './one-group.ts'

/** For the keys that templates read. Milliseconds. */
const KEYS_TIMEOUT_MS = 10_000

export interface OnePassDeps {
  readonly io: Io
  readonly report: Report
  /** Ends it: what is not in place yet is left as it was. */
  readonly signal: AbortSignal
}

/**
 * Reads the clusters and the keys, and does each reload group once, one after the other; true when none has failed. A
 * cluster that cannot be read fails the templates about it; rejects with DCS_UNAVAILABLE where none can be read and every
 * template is about one, and with the reason of `signal`.
 */
export async function onePass(config: Config, mode: Mode, { io, report, signal }: OnePassDeps): Promise<boolean> {
  const { clusters, templates, stateDir } = config
  const about = await aboutClusters(templates)
  const named = clustersOf(about)
  const wanted = clusters.filter(({ name }) => named.includes(name))
  const lookups = new Lookups()
  const source = keyValueSources(config.keys, lookups, warnings(report))
  const keys = new KeyStores({ source, templates, log: () => null })
  const over = new AbortController()
  const end = AbortSignal.any([signal, over.signal])
  try {
    keys.start()
    const reading = readAll(wanted, lookups, about.length === templates.length, end)
    const [known] = await Promise.all([reading, keysRead(keys, templates, end)])
    const inputs: GroupTask['inputs'] = (template, answers, readsContext) => {
      const found: ContextResult = readsContext
        ? contextFor(template, (name) => known.get(name), true)
        : { ok: true, context: NO_CONTEXT }
      if (!found.ok) return found
      const own = template.keys.length === 0 ? null : keys.view(template)
      if (own === null && template.keys.length > 0) return { ok: false, reason: whyNoKeys(keys, template) }
      return { ok: true, inputs: { context: found.context, keys: own, env: io.env, answers } }
    }
    const files = new Files({ pid: io.pid, isAlive: (pid) => io.isAlive(pid) })
    let isDone = true
    for (const [name, group] of groupsOf(templates)) {
      signal.throwIfAborted()
      const task = { name, templates: group, mode, inputs, files, stateDir, lookups, io, report, signal }
      isDone = (await passOver(task)) && isDone
    }
    signal.throwIfAborted()
    return isDone
  } finally {
    over.abort()
    lookups.close()
    await keys.close()
  }
}

/** Without those that read nothing of a cluster. */
export async function aboutClusters(templates: readonly TemplateConfig[]): Promise<readonly TemplateConfig[]> {
  const reads = await Promise.all(
    templates.map(async (template) => {
      const rendering = new Rendering(template)
      await rendering.load()
      return rendering.readsContext
    }),
  )
  return templates.filter((_template, index) => reads[index] === true)
}

/** What a source of keys warns of, such as a key that is left out. */
function warnings(report: Report): Logger {
  const write = (line: string): void => {
    const { msg } = JSON.parse(line) as { readonly msg: string }
    report({ kind: 'warning', message: msg })
  }
  return pino({ level: 'warn' }, { write })
}

/** What is known of each. Where `isAll`, rejects as {@link firstView} does when none of them can be read. */
async function readAll(
  clusters: readonly ClusterConfig[],
  lookups: Lookups,
  isAll: boolean,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Known>> {
  const log = pino({ level: 'silent' })
  const read = await Promise.allSettled(clusters.map((cluster) => firstView(cluster, lookups, log, signal)))
  signal.throwIfAborted()
  const failures = read.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []))
  if (isAll && failures.length > 0 && failures.length === read.length) throw failures[0]
  return new Map(
    read.map((result, at): [string, Known] => {
      const context = result.status === 'fulfilled' ? contextOf(result.value) : null
      const obstacle = result.status === 'fulfilled' ? null : explain(result.reason)
      return [clusters[at]?.name ?? '', { context, obstacle, isRead: context !== null }]
    }),
  )
}

/** Resolves when all keys have been read, or have had the time for it. Rejects with the reason of `signal`. */
export async function keysRead<T extends Pick<TemplateConfig, 'keys'>>(
  keys: { subscribe(listener: () => void): () => void; view(template: T): unknown },
  templates: readonly T[],
  signal: AbortSignal,
  timeoutMs = KEYS_TIMEOUT_MS,
): Promise<void> {
  const readers = templates.filter((template) => template.keys.length > 0)
  const read = new AbortController()
  const look = (): void => {
    if (readers.every((template) => keys.view(template) !== null)) read.abort()
  }
  const unsubscribe = keys.subscribe(look)
  look()
  const until = AbortSignal.any([signal, read.signal])
  await sleep(timeoutMs, undefined, { signal: until }).catch(() => undefined) // Read, or interrupted.
  unsubscribe()
  signal.throwIfAborted()
}

function whyNoKeys(keys: KeyStores, { prefix, subject }: TemplateConfig): string {
  const own = keys.status().filter(({ cluster }) => clustersOf([{ subject }]).includes(cluster))
  const error = own.find(({ state }) => state === 'never')?.error ?? null
  const late = `the keys below ${prefix || '/'} could not be read within ${KEYS_TIMEOUT_MS / 1000} s`
  return error === null ? late : `${late}: ${error}`
}
