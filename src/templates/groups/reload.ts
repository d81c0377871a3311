/** The reload of a group: due from the moment when a file is to be replaced until the command has succeeded. */
import type { CommandConfig } from '../../config/config.ts'
import type { Fill } from '../commands/input.ts'
import type { CommandResult } from '../commands/run-command.ts'
import type { Journal } from '../files/journal.ts'
import type { Failure } from './log-lines.ts'
import type { ReloadStatus } from '../status.ts'

export class Reload {
  readonly #command: CommandConfig
  readonly #fill: Fill
  readonly #journal: Journal
  #runs = 0
  #failures = 0
  #last: CommandResult | null = null

  /** `destination`: what the command may name. */
  constructor(command: CommandConfig, destination: string, journal: Journal) {
    this.#command = command
    this.#fill = { staged: destination, destination }
    this.#journal = journal
  }

  get due(): boolean {
    return this.#journal.reloadDue
  }

  /** Runs the command once; what has failed stays due. Never rejects. */
  async run(run: (command: CommandConfig, fill: Fill) => Promise<CommandResult>): Promise<CommandResult> {
    this.#runs++
    const result = await run(this.#command, this.#fill)
    this.#last = result
    if (result.ok) await this.#journal.done()
    else this.#failures++
    return result
  }

  get status(): ReloadStatus {
    return { pending: this.due, runs: this.#runs, failures: this.#failures, last: this.#last }
  }
}

export function reloadFailure({ outcome, output }: CommandResult): Failure {
  return {
    kind: 'failed',
    event: 'reload-failed',
    destination: null,
    reason: `the reload ${outcome}: it is tried again`,
    output,
  }
}
