import { Lookups } from '../../../src/names/lookups.ts'
import type { Etcd3Config } from '../../../src/watcher/dcs/etcd3/section.ts'
import { Etcd3KeyValues } from '../../../src/watcher/dcs/etcd3/key-values.ts'
import type { KeysObservation, KeyValueSource } from '../../../src/watcher/dcs/key-values.ts'
import { until } from '../../support/until.ts'

export type SeenKeys = KeysObservation & { readonly at: number }

type Settings = {
  readonly endpoints: readonly string[]
  readonly root: string
  readonly auth?: Etcd3Config['auth']
  readonly useProxies?: boolean
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly compareMs?: number
}

/** Records everything that a source tells of the keys below a root. */
export class KeySourceObserver implements AsyncDisposable {
  readonly seen: SeenKeys[] = []
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(source: KeyValueSource, root: string) {
    this.#done = this.#observe(source, root)
  }

  /** What was told last; null while nothing was. */
  get keys(): ReadonlyMap<string, string> | null {
    return this.states.at(-1) ?? null
  }

  /** Every state in the order in which they were told, confirmations left out. */
  get states(): ReadonlyMap<string, string>[] {
    const all = this.seen.flatMap((one) => (one.type === 'keys' ? [one.keys] : []))
    return all.filter((keys, index) => keys !== all[index - 1])
  }

  get losses(): string[] {
    return this.seen.flatMap((one) => (one.type === 'lost' ? [one.error.message] : []))
  }

  /** Waits until the keys are so. */
  async until(what: string, fits: (keys: ReadonlyMap<string, string>) => boolean): Promise<void> {
    await until(what, () => this.keys !== null && fits(this.keys), { everyMs: 5 })
  }

  async lost(from = 0): Promise<string> {
    return until('they are lost', () => this.losses[from], { everyMs: 5 })
  }

  /** Resolves when the observation has ended. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #observe(source: KeyValueSource, root: string): Promise<void> {
    for await (const seen of source.observe(root, this.#stop.signal)) this.seen.push({ ...seen, at: performance.now() })
  }
}

/** Records everything that an etcd v3 tells. */
export class KeyObserver extends KeySourceObserver {
  /** What it has logged. */
  readonly lines: string[]

  constructor({
    endpoints,
    root,
    auth = null,
    useProxies = true,
    intervalMs = 300,
    // A busy machine is no loss.
    timeoutMs = 5000,
    compareMs = 60_000,
  }: Settings) {
    const files = { caFile: null, certFile: null, keyFile: null }
    const config = { kind: 'etcd3', endpoints, srv: null, protocol: 'http', useProxies, auth, ...files } as const
    const log = new LineLog()
    const lookups = new Lookups()
    super(new Etcd3KeyValues({ config, intervalMs, timeoutMs, compareMs, lookups, log }), root)
    this.lines = log.lines
  }
}

/** A log of which the messages are kept. */
export class LineLog {
  readonly lines: string[] = []
  readonly debug = this.#keep
  readonly info = this.#keep
  readonly warn = this.#keep
  readonly error = this.#keep

  get #keep() {
    return (_fields: object, message: string): void => void this.lines.push(message)
  }
}
