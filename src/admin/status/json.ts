/** The router's status as scripts and the client commands read it (schema.ts): field by field, so that internal names stay inside. Pure. */
import { OVERRIDE_WORDS } from '../../override.ts'
import { holdsPrimary, type ListenerStatus, type ProxyStatus } from '../../proxy/status.ts'
import type { CommandResult, GroupStatus, HookStatus, KeysStatus, TemplateStatus } from '../../templates/status.ts'
import type { TrackFileStatus } from '../../track/status.ts'
import { wordOf } from '../../watcher/view-text.ts'
import { type ClusterView, type DcsView, type PrimaryView, takesNew } from '../../watcher/view.ts'
import type { HttpStatus } from '../http/status.ts'
import type { ClusterStatus, ConfigurationStatus, RouterStatus } from '../status.ts'
import { memberJson, overrideJson } from './member-json.ts'
import type { ClusterJson, ListenerJson, ProxyJson } from './schema-cluster.ts'
import type {
  CommandJson,
  GroupJson,
  HookJson,
  HttpJson,
  KeysJson,
  ReloadJson,
  StatusJson,
  TrackFileJson,
} from './schema.ts'

/** Grows when a reader of the older format would misunderstand the newer one; a new field does not change it. */
export const STATUS_FORMAT = 2

/** Returns the answer to `show status json`. */
export function statusJson(status: RouterStatus): StatusJson {
  const { version, pid, node, startedAt, now, stopping, maxConnections, log, clusters } = status
  const { templates, track, configuration, http } = status
  return {
    format: STATUS_FORMAT,
    version,
    pid,
    node,
    startedAt: time(startedAt),
    now: time(now),
    stopping,
    maxConnections,
    log: { dropped: log.dropped },
    clusters: clusters.map(clusterJson),
    templates: templates && {
      groups: templates.groups.map(groupJson),
      hooks: templates.hooks.map(hookJson),
      keys: templates.keys.map(keysJson),
    },
    track: track.map(trackJson),
    configuration: configuration && configurationJson(configuration),
    http: http && httpJson(http),
  }
}

function configurationJson(configuration: ConfigurationStatus): NonNullable<StatusJson['configuration']> {
  const { file, loadedAt, reloads, refusals, differsSince, problems, lastReload } = configuration
  return {
    file,
    loadedAt: time(loadedAt),
    reloads,
    refusals,
    differsSince: timeOrNull(differsSince),
    problems: [...problems],
    lastReload: lastReload && reloadJson(lastReload),
  }
}

function httpJson({ addresses, isTls, fault, connections, readers, refusals }: HttpStatus): HttpJson {
  return {
    ...{ addresses: [...addresses], tls: isTls, fault, connections, eventReaders: readers },
    refusals: {
      ...{ host: refusals.host, origin: refusals.origin },
      ...{ 'no-token': refusals['no-token'], 'wrong-token': refusals['wrong-token'] },
      ...{ 'too-large': refusals['too-large'], slow: refusals.slow, 'slow-reader': refusals['slow-reader'] },
      ...{ pipelined: refusals.pipelined, malformed: refusals.malformed, tls: refusals.tls },
      ...{ 'connection-limit': refusals['connection-limit'], busy: refusals.busy },
    },
  }
}

/** Returns what came of a reload, as `reload --json` shows it too. */
export function reloadJson(report: NonNullable<ConfigurationStatus['lastReload']>): ReloadJson {
  const { at, outcome, refusedBy, file, problems, warnings, changes, endingSessions, tookMs } = report
  return {
    ...{ at: time(at), outcome, refusedBy, file },
    ...{ problems: [...problems], warnings: [...warnings], changes: [...changes], endingSessions, tookMs },
  }
}

/**
 * Returns whether every cluster has a primary, and this router accepts new connections to it; true also where there is no cluster
 * (templates of keys alone).
 */
export function hasPrimary({ stopping, clusters }: StatusJson): boolean {
  return !stopping && clusters.every((each) => takesNew(each.primary.state) && !isHeld(each))
}

