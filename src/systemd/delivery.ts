/** Delivers what is in the outbox: one message at a time, with a shell that is started again when it has ended. */
import type { Logger } from 'pino'
import { explain } from '../errors.ts'
import { inSeconds } from '../text/wording.ts'
import { lineOf, type Message } from './message.ts'
import { EMPTY, type Outbox, putBack, take } from './outbox.ts'
import { NotifyShell, type ShellOptions } from './shell.ts'

export interface DeliveryDeps extends Pick<ShellOptions, 'socket' | 'path' | 'signalGroup'> {
  readonly log: Logger
  /** A message without an answer for so long is given up. Default: 10 s. */
  readonly hangMs?: number | undefined
}

/** From a failure to the next attempt: the first time, doubled each time, and at most. Milliseconds. */
const AGAIN_MS = 100
const MOST_AGAIN_MS = 5000
/** `systemd-notify` itself waits 5 s until systemd has read the message. Milliseconds. */
const HANG_MS = 10_000
const END_MS = 1000

/**
 * Waits for the answer to each message. What comes up meanwhile is sent together, so that nothing queues up behind a systemd that is
 * busy. A failure is logged once, and so is its end.
 */
export class Delivery {
  readonly #deps: DeliveryDeps
  #outbox = EMPTY
  /** null: it has not been started, has been closed, or another one is about to be started. */
  #shell: NotifyShell | null = null
  #isOpen = false
  /** The message that has no answer yet. */
  #sent: Message | null = null
  #deadline: NodeJS.Timeout | null = null
  #isHung = false
  /** Until it runs out nothing is sent. */
  #pause: NodeJS.Timeout | null = null
  #againMs = AGAIN_MS
  #isFailing = false

  constructor(deps: DeliveryDeps) {
    this.#deps = deps
  }

  /** Starts the shell. */
  start(): void {
    this.#isOpen = true
    this.#open()
  }

  /** Changes what is to be sent. */
  put(change: (outbox: Outbox) => Outbox): void {
    this.#outbox = change(this.#outbox)
    this.#sendNext()
  }

  /** Ends the shell after the last message, at once if that takes longer than a second. Idempotent. */
  async close(): Promise<void> {
    this.#isOpen = false
    this.#answered()
    if (this.#pause !== null) clearTimeout(this.#pause)
    const shell = this.#shell
    this.#shell = null
    if (shell === null) return
    for (let next = take(this.#outbox); next !== null; next = take(next.rest)) shell.send(lineOf(next.message))
    await shell.end(END_MS)
  }

  #open(): void {
    try {
      this.#shell = NotifyShell.start({
        ...this.#deps,
        onAnswer: (failure) => (failure === null ? this.#succeeded() : this.#failed(failure)),
        onLost: (reason) => {
          this.#shell = null
          const limit = inSeconds(this.#deps.hangMs ?? HANG_MS)
          this.#failed(this.#isHung ? `systemd-notify did not end within ${limit}` : reason)
        },
      })
    } catch (error) {
      this.#failed(`sh cannot be started: ${explain(error)}`)
    }
    this.#sendNext()
  }

  #sendNext(): void {
    if (this.#shell === null || this.#sent !== null || this.#pause !== null) return
    const next = take(this.#outbox)
    if (next === null) return
    this.#outbox = next.rest
    this.#sent = next.message
    this.#deadline = setTimeout(() => this.#hangs(), this.#deps.hangMs ?? HANG_MS)
    this.#shell.send(lineOf(next.message))
  }

  #succeeded(): void {
    this.#answered()
    this.#againMs = AGAIN_MS
    if (this.#isFailing) this.#deps.log.info({ event: 'notify-resumed' }, 'systemd is notified again')
    this.#isFailing = false
    this.#sendNext()
  }

  /** Tries again after a while, with another shell if that has ended. */
  #failed(reason: string): void {
    const message = this.#answered()
    if (!this.#isOpen) return
    if (message !== null) this.#outbox = putBack(this.#outbox, message)
    if (!this.#isFailing) this.#deps.log.warn({ event: 'notify-failed' }, `systemd cannot be notified: ${reason}`)
    this.#isFailing = true
    this.#pause ??= setTimeout(() => {
      this.#pause = null
      if (this.#shell === null) this.#open()
      else this.#sendNext()
    }, this.#againMs)
    this.#againMs = Math.min(this.#againMs * 2, MOST_AGAIN_MS)
  }

  #answered(): Message | null {
    if (this.#deadline !== null) clearTimeout(this.#deadline)
    const message = this.#sent
    this.#sent = null
    this.#isHung = false
    return message
  }

  /** Has it end; `onLost` follows when it has. Another one beside it would be one more process that hangs. */
  #hangs(): void {
    this.#isHung = true
    this.#shell?.kill()
  }
}
