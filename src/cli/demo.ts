import { createServer } from 'node:net'
import { visible } from '../text/terminal.ts'
import { explain, failureOf, RouterError } from '../errors.ts'
import { EXIT, type Io } from './io.ts'

export interface DemoOptions {
  readonly port: number
  readonly replicaPort: number
  readonly ui: boolean
}

const HOST = '127.0.0.1'

/** Runs `demo`: a whole cluster in this process, with the router in front, until a key or a signal ends it. */
export async function demo(options: DemoOptions, io: Io): Promise<number> {
  await requirePorts([options.port, options.replicaPort])
  const quit = new AbortController()
  let fault: { readonly error: unknown } | null = null
  const failed = (error: unknown): void => {
    fault ??= { error }
    quit.abort()
  }
  // Signal handlers alone do not keep a process alive.
  const alive = setInterval(() => undefined, 2 ** 31 - 1)
  const undo = [io.onSignal(['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'], () => quit.abort()), io.onFault(failed)]
  // With or without a screen: the output has no reader any more (`| head`).
  const onLost = (): void => quit.abort()
  io.outputLost.addEventListener('abort', onLost, { once: true })
  try {
    await play(options, io, quit, failed)
  } catch (error) {
    // A start that was interrupted.
    if (!quit.signal.aborted) fault ??= { error }
  } finally {
    clearInterval(alive)
    io.outputLost.removeEventListener('abort', onLost)
    for (const each of undo) each()
  }
  return outcome(fault)
}

function outcome(fault: { readonly error: unknown } | null): number {
  if (fault !== null) throw fault.error
  return EXIT.ok
}

async function play(
  options: DemoOptions,
  io: Io,
  quit: AbortController,
  failed: (error: unknown) => void,
): Promise<void> {
  const startedAt = performance.now()
  const progress = (text: string): void => io.out(`${text}\n`)
  progress(`patroni-router demo: a PostgreSQL cluster of three, Patroni and a DCS in one process`)
  // Loaded here, so that no other command waits for it.
  const [{ Demo }, { showLive, aborted }, { hintsOf, hintLine, commandName, versionLine }, { lineOf }] =
    await Promise.all([
      import('../demo/demo.ts'),
      import('../demo/screen/live.ts'),
      import('../demo/screen/hints.ts'),
      import('../demo/events.ts'),
    ])
  const { port, replicaPort } = options
  const { version, pid } = io
  const demo = await Demo.start({ port, replicaPort, version, pid, progress, failed, signal: quit.signal })
  try {
    const [primary = 0, replicas = 0] = demo.ports
    const { socketPath, page } = demo
    const command = commandName(io.env)
    const hints = hintsOf({ primaryPort: primary, replicaPort: replicas, socketPath, page, command })
    if (options.ui) demo.events.add('cluster', versionLine(demo.cluster.serverVersion))
    if (options.ui && (await showLive({ demo, hints, terminal: io, quit }))) return
    for (const hint of hints) progress(`  ${hintLine(hint)}`)
    progress(versionLine(demo.cluster.serverVersion))
    const [first, second] = demo.cluster.members
    if (first !== undefined && second !== undefined) {
      const names = JSON.stringify({ leader: first.name, candidate: second.name })
      progress(`  curl -d '${names}' http://${HOST}:${first.ports.rest}/switchover   # as patronictl does`)
    }
    const took = ((performance.now() - startedAt) / 1000).toFixed(1)
    progress(`serving the primary on ${primary} and the replicas on ${replicas} after ${took} s; Ctrl-C ends it`)
    const unsubscribe = demo.events.subscribe((event) => progress(visible(lineOf(event))))
    await aborted(quit.signal)
    unsubscribe()
  } finally {
    await demo.close()
  }
}

/** Checks the ports before anything is loaded. Rejects with BIND_FAILED. */
async function requirePorts(ports: readonly number[]): Promise<void> {
  for (const port of ports.filter((each) => each !== 0)) {
    const problem = await tryPort(port)
    if (problem === null) continue
    const inUse = failureOf(problem) === 'in-use'
    const why = inUse ? 'something else listens there (another demo, or a router?)' : explain(problem)
    const advice =
      'choose others with --port and --replica-port, through npm: npm run demo -- --port 6000 --replica-port 6001'
    throw new RouterError('BIND_FAILED', `port ${port} of ${HOST} cannot be used: ${why}; ${advice}`)
  }
  const [primary, replicas] = ports
  if (primary === replicas && primary !== 0)
    throw new RouterError('BIND_FAILED', `--port and --replica-port are both ${primary ?? ''}: they have to differ`)
}

function tryPort(port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(null)))
  })
}
