// `npm run keepalived`: how fast an address of keepalived follows, measured on hosts with the examples' own files.
import { crash, planned } from './keepalived/takeover.ts'
import { frozen, killed } from './keepalived/router-lost.ts'
import { routerFrozen, routerKilled } from './keepalived/pair.ts'
import { runSuite } from './suite.ts'

const CASES = [planned, crash, killed, frozen, routerKilled, routerFrozen]

process.exitCode = await runSuite({ name: 'keepalived', cases: CASES, runs: 'of each case (10)' })
