/** An event as people and scripts get it. Pure. */
import { visibleJson } from '../text/terminal.ts'
import { asObject, asText, type Mapping, parseJson } from '../text/unknown-shape.ts'
import type { Kept } from './history.ts'

export interface HistoryEvent {
  /** See `Kept`. */
  readonly seq: number
  /** ISO 8601, in UTC. */
  readonly time: string
  /** As in the log; `note`: a milestone, which the log has at level `debug` only. */
  readonly level: string
  /** The stable name, which docs/operations.md lists. */
  readonly event: string
  readonly message: string
  /** Where there are several. */
  readonly cluster: string | null
  /** All others. */
  readonly fields: Mapping
}

/** Returns the event that was kept; null: it is damaged. */
export function eventOf({ seq, line }: Kept): HistoryEvent | null {
  const entry = asObject(parseJson(line))
  return entry === null ? null : fromEntry(seq, entry, entry['msg'])
}

/** Returns an event as one line of JSON, without its line end: `seq`, `time`, `level`, `event`, `message`, and its fields. */
export function eventJson({ seq, time, level, event, message, cluster, fields }: HistoryEvent): string {
  return visibleJson({ seq, time, level, event, message, ...(cluster === null ? {} : { cluster }), ...fields })
}

/** Parses what `eventJson` returns; null: it is something else. */
export function parseEventJson(text: string): HistoryEvent | null {
  const entry = asObject(parseJson(text))
  const seq = entry?.['seq']
  return entry === null || typeof seq !== 'number' ? null : fromEntry(seq, entry, entry['message'])
}

/** Returns when it was; milliseconds since the epoch. */
export function timeOf({ time }: HistoryEvent): number {
  return Date.parse(time)
}

function fromEntry(seq: number, entry: Mapping, message: unknown): HistoryEvent | null {
  const { time, level, event, cluster } = entry
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time)) || typeof level !== 'string') return null
  return {
    ...{ seq, time, level, event: asText(event) ?? '', message: typeof message === 'string' ? message : '' },
    cluster: asText(cluster),
    fields: Object.fromEntries(Object.entries(entry).filter(([key]) => !OWN.has(key))),
  }
}

const OWN: ReadonlySet<string> = new Set(['seq', 'time', 'level', 'event', 'msg', 'message', 'cluster'])
