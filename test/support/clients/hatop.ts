import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TempDir } from '../files/temp.ts'
import { until } from '../until.ts'

/** Debian's hatop on a terminal of tmux, whose screen can be read and whose keys can be pressed. */
export class Hatop implements AsyncDisposable {
  readonly #dir = TempDir.create('hatop')

  /** Starts it on an admin socket and waits until it shows something. */
  static async start(socketPath: string): Promise<Hatop> {
    const hatop = new Hatop()
    try {
      // Every second, which is as often as it can.
      const command = `hatop -s '${socketPath}' -i 1 2>${hatop.#errorFile}; echo "$?" >${hatop.#exitFile}`
      hatop.#tmux('new-session', '-d', '-x', '120', '-y', '40', command)
      await hatop.until('it shows the services', /NAME +W STATUS/)
    } catch (error) {
      await hatop.stop()
      throw error
    }
    return hatop
  }

  get screen(): string {
    return this.#tmux('capture-pane', '-p')
  }

  /** Returns the row of a server, a frontend or a backend as words; empty: there is none. */
  row(proxy: string, service: string): readonly string[] {
    const [, section = ''] = this.screen.split(`>>> ${proxy}\n`)
    const line = section.split('\n').find((each) => each.startsWith(`${service} `)) ?? ''
    return line.trim().split(/ +/)
  }

  /** Waits until the screen is like this. */
  async until(what: string, pattern: RegExp): Promise<void> {
    await until(`hatop: ${what}`, () => pattern.test(this.screen), { everyMs: 50 })
  }

  /** Presses keys, by tmux's names. */
  press(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', text)
  }

  /** Moves the cursor down to a service, by the numbers of its proxy and its own. */
  async select(proxy: number, service: number): Promise<void> {
    const selected = new RegExp(`\\[#${proxy}/#${service}\\]`)
    for (let moves = 0; moves < 20 && !selected.test(this.screen); moves++) {
      const before = this.screen
      this.press('Down')
      await until('hatop: the cursor has moved', () => this.screen !== before, { everyMs: 20 })
    }
    await this.until('the service is selected', selected)
  }

  /** Leaves it; returns its exit status and what it has written to standard error. */
  async quit(): Promise<{ readonly status: string; readonly errors: string }> {
    this.press('q')
    await until('hatop has ended', () => existsSync(this.#exitFile))
    return { status: readFileSync(this.#exitFile, 'utf8').trim(), errors: readFileSync(this.#errorFile, 'utf8') }
  }

  async stop(): Promise<void> {
    try {
      this.#tmux('kill-server')
    } catch {
      // It has ended with its last session.
    }
    await this.#dir.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get #exitFile(): string {
    return join(this.#dir.path, 'exit')
  }

  get #errorFile(): string {
    return join(this.#dir.path, 'errors')
  }

  /** Each has a tmux of its own, which ends with it. */
  #tmux(...args: readonly string[]): string {
    const own = ['-S', join(this.#dir.path, 'tmux.sock'), '-f', '/dev/null']
    return execFileSync('tmux', [...own, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }
}
