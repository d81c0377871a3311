/** `show servers state`: version 1 of HAProxy's table (management guide, 9.3). Pure. */
import { isIP } from 'node:net'
import { visible } from '../../text/terminal.ts'
import { checkOf } from './checks.ts'
import { type Section, type Server, type ServerState, serversOf, stateOf } from './sections.ts'

const HEADER =
  '1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight ' +
  'srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state ' +
  'bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr ' +
  'srv_agent_addr srv_agent_port\n'

/** Running or not. */
const OPERATIONAL: Readonly<Record<ServerState, number>> = { DOWN: 0, UP: 2, MAINT: 0, DRAIN: 2, NOLB: 3 }
/** Forced into maintenance, forced to drain. */
const ADMINISTRATIVE: Readonly<Record<ServerState, number>> = { DOWN: 0, UP: 0, MAINT: 1, DRAIN: 8, NOLB: 0 }
/** Checks are configured and enabled. */
const CHECK_STATE = 6

/** Returns the table of these sections. `now`: milliseconds since the epoch. */
export function serversState(sections: Iterable<Section>, now: number): string {
  return [HEADER, ...[...sections].flatMap((section) => serversOf(section).map((server) => line(server, now)))].join('')
}

function line(server: Server, now: number): string {
  const { section, status, member, id } = server
  const state = stateOf(server)
  const check = checkOf(server)
  const { host = null, port = 0 } = member?.address ?? {}
  const address = member?.place?.host ?? host
  const health = state === 'UP' || state === 'DRAIN' ? 1 : 0
  return `${[
    ...[section.id, word(section.name), id, word(status.member), address === null ? '-' : word(address)],
    ...[OPERATIONAL[state], ADMINISTRATIVE[state], 1, 1, Math.max(0, Math.floor((now - status.since) / 1000))],
    ...[check?.number ?? 0, check?.result ?? 0, health, CHECK_STATE, 0],
    ...[0, 0, host === null || isIP(host) !== 0 ? '-' : word(host), port],
    ...['-', 0, checkPort(member?.restUrl ?? null), '-', '-', 0],
  ].join(' ')}\n`
}

/** Returns a name as one word of the line. */
function word(name: string): string {
  return visible(name).replaceAll(' ', '_')
}

function checkPort(restUrl: string | null): number {
  if (restUrl === null || !URL.canParse(restUrl)) return 0
  const { port, protocol } = new URL(restUrl)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}
