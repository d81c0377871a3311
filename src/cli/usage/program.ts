/** The command line as a whole. Pure data. */
import { DEFAULT_ADMIN_SOCKET, DEFAULT_CONFIG_FILE } from '../../config/defaults.ts'
import { CHECK } from './commands/check.ts'
import { COMPLETION } from './commands/completion.ts'
import { DEMO } from './commands/demo.ts'
import { EVENTS } from './commands/events.ts'
import { HOLD, RELEASE } from './commands/hold.ts'
import { MEMBER } from './commands/member.ts'
import { RELOAD } from './commands/reload.ts'
import { RENDER } from './commands/render.ts'
import { RUN } from './commands/run.ts'
import { SCHEMA } from './commands/schema.ts'
import { SESSIONS } from './commands/sessions.ts'
import { STATUS } from './commands/status.ts'
import { TRACK } from './commands/track.ts'
import type { CommandUsage, Entry, Example, ExitUsage, OptionUsage } from './types.ts'

export const NAME = 'patroni-router'

export const SUMMARY = 'routes PostgreSQL clients to the primary and the replicas of a Patroni cluster'

export const ABOUT: readonly string[] = [
  'Routes PostgreSQL clients to the primary (port 5000) and the replicas (port 5001) of a Patroni cluster. It watches the DCS, so it follows a failover as it happens, and can write the configuration of HAProxy, PgBouncer, keepalived and others from templates.',
]

/** In the order in which they are shown. */
export const COMMANDS: readonly CommandUsage[] = [
  RUN,
  CHECK,
  RELOAD,
  RENDER,
  STATUS,
  EVENTS,
  SESSIONS,
  MEMBER,
  HOLD,
  RELEASE,
  TRACK,
  SCHEMA,
  COMPLETION,
  DEMO,
]

export const HELP_COMMAND: Entry = { name: 'help', about: 'show the help of a command' }
export const HELP: OptionUsage = { short: 'h', long: 'help', about: 'show this help' }
export const VERSION: OptionUsage = { short: 'V', long: 'version', about: 'show the version' }

/** What each code means with every command; the commands say more. */
export const EXITS: readonly ExitUsage[] = [
  { exit: 'ok', when: 'success' },
  { exit: 'failed', when: 'failure; of status and track: there is no primary, or the condition is false' },
  { exit: 'usage', when: 'the command line or the configuration is invalid, or Node.js is too old' },
  { exit: 'noRouter', when: 'no router answers' },
]

export const FILES: readonly Entry[] = [
  {
    name: DEFAULT_CONFIG_FILE,
    about:
      'the configuration, unless `-c` or `PATRONI_ROUTER_CONFIG` names another; a patroni.yml can be used as it is',
  },
  { name: DEFAULT_ADMIN_SOCKET, about: 'the admin socket, unless `admin.socket` names another' },
]

export const ENVIRONMENT: readonly Entry[] = [
  {
    name: 'PATRONI_ROUTER_CONFIG',
    about: 'configuration file, or a directory of them, if `-c` is not given',
  },
  {
    name: 'PATRONI_CONFIGURATION',
    about: 'the whole configuration as YAML, if there is no file; all other variables of Patroni are ignored then',
  },
  {
    name: 'PATRONI_SCOPE, PATRONI_ETCD3_HOSTS, ...',
    about: 'the variables of Patroni itself; they override the file and work without one',
  },
  { name: 'NO_COLOR', about: 'if set and not empty, no colours on a terminal' },
]

export const EXAMPLES: readonly Example[] = [
  {
    about: 'check the configuration of Patroni itself, its DCS and its members',
    text: 'patroni-router check -c /etc/patroni/config.yml --online',
  },
  { about: 'run the router with it', text: 'patroni-router run -c /etc/patroni/config.yml' },
  { about: 'see what it does', text: 'patroni-router status --watch' },
]
