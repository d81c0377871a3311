/** One pass over all templates, as the router makes it, without a router. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { Config, TemplateConfig } from '../../config/config.ts'
import { contextOf } from '../../templates/engine/context.ts'
import { Files } from '../../templates/files/files.ts'
import { groupsOf } from '../../templates/groups/grouping.ts'
import { KeyStore, rootsOf } from '../../templates/key-store.ts'
import type { Facts } from '../../templates/engine/render.ts'
import type { Inputs } from '../../templates/groups/rendering.ts'
import { createKeyValueSource } from '../../watcher/dcs/create.ts'
import { firstView } from './first-view.ts'
import type { Io } from '../io.ts'
import type { Mode, Report } from './group-task.ts'
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
 * Reads the cluster and the keys, and does each reload group once, one after the other; true when none has failed. Rejects
 * with DCS_UNAVAILABLE, and with the reason of `signal`.
 */
export async function onePass(config: Config, mode: Mode, { io, report, signal }: OnePassDeps): Promise<boolean> {
  const { clusters, templates, stateDir } = config
  const [cluster] = clusters
  if (cluster === undefined) return true
  const source = createKeyValueSource(cluster)
  const keys = new KeyStore({ source, roots: templates.flatMap(rootsOf), log: null })
  const over = new AbortController()
  const end = AbortSignal.any([signal, over.signal])
  try {
    keys.start()
    const [view] = await Promise.all([
      firstView(cluster, pino({ level: 'silent' }), end),
      source === null ? null : keysRead(keys, templates, end),
    ])
    const context = contextOf(view)
    const inputs = (template: TemplateConfig, facts: Facts): Inputs => {
      const own = template.keys.length === 0 ? null : keys.view(template)
      if (own === null && template.keys.length > 0) return { ok: false, reason: whyNoKeys(keys, template) }
      return { ok: true, inputs: { context, keys: own, env: io.env, facts } }
    }
    const files = new Files({ pid: io.pid, isAlive: (pid) => io.isAlive(pid) })
    let isDone = true
    for (const [name, group] of groupsOf(templates)) {
      signal.throwIfAborted()
      const task = { name, templates: group, mode, inputs, files, stateDir, io, report, signal }
      isDone = (await passOver(task)) && isDone
    }
    signal.throwIfAborted()
    return isDone
  } finally {
    over.abort()
    await keys.close()
  }
}

/** Resolves when all keys have been read, or have had the time for it. Rejects with the reason of `signal`. */
export async function keysRead(
  keys: KeyStore,
  templates: readonly Pick<TemplateConfig, 'prefix' | 'keys'>[],
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

function whyNoKeys(keys: KeyStore, { prefix }: TemplateConfig): string {
  const error = keys.status().find(({ state }) => state === 'never')?.error ?? null
  const late = `the keys below ${prefix || '/'} could not be read within ${KEYS_TIMEOUT_MS / 1000} s`
  return error === null ? late : `${late}: ${error}`
}
