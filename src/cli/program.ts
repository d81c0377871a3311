import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { explain, RouterError, type ErrorCode } from '../errors.ts'
import { visible } from '../text/terminal.ts'
import type { ActOptions } from './act.ts'
import type { CheckOptions } from './check/check.ts'
import type { DemoOptions } from './demo.ts'
import type { EventsOptions } from './events.ts'
import { EXIT, type Io } from './io.ts'
import type { ReloadOptions } from './reload.ts'
import type { RenderOptions } from './render.ts'
import type { RunOptions } from './run.ts'
import type { SessionsOptions } from './sessions.ts'
import type { StatusOptions } from './status.ts'
import type { TrackOptions } from './track.ts'
import { commandHelp, programHelp, type Layout } from './usage/help.ts'
import { COMMANDS, HELP, NAME, VERSION } from './usage/program.ts'
import { flagsOf, synopsisOf, wordOf } from './usage/text.ts'
import type { ArgumentUsage, CommandName, OptionUsage, ValueKind } from './usage/types.ts'

type Action = (command: Command, io: Io) => Promise<number>

/** What each command runs. Loaded only then, so that no command waits for what another one needs. */
const ACTIONS: Readonly<Record<CommandName, Action>> = {
  run: async (command, io) => (await import('./run.ts')).run(command.opts<RunOptions>(), io),
  check: async (command, io) => (await import('./check/check.ts')).check(command.opts<CheckOptions>(), io),
  reload: async (command, io) => (await import('./reload.ts')).reload(command.opts<ReloadOptions>(), io),
  render: async (command, io) => (await import('./render.ts')).render(command.opts<RenderOptions>(), io),
  status: async (command, io) => (await import('./status.ts')).status(command.opts<StatusOptions>(), io),
  events: async (command, io) => (await import('./events.ts')).events(command.opts<EventsOptions>(), io),
  sessions: async (command, io) =>
    (await import('./sessions.ts')).sessions(command.args[0] ?? null, command.opts<SessionsOptions>(), io),
  member: async (command, io) =>
    (await import('./act.ts')).member(argumentOf(command), command.args[1] ?? '', command.opts<ActOptions>(), io),
  hold: async (command, io) => (await import('./act.ts')).hold(command.args[0] ?? null, command.opts<ActOptions>(), io),
  release: async (command, io) =>
    (await import('./act.ts')).release(command.args[0] ?? null, command.opts<ActOptions>(), io),
  track: async (command, io) =>
    (await import('./track.ts')).track(argumentOf(command), command.opts<TrackOptions>(), io),
  schema: async (_, io) => (await import('./schema.ts')).schema(io),
  completion: async (command, io) => (await import('./completion/completion.ts')).completion(argumentOf(command), io),
  demo: async (command, io) => (await import('./demo.ts')).demo(command.opts<DemoOptions>(), io),
}

/** Runs the command line `args` and returns the exit code. Never rejects. */
export async function runProgram(args: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.ok
  const program = build(io, (exit) => (code = exit))
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    io.err(`${NAME}: ${visible(explain(error))}\n`)
    return exitCodeOf(error, io)
  }
}

const MAX_COLUMNS = 100

function build(io: Io, exit: (code: number) => void): Command {
  const helpWidth = Math.min(io.columns() ?? MAX_COLUMNS, MAX_COLUMNS)
  const program = new Command(NAME)
    .version(io.version, flagsOf(VERSION), VERSION.about)
    .helpOption(flagsOf(HELP), HELP.about)
    .helpCommand('help [COMMAND]')
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, `${NAME}: `)),
    })
    .configureHelp({ helpWidth, formatHelp: (_, layout: Layout) => programHelp(layout) })
    .showHelpAfterError(`See "${NAME} --help".`)
    .exitOverride()
  for (const usage of COMMANDS) {
    const command = program
      .command(usage.name)
      .usage(synopsisOf(usage).replace(usage.name, '').trim())
      .configureHelp({ helpWidth, formatHelp: (_, layout: Layout) => commandHelp(usage, layout) })
      .showHelpAfterError(`See "${NAME} ${usage.name} --help".`)
    if (usage.argument !== undefined) command.addArgument(argument(usage.argument))
    if (usage.operand !== undefined) command.addArgument(new Argument(wordOf(usage.operand)))
    for (const each of usage.options) command.addOption(option(each))
    command.action(async () => exit(await ACTIONS[usage.name](command, io)))
  }
  return program
}

function argument(usage: ArgumentUsage): Argument {
  return new Argument(wordOf(usage)).choices(usage.choices.map((choice) => choice.name))
}

function option(usage: OptionUsage): Option {
  const made = new Option(flagsOf(usage), usage.about)
  const parser = usage.value && PARSERS[usage.value.kind]
  if (parser !== undefined) made.argParser(parser)
  if (usage.default !== undefined) made.default(usage.default)
  return usage.conflicts === undefined ? made : made.conflicts(usage.conflicts)
}

const PARSERS: Readonly<Partial<Record<ValueKind, (text: string) => number>>> = {
  seconds(text) {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
    if (value >= 0.1 && value <= 86_400) return value
    throw new InvalidArgumentError('Use a number of seconds from 0.1 to 86400.')
  },
  port(text) {
    const value = /^\d{1,5}$/.test(text) ? Number(text) : NaN
    if (value <= 65_535) return value
    throw new InvalidArgumentError('Use a port number from 0 to 65535.')
  },
}

/** Returns the argument of a command that requires one. */
function argumentOf(command: Command): string {
  return command.args[0] ?? ''
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
