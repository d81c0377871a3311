import { visible } from '../../text/terminal.ts'
import type { ClusterConfig, Config, DcsConfig, ListenerConfig } from '../../config/config.ts'
import { kindOf } from '../../config/dcs/kind.ts'
import { formatBind } from '../../config/proxy/binds.ts'
import { formatSize } from '../../config/values/units.ts'
import { explain } from '../../errors.ts'
import { readLimits } from '../../process-limits.ts'
import { misfits } from '../../proxy/capacity.ts'
import { localMembers } from '../../watcher/members/local-member.ts'
import { DCS_KINDS } from '../../watcher/dcs/kinds.ts'
import type { OnlineFinding } from '../../watcher/dcs/online.ts'
import { checkFiles } from './files.ts'
import { checkListeners, type Trying } from './listeners.ts'
import { checkTemplates, describeHook, describeTemplate } from './templates.ts'
import { EXIT, type Io } from '../io.ts'
import { loadOrReport } from '../load.ts'

/** For everything that is asked online; each question has its own limit as well. */
const ONLINE_TIMEOUT_MS = 30_000

export interface CheckOptions {
  readonly config?: string
  readonly online?: boolean
  /**
   * Before a start: a template that is not right keeps only its own file from being written, and a busy port may be
   * free then.
   */
  readonly startup?: boolean
  /** Also what a reload of the running router would change. */
  readonly diff?: boolean
  /** That of the running router. */
  readonly socket?: string
}

/**
 * Runs `check`: reports what is wrong with the configuration and, with `online`, with what it points to. Changes
 * nothing.
 */
export async function check(options: CheckOptions, io: Io, trying?: Trying): Promise<number> {
  const loaded = await loadOrReport(options.config ?? null, io)
  if (loaded === null) return EXIT.usage
  const { config } = loaded
  const [files, templates, listeners] = await Promise.all([
    checkFiles(config),
    checkTemplates(config, loaded.files, io.env),
    checkListeners(config, trying, options.socket),
  ])
  const isFatal = options.startup !== true
  const passing = [files, listeners].flatMap((findings) => findings.passing ?? [])
  const lesser = [...templates.problems, ...passing]
  const problems = [...files.problems, ...listeners.problems, ...(isFatal ? lesser : [])]
  const found = [files, templates, listeners].flatMap(({ warnings }) => warnings)
  const misfit = misfits(
    config.clusters.filter(({ proxy }) => proxy.listeners.length > 0).map(({ proxy }) => proxy),
    readLimits(io.memoryLimit()),
  ).map((text) => `${text} (with the limits of this shell; a service has its own)`)
  const warnings = [...loaded.doubts, ...found, ...misfit, ...(isFatal ? [] : lesser)]
  for (const warning of [...loaded.warnings, ...warnings]) io.err(`warning: ${visible(warning)}\n`)
  for (const problem of problems) io.err(`${visible(problem)}\n`)
  if (problems.length > 0) return EXIT.usage
  io.out(`configuration is valid\n${describeClusters(config)}${describeSinks(config)}${describeAdmin(config)}`)
  for (const note of listeners.notes ?? []) io.out(line('note', note))
  const codes = [
    options.diff === true ? await (await import('./diff.ts')).showDiff(config, options.socket, io) : EXIT.ok,
    options.online === true ? await checkOnline(config, io) : EXIT.ok,
  ]
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok
}

function describeClusters({ clusters, keys }: Config): string {
  if (clusters.length > 0) return clusters.map(describe).join('')
  return keys.map(({ dcs }) => line('cluster', 'none: templates read keys alone') + describeDcs(dcs)).join('')
}

function describe({ name, scope, namespace, citusGroup, localMember, dcs, restApi, proxy }: ClusterConfig): string {
  const group = citusGroup === null ? '' : `, Citus group ${citusGroup}`
  const local = localMember === null ? '' : `, local member ${localMember}`
  const tls = restApi.insecure ? 'TLS without verification' : `CA ${restApi.caFile ?? 'of the system'}`
  const dialled = 'reached at their proxy_url if they have one, otherwise at their conn_url'
  const trusted = 'not checked before use (trust: dcs): the leader is the one that the DCS names'
  return [
    line('cluster', `${name === scope ? '' : `${name}: `}${scope} in namespace ${namespace}${group}${local}`),
    describeDcs(dcs),
    line('REST API', `of the members, with https: ${tls}${restApi.certFile === null ? '' : ', client certificate'}`),
    proxy.address === 'proxy_url' ? line('members', dialled) : '',
    proxy.trust === 'dcs' ? line('members', trusted) : '',
    proxy.listeners.length === 0 ? line('listener', 'none: the proxy is off') : '',
    ...proxy.listeners.map((listener) => line('listener', describeListener(listener))),
  ].join('')
}

