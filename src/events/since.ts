/** From when on events are shown. Pure. */
import { bad, good, type Parsed, show } from '../config/values/parsed.ts'
import { parseDuration } from '../config/values/units.ts'

const DAY_MS = 86_400_000
const DAYS = /^(\d{1,5})d(.*)$/
/** A date, or a date and a time; without a zone it is UTC, as the times of events are. */
const INSTANT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/

/**
 * Parses how long ago (`30m`, `1h`, `2d`, `1d12h`) or when (`2026-11-20T03:00`, `2026-11-20 03:12:44Z`) to milliseconds since
 * the epoch.
 */
export function parseSince(text: string, now: number): Parsed<number> {
  const [, date, time = '00:00', zone = 'Z'] = INSTANT.exec(text) ?? []
  const at = date === undefined ? NaN : Date.parse(`${date}T${time}${zone}`)
  if (!Number.isNaN(at)) return good(at)
  const [, days = '0', rest = text] = DAYS.exec(text) ?? []
  const duration = rest === '' && text !== '' ? good(0) : parseDuration(rest)
  if (duration.ok) return good(now - Number(days) * DAY_MS - duration.value)
  return bad(`${show(text)} is neither a duration like 30m, 1h or 2d nor a time like 2026-11-20T03:00`)
}
