/** Keeps the history in files of `state_dir`. Nothing that happens to them keeps the router from its work. */
import { constants } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { within } from '../clock.ts'
import { explain, failureOf } from '../errors.ts'
import { makeStateDirectory, type RouterPlace } from '../state-dir.ts'
import type { History } from './history.ts'
import { eventFile, formerEventFile, keptText, MAX_FILE_BYTES, readKeptEvents } from './kept-events.ts'

export interface EventFileOptions {
  readonly history: History
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Between a write that failed and the next; milliseconds, 10 s by default. */
  readonly retryMs?: number
  /** How long a write may take before that is reported; milliseconds, 10 s by default. */
  readonly slowMs?: number
  /** Of one file; by default what the history holds, in two files. */
  readonly maxBytes?: number
}

const RETRY_MS = 10_000
const SLOW_MS = 10_000

/** How long the reading of what earlier runs have left, and the last write, may take. Milliseconds. */
const LOAD_MS = 1000
const CLOSE_MS = 1000

/** From an event to its write: what happens together is written together. Milliseconds. */
const GATHER_MS = 50

/** How many events one write has at most. */
const BATCH = 1000

/** Never through a link, never waiting for the reader of a pipe. */
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

export class EventFile {
  readonly #options: EventFileOptions
  #place: RouterPlace | null = null
  #stop = new AbortController()
  #writing: Promise<void> = Promise.resolve()
  /** All up to this one are in the file. */
  #written = 0
  #isFailing = false

  /** Reads and writes nothing yet. */
  constructor(options: EventFileOptions) {
    this.#options = options
  }

  /**
   * Puts the events of earlier runs into the history, and keeps all that follow; null: nothing is kept. To be called once, before
   * anything reads the history. Never rejects, and waits for no file system that hangs.
   */
  async open(place: RouterPlace | null): Promise<void> {
    if (place === null) return
    const { history, log } = this.#options
    const kept = await within(readKeptEvents(place), LOAD_MS, this.#stop.signal)
    const problems = kept?.problems ?? [`${eventFile(place)} was not read within ${LOAD_MS / 1000} s`]
    const events = kept?.events ?? []
    history.restore(events)
    this.#written = events.at(-1)?.seq ?? 0
    for (const problem of problems)
      log.warn({ event: 'events-ignored', file: eventFile(place) }, `earlier events are not shown: ${problem}`)
    this.#begin(place)
  }

  /** Keeps all that the history has in another place from now on; null: nowhere. The files of the place before stay as they are. */
  reopen(place: RouterPlace | null): void {
    if (place?.dir === this.#place?.dir && place?.socket === this.#place?.socket) return
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#written = 0
    this.#isFailing = false
    this.#place = null
    if (place !== null) this.#begin(place)
  }

  /** Waits until all events are written, or that has failed once more, but for no file system that hangs. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort()
    await within(this.#writing, CLOSE_MS, new AbortController().signal)
  }

  #begin(place: RouterPlace): void {
    this.#place = place
    this.#writing = this.#write(place, this.#stop.signal)
  }

  /** Writes what is added, until `signal` aborts, and then what is left. Never rejects. */
  async #write(place: RouterPlace, signal: AbortSignal): Promise<void> {
    const { history, retryMs = RETRY_MS } = this.#options
    for (;;) {
      await history.beyond(this.#written, signal)
      await sleep(GATHER_MS, undefined, { signal }).catch(() => undefined) // What is left is written at once.
      // Another place has begun to be written.
      if (this.#place !== place) return
      const isLast = signal.aborted
      const { events } = history.after(this.#written, BATCH)
      const last = events.at(-1)
      if (last === undefined && isLast) return
      if (last === undefined) continue
      const failure = await this.#attempt(place, events.map(keptText).join(''))
      if (this.#place !== place) return
      this.#report(place, failure)
      if (failure === null) this.#written = last.seq
      else if (isLast) return
      else await sleep(retryMs, undefined, { signal }).catch(() => undefined) // One attempt more.
    }
  }

  /** Appends `text`; returns why that has failed; null: it has not. Reports when it takes long. */
  async #attempt(place: RouterPlace, text: string): Promise<string | null> {
    const { slowMs = SLOW_MS, maxBytes = MAX_FILE_BYTES } = this.#options
    const timer = setTimeout(() => {
      if (this.#place === place) this.#report(place, `the file system has not answered for ${slowMs / 1000} s`)
    }, slowMs)
    try {
      await append(place, text, maxBytes)
      return null
    } catch (error) {
      return explain(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #report(place: RouterPlace, reason: string | null): void {
    const { log } = this.#options
    const fields = { file: eventFile(place) }
    if (reason === null) {
      if (this.#isFailing) log.info({ event: 'events-saved', ...fields }, 'events can be saved again')
      this.#isFailing = false
    } else if (!this.#isFailing) {
      this.#isFailing = true
      const message = `events cannot be saved in ${fields.file}, and would be gone after a restart: ${reason}`
      log.warn({ event: 'events-not-saved', ...fields }, message)
    }
  }
}

/** Appends whole lines to the file of the newest events, which takes the place of the one before where it is full. Rejects. */
async function append(place: RouterPlace, text: string, maxBytes: number): Promise<void> {
  const path = eventFile(place)
  const bytes = Buffer.from(text)
  let file = await openFile(path)
  try {
    const size = await sizeOf(file, path)
    if (size > 0 && size + bytes.length > maxBytes) {
      await rename(path, formerEventFile(place))
      await file.close()
      file = await openFile(path)
    }
    await appendTo(file, bytes)
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, APPEND, 0o600)
  } catch (error) {
    if (failureOf(error) !== 'missing') throw error
    await makeStateDirectory(dirname(path))
    return await open(path, APPEND, 0o600)
  }
}

async function sizeOf(file: FileHandle, path: string): Promise<number> {
  const stats = await file.stat()
  if (!stats.isFile()) throw new Error(`${path} is not a file`)
  return stats.size
}

/** Appends all of it, behind a line end where another writer was killed in the middle of a line; or nothing, if it can. */
async function appendTo(file: FileHandle, bytes: Buffer): Promise<void> {
  const { size } = await file.stat()
  const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
  const isTorn = bytesRead > 0 && buffer.toString() !== '\n'
  try {
    await file.writeFile(isTorn ? Buffer.concat([Buffer.from('\n'), bytes]) : bytes)
  } catch (error) {
    // A disk that is full has room for a part of it.
    await file.truncate(size).catch(() => undefined)
    throw error
  }
}
