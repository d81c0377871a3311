/** The notes of `status` about plans, totals and track files. Pure. */
import { age, counted } from '../../text/wording.ts'
import { scheduled } from '../../watcher/view-text.ts'
import type { ClusterJson, ProxyJson } from './schema-cluster.ts'
import type { ConfigurationJson, HttpJson, TrackFileJson } from './schema.ts'
import type { Note } from './template-notes.ts'

/** Returns scheduled switchovers and pending restarts, as patronictl lists them. */
export function planNotes({ switchover: request, leader, members }: ClusterJson): readonly Note[] {
  const at = request?.scheduledAt ?? null
  const scheduledAt = at === null ? Infinity : Date.parse(at)
  const isScheduled = request?.isScheduled === true
  const switchover = isScheduled
    ? scheduled({ switchover: { leader: request.from, member: request.to, scheduledAt }, leader })
    : null
  const restarts = members.filter(({ gone, pendingRestart }) => pendingRestart && !gone).map(({ name }) => name)
  return [
    ...(switchover === null ? [] : [['Scheduled', switchover] as const]),
    ...(restarts.length === 0 ? [] : [['Restart', `pending on ${restarts.join(', ')}`] as const]),
  ]
}

/** Returns the totals, followed by the reasons for refusals and closed sessions that have occurred. */
export function totalNotes({ totals, refusals, endings }: ProxyJson): readonly Note[] {
  const { accepted, refused, closedByFailover, failedConnects, gaveUp } = totals
  const left = gaveUp === 0 ? '' : `, ${gaveUp} left unserved`
  const failed = `${counted(failedConnects, 'failed connect')} to members`
  return [
    [
      'Connections',
      `${accepted} accepted, ${refused} refused${left}, ${closedByFailover} closed by failover, ${failed}`,
    ],
    ...reasonNote('Refused', refusals),
    ...reasonNote('Closed', endings),
  ]
}

function reasonNote(label: string, counts: Readonly<Record<string, number>>): Note[] {
  const occurred = Object.entries(counts).filter(([, n]) => n > 0)
  return occurred.length === 0 ? [] : [[label, occurred.map(([reason, n]) => `${n} ${reason}`).join(', ')]]
}

/** Returns a note for each track file, files with errors first. `now`: see `templateNotes`. The texts are not escaped for a terminal. */
export function trackNotes(files: readonly TrackFileJson[], now: number): readonly Note[] {
  const sorted = files.toSorted((one, other) => Number(other.error !== null) - Number(one.error !== null))
  return sorted.map((file) => ['Track', trackText(file, now)])
}

/** Returns that the file of the configuration differs from what is in force, if it does. `now`: see `templateNotes`. */
export function configurationNotes(configuration: ConfigurationJson | null, now: number): readonly Note[] {
  if (configuration === null || configuration.differsSince === null) return []
  const { file, differsSince, problems } = configuration
  const [first] = problems
  const [subject, since] = [file ?? 'the configuration', age(now - Date.parse(differsSince))]
  if (first === undefined)
    return [['Config', `${subject} was changed ${since} ago and is not loaded: patroni-router reload`]]
  const all = problems.length === 1 ? '' : ` (${counted(problems.length, 'problem')}; patroni-router reload lists them)`
  return [
    [
      'Config',
      `${subject} DIFFERS from the running configuration, for ${since} now, and cannot be loaded: ${first}${all}`,
    ],
  ]
}

/** Returns where HTTP is, why not, and what it has refused. null: it is off, or of an older router. */
export function httpNotes(http: HttpJson | null): readonly Note[] {
  if (http === null) return []
  const { addresses, tls, fault, refusals } = http
  const where = addresses.length === 0 ? 'NOT LISTENING' : `${tls ? 'HTTPS ' : ''}on ${addresses.join(', ')}`
  const wrong = fault === null ? '' : `; ${fault}`
  const refused = Object.entries(refusals).flatMap(([reason, n]) => (n > 0 ? [`${n} ${reason}`] : []))
  return [['HTTP', `${where}${wrong}${refused.length === 0 ? '' : `; refused ${refused.join(', ')}`}`]]
}

function trackText({ path, condition, member, met, reason, since, error }: TrackFileJson, now: number): string {
  const what = member === null ? condition : `${condition} ${member}`
  const value = met === true ? '1' : met === false ? '0' : '0 (unknown)'
  const wrong = error === null ? '' : `; CANNOT BE WRITTEN: ${error}`
  return `${path}: ${value} for ${age(now - Date.parse(since))}, ${what}: ${reason}${wrong}`
}
