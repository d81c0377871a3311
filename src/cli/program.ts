import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { visible } from '../text/terminal.ts'
import { DEFAULT_ADMIN_SOCKET, DEFAULT_CONFIG_FILE } from '../config/defaults.ts'
import { CONDITIONS } from '../config/conditions.ts'
import { explain, RouterError, type ErrorCode } from '../errors.ts'
import type { CheckOptions } from './check/check.ts'
import type { DemoOptions } from './demo.ts'
import { EXIT, type Io } from './io.ts'
import type { RenderOptions } from './render.ts'
import type { RunOptions } from './run.ts'
import type { StatusOptions } from './status.ts'
import type { TrackOptions } from './track.ts'

const ABOUT = `Routes PostgreSQL clients to the primary and the replicas of a Patroni cluster, renders the configuration of HAProxy, PgBouncer and others, and follows every failover by watching the DCS: port 5000 is the primary, port 5001 the replicas.`

const EXAMPLES = `
Examples:
  patroni-router check -c /etc/patroni/config.yml --online
  patroni-router run -c /etc/patroni/config.yml
  patroni-router render --diff
  patroni-router status --watch
  patroni-router track primary

Configuration: -c FILE, else $PATRONI_ROUTER_CONFIG, else ${DEFAULT_CONFIG_FILE};
a patroni.yml is one, or a directory of them; Patroni's variables work, with or without a file.
Admin socket:  ${DEFAULT_ADMIN_SOCKET} (admin.socket in the configuration)
Exit codes:    0 success, 1 failure, 2 usage or configuration error, 3 no router answers`

const RUN = `
Exit codes: 0 after SIGTERM, SIGINT or SIGQUIT and the drain (a second one ends it at once), 1 when it cannot start,
2 usage or configuration error. SIGHUP reads the templates again; other signals do nothing. The log goes to standard output:
lines for people on a terminal, else one JSON object a line (logging.format).`

const CHECK = `
Exit codes: 0 everything is in order (warnings included), 2 something is not, or usage error; with --online 1 where the DCS
does not answer at all, which says nothing of the configuration. Every problem is on standard error; what was asked online
begins with FAILED, so that a member that is away is told from a bad file. Ports are tried, and those that a running router
holds are left alone. Run it as the service's user: other users have other rights.

Examples:
  patroni-router check -c /etc/patroni/config.yml
  PATRONI_SCOPE=demo PATRONI_ETCD3_HOSTS=10.0.0.1:2379 patroni-router check --online`

const RENDER = `
Each template is rendered, checked, written and reloaded as the router does it, once. A line a file tells what came of it
(unchanged, written, kept), and one a group that it was reloaded; what failed is on standard error. While a router runs
that renders the same files, only --diff and --output do anything.

Exit codes: 0 every file is as its template says, or was kept, and reloaded (with --diff: also where files differ),
1 something has failed, and the rest was done; or the DCS cannot be read, 2 usage or configuration error.

Examples:
  patroni-router render -c /etc/patroni-router/config.yml --diff
  patroni-router render --output /tmp/rendered
  patroni-router render && systemctl start haproxy`

const STATUS = `
Exit codes: 0 there is a primary, 1 there is none that takes connections, or the router is
shutting down, 2 usage or configuration error, 3 no router answers.

Examples:
  patroni-router status --watch 1
  patroni-router status --socket ${DEFAULT_ADMIN_SOCKET} --json | jq .clusters[0].primary`

const TRACK = `
  local-leader   the member on this host (or --member) is open for writes
  primary        somebody is open for writes
  replicas       at least one replica serves reads

The running router is asked. One that does not answer in time is as good as none.

Exit codes: 0 it holds, 1 it does not, 2 usage or configuration error, 3 no router answers, or it does not know (yet).

Examples:
  patroni-router track local-leader
  patroni-router track replicas --socket ${DEFAULT_ADMIN_SOCKET} || echo none
  vrrp_script router { script "/usr/bin/patroni-router track primary"  interval 1  timeout 2  fall 2  rise 1 }`

const DEMO = `
Three members with PostgreSQL in WebAssembly (PGlite), Patroni's REST API and behaviour, a DCS, and the real router in
front of them, for this machine only (127.0.0.1) and without passwords. Nothing is left when it ends.

Exit codes: 0 after q, SIGTERM or SIGINT, 1 when it cannot start, 2 usage error.`

