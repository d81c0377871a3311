import { existsSync } from 'node:fs'
import { type ReloadText, reloadText } from '../admin/reload-text.ts'
import type { ReloadJson } from '../admin/status/schema.ts'
import { DEFAULT_CONFIG_FILE } from '../config/defaults.ts'
import { visibleJson } from '../text/terminal.ts'
import { configuredSocket } from './admin-socket.ts'
import { interruptible } from './interruptible.ts'
import { EXIT, type Io } from './io.ts'
import { askRunning } from './running-router.ts'

export interface ReloadOptions {
  readonly config?: string
  readonly socket?: string
  readonly json?: boolean
}

/** Runs `reload`: has the running router load its configuration again, and shows what came of it. */
export async function reload(options: ReloadOptions, io: Io): Promise<number> {
  const work = async (signal: AbortSignal): Promise<number> => {
    const report = await ask(options, io, signal)
    if (report === null) return EXIT.usage
    if (options.json === true) io.out(`${visibleJson(report)}\n`)
    else print(reloadText(report), io)
    return exitCodeOf(report)
  }
  return await interruptible(io, work, { note: 'interrupted; a reload that was begun continues' })
}

/** Returns null where the configuration does not tell the socket: that is on standard error then. */
async function ask({ config, socket: named }: ReloadOptions, io: Io, signal: AbortSignal): Promise<ReloadJson | null> {
  const command = 'reload'
  if (named !== undefined) return askRunning({ command, socket: named, isNamed: true, file: null, signal })
  // What is wrong with the file is of no interest where the router can be asked: it finds the same.
  let said = ''
  const err = (text: string): void => void (said += text)
  const socket = await configuredSocket(config ?? null, { env: io.env, err })
  try {
    return await askRunning({ command, socket, isNamed: false, file: fileOf(config, io), signal })
  } catch (error) {
    if (socket !== null || signal.aborted) throw error
    io.err(said)
    return null
  }
}

/** Returns what names the configuration; null: nothing does, and there is no default file. */
function fileOf(config: string | undefined, { env }: Io): string | null {
  const named = config ?? env['PATRONI_ROUTER_CONFIG'] ?? ''
  if (named !== '') return named
  return existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : null
}

/** Writes the lines to standard output and standard error. */
export function print({ out, err }: ReloadText, io: Io): void {
  for (const line of err) io.err(`${line}\n`)
  for (const line of out) io.out(`${line}\n`)
}

/** Returns the exit code of a report. */
export function exitCodeOf({ outcome, refusedBy }: ReloadJson): number {
  if (outcome !== 'refused') return EXIT.ok
  return refusedBy === 'configuration' ? EXIT.usage : EXIT.failed
}
