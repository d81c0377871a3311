import { resolve } from 'node:path'
import { askStatus } from '../admin/client.ts'
import type { StatusJson } from '../admin/status/schema.ts'
import { visible } from '../text/terminal.ts'
import type { Config } from '../config/config.ts'
import { explain, failureOf, RouterError } from '../errors.ts'
import { Lookups } from '../names/lookups.ts'
import type { Mode, PassEvent } from '../templates/once/render-once.ts'
import { renderDiff } from './diff.ts'
import { interruptible } from './interruptible.ts'
import { EXIT, type Io } from './io.ts'
import { loadOrReport } from './load.ts'

const ASK_TIMEOUT_MS = 5000

export interface RenderOptions {
  readonly config?: string
  readonly diff?: boolean
  readonly commands: boolean
  readonly output?: string
}

/** Runs `render`: one pass over the templates, as confd's `-onetime`. */
export async function render(options: RenderOptions, io: Io): Promise<number> {
  const loaded = await loadOrReport(options.config ?? null, io)
  if (loaded === null) return EXIT.usage
  const { config, warnings } = loaded
  for (const warning of warnings) io.err(`warning: ${visible(warning)}\n`)
  if (config.templates.length === 0) {
    io.err('patroni-router: there are no templates in the configuration\n')
    return EXIT.usage
  }
  const work = async (signal: AbortSignal): Promise<number> => {
    const mode = modeOf(options)
    if (mode.kind === 'write') await refuseBesideRouter(config, io, signal)
    const isDone = await renderAll(config, mode, io, signal)
    return isDone ? EXIT.ok : EXIT.failed
  }
  return await interruptible(io, work, { note: 'interrupted' })
}

/** Renders all templates. Their modules are loaded here, so that no other command waits for them. */
async function renderAll(config: Config, mode: Mode, io: Io, signal: AbortSignal): Promise<boolean> {
  const { readClusters } = await import('./first-view.ts')
  const { keyValueSources } = await import('../watcher/dcs/create.ts')
  const { renderOnce } = await import('../templates/once/render-once.ts')
  const lookups = new Lookups()
  try {
    return await renderOnce(mode, {
      ...{ config, lookups, signal, env: io.env, pid: io.pid },
      readClusters: (names, end) => readClusters(config, names, lookups, end),
      source: (log) => keyValueSources(config.keys, lookups, log),
      signalGroup: (pid, name) => io.signalGroup(pid, name),
      isAlive: (pid) => io.isAlive(pid),
      report: (event) => show(event, mode, io),
    })
  } finally {
    lookups.close()
  }
}

function modeOf({ diff, commands, output }: RenderOptions): Mode {
  if (diff === true) return { kind: 'diff' }
  if (output !== undefined) return { kind: 'output', directory: resolve(output) }
  return { kind: 'write', runsCommands: commands }
}

/** Refuses to write beside a router that writes the same files: each would undo the work of the other. */
async function refuseBesideRouter({ templates, admin }: Config, io: Io, signal: AbortSignal): Promise<void> {
  const status = await statusOf(admin.socket.path, io, signal)
  const theirs = new Set(status?.templates?.groups.flatMap((group) => group.templates.map((each) => each.destination)))
  if (status === null || !templates.some(({ destination }) => theirs.has(destination))) return
  const message = `the router with pid ${status.pid} renders these: use --diff or --output, or send it SIGHUP`
  throw new RouterError('TEMPLATE_FAILED', message)
}

/** Returns the status of the running router; null: there is none, or it does not answer. */
async function statusOf(socket: string, io: Io, signal: AbortSignal): Promise<StatusJson | null> {
  try {
    return (await askStatus(socket, { timeoutMs: ASK_TIMEOUT_MS, signal })).status
  } catch (error) {
    signal.throwIfAborted()
    const failure = failureOf(error)
    // No router is running: that is no reason for a warning.
    if (failure !== 'missing' && failure !== 'refused')
      io.err(`warning: it is not known whether a router renders the same files: ${visible(explain(error))}\n`)
    return null
  }
}

function show(event: PassEvent, mode: Mode, io: Io): void {
  switch (event.kind) {
    case 'unchanged':
      // Between differences, which may be meant for `patch`, only they are of interest.
      if (mode.kind !== 'diff') io.out(`unchanged ${visible(event.path)}\n`)
      break
    case 'written':
      io.out(`written ${visible(event.path)}\n`)
      break
    case 'kept': {
      const line = `kept ${visible(event.path)} (${visible(event.reason)})\n`
      if (mode.kind === 'diff') io.err(line)
      else io.out(line)
      break
    }
    case 'reloaded':
      io.out(`reloaded ${visible(event.group)}\n`)
      break
    case 'differs':
      io.out(renderDiff(event.path, event.before, event.after, isColoured(io)))
      break
    case 'differs-in':
      io.err(`${visible(event.path)}: only its ${event.attribute} would change\n`)
      break
    case 'warning':
      io.err(`warning: ${visible(event.message)}\n`)
      break
    case 'failed':
      io.err(`FAILED  ${visible(event.message)}\n${indented(event.output)}`)
      break
  }
}

/** Indents the output of a command. */
function indented(output: string): string {
  const lines = output === '' ? [] : output.split('\n')
  return lines.map((line) => `        ${visible(line)}\n`).join('')
}

/** Returns whether output may be coloured, see https://no-color.org. */
function isColoured({ columns, env }: Io): boolean {
  return columns() !== null && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}
