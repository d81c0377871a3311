import type { Io, Signal } from '../../../src/cli/io.ts'

/** An Io that records what is written, and whose signals and faults the test sends. */
export class FakeIo implements Io {
  readonly version = '1.2.3'
  readonly nodeVersion = 'v24.0.0'
  readonly pid = 4711
  readonly env: Io['env']
  readonly lost = new AbortController()
  stdout = ''
  stderr = ''
  readonly #signals = new Map<Signal, Set<(signal: Signal) => void>>()
  readonly #faults = new Set<(error: unknown) => void>()
  readonly #width: number | null

  constructor(env: Io['env'] = {}, width: number | null = null) {
    this.env = env
    this.#width = width
  }

  get outputLost(): AbortSignal {
    return this.lost.signal
  }

  columns = (): number | null => this.#width

  rows = (): number | null => (this.#width === null ? null : 24)

  memoryLimit(): number {
    return 0
  }

  monotonicUsec(): bigint {
    return 0n
  }

  onKey(): null {
    return null
  }

  out(text: string): void {
    this.stdout += text
  }

  err(text: string): void {
    this.stderr += text
  }

  onSignal(signals: readonly Signal[], handler: (signal: Signal) => void): () => void {
    const sets = signals.map((name) => {
      const set = this.#signals.get(name) ?? new Set<(signal: Signal) => void>()
      this.#signals.set(name, set.add(handler))
      return set
    })
    return () => sets.forEach((set) => set.delete(handler))
  }

  onFault(handler: (error: unknown) => void): () => void {
    this.#faults.add(handler)
    return () => this.#faults.delete(handler)
  }

  /** Of commands that are really run. */
  signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
    try {
      return process.kill(-pid, signal)
    } catch {
      return false
    }
  }

  isAlive(pid: number): boolean {
    return pid === process.pid
  }

  send(signal: Signal): void {
    for (const handler of this.#signals.get(signal) ?? []) handler(signal)
  }

  fault(error: unknown): void {
    for (const handler of this.#faults) handler(error)
  }

  /** Handlers that are still there. */
  get listening(): number {
    return [...this.#signals.values(), this.#faults].reduce((sum, set) => sum + set.size, 0)
  }
}
