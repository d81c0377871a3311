import type { Bench } from './bench.ts'
import { clusters } from './clusters/bench.ts'
import { failover } from './failover/bench.ts'
import { keepalived } from './keepalived/bench.ts'
import { metrics } from './metrics/bench.ts'
import { proxy } from './proxy/bench.ts'
import { sizing } from './sizing/bench.ts'
import { sources } from './sources/bench.ts'
import { templates } from './templates/bench.ts'

/** Every benchmark; each has its script `bench:NAME` in package.json. */
export const BENCHES: readonly Bench[] = [failover, templates, keepalived, clusters, sources, sizing, proxy, metrics]
