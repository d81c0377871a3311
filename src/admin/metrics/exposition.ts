/**
 * The answer to `/metrics`, in the text format of Prometheus: slice by slice, with turns of the event loop between, however many
 * clusters and members there are. Loads prom-client: import it only where it is needed.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { type Metric, Registry } from 'prom-client'
import { haproxyFamilies } from '../haproxy/families.ts'
import type { RouterStatus } from '../status.ts'
import type { Family, Sample, Taken } from './family.ts'
import { NATIVE_FAMILIES } from './native.ts'
import { readProcessUsage } from './process-usage.ts'

export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

export interface MetricsOptions {
  /** As HAProxy's `scope` (global, frontend, backend, server), and `native` for the router's own; null or empty: all. */
  readonly scopes: readonly string[] | null
  /** Without servers in maintenance in the families of HAProxy. */
  readonly noMaint: boolean
}

/** After so long other work has its turn. Milliseconds: far below the 20 that no turn may take. */
const TURN_MS = 4

/** So many samples are rendered without a look at the clock. */
const SLICE = 100

/** Renders the router's own families and those of HAProxy. */
export async function* metricsText(status: RouterStatus, options: MetricsOptions): AsyncIterable<string> {
  const scopes = options.scopes?.length === 0 ? null : options.scopes
  if (scopes?.includes('native') ?? true)
    yield* familiesText(NATIVE_FAMILIES, { status, process: await readProcessUsage() })
  yield* haproxyFamilies(status, { ...options, scopes })
}

/** Renders families that have samples; a slice is some ten KiB. */
export async function* familiesText(families: readonly Family[], taken: Taken): AsyncIterable<string> {
  const registry = new Registry()
  let text = ''
  let begun = performance.now()
  for (const family of families) {
    const rendering = new Rendering(family, registry)
    for (const samples of slices(family.samples(taken))) {
      text += await rendering.text(samples)
      if (performance.now() - begun < TURN_MS) continue
      yield text
      text = ''
      await turn()
      begun = performance.now()
    }
  }
  if (text !== '') yield text
}

function* slices(samples: Iterable<Sample>): Iterable<readonly Sample[]> {
  let slice: Sample[] = []
  for (const sample of samples) {
    slice.push(sample)
    if (slice.length < SLICE) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

/** Shared by all values: prom-client remembers each such object that it has seen. */
const NO_LABELS = {}

/** Renders one family piece by piece: prom-client's registry makes the text of what `get` returns, with the head each time. */
class Rendering {
  readonly #family: Family
  readonly #registry: Registry
  #values: readonly object[] = []
  #isBegun = false

  constructor(family: Family, registry: Registry) {
    this.#family = family
    this.#registry = registry
    const { name, help, type } = family
    const metric = { name, get: () => Promise.resolve({ name, help, type, values: this.#values }) }
    // The metrics of prom-client count by themselves; all that a registry needs of one is its name and `get`.
    registry.registerMetric(metric as unknown as Metric)
  }

  async text(samples: readonly Sample[]): Promise<string> {
    const { name } = this.#family
    this.#values = samples.map(({ labels, value, suffix = '' }) => ({
      ...{ labels, value, metricName: `${name}${suffix}`, sharedLabels: NO_LABELS },
    }))
    const text = await this.#registry.getSingleMetricAsString(name)
    const from = this.#isBegun ? afterLines(text, 2) : 0
    this.#isBegun = true
    return `${text.slice(from)}\n`
  }
}

/** Returns where the text after so many lines begins. */
function afterLines(text: string, lines: number): number {
  let at = 0
  for (let line = 0; line < lines; line++) at = text.indexOf('\n', at) + 1
  return at
}
