// `npm run templates`: what the templates of the router promise, measured with real parts.
import { runSuite } from './suite.ts'
import { burst } from './templates/burst.ts'
import { churn } from './templates/churn.ts'
import { leader } from './templates/leader.ts'
import { members } from './templates/members.ts'
import { pgbouncer } from './templates/pgbouncer.ts'

const RUNS = 'leader changes (50), renders (100) or switchovers (20)'

process.exitCode = await runSuite({ name: 'templates', cases: [leader, churn, burst, members, pgbouncer], runs: RUNS })