/** Runs the command line `args` and returns the exit code. Never rejects. */
export async function runProgram(args: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.ok
  const program = build(io, (exit) => (code = exit))
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    io.err(`patroni-router: ${visible(explain(error))}\n`)
    return exitCodeOf(error, io)
  }
}

function build(io: Io, exit: (code: number) => void): Command {
  const program = new Command('patroni-router')
    .description(ABOUT)
    .version(io.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .configureHelp({ helpWidth: Math.min(io.columns() ?? 100, 100) })
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride()
    .addHelpText('after', EXAMPLES)
  program
    .command('run')
    .description('run the router in the foreground')
    .addOption(configOption())
    .addHelpText('after', RUN)
    .action(async (options: RunOptions) => exit(await (await import('./run.ts')).run(options, io)))
  program
    .command('check')
    .description('check the configuration, and the files and addresses in it, without touching anything')
    .addOption(configOption())
    .option('--online', 'ask the DCS and the members as well')
    .option(
      '--startup',
      'report a template that is not right, and go on: it keeps only its own file from being written',
    )
    .addHelpText('after', CHECK)
    .action(async (options: CheckOptions) => exit(await (await import('./check/check.ts')).check(options, io)))
  program
    .command('render')
    .description('render the templates once and exit; no running router is needed')
    .addOption(configOption())
    .addOption(new Option('--diff', 'show what would change in each file; change and run nothing').conflicts('output'))
    .option('--no-commands', 'write the files, and run neither checks nor reloads')
    .option('--output <dir>', 'write below this directory instead, and run nothing')
    .addHelpText('after', RENDER)
    .action(async (options: RenderOptions) => exit(await (await import('./render.ts')).render(options, io)))
  program
    .command('status')
    .description('show the cluster as the running router sees it')
    .addOption(configOption())
    .option('--socket <path>', 'the admin socket of the router; no configuration is read then')
    .option('--cluster <name>', 'only this one of several clusters')
    .option('--json', 'everything, as one line of JSON (docs/status.schema.json)')
    .addOption(new Option('-w, --watch [seconds]', 'repeat every SECONDS (default: 2)').argParser(seconds))
    .addHelpText('after', STATUS)
    .action(async (options: StatusOptions) => exit(await (await import('./status.ts')).status(options, io)))
  program
    .command('track')
    .description('exit with 0 if the condition is true (for keepalived and scripts)')
    .addArgument(new Argument('<what>', 'what is asked').choices(CONDITIONS))
    .addOption(configOption())
    .option('--socket <path>', 'the admin socket of the router; no configuration is read then')
    .option('--member <name>', 'of local-leader: whether it is this one (default: name in the configuration)')
    .option('--cluster <name>', 'of which one of several clusters')
    .addOption(new Option('--timeout <seconds>', 'how long the router may take').argParser(seconds).default(1))
    .addHelpText('after', TRACK)
    .action(async (what: string, options: TrackOptions) => {
      exit(await (await import('./track.ts')).track(what, options, io))
    })
  program
    .command('demo')
    .description('a whole cluster in this process, with the router in front, to try it')
    .addOption(new Option('--port <port>', 'where the primary is (0: any)').argParser(port).default(5000))
    .addOption(new Option('--replica-port <port>', 'where the replicas are (0: any)').argParser(port).default(5001))
    .option('--no-ui', 'plain lines also on a terminal')
    .addHelpText('after', DEMO)
    .action(async (options: DemoOptions) => exit(await (await import('./demo.ts')).demo(options, io)))
  return program
}

function configOption(): Option {
  return new Option('-c, --config <file>', 'the configuration file, or a directory of them')
}

function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (value >= 0.1 && value <= 86_400) return value
  throw new InvalidArgumentError('It is a number of seconds, from 0.1 to 86400.')
}

function port(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN
  if (value <= 65_535) return value
  throw new InvalidArgumentError('It is a port, from 0 to 65535.')
}

function exitCodeOf(error: unknown, io: Io): number {
  if (error instanceof RouterError) return EXIT_OF[error.code] ?? EXIT.failed
  if (error instanceof Error) io.err(`${error.stack ?? ''}\n`)
  return EXIT.failed
}

const EXIT_OF: Partial<Record<ErrorCode, number>> = {
  CONFIG_INVALID: EXIT.usage,
  CONFIG_UNREADABLE: EXIT.usage,
  ADMIN_UNAVAILABLE: EXIT.noRouter,
}
