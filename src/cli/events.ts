import { setTimeout as sleep } from 'node:timers/promises'
import { ask, askLines, askStatus } from '../admin/client.ts'
import { explain, RouterError } from '../errors.ts'
import { eventJson, eventOf, type HistoryEvent, parseEventJson } from '../events/event.ts'
import { eventFile, readKeptEvents } from '../events/kept-events.ts'
import { isSelected, LiveNarrator, Narrator, type Selection } from '../events/narration.ts'
import { parseSince } from '../events/since.ts'
import { itemText } from '../events/text.ts'
import { visible } from '../text/terminal.ts'
import { configuredSocket } from './admin-socket.ts'
import { interruptible, shownBy } from './interruptible.ts'
import { EXIT, type Io } from './io.ts'
import { loadOrReport } from './load.ts'
import { hasColours } from './log.ts'
import { routerPlace } from '../state-dir.ts'

export interface EventsOptions {
  readonly config?: string
  readonly socket?: string
  readonly cluster?: string
  readonly since?: string
  readonly follow?: boolean
  readonly json?: boolean
}

/** For all events of a router that is busy. Milliseconds. */
const ASK_TIMEOUT_MS = 30_000
const STATUS_TIMEOUT_MS = 5000
/** Between two attempts to reach a router that is restarted. Milliseconds. */
const RETRY_MS = 500

interface Read {
  readonly events: readonly HistoryEvent[]
  /** The clusters that there are. */
  readonly clusters: readonly string[]
}

/** Runs `events`: what happened, from the running router or from what it has kept. */
export async function events(options: EventsOptions, io: Io): Promise<number> {
  const selection = selectionOf(options)
  const socket = options.socket ?? (await configuredSocket(options.config ?? null, io))
  if (socket === null) return EXIT.usage
  const work = (signal: AbortSignal): Promise<number> =>
    options.follow === true
      ? follow(socket, options, selection, io, signal)
      : once(socket, options, selection, io, signal)
  return await interruptible(io, work, shownBy(io))
}

/** Throws RouterError where the time cannot be understood. */
function selectionOf({ since: text, cluster }: EventsOptions): Selection {
  const since = text === undefined ? null : parseSince(text, Date.now())
  if (since?.ok === false) throw new RouterError('CONFIG_INVALID', `--since: ${since.message}`)
  return { since: since === null ? null : since.value, cluster: cluster ?? null }
}

async function once(
  socket: string,
  options: EventsOptions,
  selection: Selection,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  let code: number = EXIT.ok
  const read = await readAll(socket, signal).catch(async (error: unknown) => {
    const kept = isUnavailable(error) && options.socket === undefined ? await readKept(options, io) : null
    if (kept === null) throw error
    io.err(
      `patroni-router: ${visible(explain(error))}\nThese are the events that it has kept in ${visible(kept.file)}\n`,
    )
    code = EXIT.noRouter
    return kept
  })
  requireCluster(selection, read)
  io.out(options.json === true ? jsonOf(read.events, selection) : textOf(read.events, selection, hasColours(io)))
  return code
}

function jsonOf(all: readonly HistoryEvent[], selection: Selection): string {
  return all
    .filter((event) => isSelected(event, selection))
    .map((event) => `${eventJson(event)}\n`)
    .join('')
}

function textOf(all: readonly HistoryEvent[], selection: Selection, coloured: boolean): string {
  const narrator = new Narrator(selection)
  for (const event of all) narrator.take(event)
  const items = narrator.items(Date.now())
  return items.length === 0 ? 'no events\n' : items.map((item) => itemText(item, coloured)).join('')
}

async function readAll(socket: string, signal: AbortSignal): Promise<Read> {
  const answer = await ask(socket, 'show events json', { timeoutMs: ASK_TIMEOUT_MS, signal })
  const lines = answer.split('\n').filter((line) => line !== '')
  return { events: lines.map((line) => parseLine(line, socket)), clusters: await clustersOf(socket, signal) }
}

