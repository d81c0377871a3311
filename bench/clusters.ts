// `npm run clusters`: what several clusters in one router cost.
import { many } from './clusters/many.ts'
import { command } from './track/command.ts'
import { runSuite } from './suite.ts'

process.exitCode = await runSuite({ name: 'clusters', cases: [many, command], runs: 'leader changes (50)' })
