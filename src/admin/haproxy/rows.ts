/** The rows of `show stat`: a frontend, a server for each member and a backend, for each listener. Pure. */
import { hostPort } from '../../address.ts'
import type { Traffic } from '../../proxy/traffic.ts'
import type { RouterStatus } from '../status.ts'
import { type CheckResult, checkOf } from './checks.ts'
import type { ColumnName, RowKind } from './columns.ts'
import { isBackup, type Section, sectionsOf, type Server, type ServerState, serversOf, stateOf } from './sections.ts'

/** What a row has; columns without a value are not there. Durations may have fractions, which the forms of `show stat` round. */
export type Values = Partial<Record<ColumnName, string | number | null>>

export interface StatRow {
  readonly kind: RowKind
  readonly section: string
  readonly sectionId: number
  /** 0 of a frontend and a backend. */
  readonly serverId: number
  readonly values: Values
  /** Of a server. */
  readonly state: ServerState | null
  /** Of a server; null also in maintenance. */
  readonly check: CheckResult | null
  /** How long the last check of a server took, also in maintenance; null: there was none. Milliseconds. */
  readonly checkTookMs: number | null
}

/** HAProxy's numbers of kinds; `show stat` takes the sum of 1 << n. */
export const KIND_NUMBERS: Readonly<Record<RowKind, number>> = { frontend: 0, backend: 1, server: 2 }

/** Returns the rows of each listener, one after the other, so that other work can be done between two of them. */
export function* rowsBySection(status: RouterStatus): Generator<readonly StatRow[]> {
  for (const section of sectionsOf(status)) yield rowsOf(section, status)
}

/** Rows that are written in one turn of the event loop. */
const BATCH = 25

/** Returns rows in batches of which none takes long to write. */
export function* batches(sections: Iterable<readonly StatRow[]>): Generator<readonly StatRow[]> {
  for (const rows of sections) for (let at = 0; at < rows.length; at += BATCH) yield rows.slice(at, at + BATCH)
}

/** Returns all rows. */
export function statRows(status: RouterStatus): readonly StatRow[] {
  return [...rowsBySection(status)].flat()
}

function rowsOf(section: Section, status: RouterStatus): readonly StatRow[] {
  const servers = serversOf(section)
  const { name, id } = section
  const whole = { section: name, sectionId: id, serverId: 0, state: null, check: null, checkTookMs: null }
  return [
    { ...whole, kind: 'frontend', values: frontend(section, status) },
    ...servers.map((server): StatRow => {
      const state = stateOf(server)
      const check = checkOf(server)
      const values = serverValues(server, state, check, status.now)
      const checkTookMs = section.checks.get(server.status.member)?.last?.tookMs ?? null
      return { kind: 'server', section: name, sectionId: id, serverId: server.id, state, check, checkTookMs, values }
    }),
    { ...whole, kind: 'backend', values: backend(section, servers, status.now) },
  ]
}

/** What has no counterpart in a router of TCP connections, and is 0 in HAProxy as well where it balances TCP. */
const NOT_COMPRESSED = { comp_in: 0, comp_out: 0, comp_byp: 0, comp_rsp: 0 } as const

function frontend(section: Section, status: RouterStatus): Values {
  const { name, id, listener } = section
  const { sessions, held, traffic, counts, fault } = listener
  const { refusals } = counts
  const current = sessions + held
  return {
    ...{ pxname: name, svname: 'FRONTEND', mode: 'tcp', pid: 1, iid: id, sid: 0, type: KIND_NUMBERS.frontend },
    status: fault?.kind === 'listen' || status.stopping ? 'STOP' : 'OPEN',
    ...{ scur: current, smax: Math.max(current, traffic.maxSessions), stot: counts.accepted },
    slim: limitOf(section, status),
    ...{ bin: traffic.bytesIn, bout: traffic.bytesOut, dreq: 0, dresp: 0, ereq: refusals.silent },
    ...{ rate: traffic.acceptRate, rate_lim: 0, rate_max: traffic.maxAcceptRate },
    ...{ conn_rate: traffic.acceptRate, conn_rate_max: traffic.maxAcceptRate, conn_tot: counts.accepted },
    ...{ dcon: refusals['connection-limit'] + refusals['process-limit'], dses: 0 },
    ...{ req_rate: 0, req_rate_max: 0, req_tot: 0, ...NOT_COMPRESSED, wrew: 0, eint: 0 },
  }
}

/** Returns how many connections it takes: the lowest limit of its own, its cluster and the router; null: there is none. */
function limitOf({ listener, maxConnections }: Section, status: RouterStatus): number | null {
  const limits = [listener.maxConnections, maxConnections, status.maxConnections].filter((limit) => limit > 0)
  return limits.length === 0 ? null : Math.min(...limits)
}