/** Returns whether the proxy holds new connections to a primary that is open. */
function isHeld({ primary, proxy }: ClusterJson): boolean {
  if (proxy === null) return false
  return faultOfPrimary(proxy) !== null || (primary.override ?? null) !== null || heldListener(proxy) !== null
}

/** Returns the listener of the primary whose clients are held by request; null: there is none. */
export function heldListener(proxy: ProxyJson | null): ListenerJson | null {
  return (
    proxy?.listeners.find(({ route, heldByRequest }) => route === 'primary' && (heldByRequest ?? null) !== null) ?? null
  )
}

/** Returns the listener whose fault makes the router hold new connections to the primary; null: there is none. */
export function faultOfPrimary(proxy: ProxyJson | null): ListenerJson | null {
  return proxy?.listeners.find(holdsPrimary) ?? null
}

function clusterJson({ view, proxy, localMember, faults, counts }: ClusterStatus): ClusterJson {
  const checks = new Map(counts.members.map((each) => [each.member, each]))
  const { name, scope, namespace, citusGroup, systemId, leader, paused, standbyCluster, quorum, ttlMs, setBack } = view
  return {
    name,
    scope,
    namespace,
    citusGroup,
    systemIdentifier: systemId,
    localMember,
    dcs: dcsJson(view.dcs, counts.dcsErrors),
    leader,
    primary: primaryJson(view.primary),
    primaryChanges: counts.primaryChanges,
    members: view.members.map((member) => memberJson(member, view, checks.get(member.name))),
    ignoredKeys: view.ignoredKeys.map(({ key, reason }) => ({ key, reason })),
    paused,
    standbyCluster,
    quorumCommit: quorum,
    ttlMs,
    switchover: switchoverJson(view.switchover),
    timelineSetBack: setBack && { timeline: setBack.timeline, servedBefore: setBack.served },
    proxy: proxy && proxyJson(proxy),
    faults: faults.map(({ part, message, since }) => ({ part, message, since: time(since) })),
  }
}

const SOURCE_STATES = { never: 'unread', up: 'up', lost: 'lost' } as const

function dcsJson(dcs: DcsView, failures: number): ClusterJson['dcs'] {
  const { kind, leaderFrom, state, endpoint, readAt, since, error, errors, notices } = dcs
  return {
    kind,
    leaderFrom,
    state: SOURCE_STATES[state],
    since: time(since),
    endpoint,
    readAt: timeOrNull(readAt),
    error,
    failures,
    errors: errors.map(({ at, message }) => ({ at: time(at), message })),
    notices: notices.map(({ event, subject, message }) => ({ event, subject, message })),
  }
}

function primaryJson(primary: PrimaryView): ClusterJson['primary'] {
  const { state, member, address, place, reason, since, epoch, silences, override } = primary
  return {
    state,
    label: override !== undefined && takesNew(state) ? OVERRIDE_WORDS[override.state] : wordOf(primary),
    member,
    address: address && { host: address.host, port: address.port },
    resolvedAddress: place && { host: place.host, port: place.port },
    reason,
    since: time(since),
    epoch,
    unansweredChecks: silences,
    override: overrideJson(override),
  }
}

function switchoverJson(request: ClusterView['switchover']): ClusterJson['switchover'] {
  if (request === null) return null
  const { leader, member, scheduledAt } = request
  const isKnown = scheduledAt !== null && scheduledAt <= LAST_TIME
  return {
    from: leader,
    to: member,
    isScheduled: scheduledAt !== null,
    scheduledAt: isKnown ? time(scheduledAt) : null,
  }
}

/** Years have four digits. */
const LAST_TIME = Date.UTC(9999, 11, 31)

