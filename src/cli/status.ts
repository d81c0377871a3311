import { setTimeout as sleep } from 'node:timers/promises'
import { askStatus } from '../admin/client.ts'
import { renderStatus } from '../admin/status/text.ts'
import { hasPrimary } from '../admin/status/json.ts'
import type { StatusJson } from '../admin/status/schema.ts'
import { visible, visibleJson } from '../text/terminal.ts'
import { explain, RouterError } from '../errors.ts'
import { configuredSocket } from './admin-socket.ts'
import { interruptible, shownBy } from './interruptible.ts'
import { EXIT, type Io } from './io.ts'

const ASK_TIMEOUT_MS = 5000
/** Narrower than this, nothing can be shown. */
const MIN_COLUMNS = 20
const WATCH_SECONDS = 2

export interface StatusOptions {
  readonly config?: string
  readonly socket?: string
  readonly json?: boolean
  /** Of several only this one is shown, and counts. */
  readonly cluster?: string
  /** Seconds; true: as often as patronictl does. */
  readonly watch?: number | true
}

interface Answer {
  readonly text: string
  readonly code: number
}

/**
 * Runs `status`: shows the clusters as the router sees them. With `watch` until a signal or the end of the output's
 * reader.
 */
export async function status(options: StatusOptions, io: Io): Promise<number> {
  const socket = options.socket ?? (await configuredSocket(options.config ?? null, io))
  if (socket === null) return EXIT.usage
  const work = (signal: AbortSignal): Promise<number> =>
    options.watch === undefined
      ? once(socket, options, io, signal)
      : repeatedly(socket, options, options.watch === true ? WATCH_SECONDS : options.watch, io, signal)
  return await interruptible(io, work, shownBy(io))
}

async function once(socket: string, options: StatusOptions, io: Io, signal: AbortSignal): Promise<number> {
  const { text, code } = await answer(socket, options, io, signal)
  io.out(text)
  return code
}

/** Shows the status until interrupted. A router that does not answer is shown as such: it may be restarting. */
async function repeatedly(
  socket: string,
  options: StatusOptions,
  everySeconds: number,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  let code: number = EXIT.noRouter
  while (!signal.aborted) {
    const shown = await answer(socket, options, io, signal).catch((error: unknown): Answer => {
      if (signal.aborted || !isUnavailable(error)) throw error
      return { text: `${visible(explain(error))}\n`, code: EXIT.noRouter }
    })
    code = shown.code
    if (io.columns() !== null && options.json !== true) io.out(redrawn(shown.text))
    else if (code !== EXIT.noRouter) io.out(options.json === true ? shown.text : `${shown.text}\n`)
    else io.err(shown.text)
    await sleep(everySeconds * 1000, undefined, { signal }).catch(() => undefined) // Interrupted: the loop ends.
  }
  return code
}

/** Draws from the upper left corner and erases line by line, so that the screen does not flicker. */
function redrawn(text: string): string {
  return `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J`
}

async function answer(socket: string, options: StatusOptions, io: Io, signal: AbortSignal): Promise<Answer> {
  const { status: all, json: text } = await askStatus(socket, { timeoutMs: ASK_TIMEOUT_MS, signal })
  const status = options.cluster === undefined ? all : only(options.cluster, all)
  const width = Math.max(MIN_COLUMNS, io.columns() ?? Infinity)
  const json = status === all ? text : `${visibleJson(status)}\n`
  return {
    text: options.json === true ? json : renderStatus(status, width),
    code: hasPrimary(status) ? EXIT.ok : EXIT.failed,
  }
}

/** Rejects as a usage error where there is no such cluster. */
function only(name: string, status: StatusJson): StatusJson {
  const clusters = status.clusters.filter((each) => each.name === name)
  const names = status.clusters.map((each) => each.name).join(', ')
  if (clusters.length === 0) throw new RouterError('CONFIG_INVALID', `there is no cluster ${name}: there is ${names}`)
  const isIts = ({ cluster }: { readonly cluster: string }): boolean => cluster === name
  const { templates } = status
  return {
    ...status,
    clusters,
    track: status.track.filter(isIts),
    templates: templates && {
      groups: templates.groups.filter((group) => group.clusters.includes(name)),
      hooks: templates.hooks.filter(isIts),
      keys: templates.keys.filter(isIts),
    },
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof RouterError && error.code === 'ADMIN_UNAVAILABLE'
}
