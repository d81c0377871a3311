/** Failures as clients see them, through the router and through HAProxy at the same time, on a real cluster. */
import type { Bench } from '../bench.ts'
import { COMPARED } from '../table.ts'
import { crash } from './crash.ts'
import { etcdLong, etcdShort } from './etcd-away.ts'
import { frozen } from './frozen.ts'
import { lag } from './lag.ts'
import { podGone } from './pod-gone.ts'
import { restHang } from './rest-hang.ts'
import { restarted } from './restarted.ts'
import { startedFirst } from './started-first.ts'
import {
  switchover,
  switchoverByConfigMaps,
  switchoverByConsul,
  switchoverByEndpoints,
  switchoverByEtcd2,
  switchoverByRest,
  switchoverByTls,
  switchoverByZookeeper,
} from './switchover.ts'
import { thousand } from './thousand.ts'

export const failover: Bench = {
  name: 'failover',
  cases: [
    ...[switchover, switchoverByTls, switchoverByEtcd2, switchoverByConsul, switchoverByZookeeper],
    ...[switchoverByEndpoints, switchoverByConfigMaps, switchoverByRest, crash, podGone, frozen],
    ...[thousand, lag, restHang, etcdShort, etcdLong, startedFirst, restarted],
  ],
  columns: COMPARED,
  document: 'docs/benchmarks.md',
  runs: 'how often each case is measured (10)',
}