function parseLine(line: string, socket: string): HistoryEvent {
  const event = parseEventJson(line)
  if (event !== null) return event
  const message = `the process that answers on ${socket} is not a patroni-router of this version`
  throw new RouterError('ADMIN_UNAVAILABLE', message)
}

async function clustersOf(socket: string, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const { status } = await askStatus(socket, { timeoutMs: STATUS_TIMEOUT_MS, signal })
    return status.clusters.map(({ name }) => name)
  } catch {
    // Then the events alone say which clusters there are.
    return []
  }
}

/** Returns what a router of this configuration has kept; null: nothing, or the configuration is wrong, which is on standard error. */
async function readKept(options: EventsOptions, io: Io): Promise<(Read & { readonly file: string }) | null> {
  const loaded = await loadOrReport(options.config ?? null, io)
  const place = loaded === null ? null : routerPlace(loaded.config)
  if (loaded === null || place === null) return null
  const { events: kept, problems } = await readKeptEvents(place)
  for (const problem of problems) io.err(`patroni-router: ${visible(problem)}\n`)
  const clusters = loaded.config.clusters.map(({ name }) => name)
  return { events: kept.flatMap((each) => eventOf(each) ?? []), clusters, file: eventFile(place) }
}

/** Throws RouterError where there is no such cluster, and never was. */
function requireCluster({ cluster }: Selection, { events: all, clusters }: Read): void {
  const names = new Set([...clusters, ...all.flatMap((event) => event.cluster ?? [])])
  if (cluster === null || names.has(cluster)) return
  throw new RouterError('CONFIG_INVALID', `there is no cluster ${cluster}: there is ${[...names].join(', ')}`)
}

/** Shows events until interrupted. A router that does not answer is waited for: it may be restarting. */
async function follow(
  socket: string,
  options: EventsOptions,
  selection: Selection,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  if (selection.cluster !== null) await requireClusterOfRouter(selection, socket, signal)
  const narrator = new LiveNarrator(selection)
  const [coloured, isJson] = [hasColours(io), options.json === true]
  let after = 0
  let isAway = false
  let code: number = EXIT.noRouter
  const show = (event: HistoryEvent): void => {
    if (isAway) io.err('patroni-router: the router answers again\n')
    isAway = false
    code = EXIT.ok
    after = event.seq
    const items = isJson ? [] : narrator.take(event)
    const text = isJson ? jsonOf([event], selection) : items.map((item) => itemText(item, coloured)).join('')
    if (text !== '') io.out(text)
  }
  while (!signal.aborted) {
    const reason = await whyEnded(receive(socket, after, show, signal), signal)
    if (reason === null) break
    code = EXIT.noRouter
    if (!isAway) io.err(`patroni-router: ${visible(reason)}: waiting for it\n`)
    isAway = true
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined) // Interrupted: the loop ends.
  }
  return code
}

/** Throws as `requireCluster` does, unless no router answers: then that is not known yet. */
async function requireClusterOfRouter(selection: Selection, socket: string, signal: AbortSignal): Promise<void> {
  const read = await readAll(socket, signal).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error
    return null
  })
  if (read !== null) requireCluster(selection, read)
}

/** Calls `show` with each event behind number `after`, until the router closes the connection; rejects with that, or what is wrong. */
async function receive(
  socket: string,
  after: number,
  show: (event: HistoryEvent) => void,
  signal: AbortSignal,
): Promise<never> {
  for await (const line of askLines(socket, `show events json after ${after} follow`, signal))
    show(parseLine(line, socket))
  throw new RouterError('ADMIN_UNAVAILABLE', `the router on ${socket} has closed the connection`)
}

/** Returns why no router answers any more; null: it was interrupted. */
async function whyEnded(receiving: Promise<never>, signal: AbortSignal): Promise<string | null> {
  try {
    return await receiving
  } catch (error) {
    if (signal.aborted) return null
    if (!isUnavailable(error)) throw error
    return explain(error)
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof RouterError && error.code === 'ADMIN_UNAVAILABLE'
}