function serverValues(server: Server, state: ServerState, check: CheckResult | null, now: number): Values {
  const { section, status, member, traffic, id } = server
  const backup = isBackup(server) ? 1 : 0
  const address = member?.place ?? member?.address ?? null
  return {
    ...{ pxname: section.name, svname: status.member, mode: 'tcp', pid: 1, iid: section.id, sid: id },
    ...{ type: KIND_NUMBERS.server, status: state, weight: 1, uweight: 1, act: 1 - backup, bck: backup },
    ...{ qcur: 0, qmax: 0, ...carried(traffic, traffic?.failedDials ?? 0, now) },
    ...{ dresp: 0, eresp: 0, wretr: 0, wredis: 0, econ: traffic?.failedDials ?? 0 },
    ...{ srv_abrt: traffic?.closedByRouter ?? 0, wrew: 0, eint: 0 },
    chkfail: section.checks.get(status.member)?.failed ?? 0,
    ...{ chkdown: status.downs, lastchg: ageOf(status.since, now), downtime: seconds(status.downMs) },
    ...(check === null ? {} : checkValues(check)),
    addr: address === null ? null : hostPort(address.host, address.port),
    ...{ srv_icur: 0, idle_conn_cur: 0, safe_conn_cur: 0 },
    ...{ used_conn_cur: traffic?.sessions ?? 0, need_conn_est: traffic?.sessions ?? 0 },
  }
}

function checkValues({ status, description, httpStatus, tookMs, reason }: CheckResult): Values {
  return {
    ...{ check_status: status, check_desc: description, last_chk: reason },
    ...{ check_code: httpStatus, check_duration: tookMs },
  }
}

function backend({ name, id, listener }: Section, servers: readonly Server[], now: number): Values {
  const { held, traffic, counts } = listener
  const { refusals, endings } = counts
  const up = servers.filter((server) => stateOf(server) === 'UP')
  const backup = up.filter(isBackup).length
  const failed = counts.failedDials + refusals['hold-timeout'] + refusals['hold-limit']
  return {
    ...{ pxname: name, svname: 'BACKEND', mode: 'tcp', algo: 'roundrobin', pid: 1, iid: id, sid: 0 },
    ...{ type: KIND_NUMBERS.backend, status: up.length > 0 ? 'UP' : 'DOWN', weight: up.length, uweight: up.length },
    ...{ act: up.length - backup, bck: backup },
    ...{ qcur: held, qmax: Math.max(held, traffic.maxHeld), ...carried(traffic, counts.failedDials, now) },
    ...{ dreq: 0, dresp: 0, eresp: 0, wretr: 0, wredis: 0, econ: failed },
    ...{ cli_abrt: counts.gaveUp + endings['client-gone'] + endings['client-timeout'], wrew: 0, eint: 0 },
    srv_abrt: sum(traffic.members.map(({ closedByRouter }) => closedByRouter)),
    ...{ chkdown: listener.downs, lastchg: changedAt(servers, up, now) },
    ...NOT_COMPRESSED,
    ...{ agg_server_status: 0, agg_server_check_status: 0, agg_check_status: 0 },
  }
}

/** Returns the seconds since it is as it is: since its first server came up that still is, or its last one went down. */
function changedAt(servers: readonly Server[], up: readonly Server[], now: number): number {
  const times = (up.length > 0 ? up : servers).map(({ status }) => status.since)
  const since = up.length > 0 ? Math.min(...times) : Math.max(...times)
  return Number.isFinite(since) ? ageOf(since, now) : 0
}

/** Returns what a server or a backend has carried. `failed`: connects that did not succeed. */
function carried(traffic: Traffic | null, failed: number, now: number): Values {
  const total = traffic?.totalSessions ?? 0
  const last = traffic?.lastSessionAt ?? null
  return {
    ...{ scur: traffic?.sessions ?? 0, smax: traffic?.maxSessions ?? 0, stot: total, lbtot: total },
    ...{ bin: traffic?.bytesIn ?? 0, bout: traffic?.bytesOut ?? 0 },
    ...{ rate: traffic?.rate ?? 0, rate_max: traffic?.maxRate ?? 0 },
    lastsess: last === null ? -1 : ageOf(last, now),
    ...{ qtime: traffic?.averageHeldMs ?? 0, ctime: traffic?.averageConnectMs ?? 0, rtime: 0 },
    ...{ ttime: traffic?.averageSessionMs ?? 0, connect: total + failed, reuse: 0 },
  }
}

function ageOf(since: number, now: number): number {
  return seconds(Math.max(0, now - since))
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
