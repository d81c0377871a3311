import assert from 'node:assert/strict'
import type { ClusterConfig } from '../../../src/config/config.ts'
import { formatProblem } from '../../../src/config/file/problem.ts'
import type { PatroniDcs, SectionOptions } from '../../support/patroni/dcs.ts'
import { loadConfig } from '../../support/router/load-config.ts'

export interface ConfiguredOptions extends SectionOptions {
  /** How often it is read with certainty, and how long that may take. */
  readonly interval?: string
  readonly timeout?: string
  /** Several of them, by name. */
  readonly clusters?: Readonly<Record<string, object>>
}

/** Returns the clusters that a configuration has which names a DCS, as the router reads it; by default `demo` alone. */
export function configured(
  dcs: PatroniDcs,
  { interval = '300ms', timeout = '2s', clusters, ...section }: ConfiguredOptions = {},
): readonly [ClusterConfig, ...ClusterConfig[]] {
  // Several clusters have none by themselves.
  const listeners = Object.keys(clusters ?? {}).map((cluster) => [
    cluster,
    { bind: '127.0.0.1:0', route: 'primary', cluster },
  ])
  const config = {
    // Below /service/ in each of them, so in Kubernetes as well.
    ...{ scope: 'demo', namespace: 'service' },
    [dcs.name]: dcs.section(section),
    proxy: {
      check: { interval, timeout, fast_interval: '10ms' },
      ...(clusters === undefined ? {} : { listeners: Object.fromEntries(listeners) as object }),
    },
    ...(clusters === undefined ? {} : { clusters }),
  }
  const result = loadConfig({ file: '/router.yml', text: JSON.stringify(config), env: dcs.env?.(section) ?? {} })
  assert.ok(result.ok, result.ok ? '' : result.problems.map(formatProblem).join('\n'))
  const [first, ...others] = result.config.clusters
  assert.ok(first)
  return [first, ...others]
}