function describeDcs(dcs: DcsConfig): string {
  return line('DCS', kindOf(dcs, DCS_KINDS).describe(dcs))
}

function describeListener(listener: ListenerConfig): string {
  const { name, binds, route, maxLagBytes, tags, fallback, closeFallback } = listener
  const required = Object.entries(tags).map(([key, value]) => `${key}: ${value}`)
  return [
    `${name} on ${binds.map(formatBind).join(' and ')}`,
    `route ${route}`,
    ...(maxLagBytes === null ? [] : [`at most ${formatSize(maxLagBytes)} behind`]),
    ...(required.length === 0 ? [] : [`tags {${required.join(', ')}}`]),
    ...(fallback === 'none' ? [] : [`else the ${fallback}${closeFallback ? ', until one of these is back' : ''}`]),
  ].join(', ')
}

function describeSinks({ clusters, templates, hooks, track, file }: Config): string {
  const of = (cluster: string): string => (clusters.length > 1 ? `${cluster}: ` : '')
  const lines = [
    ...templates.map((template) => line('template', describeTemplate(template, file, clusters.length > 1))),
    // A hook for every cluster is listed once for each.
    ...hooks.map((hook) => line('hook', describeHook(hook))),
    ...track.files.map(({ path, cluster, condition }) => {
      const member = condition.name === 'local-leader' ? ` ${condition.member}` : ''
      return line('track', `${of(cluster)}${path} while ${condition.name}${member}`)
    }),
  ]
  return [...new Set(lines)].join('')
}

function describeAdmin({ admin, stateDir, file }: Config): string {
  const state = stateDir === null ? '' : line('state_dir', stateDir)
  return (
    state +
    line('socket', describeSocket(admin.socket)) +
    line('HTTP', describeHttp(admin.http)) +
    line('read from', file ?? 'the environment alone (PATRONI_* variables, or PATRONI_CONFIGURATION)')
  )
}

function describeSocket({ path, mode, group }: Config['admin']['socket']): string {
  const who = group === null ? '' : `, group ${group}`
  return `${path}${who}${mode === null ? '' : `, mode 0${mode.toString(8)}`}`
}

function describeHttp({ binds, tls, tokenFile }: Config['admin']['http']): string {
  if (binds.length === 0) return 'off'
  const acts = tokenFile === null ? 'shows only (no admin.token_file)' : `acts with a token of ${tokenFile}`
  return `${tls === null ? '' : 'HTTPS '}on ${binds.map(formatBind).join(' and ')}, ${acts}`
}

function line(label: string, text: string): string {
  return `  ${label.padEnd(10)}${visible(text)}\n`
}

async function checkOnline(config: Config, io: Io): Promise<number> {
  const { checkOnline: askEverything } = await import('../../watcher/online.ts')
  const interrupted = new AbortController()
  const stopListening = io.onSignal(['SIGINT', 'SIGTERM'], () => interrupted.abort())
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(ONLINE_TIMEOUT_MS)])
  const findingsOf = async (cluster: ClusterConfig): Promise<readonly OnlineFinding[]> => {
    const locals = localMembers(cluster, config.track.files)
    const findings = await askEverything(cluster, signal, { locals, clusters: config.clusters })
    if (config.clusters.length === 1) return findings
    return findings.map((finding) => ({ ...finding, subject: `${cluster.name}: ${finding.subject}` }))
  }
  try {
    const { askForKeys, clustersInUse } = await import('./keys.ts')
    const asked = (await clustersInUse(config)).map(findingsOf)
    const findings = (await Promise.all([...asked, askForKeys(config, signal)])).flat()
    for (const { subject, ok, message, isDoubtful } of findings) {
      if (isDoubtful === true) io.err(`warning ${visible(subject)}: ${visible(message)}\n`)
      else if (ok) io.out(`ok      ${visible(subject)}: ${visible(message)}\n`)
      else io.err(`FAILED  ${visible(subject)}: ${visible(message)}\n`)
    }
    const wrong = findings.filter(({ ok }) => !ok)
    if (wrong.length === 0) return EXIT.ok
    return wrong.every(({ isAway }) => isAway) ? EXIT.failed : EXIT.usage
  } catch (error) {
    if (!signal.aborted) throw error
    const why = interrupted.signal.aborted ? 'interrupted' : `it did not end within ${ONLINE_TIMEOUT_MS / 1000} s`
    io.err(`FAILED  online: ${why}: ${visible(explain(error))}\n`)
    return EXIT.failed
  } finally {
    stopListening()
  }
}
