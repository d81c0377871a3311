import { visible } from '../admin/terminal.ts'
import type { ClusterConfig, Config, ListenerConfig } from '../config/config.ts'
import { explain } from '../errors.ts'
import { checkFiles } from './check-files.ts'
import { EXIT, type Io } from './io.ts'
import { loadOrReport } from './load.ts'

/** For everything that is asked online; each question has its own limit as well. */
const ONLINE_TIMEOUT_MS = 30_000

export interface CheckOptions {
  readonly config?: string
  readonly online?: boolean
}

/** `check`: what is wrong with the configuration and, with `online`, with what it points to. Changes nothing. */
export async function check(options: CheckOptions, io: Io): Promise<number> {
  const loaded = await loadOrReport(options.config ?? null, io)
  if (loaded === null) return EXIT.usage
  const { config } = loaded
  const { problems, warnings } = await checkFiles(config)
  for (const warning of [...loaded.warnings, ...warnings]) io.err(`warning: ${visible(warning)}\n`)
  for (const problem of problems) io.err(`${visible(problem)}\n`)
  if (problems.length > 0) return EXIT.usage
  io.out(`configuration is valid\n${config.clusters.map(describe).join('')}${describeAdmin(config)}`)
  return options.online === true ? checkOnline(config, io) : EXIT.ok
}

function describe({ scope, namespace, citusGroup, localMember, dcs, restApi, proxy }: ClusterConfig): string {
  const group = citusGroup === null ? '' : `, Citus group ${citusGroup}`
  const local = localMember === null ? '' : `, local member ${localMember}`
  const seeds = dcs.useProxies ? 'only these' : 'seeds, the others are discovered'
  const tls = restApi.insecure ? 'TLS without verification' : `CA ${restApi.caFile ?? 'of the system'}`
  return [
    line('cluster', `${scope} in namespace ${namespace}${group}${local}`),
    line('DCS', `${dcs.kind} over ${dcs.protocol} at ${dcs.endpoints.join(', ')} (${seeds})`),
    line('REST API', `of the members, with https: ${tls}${restApi.certFile === null ? '' : ', client certificate'}`),
    ...proxy.listeners.map((listener) => line('listener', describeListener(listener))),
  ].join('')
}

function describeListener({ name, host, port, route }: ListenerConfig): string {
  const address = host === null ? '*' : host.includes(':') ? `[${host}]` : host
  return `${name} on ${address}:${port}, route ${route}`
}

function describeAdmin({ admin, file }: Config): string {
  return line('socket', admin.socket.path) + line('read from', file ?? 'the environment alone')
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(10)}${visible(text)}\n`
}

async function checkOnline(config: Config, io: Io): Promise<number> {
  const { checkOnline: askEverything } = await import('../watcher/online.ts')
  const interrupted = new AbortController()
  const stopListening = io.onSignal(['SIGINT', 'SIGTERM'], () => interrupted.abort())
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(ONLINE_TIMEOUT_MS)])
  try {
    const findings = (await Promise.all(config.clusters.map((cluster) => askEverything(cluster, signal)))).flat()
    for (const { subject, ok, message } of findings) {
      if (ok) io.out(`ok      ${visible(subject)}: ${visible(message)}\n`)
      else io.err(`FAILED  ${visible(subject)}: ${visible(message)}\n`)
    }
    return findings.every(({ ok }) => ok) ? EXIT.ok : EXIT.usage
  } catch (error) {
    if (!signal.aborted) throw error
    const why = interrupted.signal.aborted ? 'interrupted' : `not done within ${ONLINE_TIMEOUT_MS / 1000} s`
    io.err(`FAILED  online: ${why}: ${visible(explain(error))}\n`)
    return EXIT.usage
  } finally {
    stopListening()
  }
}
