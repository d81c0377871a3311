/** The real router, as an operator would set it up in front of the demo's cluster; only the DCS is different. */
import { pino, type Logger } from 'pino'
import { stringify } from 'yaml'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/file/problem.ts'
import { explain, RouterError } from '../errors.ts'
import { Router } from '../router.ts'
import type { Dcs } from '../watcher/dcs/dcs.ts'
import type { DcsKind } from '../watcher/dcs/kind.ts'
import type { Events } from './events.ts'
import { demoKind } from './dcs.ts'
import { HOST } from './listening.ts'

export interface DemoRouterOptions {
  readonly scope: string
  /** Where it listens; 0: any port. */
  readonly port: number
  readonly replicaPort: number
  readonly socketPath: string
  readonly dcs: Dcs
  /** Its log goes there. */
  readonly events: Events
  readonly version: string
  readonly pid: number
}

/** Starts nothing. Throws RouterError. */
export function buildRouter(options: DemoRouterOptions): Router {
  const { version, pid, dcs, events } = options
  // It has no templates, and so runs no commands.
  const access = { env: {}, signalGroup: () => false, isAlive: () => false }
  const kinds = [demoKind(dcs)]
  return new Router(configOf(options, kinds), { ...access, log: logInto(events), version, pid, kinds })
}

function configOf({ scope, port, replicaPort, socketPath, dcs }: DemoRouterOptions, kinds: readonly DcsKind[]): Config {
  const text = stringify({
    scope,
    [dcs.kind]: {},
    proxy: {
      listeners: {
        primary: { bind: `${HOST}:${port}`, route: 'primary' },
        replicas: { bind: `${HOST}:${replicaPort}`, route: 'replica' },
      },
    },
    // Without a port of its own HTTP is at its default, which may be in use: then there is none.
    admin: { socket: socketPath, ...(port === 0 ? { bind: `${HOST}:0` } : {}) },
  })
  const result = loadConfig({ file: null, text, env: {} }, kinds)
  if (result.ok) return result.config
  throw new RouterError('INTERNAL', `the demo's configuration: ${result.problems.map(formatProblem).join('; ')}`)
}

/** Shows the lines of the router's log that matter to a user. */
function logInto(events: Events): Logger {
  const write = (line: string): void => {
    try {
      events.add('router', (JSON.parse(line) as { readonly msg: string }).msg)
    } catch (error) {
      events.add('router', `a log line that cannot be read: ${explain(error)}`)
    }
  }
  return pino({ base: null }, { write })
}
