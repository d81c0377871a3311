import { table } from '../../scripts/markdown.ts'
import { median } from '../median.ts'
import type { Result } from '../results.ts'

type Row = readonly [label: string, name: string, key: string, format: (value: number) => string]

const whole = (unit: string) => (value: number) => `${Math.round(value)}${unit}`

const ROWS: readonly Row[] = [
  ['memory of a router without a session', 'memory', 'idle', whole(' MiB')],
  ['memory per idle session', 'memory', 'session', whole(' KiB')],
  ['memory per busy session', 'memory', 'busy', whole(' KiB')],
  ['memory per held client', 'memory', 'held', whole(' KiB')],
  ['file descriptors of a router without a session', 'memory', 'idle-files', whole('')],
  ['file descriptors per session', 'memory', 'session-files', whole('')],
  ['file descriptors per held client', 'memory', 'held-files', whole('')],
  ['CPU of a router without a session', 'cpu', 'idle', (value) => `${value.toFixed(1)} % of a core`],
  ['CPU per session: connect, one query, disconnect', 'cpu', 'session', (value) => `${value.toFixed(2)} ms`],
  ['CPU per query in a session that stays', 'cpu', 'transaction', whole(' µs')],
  ['CPU per GiB of results', 'cpu', 'gigabyte', (value) => `${(value / 1000).toFixed(1)} s`],
  ['start to listening', 'start', 'etcd3-listening', whole(' ms')],
]

/** Returns the table of docs/operations.md: the medians, and only the cases that were measured. */
export function sizingSummary(results: readonly Result[]): string {
  const rows = ROWS.flatMap(([label, name, key, format]) => {
    const samples = results.filter((one) => one.case === name).flatMap((one) => one.samples[key]?.router ?? [])
    return samples.length === 0 ? [] : [[label, format(median(samples.toSorted((a, b) => a - b)))]]
  })
  return table(['resource', 'measured'], rows)
}
