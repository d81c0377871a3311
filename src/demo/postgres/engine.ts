/** PostgreSQL (PGlite) in a thread of its own: one server session for all. */
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { explain, RouterError } from '../../errors.ts'

/** It takes 2 to 6 s; a machine that swaps takes longer. Milliseconds. */
const START_TIMEOUT_MS = 120_000

/** WebAssembly's calls are on the stack of the thread: PostgreSQL's own limit (max_stack_depth) has to come first. */
const STACK_MB = 32

interface Waiting {
  readonly resolve: (answer: Buffer) => void
  readonly reject: (error: RouterError) => void
}

export class Engine {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  readonly #ready = Promise.withResolvers<undefined>()
  readonly #failed = Promise.withResolvers<RouterError>()
  #error: RouterError | null = null

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: 'ready' | Uint8Array | { readonly failed: string }) => {
      if (message === 'ready') this.#ready.resolve(undefined)
      else if (message instanceof Uint8Array) this.#waiting.shift()?.resolve(Buffer.from(message.buffer))
      else this.#fail(message.failed)
    })
    worker.on('error', (error) => this.#fail(explain(error)))
    worker.on('exit', () => this.#fail('its thread has ended'))
  }

  /** Starts PostgreSQL with an empty database. Rejects with a RouterError that says what to do. */
  static async start(signal: AbortSignal): Promise<Engine> {
    requirePglite()
    signal.throwIfAborted()
    // Next to this module, from src/ as well as from dist/.
    const file = join(import.meta.dirname, `engine-worker${extname(import.meta.filename)}`)
    const engine = new Engine(
      new Worker(file, { stdout: true, stderr: true, resourceLimits: { stackSizeMb: STACK_MB } }),
    )
    const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)])
    const onAbort = (): void => engine.#fail(`it was not ready within ${START_TIMEOUT_MS / 1000} s`)
    limit.addEventListener('abort', onAbort, { once: true })
    try {
      const failure = await Promise.race([engine.#ready.promise, engine.failed])
      signal.throwIfAborted()
      if (failure === undefined) return engine
      const message = `the demo's PostgreSQL does not start; it needs about 600 MB of memory`
      throw new RouterError('INTERNAL', message, { cause: failure })
    } catch (error) {
      await engine.close()
      throw error
    } finally {
      limit.removeEventListener('abort', onAbort)
    }
  }

  /** Resolves when PostgreSQL has ended for a reason of its own. */
  get failed(): Promise<RouterError> {
    return this.#failed.promise
  }

  /** Runs whole messages of the wire protocol, in the order of the calls, and returns the answers to them. */
  execute(messages: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#error === null) {
        this.#waiting.push({ resolve, reject })
        this.#worker.postMessage(messages)
      } else reject(this.#error)
    })
  }

  /** Fails: what the engine answers makes no sense any more. All requests reject, and `failed` resolves. */
  giveUp(reason: string): void {
    this.#fail(reason)
  }

  /** Ends it, also in the middle of a statement. */
  async close(): Promise<void> {
    // Before its thread says that it has ended, which is no failure now.
    this.#worker.removeAllListeners('exit')
    this.#refuse('it is closed')
    await this.#worker.terminate()
  }

  #fail(reason: string): void {
    this.#failed.resolve(this.#refuse(reason))
  }

  #refuse(reason: string): RouterError {
    this.#error ??= new RouterError('INTERNAL', `the demo's PostgreSQL (PGlite) has ended: ${reason}`)
    for (const { reject } of this.#waiting.splice(0)) reject(this.#error)
    return this.#error
  }
}

function requirePglite(): void {
  try {
    import.meta.resolve('@electric-sql/pglite')
  } catch (cause) {
    const message =
      'the demo needs PGlite, PostgreSQL in WebAssembly, which is not part of the package: ' +
      'install it beside patroni-router: npm install -g @electric-sql/pglite'
    throw new RouterError('INTERNAL', message, { cause })
  }
}
