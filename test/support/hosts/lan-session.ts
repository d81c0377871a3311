import { join } from 'node:path'
import type { Child } from '../processes/child.ts'
import type { Lan } from './lan.ts'
import { until } from '../until.ts'

const MAIN = join(import.meta.dirname, 'lan-session-main.ts')

/** A session of PostgreSQL from 10.0.0.254, which asks its server all the time who it is. Ends with its LAN. */
export class LanSession {
  readonly #child: Child
  readonly #answers: readonly string[]

  private constructor(child: Child, answers: readonly string[]) {
    this.#child = child
    this.#answers = answers
  }

  /** @param to such as `10.0.0.10:5000`; `password` is that of postgres. @throws when it is not served. */
  static async open(lan: Lan, to: string, password = ''): Promise<LanSession> {
    const answers: string[] = []
    const command = `PGPASSWORD='${password}' exec '${process.execPath}' '${MAIN}' ${to.replace(':', ' ')}`
    const child = await lan.start(`session-${to}`, command, (line) => answers.push(line))
    await child.until(`there is a session at ${to}`, () => answers.length > 0)
    return new LanSession(child, answers)
  }

  /** The member that has answered last: where there is no pooler between, all the time the same. */
  get member(): string {
    return this.#answers.at(-1) ?? ''
  }

  /** Waits for an answer to what has not been asked yet. @throws when the session ends instead. */
  async goesOn(): Promise<void> {
    const enough = this.#answers.length + 2
    await this.#child.until(`the session with ${this.member} answers`, () => this.#answers.length >= enough)
  }

  /** Ends it from here. */
  async end(): Promise<void> {
    this.#child.signalGroup('SIGTERM')
    await this.closed()
  }

  /** Waits until the other side has closed it. */
  async closed(): Promise<void> {
    await until(`the session with ${this.member} is closed`, () => !this.#child.running)
  }
}