function proxyJson({ listeners, sessions, held, totals, refusals, endings }: ProxyStatus): ProxyJson {
  return {
    listeners: listeners.map(listenerJson),
    sessions: sessions.map(({ member, listener, sessions: open }) => ({ member, listener, sessions: open })),
    held: { connections: held.connections, oldestMs: held.oldestMs },
    totals: {
      accepted: totals.accepted,
      refused: totals.refused,
      closedByFailover: totals.fenced,
      failedConnects: totals.failedDials,
      gaveUp: totals.gaveUp,
      ...{ sessions: totals.sessions, bytesIn: totals.bytesIn, bytesOut: totals.bytesOut },
    },
    refusals: {
      'hold-timeout': refusals['hold-timeout'],
      'hold-limit': refusals['hold-limit'],
      'connection-limit': refusals['connection-limit'],
      'process-limit': refusals['process-limit'],
      silent: refusals.silent,
      shutdown: refusals.shutdown,
    },
    endings: {
      fence: endings.fence,
      'member-down': endings['member-down'],
      'member-moved': endings['member-moved'],
      'fallback-over': endings['fallback-over'],
      'client-timeout': endings['client-timeout'],
      'server-timeout': endings['server-timeout'],
      'client-gone': endings['client-gone'],
      admin: endings.admin,
      'drain-timeout': endings['drain-timeout'],
      shutdown: endings.shutdown,
    },
  }
}

function listenerJson(listener: ListenerStatus): ListenerJson {
  const { name, route, address, sessions, held, members, fallback, fault, traffic, maxConnections, heldByRequest } =
    listener
  const { totalSessions, bytesIn, bytesOut } = traffic
  const byMember = new Map(traffic.members.map((each) => [each.member, each]))
  const each = members.map(({ member, fit, reason, since }) => {
    const carried = byMember.get(member)
    return {
      ...{ member, usable: fit, reason, since: time(since) },
      sessions: carried?.sessions ?? 0,
      totalSessions: carried?.totalSessions ?? 0,
      bytesIn: carried?.bytesIn ?? 0,
      bytesOut: carried?.bytesOut ?? 0,
      failedConnects: carried?.failedDials ?? 0,
    }
  })
  return {
    ...{ name, route, address, sessions, held, maxConnections, totalSessions, bytesIn, bytesOut, fallback },
    fault: fault && { kind: fault.kind, reason: fault.reason },
    heldByRequest: heldByRequest && {
      by: heldByRequest.by,
      since: time(heldByRequest.since),
      until: time(heldByRequest.until),
    },
    members: each,
  }
}

function groupJson({ name, clusters, state, since, reason, retryAt, templates, reload }: GroupStatus): GroupJson {
  return {
    name,
    clusters: [...clusters],
    state,
    since: time(since),
    reason,
    retryAt: timeOrNull(retryAt),
    templates: templates.map(templateJson),
    reload: reload && {
      pending: reload.pending,
      runs: reload.runs,
      failures: reload.failures,
      last: commandJson(reload.last),
    },
  }
}

function templateJson(template: TemplateStatus): GroupJson['templates'][number] {
  const { source, destination, renders, writtenAt, error, checks, checkFailures, check, leftOut } = template
  return {
    source,
    destination,
    renders,
    writtenAt: timeOrNull(writtenAt),
    error,
    checks,
    checkFailures,
    check: commandJson(check),
    leftOut: leftOut.map(({ member, reason }) => ({ member, reason })),
  }
}

function hookJson({ name, cluster, state, member, running, runs, failures, last }: HookStatus): HookJson {
  return { name, cluster, primaryState: state, primaryMember: member, running, runs, failures, last: commandJson(last) }
}

function keysJson({ cluster, root, state, count, readAt, error }: KeysStatus): KeysJson {
  return { cluster, root, state: SOURCE_STATES[state], count, readAt: timeOrNull(readAt), error }
}

function trackJson({ path, cluster, when, member, holds, reason, since, error }: TrackFileStatus): TrackFileJson {
  return { path, cluster, condition: when, member, met: holds, reason, since: time(since), error }
}

function commandJson(result: CommandResult | null): CommandJson | null {
  if (result === null) return null
  const { ok, outcome, exitCode, startedAt, durationMs, output } = result
  return { ok, outcome, exitCode, startedAt: time(startedAt), durationMs, output }
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : time(ms)
}
