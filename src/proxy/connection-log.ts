/** The connection log: whether there is one at present, and where its lines go. The proxies of all clusters share it. */
import type { ConnectionLine } from './connection-line.ts'

/** What the lines are written to. */
export interface ConnectionOutput {
  readonly writeConnections: (lines: readonly ConnectionLine[]) => void
  /** Counts lines that were too many to be kept. */
  readonly addDropped: (lines: number) => void
}

export class ConnectionLog {
  readonly output: ConnectionOutput
  #isOn: boolean
  readonly #followers = new Set<() => void>()

  constructor(isOn: boolean, output: ConnectionOutput) {
    this.#isOn = isOn
    this.output = output
  }

  get isOn(): boolean {
    return this.#isOn
  }

  /** Switches it on or off for what ends from now on. */
  switch(isOn: boolean): void {
    if (isOn === this.#isOn) return
    this.#isOn = isOn
    for (const changed of this.#followers) changed()
  }

  /** Calls `changed` at each switch, until the function that is returned is called. */
  follow(changed: () => void): () => void {
    this.#followers.add(changed)
    return () => void this.#followers.delete(changed)
  }
}
