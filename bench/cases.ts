import type { Case } from './case.ts'
import { crash } from './cases/crash.ts'
import { etcdLong, etcdShort } from './cases/etcd-away.ts'
import { frozen } from './cases/frozen.ts'
import { lag } from './cases/lag.ts'
import { restHang } from './cases/rest-hang.ts'
import { restarted } from './cases/restarted.ts'
import { startedFirst } from './cases/started-first.ts'
import { switchover, switchoverByRest } from './cases/switchover.ts'
import { thousand } from './cases/thousand.ts'

/** Every case, in the order of the table. */
export const CASES: readonly Case[] = [
  ...[switchover, switchoverByRest, crash, frozen, thousand, lag],
  ...[restHang, etcdShort, etcdLong, startedFirst, restarted],
]
