/** `show sess`: a line for each session, or all that is known of one, in HAProxy's form (management guide, 9.3). Pure. */
import type { SessionStatus } from '../../proxy/status.ts'
import { visible } from '../../text/terminal.ts'

/** What is needed of the router's status to show a session. */
export interface SessionPlace {
  /** How the listener is called. */
  readonly proxy: string
  readonly proxyId: number
  /** 0: the member has gone. */
  readonly serverId: number
}

/** Returns one line. Counters of HAProxy's own tasks and flags, which the router does not have, are 0. */
export function sessionLine(session: SessionStatus, { proxy }: SessionPlace, now: number): string {
  const { id, member, since } = session
  const buffer = '[f=0h,i=0,an=00h,rx=,wx=,ax=]'
  const where = `proto=${protocolOf(session)} src=${sourceOf(session)} fe=${proxy} be=${proxy} srv=${member}`
  const tasks = `ts=00 epoch=0 age=${humanTime(now - since)} calls=0 rate=0 cpu=0 lat=0`
  const ends = `rq${buffer} rp${buffer} scf=[8,0h,fd=-1] scb=[8,1h,fd=-1] exp= rc=0 c_exp=`
  return `${visible(`${id}: ${where} ${tasks} ${ends}`)}\n`
}

/** Returns the lines of one session. */
export function sessionDetails(session: SessionStatus, place: SessionPlace, now: number): string {
  const { id, member, server, since, bytesIn, bytesOut } = session
  const { proxy, proxyId, serverId } = place
  return [
    `${id}: [${dateOf(since)}] id=${Number(id)} proto=${protocolOf(session)} source=${sourceOf(session)}`,
    `  frontend=${proxy} (id=${proxyId} mode=tcp), listener=? (id=1)`,
    `  backend=${proxy} (id=${proxyId} mode=tcp)`,
    `  server=${member} (id=${serverId}) addr=${server}`,
    `  task=(age=${humanTime(now - since)})`,
    `  req=(total=${bytesIn})`,
    `  res=(total=${bytesOut})`,
  ]
    .map((line) => `${visible(line)}\n`)
    .join('')
}

function protocolOf({ client }: SessionStatus): string {
  return client.startsWith('/') ? 'unix_stream' : client.startsWith('[') ? 'tcpv6' : 'tcpv4'
}

/** Returns the client as HAProxy shows it: an IPv6 address has no brackets, and a Unix socket has only a number. */
function sourceOf({ client }: SessionStatus): string {
  return client.startsWith('/') ? 'unix:1' : client.replaceAll(/[[\]]/g, '')
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Returns `30/Nov/2026:18:09:22.711000`, in UTC like every time of the router. */
function dateOf(ms: number): string {
  const [date = '', time = ''] = new Date(ms).toISOString().slice(0, -1).split('T')
  const [year = '', month = '', day = ''] = date.split('-')
  return `${day}/${MONTHS[Number(month) - 1] ?? ''}/${year}:${time}000`
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const

/** Returns a duration in its two largest units: `1h5m`, `7s`. */
export function humanTime(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1000))
  const parts: string[] = []
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(rest / seconds)
    rest %= seconds
    if (count > 0 && parts.length < 2) parts.push(`${count}${unit}`)
  }
  if (parts.length === 0 || (rest > 0 && parts.length < 2)) parts.push(`${rest}s`)
  return parts.join('')
}
