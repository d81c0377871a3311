/** Sends messages to systemd: Node has no Unix datagrams, and `systemd-notify` sends one message and ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { explain } from '../errors.ts'
import { USUAL_PATH } from '../usual-path.ts'
import { SEPARATOR } from './message.ts'

/**
 * Calls systemd-notify with each line, split at the separator only (`set -f`: no `*`), and answers with its exit code. `systemctl stop`
 * sends SIGTERM to every process of the unit: the shell continues, as the end is still to be sent, and ends with its input. One line, as
 * `systemctl status` shows it.
 */
const SCRIPT = [
  `exec 2>&1; trap '' HUP INT QUIT TERM; set -f; IFS='${SEPARATOR}'`,
  'while IFS= read -r line; do systemd-notify $line; echo "= $?"; done',
].join('; ')
const ANSWER = /^= (\d+)$/

export interface ShellOptions {
  readonly socket: string
  /** Where `systemd-notify` is looked for; undefined: in the usual places. */
  readonly path: string | undefined
  /** Signals a process group; false where there is none any more. Never throws. */
  readonly signalGroup: (pid: number, signal: 'SIGKILL') => boolean
  /** Is called for each line that was sent. `failure`: what `systemd-notify` has reported; null: it has sent the message. */
  readonly onAnswer: (failure: string | null) => void
  /** Is called once, when it has ended or cannot be started, unless `end` was called. */
  readonly onLost: (reason: string) => void
}

/** One process, which lives until its input ends, and so never longer than the router. */
export class NotifyShell {
  readonly #options: ShellOptions
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #said: string[] = []
  #isWanted = true

  private constructor(options: ShellOptions, child: ChildProcess) {
    this.#options = options
    this.#child = child
    this.#ended = new Promise((resolve) => {
      const lost = (reason: string): void => {
        resolve()
        if (this.#isWanted) options.onLost(reason)
        this.#isWanted = false
      }
      child.once('error', (error) => lost(`sh cannot be started: ${explain(error)}`))
      child.once('exit', (code, signal) => lost(`its shell has ended (${signal ?? `exit code ${code ?? 'unknown'}`})`))
    })
    // What is lost with a dead shell is reported by its exit.
    child.stdin?.on('error', () => undefined)
    child.stdout?.on('error', () => undefined)
    // No stream where there was no descriptor left for it.
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => this.#read(line))
  }

  /**
   * Starts one, as the leader of a session of its own, with nothing of the router's but the ends of two pipes. Throws, or calls
   * `onLost`, where that fails.
   */
  static start(options: ShellOptions): NotifyShell {
    const { socket, path = USUAL_PATH } = options
    const child = spawn('/bin/sh', ['-c', SCRIPT], {
      cwd: '/',
      env: { PATH: path, NOTIFY_SOCKET: socket },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    return new NotifyShell(options, child)
  }

  send(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Ends it at once, with the `systemd-notify` that it waits for. */
  kill(): void {
    if (this.#child.pid !== undefined) this.#options.signalGroup(this.#child.pid, 'SIGKILL')
  }

  /** Ends it after what was sent; after `timeoutMs` at once. */
  async end(timeoutMs: number): Promise<void> {
    this.#isWanted = false
    this.#child.stdin?.end()
    const over = new AbortController()
    const patience = sleep(timeoutMs, undefined, { signal: over.signal }).then(
      () => this.kill(),
      () => undefined, // It has ended in time.
    )
    await Promise.race([this.#ended, patience])
    over.abort()
  }

  #read(line: string): void {
    const [, code] = ANSWER.exec(line) ?? []
    if (code === undefined) {
      this.#said = [...this.#said.slice(-1), line]
      return
    }
    const said = this.#said.join('; ')
    this.#said = []
    this.#options.onAnswer(code === '0' ? null : said || `systemd-notify exited with ${code}`)
  }
}
